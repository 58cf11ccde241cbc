"""cuik engine of the featurizer: `cuik_molmaker` parses and featurizes in C++ at nearly the rate of parsing alone.

It delivers float columns, one-hot where the value is a category; vectorised numpy turns them into codes. Whatever it
does not deliver (text that RDKit cannot parse, and text that it is not given because names, control characters or
extreme length could break it) goes through the RDKit engine, one by one. So both engines agree by construction on what
is rejected and why, and a bad row does not affect another.
"""

import importlib.util
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.machinery import PathFinder
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.parse import MAX_ATOMS, quiet_rdkit
from molgraph.errors import InputError
from molgraph.features.rdkit_engine import ATOMIC_WEIGHTS, encode_rdkit
from molgraph.features.schema import SCHEMA
from molgraph.graphs import PackedGraphs, concatenate

# Molecules of one C++ call are alive at the same time, and more than a few fall out of the cache:
# measured 0.90 of the rate of RDKit's parser with 16 molecules a call, 0.78 with 256.
_CALL_SIZE = 16
# Decoding has a fixed cost of some thirty numpy calls, so it takes many calls' output at once.
_GROUP_SIZE = 512

# One-hot columns come first, then the floats, each in this order. The mass is asked for only where it can matter.
_CHIRALITY_WIDTH, _STEREO_WIDTH = 5, 7
# The extension's "in-ring" of an atom is not used: it reads through a null pointer when a SMILES does not parse.
_ATOM_FLOATS = ("atomic-number", "degree", "formal-charge", "hybridization", "aromatic", "radical-electron")
_BOND_FEATURES = ("stereo", "bond-type-onehot", "bond-type-float", "conjugated", "in-ring")

_ATOM = {spec.name: column for column, spec in enumerate(SCHEMA.atom)}
_BOND = {spec.name: column for column, spec in enumerate(SCHEMA.bond)}
_WEIGHTS = ATOMIC_WEIGHTS.astype(np.float32)

# Printable ASCII without blanks, so neither a name nor a CXSMILES block; and so short that its atoms are few enough.
_is_plain = re.compile(rf"[!-~]{{1,{MAX_ATOMS}}}").fullmatch
# `[13C]`, and the names of two isotopes of hydrogen; that it also finds elements such as Ti costs only time.
_may_have_isotopes = re.compile(r"\[[0-9DT]").search

# What pybind11 makes of C++ exceptions. Any of them means: one of these texts is bad.
_CALL_ERRORS = (RuntimeError, ValueError, IndexError, OverflowError)

# Structures that together take every branch of the decoding.
_PROBES = (
    "CC(=O)Nc1ccc(O)cc1",
    "C[N+](C)(C)CC([O-])=O",
    "N[C@@H](C)C(=O)O",
    "F/C=C/Cl",
    r"F/C=C\Cl",
    "[2H]C([2H])[13CH2][CH2]",
    "Cl[Pt](Cl)([NH3])[NH3]",
    "F[P-](F)(F)(F)(F)F.[Fe+6]",
    "[H][H].[CH4].C#N.*",
    "Cl[Pt@SP1](F)(N)O",
)


class _Call(Protocol):
    """The C++ featurizer: arrays as in `_Piece`."""

    def __call__(self, texts: list[str], *, with_mass: bool) -> list[NDArray[Any]]: ...


class _Piece(NamedTuple):
    """The output of one C++ call: n atoms and e bonds of the texts from position `first` on."""

    first: int
    atoms: NDArray[np.float32]  # [n, features]
    bonds: NDArray[np.float32]  # [e, features]
    ends: NDArray[np.int64]  # [2, e], atoms counted through the call
    owner: NDArray[np.int64]  # [n], position of the text within the call


def is_cuik_available() -> bool:
    """True if the C++ featurizer is installed and gives the codes of the RDKit engine on a few probe structures."""
    return _checked_call() is not None


def encode_cuik(smiles: Sequence[str], rows: Sequence[int], ids: Sequence[str]) -> PackedGraphs:
    """Graphs of all texts that parse, in order, and a `Rejected` for each other one; equal to `encode_rdkit`.

    Args:
        smiles: One structure each, standardized by the caller if at all.
        rows: Position of each in the input, for `row_index` and `rejected`.
        ids: Identifier of each, for `rejected`.

    Raises:
        InputError: The C++ featurizer is not installed, or does not agree with the RDKit engine.
    """
    call = _checked_call()
    if call is None:
        raise InputError(
            "engine is cuik, but cuik_molmaker is not installed or does not fit this RDKit; "
            "use engine rdkit, or install cuik_molmaker_pin of RDKit's version"
        )
    return _encode(call, smiles, rows, ids)


