"""A stack of graph layers with residual connections, on which most of the zoo is built."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from molgraph.config.training import ModelConfig
from molgraph.graphs import Vocabulary
from molgraph.models.zoo.codes import CodeBag
from molgraph.models.zoo.graph import MemberGraph

#: Makes a layer of a width; it is called on (atoms, graph, bonds).
MakeLayer = Callable[[int], nn.Module]


class ResidualStack(nn.Module):
    """Atoms `[N, H]` of a member: code vectors, then `depth` times h + ReLU(norm(layer(h))).

    Layer norm, not batch norm: what a molecule is like must not depend on the others of its batch. With a virtual node
    (Gilmer et al. 2017, arXiv:1704.01212) each molecule has one more node that hears from all its atoms, and speaks to
    all of them before the next layer.

    Args:
        config: Width, depth, and whether there are virtual nodes.
        vocabulary: Sizes of the codes.
        make_layer: Makes the layers.
    """

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary, make_layer: MakeLayer) -> None:
        super().__init__()
        self.atom = CodeBag(vocabulary.atom, config.hidden)
        self.bond = CodeBag(vocabulary.bond, config.hidden)
        self.layers = nn.ModuleList(make_layer(config.hidden) for _ in range(config.depth))
        self.norms = nn.ModuleList(nn.LayerNorm(config.hidden) for _ in range(config.depth))
        self.virtual = nn.ModuleList(
            nn.Sequential(nn.Linear(config.hidden, config.hidden), nn.ReLU(), nn.Linear(config.hidden, config.hidden))
            for _ in range(config.depth - 1 if config.virtual_node else 0)
        )

    def forward(self, graph: MemberGraph) -> Tensor:
        """`[N, H]`."""
        atoms: Tensor
        atoms, bonds = self.atom(graph.atom_codes), self.bond(graph.bond_codes)
        node = atoms.new_zeros(graph.n_molecules, atoms.shape[1])
        for place, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            atoms = atoms + torch.relu(norm(layer(atoms, graph, bonds)))
            if place < len(self.virtual):
                node = node + self.virtual[place](node.index_add(0, graph.molecule, atoms))
                atoms = atoms + node.index_select(0, graph.molecule)
        return atoms
