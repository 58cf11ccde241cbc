"""A corpus on the disk: shards of some thousand molecules, each with graphs and what is to be learned of them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialize_arrays

from molgraph.errors import InputError, TrainingError
from molgraph.features.featurize import featurize
from molgraph.graphs import PackedGraphs
from molgraph.parallel.ordered_map import map_in_order
from molgraph.storage.atomic import atomic_path
from molgraph.storage.decode import decode_json
from molgraph.training.pretraining.pretraining_targets import TargetScaling, fit_scaling, raw_targets, target_names

#: Molecules of a shard: half a minute of descriptors, and some 10 MB.
SHARD_ROWS = 4096

_SCALING = "scaling.safetensors"
_TRAIN, _HELD_OUT = "train", "held-out"


@dataclass(frozen=True)
class ShardedCorpus:
    """The shards of a corpus, whose molecules lie in them in random order.

    Attributes:
        folder: Where they are.
        train: Molecules of each shard to learn from, by its name.
        held_out: Those of held-out shards.
        mean_atoms: Atoms of a molecule, on average over the first shard.
    """

    folder: Path
    train: Mapping[str, int]
    held_out: Mapping[str, int]
    mean_atoms: float

    @property
    def n_train(self) -> int:
        """Molecules to learn from."""
        return sum(self.train.values())


def shard_corpus(
    smiles: Sequence[str],
    folder: Path,
    *,
    held_out_fraction: float,
    identity: Mapping[str, str],
    seed: int = 0,
    processes: int = 1,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> ShardedCorpus:
    """Shards of all structures; those that a run before has written are kept.

    Args:
        smiles: Standardized structures.
        folder: Where the shards are written.
        held_out_fraction: Fraction of the molecules that are held out for evaluation.
        identity: What has to be the same for shards that are there to be used.
        seed: Seed of the order.
        processes: Processes that share the work.
        on_progress: Called after each shard with molecules done and all molecules.

    Raises:
        InputError: The folder cannot be written or holds something else, or there are too few structures.
        TrainingError: Shards of another corpus are in the folder, or one is damaged.
    """
    n_held_out = max(1, round(held_out_fraction * len(smiles)))
    if len(smiles) - n_held_out < 1:
        raise InputError(f"{len(smiles)} structures are too few to learn from; give larger libraries")
    _make_folder(folder)
    order = np.random.default_rng(seed).permutation(len(smiles))
    jobs = [
        _Job([smiles[i] for i in rows[start : start + SHARD_ROWS].tolist()], f"{part}-{start // SHARD_ROWS:05}")
        for part, rows in ((_TRAIN, order[n_held_out:]), (_HELD_OUT, order[:n_held_out]))
        for start in range(0, len(rows), SHARD_ROWS)
    ]
    scaling, mean_atoms = _scaling(folder, jobs[0], identity)
    waiting = [job for job in jobs if not (folder / f"{job.name}.safetensors").exists()]
    done = len(smiles) - sum(len(job.smiles) for job in waiting)
    on_progress(done, len(smiles))
    write = partial(_write_shard, folder=folder, scaling=scaling)
    for n_written in map_in_order(write, waiting, processes):
        done += n_written
        on_progress(done, len(smiles))
    return ShardedCorpus(
        folder=folder,
        train={job.name: _n_rows(folder, job.name) for job in jobs if job.name.startswith(_TRAIN)},
        held_out={job.name: _n_rows(folder, job.name) for job in jobs if job.name.startswith(_HELD_OUT)},
        mean_atoms=mean_atoms,
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise InputError(f"cannot make the folder {folder} for computed targets: {error.strerror}") from error
    if names and _SCALING not in names:
        raise InputError(f"{folder} holds {names[0]!r} and no computed targets; name an empty folder, or a new one")


def load_shard(folder: Path, name: str) -> tuple[PackedGraphs, NDArray[np.int8]]:
    """Graphs and stored targets `[B, F]` of one shard.

    Raises:
        TrainingError: It is missing or damaged.
    """
    path = folder / f"{name}.safetensors"
    try:
        with safe_open(path, framework="np") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (it is no dict)
            schema = file.metadata()["schema"]
        targets = arrays["targets"]
        graphs = PackedGraphs.from_arrays(arrays, schema)
        if (targets.dtype, targets.shape) != (np.int8, (len(graphs), len(target_names()))):
            raise ValueError(f"targets are {targets.dtype} {targets.shape}")  # noqa: TRY301
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, InputError) as error:
        raise TrainingError(f"{path} is missing or damaged ({error}); delete {folder} and begin again") from error
    return graphs, targets


def _n_rows(folder: Path, name: str) -> int:
    path = folder / f"{name}.safetensors"
    try:
        with safe_open(path, framework="np") as file:
            return int(file.get_slice("targets").get_shape()[0])
    except (SafetensorError, OSError) as error:
        raise TrainingError(f"{path} is damaged ({error}); delete {folder} and begin again") from error


class _Job(NamedTuple):
    smiles: list[str]
    name: str


def _described(smiles: Sequence[str]) -> tuple[PackedGraphs, NDArray[np.float32]]:
    """Graphs and targets of the structures; one that gives no graph, which is rare, is left out."""
    graphs = featurize(smiles, standardizer="none")
    return graphs, raw_targets(graphs, [smiles[row] for row in graphs.row_index.tolist()])


def _write_shard(job: _Job, folder: Path, scaling: TargetScaling) -> int:
    graphs, raw = _described(job.smiles)
    targets = scaling.stored(raw)
    stored = {**graphs.to_arrays(), "targets": np.ascontiguousarray(targets)}
    with atomic_path(folder / f"{job.name}.safetensors") as path:
        path.write_bytes(serialize_arrays(stored, metadata={"schema": graphs.schema}))
    return len(job.smiles)


def _scaling(folder: Path, first: _Job, identity: Mapping[str, str]) -> tuple[TargetScaling, float]:
    """What the first shard gives, which is a sample of the corpus; kept, so that all shards are scaled alike."""
    path = folder / _SCALING
    if path.exists():
        return _stored_scaling(path, identity)
    graphs, raw = _described(first.smiles)
    scaling = fit_scaling(raw)
    mean_atoms = graphs.n_atoms / len(graphs)
    about = {"identity": json.dumps(dict(identity)), "mean_atoms": repr(mean_atoms)}
    with atomic_path(path) as temporary:
        temporary.write_bytes(serialize_arrays({"centre": scaling.centre, "scale": scaling.scale}, metadata=about))
    return scaling, mean_atoms


def _stored_scaling(path: Path, identity: Mapping[str, str]) -> tuple[TargetScaling, float]:
    try:
        with safe_open(path, framework="np") as file:
            about = file.metadata()
            scaling = TargetScaling(file.get_tensor("centre"), file.get_tensor("scale"))
        there, mean_atoms = decode_json(about["identity"].encode()), float(about["mean_atoms"])
    except (SafetensorError, OSError, InputError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{path} is damaged ({error}); delete {path.parent} and begin again") from error
    for key, value in identity.items():
        if there.get(key) != value:
            raise TrainingError(
                f"the shards in {path.parent} were made of another corpus: {key} was {there.get(key)} and is {value} "
                "now; use the same libraries and settings, or a new folder: "
                "begin without `resume=True`, or name another folder of targets"
            )
    return scaling, mean_atoms
