"""GraphBatch: the torch side of one mini-batch, and ResidentGraphs, from which batches are gathered on the device."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molgraph.graphs import PackedGraphs, ranges

#: Blocks have a multiple of this many atoms, and of this many bonds. oneDNN compiles a kernel for each number of rows
#: that it meets and keeps it: with rows as they come, training ran at three quarters of its rate, and its memory grew
#: by half a megabyte a batch.
ROUND_ROWS = 64


@dataclass(frozen=True)
class GraphBatch:
    """Graphs of M members with B molecules each, laid out as M blocks of N atoms and 2E directed edges.

    Blocks are padded to the largest member and then to a round number of rows. Padding edges hang on a padding atom
    that belongs to no molecule, so nothing of them reaches a result or a gradient.

    Attributes:
        n_members: M.
        atom_codes: `[M*N, Fa]` codes of the feature schema.
        bond_codes: `[M*E, Fb]` likewise; bond e is the directed edges 2e and 2e+1.
        source: `[M*2E]` atom that each directed edge leaves.
        target: `[M*2E]` atom that each directed edge enters.
        incoming: directed edges sorted by the atom that they enter, without padding.
        incoming_ptr: `[M*N]` where each atom's part of `incoming` starts.
        previous: for each directed edge those that enter the atom it leaves, but its own reverse, one after the other.
        previous_ptr: `[M*2E]` where each edge's part of `previous` starts; padding has none.
        atom_order: atoms sorted by molecule, without padding.
        molecule_ptr: `[M*B]` where each molecule's part of `atom_order` starts.
        molecule: `[M*N]` molecule of each atom (0 for padding).
        n_atoms: `[M*B]` atoms of each molecule.
        is_atom: `[M*N]` 1 for an atom, 0 for padding.
        features: `[M, B, F]` float32 columns of each molecule; None if none were given.
    """

    n_members: int
    atom_codes: Tensor
    bond_codes: Tensor
    source: Tensor
    target: Tensor
    incoming: Tensor
    incoming_ptr: Tensor
    previous: Tensor
    previous_ptr: Tensor
    atom_order: Tensor
    molecule_ptr: Tensor
    molecule: Tensor
    n_atoms: Tensor
    is_atom: Tensor
    features: Tensor | None = None

    @property
    def n_molecules(self) -> int:
        """B, molecules of each member."""
        return len(self.n_atoms) // self.n_members


class ResidentGraphs:
    """All graphs of a data set on one device; mini-batches are gathered there and never molecule by molecule.

    Args:
        graphs: B molecules.
        device: Where the arrays live, and the batches come to be.
        features: `[B, F]` columns of each molecule; None for none.
    """

    def __init__(self, graphs: PackedGraphs, device: torch.device, features: NDArray[np.float32] | None = None) -> None:
        self.device = device
        self.features = None if features is None else self._tensor(features)
        self.schema = graphs.schema
        self._atom_ptr, self._bond_ptr = graphs.atom_ptr, graphs.bond_ptr
        bond_atoms = graphs.bond_atoms.astype(np.int64)
        source = bond_atoms.reshape(-1)  # edges 2e (a to b) and 2e+1 (b to a) leave a and b
        target = bond_atoms[:, ::-1].reshape(-1)
        bond_molecule = np.repeat(np.arange(len(graphs)), np.diff(graphs.bond_ptr))
        atom_offset = np.repeat(graphs.atom_ptr[bond_molecule], 2) if len(bond_atoms) else np.zeros(0, np.int64)
        incoming = np.argsort(target + atom_offset, kind="stable")
        degree = np.bincount(target + atom_offset, minlength=graphs.n_atoms)
        edge_offset = np.repeat(2 * graphs.bond_ptr[bond_molecule], 2) if len(bond_atoms) else np.zeros(0, np.int64)
        self._atom_codes = self._tensor(graphs.atom_codes)
        self._bond_codes = self._tensor(graphs.bond_codes)
        self._source = self._tensor(source)
        self._target = self._tensor(target)
        # Sorting by target keeps the edges of a molecule together, so positions can be stored inside the molecule.
        self._incoming = self._tensor(incoming - edge_offset[incoming] if len(incoming) else incoming)
        self._degree = self._tensor(degree)
        previous, n_previous = _previous_edges(source + atom_offset, incoming, degree)
        self._previous = self._tensor(previous - np.repeat(edge_offset, n_previous))
        self._n_previous = self._tensor(n_previous)
        self._previous_ptr = np.concatenate([[0], np.cumsum(n_previous)])[2 * graphs.bond_ptr]

    def __len__(self) -> int:
        return len(self._atom_ptr) - 1

    @cached_property
    def atom_counts(self) -> NDArray[np.int64]:
        """Atoms of each molecule, `[B]`."""
        return np.diff(self._atom_ptr)

    def batch(self, index: NDArray[np.int64]) -> GraphBatch:
        """The molecules at `index [M, B]`: row m are those of member m."""
        n_members, n_molecules = index.shape
        molecules = index.reshape(-1)
        atoms, atom_ptr = ranges(self._atom_ptr, molecules)
        bonds, bond_ptr = ranges(self._bond_ptr, molecules)
        block_atoms, atom_pad = _block_size(atom_ptr[::n_molecules], spare=1)
        block_bonds, bond_pad = _block_size(bond_ptr[::n_molecules], spare=0)
        n_atoms, n_bonds = np.diff(atom_ptr), np.diff(bond_ptr)
        member = np.repeat(np.arange(n_members), n_molecules)
        # What has to be added to a position without padding to get the position in the padded blocks.
        atom_shift = atom_pad[member]
        edge_shift = 2 * bond_pad[member]

        atom_slot = np.arange(len(atoms)) + np.repeat(atom_shift, n_atoms)
        bond_slot = np.arange(len(bonds)) + np.repeat(bond_pad[member], n_bonds)
        edges = (2 * bonds[:, None] + np.arange(2)).reshape(-1)
        edge_slot = (2 * bond_slot[:, None] + np.arange(2)).reshape(-1)
        first_atom = self._tensor(np.repeat(atom_ptr[:-1] + atom_shift, 2 * n_bonds))
        first_edge = self._tensor(np.repeat(2 * bond_ptr[:-1] + edge_shift, 2 * n_bonds))
        previous, previous_ptr = ranges(self._previous_ptr, molecules)
        first_previous = self._tensor(np.repeat(2 * bond_ptr[:-1] + edge_shift, np.diff(previous_ptr)))
        atoms_t, bonds_t, edges_t = self._tensor(atoms), self._tensor(bonds), self._tensor(edges)
        atom_slot_t, edge_slot_t = self._tensor(atom_slot), self._tensor(edge_slot)

        shape = _Shape(n_members * block_atoms, n_members * block_bonds)
        padding_atom = block_atoms - 1
        degree = shape.atoms(self._degree.index_select(0, atoms_t), atom_slot_t, fill=0)
        n_previous = shape.edges(self._n_previous.index_select(0, edges_t), edge_slot_t, fill=0)
        molecule = self._tensor(np.repeat(np.arange(len(molecules)), n_atoms))
        return GraphBatch(
            n_members=n_members,
            atom_codes=shape.atoms(self._atom_codes.index_select(0, atoms_t), atom_slot_t, fill=0),
            bond_codes=shape.bonds(self._bond_codes.index_select(0, bonds_t), self._tensor(bond_slot), fill=0),
            source=shape.edges(self._source.index_select(0, edges_t) + first_atom, edge_slot_t, fill=padding_atom),
            target=shape.edges(self._target.index_select(0, edges_t) + first_atom, edge_slot_t, fill=padding_atom),
            incoming=self._incoming.index_select(0, edges_t) + first_edge,
            incoming_ptr=degree.cumsum(0) - degree,
            previous=self._previous.index_select(0, self._tensor(previous)) + first_previous,
            previous_ptr=n_previous.cumsum(0) - n_previous,
            atom_order=atom_slot_t,
            molecule_ptr=self._tensor(atom_ptr[:-1]),
            molecule=shape.atoms(molecule, atom_slot_t, fill=0),
            n_atoms=self._tensor(n_atoms),
            is_atom=shape.atoms(torch.ones_like(atoms_t), atom_slot_t, fill=0),
            features=self.columns(index),
        )

    def columns(self, index: NDArray[np.int64]) -> Tensor | None:
        """The columns `[M, B, F]` of the molecules at `index [M, B]`; None if none were given."""
        return None if self.features is None else self.features[self._tensor(index)]

    def _tensor(self, array: NDArray[np.generic]) -> Tensor:
        if not (array.flags.c_contiguous and array.flags.writeable):
            array = np.require(array, requirements=["C", "W"])
        return torch.from_numpy(array).to(self.device, non_blocking=True)


def _previous_edges(
    source: NDArray[np.int64], incoming: NDArray[np.int64], degree: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each directed edge, those that enter its source but its own reverse, joined; and how many they are."""
    incoming_ptr = np.zeros(len(degree) + 1, dtype=np.int64)
    np.cumsum(degree, out=incoming_ptr[1:])
    positions, _ = ranges(incoming_ptr, source)
    entering = incoming[positions]
    edge = np.repeat(np.arange(len(source)), degree[source])
    return entering[entering != edge ^ 1], degree[source] - 1


