"""D-MPNN: messages on directed bonds (Yang et al. 2019, doi:10.1021/acs.jcim.9b00237), for M members at once."""

import torch
from torch import Tensor, nn

from molgraph.config import ModelConfig
from molgraph.models.batch import GraphBatch
from molgraph.models.embedding import CodeEmbedding
from molgraph.models.linear import MemberLinear
from molgraph.models.messages import directed_messages, segment_sums, select_sources
from molgraph.models.vocabulary import Vocabulary

#: Divisor of the `norm` readout: sums are kept, but brought to the size of a mean (chemprop's default of 100).
NORM_ATOMS = 100.0


class DMPNN(nn.Module):
    """Encoder from graphs to one vector a molecule.

    Equations 2 to 6 of the paper: s(v→w) = W_i [x_v, e_vw] and h(v→w) = τ(s); then `depth - 1` times
    h(v→w) = τ(s + W_h m(v→w)) with m summed over the edges into v except the reverse one; at last
    h(v) = τ(W_o [x_v, Σ h(k→v)]), and a readout over the atoms. As in chemprop, s is added before and not after its τ.
    W_i and the atom part of W_o are tables of code embeddings, which equal linear layers on one-hot features.
    """

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary, n_members: int, generator: torch.Generator) -> None:
        super().__init__()
        hidden = config.hidden
        atom_codes, bond_codes = vocabulary.atom, vocabulary.bond
        edge_inputs = sum(atom_codes) + sum(bond_codes)
        self.depth = config.depth
        self.readout = config.readout
        self.n_members = n_members
        self.n_out = hidden
        self.dropout = nn.Dropout(config.dropout)
        atom_inputs = sum(atom_codes) + hidden
        self.edge_from_atom = CodeEmbedding(n_members, atom_codes, hidden, generator=generator, fan_in=edge_inputs)
        self.edge_from_bond = CodeEmbedding(n_members, bond_codes, hidden, generator=generator, fan_in=edge_inputs)
        self.message = MemberLinear(n_members, hidden, hidden, generator=generator, bias=False)
        self.atom_from_codes = CodeEmbedding(n_members, atom_codes, hidden, generator=generator, fan_in=atom_inputs)
        self.atom_from_messages = MemberLinear(n_members, hidden, hidden, generator=generator)

    def forward(self, batch: GraphBatch, dtype: torch.dtype) -> Tensor:
        """`[M, B, H]` vectors of the molecules, computed in `dtype`."""
        start = self._first_hidden(batch, dtype)  # [M*2E, H]
        hidden = torch.relu(start)
        for _ in range(self.depth - 1):
            messages = directed_messages(hidden, batch.source, batch.incoming, batch.incoming_ptr)
            update = self._by_member(self.message(self._by_member(messages)))
            hidden = self.dropout((update + start).relu_())
        into_atom = segment_sums(hidden, batch.incoming, batch.incoming_ptr, batch.target)
        atoms = self.atom_from_messages(self._by_member(into_atom))
        atoms = self.dropout((atoms + self.atom_from_codes(batch.atom_codes, dtype)).relu_())  # [M, N, H]
        return self._read_out(self._by_member(atoms), batch)

    def _first_hidden(self, batch: GraphBatch, dtype: torch.dtype) -> Tensor:
        from_atom = self._by_member(self.edge_from_atom(batch.atom_codes, dtype))  # [M*N, H]
        from_bond = self._by_member(self.edge_from_bond(batch.bond_codes, dtype))  # [M*E, H]
        start = select_sources(from_atom, batch.source, batch.incoming, batch.incoming_ptr)
        return (start.view(-1, 2, start.shape[1]) + from_bond[:, None, :]).view(start.shape)

    def _by_member(self, rows: Tensor) -> Tensor:
        """`[M, R, H]` to `[M*R, H]` and back."""
        if rows.dim() == 3:
            return rows.reshape(-1, rows.shape[2])
        return rows.view(self.n_members, -1, rows.shape[1])

    def _read_out(self, atoms: Tensor, batch: GraphBatch) -> Tensor:
        atoms = atoms * batch.is_atom[:, None].to(atoms.dtype)
        molecules = segment_sums(atoms, batch.atom_order, batch.molecule_ptr, batch.molecule)
        if self.readout == "mean":
            molecules = molecules / batch.n_atoms.clamp(min=1)[:, None].to(molecules.dtype)
        elif self.readout == "norm":
            molecules = molecules / NORM_ATOMS
        return self._by_member(molecules)
