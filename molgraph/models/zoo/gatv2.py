"""GATv2: attention over neighbours that depends on both ends (Brody et al. 2022, arXiv:2105.14491)."""

from torch import Tensor, nn
from torch_geometric.nn import GATv2Conv

from molgraph.config.training import ModelConfig
from molgraph.graphs import Vocabulary
from molgraph.models.zoo.graph import MemberGraph
from molgraph.models.zoo.heads import attention_heads
from molgraph.models.zoo.residual import ResidualStack


class Gatv2Layer(nn.Module):
    """Attention with several heads; bonds take part in it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        heads = attention_heads(width)
        self.conv = GATv2Conv(width, width // heads, heads=heads, edge_dim=width, add_self_loops=False)
        self.itself = nn.Linear(width, width)

    def forward(self, atoms: Tensor, graph: MemberGraph, bonds: Tensor) -> Tensor:
        """`[N, H]`."""
        found: Tensor = self.conv(atoms, graph.edge_index, bonds) + self.itself(atoms)
        return found


def make_gatv2(config: ModelConfig, vocabulary: Vocabulary) -> nn.Module:
    """The atoms' part of one member."""
    return ResidualStack(config, vocabulary, Gatv2Layer)
