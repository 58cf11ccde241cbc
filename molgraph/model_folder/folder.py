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
| `training_hashes.safetensors` | hashes of the training compounds (only in built-in models, which have no structures) |
| `reference.safetensors` | sorted predictions of reference compounds (only in built-in models) |
"""

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save as serialize_arrays
from safetensors.torch import save as serialize_tensors

from molgraph.applicability.applicability import ApplicabilityDomain
from molgraph.chem.identity import KnownCompounds
from molgraph.chem.standardize import STANDARDIZERS
from molgraph.config.learners import LEARNERS
from molgraph.errors import ModelError
from molgraph.features.blocks import BLOCKS, ENCODER
from molgraph.features.schema import SCHEMAS
from molgraph.learners.blend import BlendedEnsemble
from molgraph.model_folder.card import FORMAT_VERSION, ModelCard, card_from_dict, card_to_dict
from molgraph.model_folder.parts import (
    BLEND,
    CALIBRATION,
    DOMAIN,
    ENCODER_WEIGHTS,
    FINGERPRINTS,
    OUT_OF_FOLD,
    REFERENCE,
    STRUCTURES,
    TRAINING_HASHES,
    WEIGHTS,
    TrainingStructures,
    learner_file,
    read_calibration,
    read_domain,
    read_encoder,
    read_learners,
    read_reference,
    read_rows,
    read_structures,
    read_training_hashes,
)
from molgraph.model_folder.percentiles import ReferenceValues
from molgraph.models.frozen import EncoderWeights
from molgraph.results.labels import Labels, labels_from_arrays
from molgraph.storage.checked_folder import CARD, SealedKind, file_hashes
from molgraph.uncertainty.calibration import Calibration

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
        TRAINING_HASHES: 2**30,
        REFERENCE: 2**28,
        **{learner_file(name): 2**33 for name in LEARNERS},
    },
)
_REQUIRED = frozenset({BLEND, CALIBRATION, DOMAIN})


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
        contents[TRAINING_HASHES] = _serialize({"exact": model.known.exact, "stereo_free": model.known.stereo_free})
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
        rows = read_rows(files, card)
        calibration = read_calibration(card, files[CALIBRATION])
        return StoredModel(
            card=card,
            learners=read_learners(card, files),
            calibration=calibration,
            domain=read_domain(card, files, len(calibration.data.model)),
            fold=rows["fold"],
            labels=labels_from_arrays(rows),
            out_of_fold=rows["out_of_fold"],
            structures=read_structures(card, files, len(calibration.data.model)) if card.has_structures else None,
            encoder=read_encoder(card, files, folder),
            reference=read_reference(card, files),
            known=read_training_hashes(files),
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
