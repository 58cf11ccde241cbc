"""The model folder: `card.json` and safetensors files. Nothing in it is ever executed or unpickled.

| file | holds |
|---|---|
| `card.json` | what the model is, where it comes from, and the sha256 of each file below |
| `weights.safetensors` | parameters of all members; the member is the leading axis |
| `calibration.safetensors` | scores behind intervals and label sets |
| `out_of_fold.safetensors` | fold, labels and out-of-fold predictions of the training rows |
| `structures.json` | ids and structures of the training rows (left out with `--no-structures`) |
| `fingerprints.safetensors` | their Morgan fingerprints (likewise) |
"""

import hashlib
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load as load_tensors
from safetensors.torch import save_file as save_tensors

from molgraph.atomic import atomic_folder
from molgraph.card import FORMAT_VERSION, ModelCard, card_from_dict, card_to_dict
from molgraph.chem.standardize import STANDARDIZERS
from molgraph.errors import InputError, ModelError
from molgraph.features.schema import SCHEMAS
from molgraph.models.network import Network
from molgraph.models.vocabulary import Vocabulary
from molgraph.uncertainty.calibration import Calibration, calibration_from_arrays

CARD = "card.json"
WEIGHTS = "weights.safetensors"
CALIBRATION = "calibration.safetensors"
OUT_OF_FOLD = "out_of_fold.safetensors"
STRUCTURES = "structures.json"
FINGERPRINTS = "fingerprints.safetensors"

#: Files that a folder may hold beside its card, and the most bytes of each that are read.
_MAX_BYTES = {
    CARD: 2**26,
    WEIGHTS: 2**33,
    CALIBRATION: 2**32,
    OUT_OF_FOLD: 2**33,
    STRUCTURES: 2**32,
    FINGERPRINTS: 2**33,
}
_REQUIRED = frozenset({WEIGHTS, CALIBRATION, OUT_OF_FOLD})


@dataclass(frozen=True)
class TrainingStructures:
    """The compounds that a model was trained on.

    Attributes:
        ids: `[B]` identifiers.
        smiles: `[B]` standardized structures, as they were featurized.
        canonical: `[B]` the same as canonical SMILES, for recognising a compound.
        fingerprints: `[B, 256]` packed Morgan bits.
    """

    ids: tuple[str, ...]
    smiles: tuple[str, ...]
    canonical: tuple[str, ...]
    fingerprints: NDArray[np.uint8]


@dataclass(frozen=True)
class StoredModel:
    """A model folder in memory.

    Attributes:
        card: What the model is.
        network: All members side by side.
        calibration: What gives intervals and label sets.
        fold: `[B]` member that never saw the training row; -1 for none.
        labels: `[B, T]` labels of the training rows.
        out_of_fold: `[B, T]` predictions by members that never saw the row.
        structures: The training compounds; None if they were left out.
    """

    card: ModelCard
    network: Network
    calibration: Calibration
    fold: NDArray[np.int64]
    labels: NDArray[np.float64]
    out_of_fold: NDArray[np.float64]
    structures: TrainingStructures | None


