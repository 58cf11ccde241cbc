"""PNA: several aggregators, scaled by degree (Corso et al. 2020, arXiv:2004.05718)."""

import torch
from torch import Tensor, nn
from torch_geometric.nn import PNAConv

from molgraph.config.training import ModelConfig
from molgraph.graphs import Vocabulary
from molgraph.models.zoo.graph import MemberGraph
from molgraph.models.zoo.residual import ResidualStack

#: Heavy atoms of each degree in a hundred atoms of drug-like molecules: what scaling is relative to.
_DEGREES = (0, 22, 45, 31, 2)


class PnaLayer(nn.Module):
    """Mean, least, largest and spread of the neighbours, as they are, amplified and attenuated by degree."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = PNAConv(
            width,
            width,
            aggregators=["mean", "min", "max", "std"],
            scalers=["identity", "amplification", "attenuation"],
            deg=torch.tensor(_DEGREES, device="cpu"),  # looked at, also where the layer itself has no storage yet
            edge_dim=width,
        )

    def forward(self, atoms: Tensor, graph: MemberGraph, bonds: Tensor) -> Tensor:
        """`[N, H]`."""
        found: Tensor = self.conv(atoms, graph.edge_index, bonds)
        return found


def make_pna(config: ModelConfig, vocabulary: Vocabulary) -> nn.Module:
    """The atoms' part of one member."""
    return ResidualStack(config, vocabulary, PnaLayer)
