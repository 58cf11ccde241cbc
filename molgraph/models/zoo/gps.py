"""GPS: messages along bonds, and attention between all atoms of a molecule (Rampasek et al. 2022, arXiv:2205.12454)."""

from torch import Tensor, nn
from torch_geometric.nn import GINEConv, GPSConv

from molgraph.config.training import ModelConfig
from molgraph.graphs import Vocabulary
from molgraph.models.zoo.graph import MemberGraph
from molgraph.models.zoo.heads import attention_heads
from molgraph.models.zoo.residual import ResidualStack


class GpsLayer(nn.Module):
    """A GINE layer and multi-head attention side by side, then two linear layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        local = GINEConv(nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)))
        self.conv = GPSConv(width, local, heads=attention_heads(width), norm="layer_norm", norm_kwargs={"mode": "node"})

    def forward(self, atoms: Tensor, graph: MemberGraph, bonds: Tensor) -> Tensor:
        """`[N, H]`."""
        found: Tensor = self.conv(atoms, graph.edge_index, graph.molecule, edge_attr=bonds)
        return found


def make_gps(config: ModelConfig, vocabulary: Vocabulary) -> nn.Module:
    """The atoms' part of one member."""
    return ResidualStack(config, vocabulary, GpsLayer)
