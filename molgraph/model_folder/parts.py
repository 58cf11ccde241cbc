"""The parts of a model folder: each file is checked against the card before anything of its size is allocated.

Each function raises `ValueError`, `KeyError` or `SafetensorError` where a file and the card do not fit together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load as load_arrays
from safetensors.torch import load as load_tensors

from molgraph.applicability.applicability import ApplicabilityDomain, applicability_from_arrays
from molgraph.chem.identity import KnownCompounds
from molgraph.config.learners import TABULAR, LearnerName
from molgraph.errors import ModelError
from molgraph.features.blocks import BLOCKS, ENCODER
from molgraph.features.schema import SCHEMAS
from molgraph.learners.base import TabularModel
from molgraph.learners.blend import BlendedEnsemble
from molgraph.learners.registry import tabular_learner
from molgraph.learners.target_transforms import transforms_from_arrays
from molgraph.model_folder.card import ModelCard
from molgraph.model_folder.encoder_folder import builtin_encoder_folder, encoder_digest, load_encoder
from molgraph.model_folder.percentiles import ReferenceValues, reference_from_arrays
from molgraph.models.encoders import encoder_width
from molgraph.models.frozen import EncoderWeights, weights_from_tensors
from molgraph.models.network import Network
from molgraph.models.network_shape import NetworkShape
from molgraph.models.weights import require_fitting
from molgraph.results.tasks import are_labels_of
from molgraph.storage.arrays import ArraySpec, checked_arrays
from molgraph.storage.decode import decode_json
from molgraph.storage.decode_typed import decode
from molgraph.uncertainty.calibration import Calibration
from molgraph.uncertainty.calibration_arrays import calibration_from_arrays

WEIGHTS = "weights.safetensors"
ENCODER_WEIGHTS = "encoder.safetensors"
BLEND = "blend.safetensors"
CALIBRATION = "calibration.safetensors"
DOMAIN = "domain.safetensors"
OUT_OF_FOLD = "out_of_fold.safetensors"
STRUCTURES = "structures.json"
FINGERPRINTS = "fingerprints.safetensors"
TRAINING_HASHES = "training_hashes.safetensors"
REFERENCE = "reference.safetensors"


def learner_file(name: LearnerName) -> str:
    """The file of the parameters of a learner."""
    return WEIGHTS if name == "network" else f"{name}.safetensors"


#: Bytes of a fingerprint: 2,048 bits.
FINGERPRINT_BYTES = 256

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


def read_rows(files: Mapping[str, bytes], card: ModelCard) -> dict[str, NDArray[Any]]:
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


def read_learners(card: ModelCard, files: Mapping[str, bytes]) -> BlendedEnsemble:
    """The learners, each with the shape that the card asks for, and their shares."""
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


def read_encoder(card: ModelCard, files: Mapping[str, bytes], folder: Path) -> EncoderWeights | None:
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


def read_calibration(card: ModelCard, content: bytes) -> Calibration:
    """The calibration, with as many models as the card names."""
    n_models = card.n_members if card.calibration.rows == "cross" else 1
    if card.calibration.n_models != n_models:
        raise ValueError(f"the calibration has {card.calibration.n_models} models, not {n_models}")
    return calibration_from_arrays(tuple(task.kind for task in card.tasks), load_arrays(content), card.calibration)


def read_domain(card: ModelCard, files: Mapping[str, bytes], n_calibration: int) -> ApplicabilityDomain:
    """The applicability domain, as wide as what the model reads."""
    domain = applicability_from_arrays(load_arrays(files[DOMAIN]), n_calibration)
    reads_encoder = any(ENCODER in card.config.blocks_of(name) for name in card.learners)
    width = encoder_width(card.config.model) if reads_encoder else BLOCKS["environments"].n_columns
    if len(domain.latent.centre) != width:
        raise ValueError(f"the domain is one of {len(domain.latent.centre)} numbers a compound, not of {width}")
    return domain


def read_reference(card: ModelCard, files: Mapping[str, bytes]) -> ReferenceValues | None:
    """Predictions of reference compounds; None without any."""
    if card.reference is None:
        return None
    return reference_from_arrays(load_arrays(files[REFERENCE]), len(card.tasks))


def read_training_hashes(files: Mapping[str, bytes]) -> KnownCompounds | None:
    """Hashes of the training compounds; None without any."""
    if TRAINING_HASHES not in files:
        return None
    arrays = load_arrays(files[TRAINING_HASHES])
    for name in ("exact", "stereo_free"):
        hashes = checked_arrays(arrays, {name: _HASHES}, {})[name]
        if (hashes[1:] <= hashes[:-1]).any():
            raise ValueError(f"{TRAINING_HASHES}: {name} are not in ascending order")
    return KnownCompounds(arrays["exact"], arrays["stereo_free"])


def read_structures(card: ModelCard, files: Mapping[str, bytes], n_calibration: int) -> TrainingStructures:
    """The training compounds."""
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