def save_model(path: str | Path, model: StoredModel, *, existing: Literal["error", "replace"] = "error") -> ModelCard:
    """Write a model folder, complete or not at all; returns the card with the file hashes.

    Raises:
        InputError: The folder exists and is not empty, or cannot be written.
    """
    with atomic_folder(path, existing=existing) as folder:
        weights = {key: tensor.detach().cpu().contiguous() for key, tensor in model.network.state_dict().items()}
        save_tensors(weights, folder / WEIGHTS)
        save_arrays(_contiguous(model.calibration.to_arrays()), folder / CALIBRATION)
        rows = {"fold": model.fold, "labels": model.labels, "out_of_fold": model.out_of_fold}
        save_arrays(_contiguous(rows), folder / OUT_OF_FOLD)
        if model.structures is not None:
            s = model.structures
            text = {"ids": s.ids, "smiles": s.smiles, "canonical": s.canonical}
            (folder / STRUCTURES).write_text(json.dumps(text), encoding="utf-8")
            save_arrays({"fingerprints": np.ascontiguousarray(s.fingerprints)}, folder / FINGERPRINTS)
        hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}
        card = replace(model.card, files=hashes, has_structures=model.structures is not None)
        (folder / CARD).write_text(json.dumps(card_to_dict(card), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return card


def load_card(path: str | Path) -> ModelCard:
    """The card of a model folder; the other files are not looked at.

    Raises:
        ModelError: There is no model folder, or its card is damaged or of another format.
    """
    return _parse_card(_read(Path(path), CARD), Path(path))


def model_hash(path: str | Path) -> str:
    """sha256 of the card, which holds the hashes of all other files: one number for the whole model."""
    return hashlib.sha256(_read(Path(path), CARD)).hexdigest()


def load_model(path: str | Path) -> StoredModel:
    """A model folder, checked against the hashes on its card.

    Raises:
        ModelError: There is no model folder, or it is damaged, tampered with, foreign or newer.
    """
    folder = Path(path)
    card = load_card(folder)
    files = {name: _verified(folder, name, digest) for name, digest in card.files.items()}
    missing = _REQUIRED - files.keys()
    if missing:
        raise ModelError(f"{folder}: the card names no {', '.join(sorted(missing))}; train the model again")
    with _damage(folder):
        calibration = calibration_from_arrays(tuple(t.kind for t in card.tasks), load_arrays(files[CALIBRATION]))
        rows = load_arrays(files[OUT_OF_FOLD])
        return StoredModel(
            card=card,
            network=_network(card, files[WEIGHTS]),
            calibration=calibration,
            fold=rows["fold"],
            labels=rows["labels"],
            out_of_fold=rows["out_of_fold"],
            structures=_structures(files) if card.has_structures else None,
        )


def none_if_undefined(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None


def _contiguous(arrays: dict[str, Any]) -> dict[str, NDArray[Any]]:
    return {key: np.ascontiguousarray(array) for key, array in arrays.items()}


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    if not folder.is_dir():
        raise ModelError(f"{folder} is not a model folder: it {'is a file' if folder.exists() else 'does not exist'}")
    try:
        if path.stat().st_size > _MAX_BYTES[name]:
            raise ModelError(f"{path} has {path.stat().st_size} bytes; at most {_MAX_BYTES[name]} are read")
        return path.read_bytes()
    except FileNotFoundError as error:
        why = "it has no card.json" if name == CARD else f"{name} is missing; copy or train it again"
        raise ModelError(f"{folder} is not a complete model folder: {why}") from error
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error


def _parse_card(content: bytes, folder: Path) -> ModelCard:
    try:
        values = json.loads(content)
        version = values["format_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"{folder / CARD} is no model card ({type(error).__name__}): damaged or foreign") from error
    if version != FORMAT_VERSION:
        raise ModelError(
            f"{folder} has format {version!r}, written by molgraph {values.get('molgraph_version', 'unknown')!r}; "
            f"this molgraph reads format {FORMAT_VERSION}: upgrade molgraph, or train the model again"
        )
    try:
        card = card_from_dict(values, source=str(folder / CARD))
    except InputError as error:
        raise ModelError(str(error)) from error
    _check_known(card, folder)
    return card


def _check_known(card: ModelCard, folder: Path) -> None:
    schema = SCHEMAS.get(card.schema)
    if schema is None or schema.schema_hash != card.schema_hash:
        raise ModelError(
            f"{folder} reads feature schema {card.schema!r}, written by molgraph {card.molgraph_version}; "
            f"this molgraph has {', '.join(SCHEMAS)}: upgrade molgraph, or train the model again"
        )
    standardizer = STANDARDIZERS.get(card.standardizer)
    if standardizer is None or standardizer.version != card.standardizer_version:
        raise ModelError(
            f"{folder} was trained with standardizer {card.standardizer!r} version {card.standardizer_version!r}, "
            f"which this molgraph does not have: use molgraph {card.molgraph_version}, or train the model again"
        )
    unknown = set(card.files) - (_MAX_BYTES.keys() - {CARD})
    if unknown:
        raise ModelError(f"{folder}: the card names unknown files {sorted(unknown)}; the folder is foreign or newer")


def _verified(folder: Path, name: str, digest: str) -> bytes:
    content = _read(folder, name)
    if hashlib.sha256(content).hexdigest() != digest:
        raise ModelError(
            f"{folder / name} is not the file that the card describes (sha256 differs); copy or train it again"
        )
    return content


@contextmanager
def _damage(folder: Path) -> Iterator[None]:
    """One error for whatever a file with the right hash and the wrong content can cause."""
    try:
        yield
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError, IndexError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"{folder} does not fit together ({reason}); train the model again") from error


def _network(card: ModelCard, content: bytes) -> Network:
    schema = SCHEMAS[card.schema]
    vocabulary = Vocabulary(atom=schema.atom_sizes, bond=schema.bond_sizes)
    network = Network(card.config.model, vocabulary, tuple(task.kind for task in card.tasks), card.n_members)
    network.load_state_dict(load_tensors(content))
    return network.eval()


def _structures(files: dict[str, bytes]) -> TrainingStructures:
    text = json.loads(files[STRUCTURES])
    columns = {key: tuple(str(value) for value in text[key]) for key in ("ids", "smiles", "canonical")}
    fingerprints = load_arrays(files[FINGERPRINTS])["fingerprints"]
    if len({len(fingerprints), *(len(column) for column in columns.values())}) != 1:
        raise ValueError("structures and fingerprints differ in length")
    return TrainingStructures(fingerprints=fingerprints, **columns)
