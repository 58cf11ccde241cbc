"""An encoder with the layers that predict descriptors of a structure, for pretraining."""

import torch
from torch import Tensor, nn

from molgraph.config.training import ModelConfig
from molgraph.graphs import Vocabulary
from molgraph.models.batch import GraphBatch
from molgraph.models.encoders import make_encoder
from molgraph.models.linear import MemberLinear


class Pretrainer(nn.Module):
    """One encoder, one hidden layer and a linear layer to F targets.

    Args:
        config: Shape of the encoder.
        vocabulary: Sizes of the feature codes.
        n_targets: F.
        hidden: Width of the layer between.
        mean_atoms: Atoms of a typical molecule, what the `norm` readout divides by.
        seed: Seed of the first weights.
    """

    def __init__(
        self,
        config: ModelConfig,
        vocabulary: Vocabulary,
        n_targets: int,
        *,
        hidden: int,
        mean_atoms: float,
        seed: int = 0,
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.encoder = make_encoder(config, vocabulary, 1, generator)
        self.encoder.typical_atoms.fill_(mean_atoms)
        self.hidden = MemberLinear(1, self.encoder.n_out, hidden, generator=generator)
        self.output = MemberLinear(1, hidden, n_targets, generator=generator)

    def forward(self, batch: GraphBatch, dtype: torch.dtype) -> Tensor:
        """`[B, F]` predicted descriptors of each molecule, in standard deviations; float32."""
        vectors = self.encoder(batch, dtype)
        outputs: Tensor = self.output(torch.relu(self.hidden(vectors)))[0]
        return outputs.float()
