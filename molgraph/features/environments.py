"""Extended-connectivity count fingerprints and code counts, from graphs alone, without RDKit."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from molgraph.features.schema import SCHEMA, SCHEMAS
from molgraph.graphs import PackedGraphs

#: Codes that distinguish the atoms of an environment, as in extended-connectivity fingerprints.
_ATOM_CODES = ("element", "degree", "charge", "hydrogens", "ring", "isotope")
_BOND_CODES = ("type",)

#: Odd numbers with well-mixed bits: the constants of the splitmix64 generator (doi:10.1145/2714064.2660195).
_STEP, _FIRST, _SECOND = (np.uint64(c) for c in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))

#: Bonds after which environments of different compounds of usual size differ, if ever.
_WHOLE = 6

#: Columns of `code_counts`.
N_CODES = sum((*SCHEMA.vocabulary.atom.sizes, *SCHEMA.vocabulary.bond.sizes)) + 3

_COLUMNS: Mapping[str, tuple[list[int], list[int]]] = MappingProxyType(
    {
        name: (
            [[code.name for code in schema.atom].index(code) for code in _ATOM_CODES],
            [[code.name for code in schema.bond].index(code) for code in _BOND_CODES],
        )
        for name, schema in SCHEMAS.items()
    }
)


def environment_counts(graphs: PackedGraphs, *, radius: int = 2, n_columns: int = 1024) -> NDArray[np.uint8]:
    """Extended-connectivity count fingerprints `[B, n_columns]`: counts of hashed atom environments, 255 at most.

    The kind of an atom is a hash of its element, degree, charge, hydrogens, ring membership and isotope; of an
    environment one bond wider, a hash of the atom's environment and those of its neighbours with their bonds, in any
    order (Rogers and Hahn 2010, doi:10.1021/ci100050t). Environments of radius 0 to `radius` are counted in the column
    that the hash falls into. Unlike there, environments that cover the same bonds are all counted.

    Args:
        graphs: B molecules.
        radius: Bonds that an environment reaches from its atom.
        n_columns: Columns that the hashes are spread over.

    >>> from molgraph import featurize
    >>> counts = environment_counts(featurize(["CCO", "OCC", "CCC"]))
    >>> counts.shape, counts.sum(axis=1).tolist(), bool((counts[0] == counts[1]).all())
    ((3, 1024), [9, 9, 9], True)
    """
    molecule = np.repeat(np.arange(len(graphs)), np.diff(graphs.atom_ptr))
    kinds = environment_kinds(graphs, radius)
    columns = [(kind % np.uint64(n_columns)).astype(np.int64) + molecule * n_columns for kind in kinds]
    counts = np.bincount(np.concatenate(columns), minlength=len(graphs) * n_columns)
    return np.minimum(counts, 255).astype(np.uint8).reshape(len(graphs), n_columns)


def graph_hashes(graphs: PackedGraphs) -> NDArray[np.uint64]:
    """64-bit hashes `[B]` of molecular graphs, which identify them without showing their structures.

    Stereoisomers have the same one, and so has every order of the atoms; isotopes and charges have others.

    >>> from molgraph import featurize
    >>> one, other, third = graph_hashes(featurize(["C[C@H](N)O", "O[C@H](C)N", "C[C@H](N)S"])).tolist()
    >>> one == other, one == third
    (True, False)
    """
    molecule = np.repeat(np.arange(len(graphs)), np.diff(graphs.atom_ptr))
    kinds = _mixed(environment_kinds(graphs, _WHOLE)[-1])
    hashes = np.zeros(len(graphs), dtype=np.uint64)
    np.add.at(hashes, molecule, kinds)  # a sum does not depend on the order of the atoms
    return _mixed(hashes + np.diff(graphs.atom_ptr).astype(np.uint64))


def environment_kinds(graphs: PackedGraphs, radius: int) -> list[NDArray[np.uint64]]:
    """A hash of each atom's environment, `[N]`, for each radius from 0 to `radius`; see `environment_counts`."""
    atom_columns, bond_columns = _COLUMNS[graphs.schema]
    first_atom = np.repeat(graphs.atom_ptr[:-1], np.diff(graphs.bond_ptr))[:, None]
    ends = graphs.bond_atoms.astype(np.int64) + first_atom
    into, out_of = ends.T.reshape(-1), ends[:, ::-1].T.reshape(-1)
    order = np.argsort(into, kind="stable")
    bond = _hash_rows(graphs.bond_codes[:, bond_columns])
    bond_of_edge, neighbour = np.tile(bond, 2)[order], out_of[order]
    degree = np.bincount(into, minlength=graphs.n_atoms)
    has_neighbours = degree > 0
    starts = (np.cumsum(degree) - degree)[has_neighbours]

    kinds = [_hash_rows(graphs.atom_codes[:, atom_columns])]
    for _ in range(radius):
        around = np.zeros_like(kinds[0])
        if len(starts):  # a sum of hashes does not depend on the order of the neighbours
            around[has_neighbours] = np.add.reduceat(_mixed(kinds[-1][neighbour] ^ bond_of_edge), starts)
        kinds.append(_mixed(_mixed(kinds[-1]) + around))
    return kinds