@cache
def _checked_call() -> _Call | None:
    call = _load()
    if call is None:
        return None
    rows = range(len(_PROBES))
    ids = [str(row) for row in rows]
    try:
        graphs = _encode(call, _PROBES, rows, ids)
    except (TypeError, AttributeError, *_CALL_ERRORS):  # another version, with other names or shapes
        return None
    expected = encode_rdkit(_PROBES, rows, ids)
    same = all(
        np.array_equal(getattr(graphs, name), getattr(expected, name))
        for name in ("atom_codes", "bond_codes", "bond_atoms", "atom_ptr", "bond_ptr")
    )
    return call if same else None


def _load() -> _Call | None:
    # Importing the package would draw in pandas and scipy, 1.5 seconds for nothing; the extension alone takes 0.1.
    # It is linked to RDKit's shared libraries, which are found because chem.parse has imported RDKit already.
    package = importlib.util.find_spec("cuik_molmaker")
    if package is None:
        return None
    spec = PathFinder.find_spec("cuik_molmaker_cpp", list(package.submodule_search_locations or ()))
    if spec is None or spec.loader is None:
        return None
    try:
        extension = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(extension)
        one_hot = extension.atom_onehot_feature_names_to_array(["chirality"])
        floats = extension.atom_float_feature_names_to_array([*_ATOM_FLOATS])
        floats_and_mass = extension.atom_float_feature_names_to_array([*_ATOM_FLOATS, "mass"])
        bonds = extension.bond_feature_names_to_array([*_BOND_FEATURES])
    except (ImportError, AttributeError):  # built for another RDKit, or another version
        return None

    def call(texts: list[str], *, with_mass: bool) -> list[NDArray[Any]]:
        features = (one_hot, floats_and_mass if with_mass else floats, bonds)
        # No explicit hydrogens, no offset to carbon, each bond once, no self loops.
        arrays: list[NDArray[Any]] = extension.batch_mol_featurizer(texts, *features, False, False, False, False)
        return arrays

    return call


def _encode(call: _Call, smiles: Sequence[str], rows: Sequence[int], ids: Sequence[str]) -> PackedGraphs:
    parts: list[PackedGraphs] = []
    for start in range(0, len(smiles), _GROUP_SIZE):
        # An empty text is a molecule without atoms: it gives no graph, and so goes to the RDKit engine.
        texts = [text if _is_plain(text) else "" for text in smiles[start : start + _GROUP_SIZE]]
        with_mass = any(map(_may_have_isotopes, texts))
        with quiet_rdkit():
            pieces = [
                piece
                for first in range(0, len(texts), _CALL_SIZE)
                for piece in _featurize(call, texts[first : first + _CALL_SIZE], first, with_mass=with_mass)
            ]
        if pieces:
            parts.append(_decode(pieces, len(texts), start))
    is_left = np.ones(len(smiles), dtype=np.bool_)
    for part in parts:
        is_left[part.row_index] = False
    left = np.flatnonzero(is_left).tolist()
    by_rdkit = encode_rdkit([smiles[i] for i in left], left, [ids[i] or str(rows[i]) for i in left])
    both = concatenate([*parts, by_rdkit])
    if len(by_rdkit):
        both = both.take(np.argsort(both.row_index))
    return replace(
        both,
        row_index=np.asarray(rows, dtype=np.int64)[both.row_index],
        rejected=tuple(replace(rejected, row=rows[rejected.row]) for rejected in by_rdkit.rejected),
    )


def _featurize(call: _Call, texts: list[str], first: int, *, with_mass: bool) -> list[_Piece]:
    """Output for the texts, halved around those that make the whole call fail."""
    try:
        atoms, bonds, ends, _, owner = call(texts, with_mass=with_mass)
    except _CALL_ERRORS:
        if len(texts) == 1:
            return []
        half = len(texts) // 2
        return [
            *_featurize(call, texts[:half], first, with_mass=with_mass),
            *_featurize(call, texts[half:], first + half, with_mass=with_mass),
        ]
    return [_Piece(first, atoms, bonds, ends, owner)]


