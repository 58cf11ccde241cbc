"""The model folder: `card.json` and safetensors files. Nothing in it is ever executed or unpickled.

| file | holds |
|---|---|
| `card.json` | metadata of the model, the sha256 of each file below, and its own |
| `weights.safetensors` | parameters of all members of the network; the member is the leading axis |
| `catboost.safetensors`, ... | trees or coefficients of each other learner, by its name |
| `blend.safetensors` | weights of the learners in each member, and the inverse target transforms |
| `encoder.safetensors` | the frozen encoder (left out of built-in models, which use the built-in one) |
| `calibration.safetensors` | out-of-fold predictions of the calibration rows, and parameters fitted to them |
| `domain.safetensors` | 32 latent coordinates of each training compound, its elements, hashes of its graph |
| `out_of_fold.safetensors` | fold, labels, bounds and out-of-fold predictions of the training rows (likewise) |
| `structures.json` | ids and structures of the training and calibration rows (left out with `keep_structures=False`) |
| `fingerprints.safetensors` | Morgan fingerprints of these, and of the calibration rows (likewise) |
| `known.safetensors` | hashes of the training compounds (only in built-in models, which have no structures) |
| `reference.safetensors` | sorted predictions of reference compounds (only in built-in models) |
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as serialize_arrays
from safetensors.torch import load as load_tensors
from safetensors.torch import save as serialize_tensors

from molgraph.applicability.applicability import ApplicabilityDomain, applicability_from_arrays
from molgraph.chem.identity import KnownCompounds
from molgraph.chem.standardize import STANDARDIZERS
from molgraph.config.learners import LEARNERS, TABULAR, LearnerName
from molgraph.errors import ModelError
from molgraph.features.blocks import BLOCKS, ENCODER
from molgraph.features.schema import SCHEMAS
from molgraph.learners.base import TabularModel
from molgraph.learners.blend import BlendedEnsemble
from molgraph.learners.registry import tabular_learner
from molgraph.learners.target_transforms import transforms_from_arrays
from molgraph.model_folder.card import FORMAT_VERSION, ModelCard, card_from_dict, card_to_dict
from molgraph.model_folder.encoder_folder import builtin_encoder_folder, encoder_digest, load_encoder
from molgraph.model_folder.percentiles import ReferenceValues, reference_from_arrays
from molgraph.models.encoders import encoder_width
from molgraph.models.frozen import EncoderWeights, weights_from_tensors
from molgraph.models.network import Network
from molgraph.models.network_shape import NetworkShape
from molgraph.models.weights import require_fitting
from molgraph.results.labels import Labels, labels_from_arrays
from molgraph.results.tasks import are_labels_of
from molgraph.storage.arrays import ArraySpec, checked_arrays
from molgraph.storage.checked_folder import CARD, SealedKind, file_hashes
from molgraph.storage.decode import decode_json
from molgraph.storage.decode_typed import decode
from molgraph.uncertainty.calibration import Calibration, calibration_from_arrays

WEIGHTS = "weights.safetensors"
ENCODER_WEIGHTS = "encoder.safetensors"
BLEND = "blend.safetensors"
CALIBRATION = "calibration.safetensors"
DOMAIN = "domain.safetensors"
OUT_OF_FOLD = "out_of_fold.safetensors"
STRUCTURES = "structures.json"
FINGERPRINTS = "fingerprints.safetensors"
KNOWN = "known.safetensors"
REFERENCE = "reference.safetensors"


def learner_file(name: LearnerName) -> str:
    """The file of the parameters of a learner."""
    return WEIGHTS if name == "network" else f"{name}.safetensors"


#: Bytes of a fingerprint: 2,048 bits.
FINGERPRINT_BYTES = 256

_KIND = SealedKind(
    noun="model",
    maker="molgraph train",
    remedy="train the model again",
    format_version=FORMAT_VERSION,
    max_bytes={
        CARD: 2**26,
        WEIGHTS: 2**33,
        ENCODER_WEIGHTS: 2**32,
        CALIBRATION: 2**32,
        DOMAIN: 2**32,
        OUT_OF_FOLD: 2**33,
        STRUCTURES: 2**32,
        FINGERPRINTS: 2**33,
        BLEND: 2**26,
        KNOWN: 2**30,
        REFERENCE: 2**28,
        **{learner_file(name): 2**33 for name in LEARNERS},
    },
)
#: Arrays of the B training rows: a label, its bounds and its prediction are NaN where there is none.
_ROW_ARRAYS = MappingProxyType(
    {
        "fold": ArraySpec(np.int64, "B", lowest=-2),
        "labels": ArraySpec(np.float64, "BT", may_lack=True),
        "out_of_fold": ArraySpec(np.float64, "BT", may_lack=True),
        "bounds": ArraySpec(np.float64, "2BT", may_lack=True),
    }
)
_BLEND_ARRAYS = MappingProxyType({"weights": ArraySpec(np.float64, "LMT", lowest=0.0, highest=1.0 + 1e-9)})
_HASHES = ArraySpec(np.uint64, "n", lowest=0, highest=2.0**64)
_FINGERPRINT_ARRAYS = MappingProxyType(
    {"fingerprints": ArraySpec(np.uint8, "BF"), "calibration": ArraySpec(np.uint8, "CF")}
)
_REQUIRED = frozenset({BLEND, CALIBRATION, DOMAIN})


@dataclass(frozen=True)
class TrainingStructures:
    """The compounds that a model was trained on.

    Attributes:
        ids: `[B]` identifiers.
        smiles: `[B]` standardized structures, as they were featurized.
        canonical: `[B]` their canonical SMILES, by which a compound is recognised.
        fingerprints: `[B, 256]` packed Morgan bits.
        calibration_canonical: `[n]` canonical SMILES of the calibration compounds, in the order of `Calibration.data`.
        calibration_fingerprints: `[n, 256]` their packed Morgan bits.
    """

    ids: tuple[str, ...]
    smiles: tuple[str, ...]
    canonical: tuple[str, ...]
    fingerprints: NDArray[np.uint8]
    calibration_canonical: tuple[str, ...]
    calibration_fingerprints: NDArray[np.uint8]


@dataclass(frozen=True)
class StoredModel:
    """A model folder in memory.

    Attributes:
        card: Metadata of the model.
        learners: Trained learners and their weights.
        calibration: Calibration of variances, intervals, probabilities and calls.
        domain: Applicability domain.
        fold: `[B]` member that was not trained on the row; -1 for none.
        labels: `[B, T]` labels of the training rows, and bounds of censored ones.
        out_of_fold: `[B, T]` out-of-fold predictions.
        structures: The training compounds; None if they were left out.
        encoder: Weights of the frozen encoder; None where there is none.
        reference: Predictions of reference compounds; None where there are none.
        known: Hashes of the compounds of training and calibration, for a model without structures; None where there
            are none.
    """

    card: ModelCard
    learners: BlendedEnsemble
    calibration: Calibration
    domain: ApplicabilityDomain
    fold: NDArray[np.int64]
    labels: Labels
    out_of_fold: NDArray[np.float64]
    structures: TrainingStructures | None
    encoder: EncoderWeights | None = None
    reference: ReferenceValues | None = None
    known: KnownCompounds | None = None


def check_model_target(path: str | Path, *, overwrite: bool) -> None:
    """Refuse, before any work, a folder that `save_model` would refuse after it.

    Raises:
        InputError: `path` is a file, or a folder that is not empty and may not be replaced.
    """
    _KIND.check_target(path, overwrite=overwrite)


def save_model(
    path: str | Path,
    model: StoredModel,
    *,
    overwrite: bool = False,
    with_encoder: bool = True,
) -> ModelCard:
    """Write a model folder, complete or not at all; returns the card with the file hashes.

    Args:
        path: The folder.
        model: The model.
        overwrite: Replace the folder if it exists and holds nothing but a model.
        with_encoder: Write the weights of a frozen encoder too. Without them the model needs an installation
            with the same built-in encoder.

    Raises:
        InputError: The folder exists and may not be replaced, or cannot be written.
    """
    contents = {
        BLEND: _serialize({"weights": model.learners.weights, **model.learners.transforms.to_arrays()}),
        CALIBRATION: _serialize(model.calibration.to_arrays()),
        DOMAIN: _serialize(model.domain.to_arrays()),
    }
    if len(model.fold):
        rows = {"fold": model.fold, **model.labels.to_arrays(), "out_of_fold": model.out_of_fold}
        contents[OUT_OF_FOLD] = _serialize(rows)
    if model.learners.network is not None:
        state = model.learners.network.state_dict()
        contents[WEIGHTS] = serialize_tensors({key: tensor.cpu().contiguous() for key, tensor in state.items()})
    if model.encoder is not None and with_encoder:
        contents[ENCODER_WEIGHTS] = serialize_tensors(model.encoder.to_tensors())
    contents |= {learner_file(name): _serialize(own.to_arrays()) for name, own in model.learners.tabular.items()}
    if model.structures is not None:
        s = model.structures
        texts = {"ids": s.ids, "smiles": s.smiles, "canonical": s.canonical, "calibration": s.calibration_canonical}
        contents[STRUCTURES] = json.dumps(texts).encode()
        contents[FINGERPRINTS] = _serialize({"fingerprints": s.fingerprints, "calibration": s.calibration_fingerprints})
    if model.known is not None:
        contents[KNOWN] = _serialize({"exact": model.known.exact, "stereo_free": model.known.stereo_free})
    if model.reference is not None:
        contents[REFERENCE] = _serialize(model.reference.to_arrays())
    card = replace(model.card, files=file_hashes(contents), has_structures=model.structures is not None)
    _KIND.write(path, card_to_dict(card), contents, overwrite=overwrite)
    return card


def load_card(path: str | Path) -> ModelCard:
    """The card of a model folder; the other files are not read.

    Raises:
        ModelError: There is no model folder, or its card is damaged or of another format.
    """
    folder = Path(path)
    values = _KIND.card_values(folder)
    card: ModelCard = _KIND.parsed(lambda: card_from_dict(values, source=str(folder / CARD)))
    _check_known(card, folder)
    return card


def model_hash(path: str | Path) -> str:
    """sha256 of the card, which contains the hashes of all other files: it identifies the whole model."""
    return _KIND.digest(Path(path))


def load_model(path: str | Path) -> StoredModel:
    """A model folder, checked against the hashes on its card.

    Raises:
        ModelError: There is no model folder, or it is damaged, modified, not one of molgraph, or of a newer version.
    """
    folder = Path(path)
    card = load_card(folder)
    files = {name: _KIND.verified(folder, name, digest) for name, digest in card.files.items()}
    missing = (_REQUIRED | {learner_file(name) for name in card.learners}) - files.keys()
    if missing:
        raise ModelError(f"{folder}: the card names no {', '.join(sorted(missing))}; train the model again")
    with _KIND.damage(folder, SafetensorError):
        rows = _rows(files, card)
        calibration = _calibration(card, files[CALIBRATION])
        return StoredModel(
            card=card,
            learners=_learners(card, files),
            calibration=calibration,
            domain=_domain(card, files, len(calibration.data.model)),
            fold=rows["fold"],
            labels=labels_from_arrays(rows),
            out_of_fold=rows["out_of_fold"],
            structures=_structures(card, files, len(calibration.data.model)) if card.has_structures else None,
            encoder=_encoder(card, files, folder),
            reference=_reference(card, files),
            known=_known(files),
        )


def none_if_undefined(value: float) -> float | None:
    """None for values that JSON cannot hold (NaN, infinity)."""
    return value if math.isfinite(value) else None


def _serialize(arrays: dict[str, Any]) -> bytes:
    content: bytes = serialize_arrays({key: np.ascontiguousarray(array) for key, array in arrays.items()})
    return content


def _check_known(card: ModelCard, folder: Path) -> None:
    schema = SCHEMAS.get(card.schema)
    if schema is None or schema.schema_hash != card.schema_hash:
        raise ModelError(
            f"{folder} reads feature schema {card.schema!r}, written by molgraph {card.molgraph_version!r}; "
            f"this molgraph has {', '.join(SCHEMAS)}: upgrade molgraph, or train the model again"
        )
    standardizer = STANDARDIZERS.get(card.standardizer)
    if standardizer is None or standardizer.version != card.standardizer_version:
        raise ModelError(
            f"{folder} was trained with standardizer {card.standardizer!r} version {card.standardizer_version!r}, "
            f"which this molgraph does not have: use molgraph {card.molgraph_version!r}, or train the model again"
        )
    for name in {block for learner in card.learners for block in card.config.blocks_of(learner)} - {ENCODER}:
        if card.blocks.get(name) != BLOCKS[name].identity:
            raise ModelError(
                f"{folder} reads {name} as RDKit {card.libraries.get('rdkit')!r} computes them, and the RDKit here "
                "computes others: install that version, or train the model again"
            )
    _KIND.checked_files(folder, card.files)


def _rows(files: Mapping[str, bytes], card: ModelCard) -> dict[str, NDArray[Any]]:
    """Folds, labels, bounds and out-of-fold predictions of the training rows."""
    if OUT_OF_FOLD not in files:
        if card.has_structures:
            raise ValueError(f"it has its structures and no {OUT_OF_FOLD}")
        nothing = np.empty((0, len(card.tasks)))
        return {"fold": np.empty(0, np.int64), "labels": nothing, "out_of_fold": nothing}
    arrays = load_arrays(files[OUT_OF_FOLD])
    specs = {name: spec for name, spec in _ROW_ARRAYS.items() if name in arrays or name != "bounds"}
    rows = checked_arrays(arrays, specs, {"B": card.data.rows_used, "T": len(card.tasks), "2": 2})
    if not are_labels_of([task.kind for task in card.tasks], rows["labels"]):
        raise ValueError("a class has labels other than 0 and 1")
    if rows["fold"].max(initial=-1) >= card.n_members:
        raise ValueError(f"a row belongs to the fold {rows['fold'].max()} of {card.n_members}")
    return rows


def _learners(card: ModelCard, files: Mapping[str, bytes]) -> BlendedEnsemble:
    kinds = tuple(task.kind for task in card.tasks)
    network = _network(card, files[WEIGHTS]) if "network" in card.learners else None
    tabular: dict[LearnerName, TabularModel] = {}
    for name in TABULAR:  # in the order of the shares
        if name not in card.learners:
            continue
        arrays = load_arrays(files[learner_file(name)])
        tabular[name] = tabular_learner(name).from_arrays(arrays, kinds, card.n_members)
        n_columns = _n_columns(card, name)
        if card.config.reads_network(name):
            if network is None or network.encoder is None:
                raise ValueError(f"{name} reads the embeddings of a network, and there is none")
            n_columns += network.encoder.n_out
        if not tabular[name].fits(n_columns):
            raise ValueError(f"{name} was made for other columns than the {n_columns} that it is to read")
    sizes = {"L": len(card.learners), "M": card.n_members, "T": len(kinds)}
    weights = checked_arrays(load_arrays(files[BLEND]), _BLEND_ARRAYS, sizes)["weights"]
    if not np.allclose(weights.sum(axis=0), 1.0):
        raise ValueError("the shares of the learners do not add up to 1")
    transforms = transforms_from_arrays(load_arrays(files[BLEND]), card.n_members, len(kinds))
    readers = frozenset(name for name in card.learners if card.config.reads_network(name))
    return BlendedEnsemble(network, tabular, weights, transforms, readers)


def _n_columns(card: ModelCard, learner: LearnerName) -> int:
    widths = {ENCODER: encoder_width(card.config.model)}
    return sum(widths[name] if name in widths else BLOCKS[name].n_columns for name in card.config.blocks_of(learner))


def _encoder(card: ModelCard, files: Mapping[str, bytes], folder: Path) -> EncoderWeights | None:
    """Weights of the frozen encoder: from the folder, or those of the built-in encoder."""
    if not any(ENCODER in card.config.blocks_of(name) for name in card.learners):
        return None
    if ENCODER_WEIGHTS in files:
        vocabulary = SCHEMAS[card.schema].vocabulary
        return weights_from_tensors(card.config.model, vocabulary, load_tensors(files[ENCODER_WEIGHTS]))
    builtin = builtin_encoder_folder()
    if builtin is None or encoder_digest(builtin) != card.encoder:
        raise ModelError(
            f"{folder} needs the built-in encoder of molgraph {card.molgraph_version}, and this molgraph "
            "has another; use that version, or train the model again"
        )
    return _builtin_weights(builtin, card.encoder)


@lru_cache(maxsize=1)
def _builtin_weights(folder: Path, _digest: str) -> EncoderWeights:
    """Cached for all models of a panel; `_digest` is part of the key, so that another encoder is read anew."""
    return load_encoder(folder).weights


def _network(card: ModelCard, content: bytes) -> Network:
    weights = load_tensors(content)
    # What the card asks for is compared before it is allocated: the file bounds the memory, whatever the card says.
    shape = NetworkShape(
        card.config.model,
        SCHEMAS[card.schema].vocabulary,
        tuple(task.kind for task in card.tasks),
        n_features=_n_columns(card, "network"),
        reads_graphs=card.config.encoder.tuning == "full",
        standardizes_vectors=card.config.tunes_encoder,
        uncertainty=card.config.uncertainty.method,
        loss=card.config.loss,
    )
    with torch.device("meta"):
        outline = Network(shape, card.n_members).state_dict()
    require_fitting(outline, weights)
    network = Network(shape, card.n_members)
    network.load_state_dict(weights)
    return network.eval()


def _calibration(card: ModelCard, content: bytes) -> Calibration:
    n_models = card.n_members if card.calibration.rows == "cross" else 1
    if card.calibration.n_models != n_models:
        raise ValueError(f"the calibration has {card.calibration.n_models} models, not {n_models}")
    return calibration_from_arrays(tuple(task.kind for task in card.tasks), load_arrays(content), card.calibration)


def _domain(card: ModelCard, files: Mapping[str, bytes], n_calibration: int) -> ApplicabilityDomain:
    domain = applicability_from_arrays(load_arrays(files[DOMAIN]), n_calibration)
    reads_encoder = any(ENCODER in card.config.blocks_of(name) for name in card.learners)
    width = encoder_width(card.config.model) if reads_encoder else BLOCKS["environments"].n_columns
    if len(domain.latent.centre) != width:
        raise ValueError(f"the domain is one of {len(domain.latent.centre)} numbers a compound, not of {width}")
    return domain


def _reference(card: ModelCard, files: Mapping[str, bytes]) -> ReferenceValues | None:
    if card.reference is None:
        return None
    return reference_from_arrays(load_arrays(files[REFERENCE]), len(card.tasks))


def _known(files: Mapping[str, bytes]) -> KnownCompounds | None:
    if KNOWN not in files:
        return None
    arrays = load_arrays(files[KNOWN])
    for name in ("exact", "stereo_free"):
        hashes = checked_arrays(arrays, {name: _HASHES}, {})[name]
        if (hashes[1:] <= hashes[:-1]).any():
            raise ValueError(f"{KNOWN}: {name} are not in ascending order")
    return KnownCompounds(arrays["exact"], arrays["stereo_free"])


def _structures(card: ModelCard, files: Mapping[str, bytes], n_calibration: int) -> TrainingStructures:
    text = decode_json(files[STRUCTURES])
    n_rows = card.data.rows_used
    texts = decode(dict[str, tuple[str, ...]], text, STRUCTURES)
    columns = {key: texts[key] for key in ("ids", "smiles", "canonical")}
    calibration = texts["calibration"]
    if any(len(column) != n_rows for column in columns.values()) or len(calibration) != n_calibration:
        raise ValueError(f"{STRUCTURES} does not hold {n_rows} structures, {n_calibration} of them to calibrate")
    sizes = {"B": n_rows, "C": n_calibration, "F": FINGERPRINT_BYTES}
    arrays = checked_arrays(load_arrays(files[FINGERPRINTS]), _FINGERPRINT_ARRAYS, sizes)
    return TrainingStructures(
        fingerprints=arrays["fingerprints"],
        calibration_canonical=calibration,
        calibration_fingerprints=arrays["calibration"],
        **columns,
    )
