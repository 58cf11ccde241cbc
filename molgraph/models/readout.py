"""Atoms to molecules."""

import torch
from torch import Tensor, nn

from molgraph.config.training import Readout as ReadoutName
from molgraph.models.batch import GraphBatch
from molgraph.models.late_import import import_with_pyg
from molgraph.models.linear import MemberLinear
from molgraph.models.messages import segment_sums
from molgraph.models.stacked import Stacked

#: Rounds in which the set-to-set readout looks at all atoms.
_SET_STEPS = 3


class Readout(nn.Module):
    """One vector a molecule from the vectors of its atoms, for M members.

    `sum` and `mean`; `norm`, the sum over the size of a typical training molecule; `attention`, a mean with weights
    that a gate gives (Li et al. 2016, arXiv:1511.05493); `set2set`, several looks at all atoms, each directed by what
    was seen before (Vinyals et al. 2016, arXiv:1511.06391).

    Args:
        name: Which.
        n_members: M.
        width: Of an atom's vector.
        generator: What first weights are drawn from.
    """

    def __init__(self, name: ReadoutName, n_members: int, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.name = name
        self.n_members = n_members
        self.n_out = 2 * width if name == "set2set" else width
        self.gate = MemberLinear(n_members, width, 1, generator=generator) if name == "attention" else None
        self.looks = None
        if name == "set2set":
            set2set = import_with_pyg("torch_geometric.nn.aggr").Set2Set
            self.looks = Stacked(lambda: set2set(width, _SET_STEPS), n_members, generator)

    def forward(self, atoms: Tensor, batch: GraphBatch, typical_atoms: Tensor) -> Tensor:
        """`[M, B, n_out]` from atoms `[M, N, H]`, padding included.

        Args:
            atoms: Vectors of the atoms.
            batch: Which of them belong together.
            typical_atoms: `[M]` atoms of a typical training molecule.
        """
        if self.looks is not None:
            return self._looked_at(atoms, batch, self.looks)
        flat = atoms.reshape(-1, atoms.shape[2])
        flat = flat * batch.is_atom[:, None].to(flat.dtype)
        if self.gate is not None:
            flat = flat * self._shares(self.gate(atoms).reshape(-1), batch)[:, None].to(flat.dtype)
        molecules = segment_sums(flat, batch.atom_order, batch.molecule_ptr, batch.molecule)
        if self.name == "mean":
            molecules = molecules / batch.n_atoms.clamp(min=1)[:, None].to(molecules.dtype)
        by_member = molecules.view(self.n_members, -1, molecules.shape[1])
        if self.name == "norm":
            by_member = by_member / typical_atoms[:, None, None].to(by_member.dtype)
        return by_member

    def _shares(self, gate: Tensor, batch: GraphBatch) -> Tensor:
        """Share of each atom in its molecule, `[M*N]`: the softmax of its gate over the molecule's atoms."""
        n_molecules = len(batch.n_atoms)
        gate = torch.where(batch.is_atom > 0, gate.float(), -torch.inf)
        largest = gate.new_full((n_molecules,), -torch.inf)
        largest = largest.scatter_reduce(0, batch.molecule, gate.detach(), "amax").clamp(min=-1e30)
        weights = torch.exp(gate - largest.index_select(0, batch.molecule))
        totals = weights.new_zeros(n_molecules).index_add(0, batch.molecule, weights)
        return weights / totals.clamp(min=1e-30).index_select(0, batch.molecule)

    def _looked_at(self, atoms: Tensor, batch: GraphBatch, looks: Stacked) -> Tensor:
        n_molecules, n_rows = batch.n_molecules, atoms.shape[1]
        found = []
        for member in range(self.n_members):
            own = slice(member * n_rows, (member + 1) * n_rows)
            # Padding is a molecule of its own, behind all others.
            index = torch.where(batch.is_atom[own] > 0, batch.molecule[own] - member * n_molecules, n_molecules)
            pooled = looks(member, atoms[member].float(), index, None, n_molecules + 1)
            found.append(pooled[:n_molecules].to(atoms.dtype))
        return torch.stack(found)
