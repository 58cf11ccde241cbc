"""AttentiveFP: attention over neighbours, and a memory for each atom (Xiong et al. 2020).

doi:10.1021/acs.jmedchem.9b00959
"""

import torch
from torch import Tensor, nn
from torch_geometric.nn import GATConv
from torch_geometric.nn.models.attentive_fp import GATEConv

from molgraph.config.training import ModelConfig
from molgraph.graphs import Vocabulary
from molgraph.models.zoo.codes import CodeBag
from molgraph.models.zoo.graph import MemberGraph


class AttentiveAtoms(nn.Module):
    """The atoms' part of the paper: the first layer sees bonds, each layer's result updates a gated unit."""

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        width = config.hidden
        self.atom = CodeBag(vocabulary.atom, width)
        self.bond = CodeBag(vocabulary.bond, width)
        self.first = GATEConv(width, width, width)
        self.others = nn.ModuleList(GATConv(width, width, add_self_loops=False) for _ in range(config.depth - 1))
        self.memories = nn.ModuleList(nn.GRUCell(width, width) for _ in range(config.depth))

    def forward(self, graph: MemberGraph) -> Tensor:
        """`[N, H]`."""
        atoms = nn.functional.leaky_relu(self.atom(graph.atom_codes))
        for place, memory in enumerate(self.memories):
            if place == 0:
                heard = self.first(atoms, graph.edge_index, self.bond(graph.bond_codes))
            else:
                heard = self.others[place - 1](atoms, graph.edge_index)
            atoms = torch.relu(memory(nn.functional.elu(heard), atoms))
        return atoms


def make_attentive_fp(config: ModelConfig, vocabulary: Vocabulary) -> nn.Module:
    """The atoms' part of one member."""
    return AttentiveAtoms(config, vocabulary)