def _decode(pieces: list[_Piece], n_texts: int, start: int) -> PackedGraphs:
    """The molecules of one group of texts; `row_index` counts from `start`."""
    atoms = np.concatenate([piece.atoms for piece in pieces])  # [N, features]
    bonds = np.concatenate([piece.bonds for piece in pieces])  # [E, features]
    atoms_of_piece = np.array([len(piece.owner) for piece in pieces])
    bonds_of_piece = [piece.ends.shape[1] for piece in pieces]
    owner = np.concatenate([piece.owner for piece in pieces])  # [N]
    owner += np.repeat([piece.first for piece in pieces], atoms_of_piece)
    ends = np.concatenate([piece.ends for piece in pieces], axis=1)  # [2, E]
    ends += np.repeat(np.cumsum(atoms_of_piece) - atoms_of_piece, bonds_of_piece)
    bond_owner = owner[ends[0]]  # [E]
    n_atoms = np.bincount(owner, minlength=n_texts)
    n_bonds = np.bincount(bond_owner, minlength=n_texts)
    bond_codes = _bond_codes(bonds)
    bond_atoms = np.empty((len(bonds), 2), dtype=np.uint16)
    bond_atoms.T[:] = ends - (np.cumsum(n_atoms) - n_atoms)[bond_owner]
    present = np.flatnonzero(n_atoms)  # the others gave no graph
    return PackedGraphs(
        atom_codes=_atom_codes(atoms, ends, np.flatnonzero(bond_codes[:, _BOND["ring"]])),
        bond_codes=bond_codes,
        bond_atoms=bond_atoms,
        atom_ptr=_pointer(n_atoms[present]),
        bond_ptr=_pointer(n_bonds[present]),
        schema=SCHEMA.name,
        row_index=present + start,
    )


def _atom_codes(
    atoms: NDArray[np.float32], ends: NDArray[np.int64], ring_bonds: NDArray[np.int64]
) -> NDArray[np.uint8]:
    floats = np.ascontiguousarray(atoms[:, _CHIRALITY_WIDTH:].T)  # numpy is twice as fast on contiguous memory
    number, degree, charge, hybridization, aromatic, radicals, *mass = floats
    element = np.rint(number * 5).astype(np.uint8)  # the extension scales: Z / 5 and mass / 100
    codes = np.empty((len(atoms), len(SCHEMA.atom)), dtype=np.uint8)
    codes[:, _ATOM["element"]] = element
    codes[:, _ATOM["degree"]] = np.minimum(degree, 7)
    codes[:, _ATOM["charge"]] = np.where(np.abs(charge) <= 4, charge + 4, 9)
    codes[:, _ATOM["chirality"]] = _category(atoms[:, :_CHIRALITY_WIDTH])
    # `degree` counts all neighbours; those that are no atoms of the graph are hydrogens.
    codes[:, _ATOM["hydrogens"]] = np.minimum(degree - np.bincount(ends.ravel(), minlength=len(atoms)), 5)
    codes[:, _ATOM["hybridization"]] = hybridization
    codes[:, _ATOM["aromatic"]] = aromatic
    codes[:, _ATOM["ring"]] = 0
    for side in ends:
        codes[side[ring_bonds], _ATOM["ring"]] = 1
    codes[:, _ATOM["radicals"]] = np.minimum(radicals, 4)
    codes[:, _ATOM["isotope"]] = np.clip(np.rint(mass[0] * 100 - _WEIGHTS[element]), -4, 4) + 4 if mass else 4
    return codes


def _bond_codes(bonds: NDArray[np.float32]) -> NDArray[np.uint8]:
    _, double, triple, rest, order, conjugated, ring = np.ascontiguousarray(bonds[:, _STEREO_WIDTH:].T)
    codes = np.empty((len(bonds), len(SCHEMA.bond)), dtype=np.uint8)
    # Only the aromatic bonds of the rest have order 1.5.
    codes[:, _BOND["type"]] = double + 2 * triple + rest * np.where(order == 1.5, 3, 4)
    codes[:, _BOND["conjugated"]] = conjugated
    codes[:, _BOND["ring"]] = ring
    codes[:, _BOND["stereo"]] = _category(bonds[:, :_STEREO_WIDTH])
    return codes


def _category(one_hot: NDArray[np.float32]) -> NDArray[np.uint8]:
    """`[n]`, the column that holds the one in each row of `[n, k]`. Nearly all hold it in the first."""
    codes = np.zeros(len(one_hot), dtype=np.uint8)
    others = np.flatnonzero(one_hot[:, 0] == 0)
    codes[others] = one_hot[others].argmax(axis=1)
    return codes


def _pointer(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)])
