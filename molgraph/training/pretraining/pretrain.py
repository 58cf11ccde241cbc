"""`pretrain`: from compound libraries to an encoder folder."""

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.standardize import STANDARDIZERS
from molgraph.config.training import PretrainConfig, settings_by_name
from molgraph.errors import InputError
from molgraph.features.blocks import BLOCKS
from molgraph.features.schema import SCHEMA
from molgraph.model_folder.encoder_card import EncoderCard
from molgraph.model_folder.encoder_folder import check_encoder_target, load_encoder_card, save_encoder
from molgraph.model_folder.libraries import library_versions
from molgraph.models.frozen import EncoderWeights
from molgraph.models.precision import resolve_device, resolve_precision
from molgraph.storage.atomic import check_folder
from molgraph.training.checkpoint import Checkpoint
from molgraph.training.pretraining.corpus import Corpus, collect_corpus
from molgraph.training.pretraining.pretraining_loop import held_out_r2, train_pretrainer, vector_scaling
from molgraph.training.pretraining.pretraining_progress import PretrainListener, PretrainProgress, silent
from molgraph.training.pretraining.pretraining_targets import TARGET_BLOCKS, block_slices, target_names
from molgraph.training.pretraining.shards import ShardedCorpus, shard_corpus
from molgraph.version import __version__

#: What may be done with weights that were learned from numbers computed of structures.
LICENCE = "MIT"


def pretrain(
    libraries: Sequence[str | Path],
    *,
    output: str | Path,
    keep_out: Sequence[str | Path] = (),
    config: PretrainConfig | None = None,
    targets: str | Path | None = None,
    processes: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: PretrainListener = silent,
) -> EncoderCard:
    r"""An encoder pretrained to predict descriptors that RDKit computes, saved in the folder `output`.

    It learns the 217 descriptors (counts of fragments are among them), the 43 properties, counts of circular
    environments and of pharmacophore pairs. Labels are never looked at: a library is a list of structures.

    Args:
        libraries: What to learn from; see `molgraph.files.reader.open_records`.
        output: Encoder folder to write. While pretraining runs, what it has computed is in `<output>.pretraining`
            beside it.
        keep_out: Files whose compounds must not be seen, whatever their stereo: those that models will be evaluated on.
        config: Settings.
        targets: Folder of what is computed of the structures, some 2 kB a molecule. It is kept, and what it holds is
            used: another encoder of the same libraries begins to learn at once. None for one that goes at the end.
        processes: Processes that compute targets.
        resume: Go on where a killed run stopped; the encoder is the same as if it had not been killed.
        overwrite: Replace `output` if it exists.
        on_progress: Called now and then.

    Raises:
        InputError: A file or a setting cannot be used, or `output` exists.
        DeviceError: The device is not there.
        TrainingError: The loss is not finite, there is nothing that fits to resume from, or `targets` is of other
            structures.
        WorkerError: A worker process died.

    Example:
        >>> import tempfile
        >>> from molgraph import PretrainConfig, pretrain
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "library.smi").write_text("\n".join("C" * n + "O" for n in range(1, 41)))
        >>> config = PretrainConfig(epochs=1, held_out_fraction=0.1)
        >>> card = pretrain([folder / "library.smi"], output=folder / "encoder", config=config)
        >>> card.n_train, card.n_held_out, sorted(card.median_r2)
        (36, 4, ['descriptors', 'ecfp_counts', 'properties', 'reduced_graph'])
    """
    config = config or PretrainConfig()
    if not libraries:
        raise InputError("no library is given; name at least one file of structures")
    device = resolve_device(config.device)
    dtype = resolve_precision(config.precision, device)
    target = Path(os.path.realpath(output))
    check_encoder_target(output, overwrite=overwrite)
    work = Path(f"{target}.pretraining")
    if not resume:
        check_folder(work, work, ("targets", "state"))
        shutil.rmtree(work, ignore_errors=True)

    def collected(_what: str, count: int) -> None:
        on_progress(PretrainProgress("collect", count, None))

    def described(done: int, total: int) -> None:
        on_progress(PretrainProgress("describe", done, total))

    corpus = collect_corpus(
        libraries,
        keep_out=keep_out,
        per_library=config.per_library,
        standardizer=config.standardizer,
        seed=config.seed,
        processes=processes,
        on_progress=collected,
    )
    described_as = _description(corpus, config)
    sharded = shard_corpus(
        corpus.smiles,
        work / "targets" if targets is None else Path(targets),
        held_out_fraction=config.held_out_fraction,
        identity=described_as,
        seed=config.seed,
        processes=processes,
        on_progress=described,
    )
    settings = {f"setting {key}": str(value) for key, value in settings_by_name(config).items()}
    computed = {"device": device.type, "precision": str(dtype), **library_versions("molgraph", "torch")}
    checkpoint = Checkpoint(work / "state", {**described_as, **settings, **computed})
    model = train_pretrainer(
        sharded, config, device=device, dtype=dtype, checkpoint=checkpoint, on_progress=on_progress
    )
    r2 = held_out_r2(model, sharded, device=device, dtype=dtype)
    card = _card(corpus, [Path(str(source)).name for source in keep_out], sharded, r2, config)
    mean, scale = vector_scaling(model, sharded, device=device, dtype=dtype)
    state = {key: tensor.detach().cpu() for key, tensor in model.encoder.state_dict().items()}
    save_encoder(output, card, EncoderWeights(state, mean, scale), overwrite=overwrite)
    shutil.rmtree(work, ignore_errors=True)
    return load_encoder_card(output)


@dataclass(frozen=True)
class _R2:
    """Explained variance of the targets (R²).

    Attributes:
        by_target: Of each target.
        medians: The median target of each block.
    """

    by_target: dict[str, float | None]
    medians: dict[str, float | None]


def _rounded(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None


def _r2(values: NDArray[np.float64]) -> _R2:
    by_target = {name: _rounded(value) for name, value in zip(target_names(), values.tolist(), strict=True)}
    medians = {}
    for block, own in block_slices().items():
        known = values[own][np.isfinite(values[own])]
        medians[block] = _rounded(float(np.median(known))) if len(known) else None
    return _R2(by_target, medians)


def _description(corpus: Corpus, config: PretrainConfig) -> dict[str, str]:
    """What has to be the same for shards of an earlier run to be used."""
    return {
        "structures": hashlib.sha256("\n".join(corpus.smiles).encode()).hexdigest(),
        "targets": " ".join(BLOCKS[block].identity for block in TARGET_BLOCKS),
        "feature schema": SCHEMA.schema_hash,
        "seed": str(config.seed),
        "held_out_fraction": str(config.held_out_fraction),
    }


def _card(
    corpus: Corpus, keep_out: Sequence[str], sharded: ShardedCorpus, r2: NDArray[np.float64], config: PretrainConfig
) -> EncoderCard:
    summary = _r2(r2)
    return EncoderCard(
        molgraph_version=__version__,
        schema=SCHEMA.name,
        schema_hash=SCHEMA.schema_hash,
        standardizer=config.standardizer,
        standardizer_version=STANDARDIZERS[config.standardizer].version,
        config=config,
        corpus=corpus.libraries,
        keep_out_files=tuple(keep_out),
        kept_out=corpus.kept_out,
        n_train=sharded.n_train,
        n_held_out=sum(sharded.held_out.values()),
        blocks={block: BLOCKS[block].identity for block in TARGET_BLOCKS},
        median_r2=summary.medians,
        r2=summary.by_target,
        licence=LICENCE,
        libraries=library_versions("numpy", "rdkit", "torch"),
        files={},
    )