@dataclass(frozen=True)
class _Shape:
    """Places rows without padding into padded blocks."""

    n_atoms: int
    n_bonds: int

    def atoms(self, rows: Tensor, slot: Tensor, *, fill: int) -> Tensor:
        return self._place(rows, slot, self.n_atoms, fill)

    def bonds(self, rows: Tensor, slot: Tensor, *, fill: int) -> Tensor:
        return self._place(rows, slot, self.n_bonds, fill)

    def edges(self, rows: Tensor, slot: Tensor, *, fill: int) -> Tensor:
        return self._place(rows, slot, 2 * self.n_bonds, fill)

    def _place(self, rows: Tensor, slot: Tensor, n_rows: int, fill: int) -> Tensor:
        placed = rows.new_full((n_rows, *rows.shape[1:]), fill)
        placed[slot] = rows
        return placed


def _block_size(member_ptr: NDArray[np.int64], *, spare: int) -> tuple[int, NDArray[np.int64]]:
    """Rows of a block with at least `spare` rows of padding, and the padding in front of each member's first row."""
    sizes = np.diff(member_ptr)
    block = -(-(int(sizes.max()) + spare) // ROUND_ROWS) * ROUND_ROWS
    return block, np.arange(len(sizes)) * block - member_ptr[:-1]