def structure_vectors(graphs: PackedGraphs) -> NDArray[np.float32]:
    """Roots of ECFP counts `[B, 1024]`: descriptors for distances between molecules, for models without a network."""
    return np.sqrt(environment_counts(graphs).astype(np.float32))


def code_counts(graphs: PackedGraphs) -> NDArray[np.uint16]:
    """How many atoms and bonds of each molecule have each code of the schema, and its atoms, bonds and rings: `[B, C]`.

    >>> from molgraph import featurize
    >>> code_counts(featurize(["c1ccccc1", "CCO"]))[:, -3:].tolist()
    [[6, 6, 1], [3, 2, 0]]
    """
    vocabulary = SCHEMAS[graphs.schema].vocabulary
    atom_codes = graphs.atom_codes.copy()
    chirality = [code.name for code in SCHEMAS[graphs.schema].atom].index("chirality")
    # Clockwise or counter-clockwise depends on the order of the atoms in the text: only being chiral counts.
    atom_codes[atom_codes[:, chirality] == 2, chirality] = 1
    parts = [
        _code_counts(atom_codes, graphs.atom_ptr, vocabulary.atom.sizes),
        _code_counts(graphs.bond_codes, graphs.bond_ptr, vocabulary.bond.sizes),
    ]
    n_atoms, n_bonds = np.diff(graphs.atom_ptr), np.diff(graphs.bond_ptr)
    totals = np.stack([n_atoms, n_bonds, np.maximum(n_bonds - n_atoms + 1, 0)], axis=1)
    return np.asarray(np.minimum(np.concatenate([*parts, totals], axis=1), 65_535), dtype=np.uint16)


def _code_counts(codes: NDArray[np.uint8], ptr: NDArray[np.int64], sizes: tuple[int, ...]) -> NDArray[np.int64]:
    offsets = np.cumsum([0, *sizes])
    molecule = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
    columns = molecule[:, None] * offsets[-1] + offsets[:-1] + codes
    shape = (len(ptr) - 1, int(offsets[-1]))
    return np.bincount(columns.reshape(-1), minlength=shape[0] * shape[1]).reshape(shape)


def _hash_rows(codes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A hash of each row of codes."""
    hashed = np.zeros(len(codes), dtype=np.uint64)
    for column in codes.T:
        hashed = _mixed(hashed + column.astype(np.uint64))
    return hashed


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A bijection of 64-bit numbers that spreads small differences over all bits."""
    mixed = values + _STEP
    mixed ^= mixed >> np.uint64(30)
    mixed *= _FIRST
    mixed ^= mixed >> np.uint64(27)
    mixed *= _SECOND
    mixed ^= mixed >> np.uint64(31)
    return mixed
