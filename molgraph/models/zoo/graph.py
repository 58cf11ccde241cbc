"""One member's part of a batch, as torch_geometric's layers take it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from molgraph.models.batch import GraphBatch


@dataclass(frozen=True)
class MemberGraph:
    """B molecules with N atoms and 2E directed edges, padding included: its atoms belong to a molecule number B.

    Attributes:
        atom_codes: `[N, Fa]`.
        bond_codes: `[2E, Fb]` of each directed edge.
        edge_index: `[2, 2E]` atoms that each edge leaves and enters.
        molecule: `[N]` molecule of each atom, ascending; B for padding.
        n_molecules: B + 1, the padding included.
    """

    atom_codes: Tensor
    bond_codes: Tensor
    edge_index: Tensor
    molecule: Tensor
    n_molecules: int


def member_graph(batch: GraphBatch, member: int) -> MemberGraph:
    """The block of one member of a batch."""
    n_atoms = len(batch.molecule) // batch.n_members
    n_edges = len(batch.source) // batch.n_members
    n_molecules = batch.n_molecules
    atoms = slice(member * n_atoms, (member + 1) * n_atoms)
    edges = slice(member * n_edges, (member + 1) * n_edges)
    bonds = slice(member * n_edges // 2, (member + 1) * n_edges // 2)
    molecule = batch.molecule[atoms] - member * n_molecules
    ends = torch.stack([batch.source[edges], batch.target[edges]]) - member * n_atoms
    return MemberGraph(
        atom_codes=batch.atom_codes[atoms],
        bond_codes=batch.bond_codes[bonds].repeat_interleave(2, dim=0),
        # All padding edges hang on a padding atom of the first block; here they hang on one of their own.
        edge_index=torch.where(ends < 0, n_atoms - 1, ends),
        molecule=torch.where(batch.is_atom[atoms] > 0, molecule, n_molecules),
        n_molecules=n_molecules + 1,
    )
