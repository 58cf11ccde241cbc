"""PackedGraphs: many molecules as a handful of flat numpy arrays.

Dimension letters, used everywhere: `N` atoms, `E` bonds (each once, hence 2E directed edges), `B` molecules,
`T` tasks, `F` features (`Fa` of an atom, `Fb` of a bond), `M` ensemble members.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgraph.errors import InputError
from molgraph.results.prediction import Rejected
from molgraph.spelling import counted

#: `bond_atoms` is uint16, so this is the largest molecule that can be packed.
MAX_ATOMS_PER_MOLECULE = 2**16 - 1

_DTYPES = {
    "atom_codes": np.dtype(np.uint8),
    "bond_codes": np.dtype(np.uint8),
    "bond_atoms": np.dtype(np.uint16),
    "atom_ptr": np.dtype(np.int64),
    "bond_ptr": np.dtype(np.int64),
    "row_index": np.dtype(np.int64),
}


@dataclass(frozen=True, eq=False)
class PackedGraphs:
    """B molecules as flat arrays. A directed edge is implied: bond e gives edges 2e and 2e+1, reverse of k is k^1.

    Attributes:
        atom_codes: `[N, Fa]` uint8, categorical codes of the feature schema (`molgraph.features.schema`).
        bond_codes: `[E, Fb]` uint8, likewise.
        bond_atoms: `[E, 2]` uint16, atom indices inside the molecule.
        atom_ptr: `[B+1]` int64, molecule b has the atoms `atom_ptr[b]:atom_ptr[b+1]`.
        bond_ptr: `[B+1]` int64, likewise for bonds.
        schema: Name of the feature schema that the codes belong to.
        rejected: Rows of the input that gave no molecule.
        row_index: `[B]` int64, the input row of each molecule.
    """

    atom_codes: NDArray[np.uint8]
    bond_codes: NDArray[np.uint8]
    bond_atoms: NDArray[np.uint16]
    atom_ptr: NDArray[np.int64]
    bond_ptr: NDArray[np.int64]
    schema: str
    row_index: NDArray[np.int64]
    rejected: tuple[Rejected, ...] = ()

    def __post_init__(self) -> None:
        for name, dtype in _DTYPES.items():
            array = getattr(self, name)
            if array.dtype != dtype:
                raise InputError(f"PackedGraphs.{name} is {array.dtype}; it must be {dtype}")
        if len(self.row_index) != len(self):
            raise InputError(f"PackedGraphs.row_index has {len(self.row_index)} entries for {len(self)} molecules")
        if self.bond_atoms.shape != (self.n_bonds, 2):
            raise InputError(f"PackedGraphs.bond_atoms has shape {self.bond_atoms.shape} for {self.n_bonds} bonds")
        for name, ptr, n_items in (
            ("atom_ptr", self.atom_ptr, self.n_atoms),
            ("bond_ptr", self.bond_ptr, self.n_bonds),
        ):
            if len(ptr) != len(self) + 1 or ptr[0] != 0 or ptr[-1] != n_items:
                raise InputError(f"PackedGraphs.{name} does not run from 0 to {n_items} over {len(self)} molecules")

    def __repr__(self) -> str:
        atoms, bonds = counted(len(self.atom_codes), "atom"), counted(len(self.bond_codes), "bond")
        rejected = f"; {len(self.rejected):,} rejected" if self.rejected else ""
        return f"PackedGraphs({counted(len(self), 'molecule')}, {atoms}, {bonds}; schema {self.schema}{rejected})"

    def __len__(self) -> int:
        """Number of molecules, B."""
        return len(self.atom_ptr) - 1

    @property
    def n_atoms(self) -> int:
        """Number of atoms of all molecules, N."""
        return len(self.atom_codes)

    @property
    def n_bonds(self) -> int:
        """Number of bonds of all molecules, E."""
        return len(self.bond_codes)

    @property
    def n_rows(self) -> int:
        """Number of input rows: molecules and rejected ones."""
        return len(self) + len(self.rejected)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by their names, contiguous, for a file; `schema` and `rejected` are not among them."""
        return {name: np.ascontiguousarray(getattr(self, name)) for name in _DTYPES}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], schema: str, rejected: tuple[Rejected, ...] = ()
    ) -> "PackedGraphs":
        """What `to_arrays` took apart; other arrays among them are passed over.

        Raises:
            KeyError, InputError: An array is missing, or does not fit the others.
        """
        return cls(**{name: arrays[name] for name in _DTYPES}, schema=schema, rejected=rejected)

    def take(self, index: Sequence[int] | NDArray[np.int64]) -> "PackedGraphs":
        """The molecules at `index` (any order, repeats allowed, negative ones count from the end), as new arrays.

        `rejected` is dropped.
        """
        index = np.asarray(index, dtype=np.int64)
        row_index = self.row_index[index]  # first, because this refuses what is out of range
        index = np.where(index < 0, index + len(self), index)
        atoms, atom_ptr = ranges(self.atom_ptr, index)
        bonds, bond_ptr = ranges(self.bond_ptr, index)
        return PackedGraphs(
            atom_codes=self.atom_codes[atoms],
            bond_codes=self.bond_codes[bonds],
            bond_atoms=self.bond_atoms[bonds],
            atom_ptr=atom_ptr,
            bond_ptr=bond_ptr,
            schema=self.schema,
            row_index=row_index,
        )

    def rows(self, start: int, stop: int) -> "PackedGraphs":
        """The input rows `start:stop`, molecules and rejected ones, counted from 0 anew; arrays are views."""
        first, last = np.searchsorted(self.row_index, [start, stop]).tolist()
        part = self.slice(first, last)
        rejected = tuple(replace(bad, row=bad.row - start) for bad in self.rejected if start <= bad.row < stop)
        return replace(part, row_index=part.row_index - start, rejected=rejected)

    def take_rows(self, index: NDArray[np.int64]) -> "PackedGraphs":
        """The input rows at `index` (ascending, no repeats), molecules and rejected ones, counted from 0 anew."""
        new_row = np.full(self.n_rows, -1, dtype=np.int64)
        new_row[index] = np.arange(len(index))
        part = self.take(np.flatnonzero(new_row[self.row_index] >= 0))
        rejected = tuple(replace(bad, row=int(new_row[bad.row])) for bad in self.rejected if new_row[bad.row] >= 0)
        return replace(part, row_index=new_row[part.row_index], rejected=rejected)

    def slice(self, start: int, stop: int) -> "PackedGraphs":
        """The molecules `start:stop`, as Python slices count, as views on the same memory; `rejected` is dropped."""
        start, stop, _ = slice(start, stop).indices(len(self))
        stop = max(start, stop)
        a0, a1 = self.atom_ptr[start], self.atom_ptr[stop]
        b0, b1 = self.bond_ptr[start], self.bond_ptr[stop]
        return PackedGraphs(
            atom_codes=self.atom_codes[a0:a1],
            bond_codes=self.bond_codes[b0:b1],
            bond_atoms=self.bond_atoms[b0:b1],
            atom_ptr=self.atom_ptr[start : stop + 1] - a0,
            bond_ptr=self.bond_ptr[start : stop + 1] - b0,
            schema=self.schema,
            row_index=self.row_index[start:stop],
        )


