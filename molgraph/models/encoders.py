"""All graph encoders by name. A new one is a file that makes the atoms' part of one member, and a row here."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

import torch
from torch import Tensor, nn

from molgraph.config.training import ModelConfig
from molgraph.graphs import Vocabulary
from molgraph.models.batch import GraphBatch
from molgraph.models.dmpnn import DMPNN
from molgraph.models.dropout import UnitDropout
from molgraph.models.late_import import import_with_pyg
from molgraph.models.readout import Readout
from molgraph.models.stacked import Stacked
from molgraph.models.zoo.graph import member_graph


class Encoder(Protocol):
    """A module from graphs to one vector a molecule, for M members; parameters have the member as leading axis."""

    n_out: int
    dropout: UnitDropout
    typical_atoms: Tensor

    def __call__(self, batch: GraphBatch, dtype: torch.dtype) -> Tensor:
        """`[M, B, n_out]` vectors; `dtype` is the number format of large products, where it can be chosen."""


#: Module and function that make the atoms' part of one member, `(config, vocabulary)` to a module that is called on a
#: `MemberGraph`. They are imported when they are asked for, because torch_geometric takes seconds.
ZOO: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "gine": ("molgraph.models.zoo.gine", "make_gine"),
        "gatv2": ("molgraph.models.zoo.gatv2", "make_gatv2"),
        "attentive_fp": ("molgraph.models.zoo.attentive_fp", "make_attentive_fp"),
        "pna": ("molgraph.models.zoo.pna", "make_pna"),
        "gps": ("molgraph.models.zoo.gps", "make_gps"),
    }
)


def encoder_width(config: ModelConfig) -> int:
    """Width of the embedding of a molecule."""
    return 2 * config.hidden if config.readout == "set2set" else config.hidden


def make_encoder(
    config: ModelConfig, vocabulary: Vocabulary, n_members: int, generator: torch.Generator
) -> "DMPNN | ZooEncoder":
    """The encoder that the settings name."""
    if config.architecture == "dmpnn":
        return DMPNN(config, vocabulary, n_members, generator)
    module, function = ZOO[config.architecture]
    make: Callable[[ModelConfig, Vocabulary], nn.Module] = getattr(import_with_pyg(module), function)
    return ZooEncoder(config, lambda: make(config, vocabulary), n_members, generator)


class ZooEncoder(nn.Module):
    """Layers of torch_geometric, one member after the other, in float32.

    Args:
        config: Width, readout and dropout.
        make_atoms: Makes the atoms' part of one member.
        n_members: M.
        generator: What first weights are drawn from.
    """

    #: `[M]` atoms of a typical training molecule: the divisor of the `norm` readout.
    typical_atoms: Tensor

    def __init__(
        self, config: ModelConfig, make_atoms: Callable[[], nn.Module], n_members: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.register_buffer("typical_atoms", torch.ones(n_members))
        self.n_members = n_members
        self.dropout = UnitDropout(config.dropout)
        self.atoms = Stacked(make_atoms, n_members, generator)
        self.readout = Readout(config.readout, n_members, config.hidden, generator)
        self.n_out = self.readout.n_out

    def forward(self, batch: GraphBatch, dtype: torch.dtype) -> Tensor:
        """`[M, B, n_out]` vectors of the molecules."""
        del dtype  # scatter operations add up many numbers, for which bfloat16 is too coarse
        atoms = torch.stack([self.atoms(member, member_graph(batch, member)) for member in range(self.n_members)])
        molecules: Tensor = self.readout(self.dropout(atoms), batch, self.typical_atoms)
        return molecules
