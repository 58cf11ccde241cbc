"""D-MPNN: messages on directed bonds (Yang et al. 2019, doi:10.1021/acs.jcim.9b00237), for M members at once."""

import torch
from torch import Tensor, nn

from molgraph.config.training import ModelConfig
from molgraph.graphs import Vocabulary
from molgraph.models.batch import GraphBatch
from molgraph.models.dropout import UnitDropout
from molgraph.models.embedding import CodeEmbedding
from molgraph.models.linear import MemberLinear
from molgraph.models.messages import directed_messages, segment_sums, select_sources
from molgraph.models.readout import Readout

#: Inputs that the first weights are scaled for: those of chemprop's atom and bond features. The vocabularies here are
#: larger by elements that hardly any molecule has; scaled for these, small sets were learned too slowly.
ATOM_INPUTS, BOND_INPUTS = 72, 14


class DMPNN(nn.Module):
    """Encoder from graphs to one vector a molecule.

    Equations 2 to 6 of the paper: s(v→w) = W_i [x_v, e_vw] and h(v→w) = τ(s); then `depth - 1` times
    h(v→w) = τ(s + W_h m(v→w)) with m summed over the edges into v except the reverse one; at last
    h(v) = τ(W_o [x_v, Σ h(k→v)]), and a readout over the atoms. As in chemprop, s is added before and not after its τ.
    W_i and the atom part of W_o are tables of code embeddings, which equal linear layers on one-hot features.
    """

    #: `[M]` atoms of a typical training molecule: the divisor of the `norm` readout.
    typical_atoms: Tensor

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary, n_members: int, generator: torch.Generator) -> None:
        super().__init__()
        hidden = config.hidden
        self.depth = config.depth
        self.n_members = n_members
        self.register_buffer("typical_atoms", torch.ones(n_members))
        self.dropout = UnitDropout(config.dropout)
        self.edge_from_atom = CodeEmbedding(
            n_members, vocabulary.atom, hidden, generator=generator, fan_in=ATOM_INPUTS + BOND_INPUTS
        )
        self.edge_from_bond = CodeEmbedding(
            n_members, vocabulary.bond, hidden, generator=generator, fan_in=ATOM_INPUTS + BOND_INPUTS
        )
        self.message = MemberLinear(n_members, hidden, hidden, generator=generator, bias=False)
        self.atom_from_codes = CodeEmbedding(
            n_members, vocabulary.atom, hidden, generator=generator, fan_in=ATOM_INPUTS + hidden
        )
        self.atom_from_messages = MemberLinear(n_members, hidden, hidden, generator=generator)
        self.readout = Readout(config.readout, n_members, hidden, generator)
        self.n_out = self.readout.n_out

    def forward(self, batch: GraphBatch, dtype: torch.dtype) -> Tensor:
        """`[M, B, H]` vectors of the molecules, computed in `dtype`."""
        start = self._first_hidden(batch, dtype)  # [M*2E, H]
        hidden = torch.relu(start)
        for _ in range(self.depth - 1):
            messages = directed_messages(hidden, batch.previous, batch.previous_ptr)
            update = self._by_member(self.message(self._by_member(messages)))
            hidden = self.dropout(update.add_(start).relu_())
        into_atom = segment_sums(hidden, batch.incoming, batch.incoming_ptr, batch.target)
        atoms = self.atom_from_messages(self._by_member(into_atom))
        atoms = self.dropout(atoms.add_(self.atom_from_codes(batch.atom_codes, dtype)).relu_())  # [M, N, H]
        molecules: Tensor = self.readout(atoms, batch, self.typical_atoms)
        return molecules

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
