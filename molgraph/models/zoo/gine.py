"""GINE: graph isomorphism network with edges (Hu et al. 2020, arXiv:1905.12265)."""

from torch import Tensor, nn
from torch_geometric.nn import GINEConv

from molgraph.config.training import ModelConfig
from molgraph.graphs import Vocabulary
from molgraph.models.zoo.graph import MemberGraph
from molgraph.models.zoo.residual import ResidualStack


class GineLayer(nn.Module):
    """Sum of the neighbours and their bonds, through two linear layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = GINEConv(nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)))

    def forward(self, atoms: Tensor, graph: MemberGraph, bonds: Tensor) -> Tensor:
        """`[N, H]`."""
        found: Tensor = self.conv(atoms, graph.edge_index, bonds)
        return found


def make_gine(config: ModelConfig, vocabulary: Vocabulary) -> nn.Module:
    """The atoms' part of one member."""
    return ResidualStack(config, vocabulary, GineLayer)