def ranges(ptr: NDArray[np.int64], index: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions `ptr[i]:ptr[i+1]` for each i of `index`, joined, and the new `[len(index)+1]` pointer."""
    lengths = ptr[index + 1] - ptr[index]
    new_ptr = np.zeros(len(index) + 1, dtype=np.int64)
    np.cumsum(lengths, out=new_ptr[1:])
    positions = np.arange(new_ptr[-1], dtype=np.int64) + np.repeat(ptr[index] - new_ptr[:-1], lengths)
    return positions, new_ptr


def concatenate(parts: Iterable[PackedGraphs]) -> PackedGraphs:
    """All molecules of all parts, in order. Row numbers and rejected rows are kept as they are.

    Raises:
        InputError: There is no part, or the parts belong to different feature schemas.
    """
    parts = list(parts)
    schemas = {part.schema for part in parts}
    if len(schemas) != 1:
        raise InputError(f"cannot join graphs of schemas {sorted(schemas)}; exactly one schema is needed")
    return PackedGraphs(
        atom_codes=np.concatenate([p.atom_codes for p in parts]),
        bond_codes=np.concatenate([p.bond_codes for p in parts]),
        bond_atoms=np.concatenate([p.bond_atoms for p in parts]),
        atom_ptr=_join_pointers([p.atom_ptr for p in parts]),
        bond_ptr=_join_pointers([p.bond_ptr for p in parts]),
        schema=parts[0].schema,
        row_index=np.concatenate([p.row_index for p in parts]),
        rejected=tuple(r for p in parts for r in p.rejected),
    )


def _join_pointers(pointers: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    lengths = np.concatenate([np.diff(ptr) for ptr in pointers])
    joined = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=joined[1:])
    return joined


@dataclass(frozen=True)
class Codes:
    """F categorical codes.

    Attributes:
        sizes: Codes of column f are `0..sizes[f]-1`.
        blanks: For each column its default value (not in a ring, natural isotope), which gets no weights, as the 0 of
            a yes/no feature gets none in a linear layer. None where every value is informative.
    """

    sizes: tuple[int, ...]
    blanks: tuple[int | None, ...]


@dataclass(frozen=True)
class Vocabulary:
    """Codes of the atoms and of the bonds of a feature schema."""

    atom: Codes
    bond: Codes
