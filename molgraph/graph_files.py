"""PackedGraphs on disk: a folder with one `.npy` file per array and `graphs.json`, which describes and seals them."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from molgraph import __version__
from molgraph.atomic import atomic_folder
from molgraph.errors import InputError
from molgraph.graphs import PackedGraphs
from molgraph.results import Rejected

#: Raised when older versions of molgraph could no longer read the folder.
FORMAT_VERSION = 1

_ARRAYS = ("atom_codes", "bond_codes", "bond_atoms", "atom_ptr", "bond_ptr", "row_index")
_CARD = "graphs.json"


def save_graphs(graphs: PackedGraphs, folder: str | Path) -> None:
    """Write the graphs into a new folder, which appears only when it is complete.

    Raises:
        InputError: The folder exists and is not empty, or cannot be written.

    Example:
        >>> import tempfile
        >>> from molgraph import featurize
        >>> folder = Path(tempfile.mkdtemp()) / "graphs"
        >>> save_graphs(featurize(["CCO", "bad"]), folder)
        >>> graphs = load_graphs(folder)
        >>> len(graphs), graphs.rejected[0].text
        (1, 'bad')
    """
    with atomic_folder(folder) as temporary:
        for name in _ARRAYS:
            np.save(temporary / f"{name}.npy", getattr(graphs, name), allow_pickle=False)
        card: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "molgraph_version": __version__,
            "schema": graphs.schema,
            "n_molecules": len(graphs),
            "n_atoms": graphs.n_atoms,
            "n_bonds": graphs.n_bonds,
            "sha256": {name: _sha256(temporary / f"{name}.npy") for name in _ARRAYS},
            "rejected": [asdict(bad) for bad in graphs.rejected],
        }
        card["seal"] = _seal(card)
        (temporary / _CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def load_graphs(folder: str | Path, *, mmap: bool = False) -> PackedGraphs:
    """The graphs that `save_graphs` wrote, after every file was checked against its hash.

    Args:
        folder: Where they are.
        mmap: Map the files instead of reading them, so that only what is touched takes memory; the arrays are then
            read-only.

    Raises:
        InputError: The folder holds no graphs, or damaged ones, or a newer format.
    """
    folder = Path(folder)
    card = _read_card(folder)
    arrays = {name: _read_array(folder / f"{name}.npy", card["sha256"][name], mmap=mmap) for name in _ARRAYS}
    return PackedGraphs(**arrays, schema=card["schema"], rejected=tuple(Rejected(**bad) for bad in card["rejected"]))


def _read_card(folder: Path) -> dict[str, Any]:
    path = folder / _CARD
    try:
        card: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{folder}: has no {_CARD}, so it holds no graphs; give a folder that was saved") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    except ValueError as error:  # neither UTF-8 nor JSON
        raise InputError(f"{path}: damaged ({error}); save the graphs again") from error
    if not isinstance(card, dict) or not isinstance(version := card.get("format_version"), int):
        raise InputError(f"{path}: damaged (no format_version); save the graphs again")
    if version != FORMAT_VERSION:
        raise InputError(
            f"{path}: format {version}, written by molgraph {card.get('molgraph_version')}; "
            f"molgraph {__version__} reads format {FORMAT_VERSION}, so update it or save the graphs again"
        )
    if card.pop("seal", None) != _seal(card):
        raise InputError(f"{path}: damaged, because its seal does not fit its content; save the graphs again")
    return card


def _seal(card: dict[str, Any]) -> str:
    """Hex sha256 of everything in the card: with the hashes of the files in it, of everything in the folder."""
    return hashlib.sha256(json.dumps(card, sort_keys=True).encode()).hexdigest()


def _read_array(path: Path, sha256: str, *, mmap: bool) -> np.ndarray[Any, Any]:
    try:
        if _sha256(path) != sha256:
            raise InputError(f"{path}: damaged, because its sha256 is not the one in {_CARD}; save the graphs again")
        # As a plain array, because slices of np.memmap are slow; the map stays behind it.
        array: np.ndarray[Any, Any] = np.asarray(np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); save the graphs again") from error
    return array


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
