"""The network: a graph encoder, hidden layers, and one head for each task; M members side by side."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import Tensor, nn

from molgraph.config import Architecture, ModelConfig
from molgraph.models.batch import GraphBatch
from molgraph.models.dmpnn import DMPNN
from molgraph.models.heads import HEADS
from molgraph.models.linear import MemberLinear
from molgraph.tasks import TaskKind
from molgraph.vocabulary import Vocabulary

#: Graph encoders by name: `(config, vocabulary, n_members, generator)` gives a module with `n_out`, called on
#: (batch, dtype).
ENCODERS: Mapping[Architecture, Callable[[ModelConfig, Vocabulary, int, torch.Generator], DMPNN]] = MappingProxyType(
    {"dmpnn": DMPNN}
)


class Network(nn.Module):
    """M members, each from graphs to T tasks. Every parameter and buffer has the member as its leading axis.

    Args:
        config: Shape of a member.
        vocabulary: Sizes of the feature codes.
        kinds: Kind of each of the T tasks.
        n_members: M.
        seed: The first weights depend on this and on nothing else; torch's own generator is left alone, which the
            threads of several members share.
    """

    target_mean: Tensor
    target_scale: Tensor
    positive_weight: Tensor

    def __init__(
        self,
        config: ModelConfig,
        vocabulary: Vocabulary,
        kinds: tuple[TaskKind, ...],
        n_members: int = 1,
        *,
        seed: int = 0,
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.config = config
        self.vocabulary = vocabulary
        self.kinds = kinds
        self.n_members = n_members
        self.encoder = ENCODERS[config.architecture](config, vocabulary, n_members, generator)
        widths = [self.encoder.n_out] + [config.head_hidden] * config.head_layers
        self.hidden = nn.ModuleList(
            MemberLinear(n_members, n_in, n_out, generator=generator) for n_in, n_out in pairwise(widths)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.output = MemberLinear(n_members, widths[-1], len(kinds), generator=generator)
        self.register_buffer("target_mean", torch.zeros(n_members, len(kinds)))
        self.register_buffer("target_scale", torch.ones(n_members, len(kinds)))
        self.register_buffer("positive_weight", torch.ones(n_members, len(kinds)))

    def forward(self, batch: GraphBatch, dtype: torch.dtype) -> Tensor:
        """Raw float32 outputs `[M, B, T]`; all but the last layer is computed in `dtype`."""
        vectors = self.encoder(batch, dtype)
        for layer in self.hidden:
            vectors = self.dropout(torch.relu(layer(vectors)))
        raw: Tensor = self.output(vectors.float())
        return raw

    def losses(self, raw: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        """Mean loss of each member over its measured entries, `[M]`; 0 for a member that has none.

        Args:
            raw: `[M, B, T]` outputs of `forward`.
            labels: `[M, B, T]` in label units, NaN = not measured.
            weights: `[M, B]` weight of each molecule.
        """
        is_measured = ~torch.isnan(labels)
        target = (torch.nan_to_num(labels) - self.target_mean[:, None]) / self.target_scale[:, None]
        entries = [
            HEADS[kind].loss(raw[..., t], target[..., t], self.positive_weight[:, t, None])
            for t, kind in enumerate(self.kinds)
        ]
        entry_weight = is_measured * weights[..., None]
        total = (torch.stack(entries, dim=-1) * entry_weight).sum(dim=(1, 2))
        return total / entry_weight.sum(dim=(1, 2)).clamp(min=1e-12)

    def means(self, raw: Tensor) -> Tensor:
        """Values in label units, or probabilities of the class 1, `[M, B, T]`."""
        columns = [HEADS[kind].mean(raw[..., t]) for t, kind in enumerate(self.kinds)]
        return torch.stack(columns, dim=-1) * self.target_scale[:, None] + self.target_mean[:, None]

    def members(self, start: int, stop: int) -> "Network":
        """The members `start:stop` as a network of their own; weights are shared, not copied."""
        part = Network(self.config, self.vocabulary, self.kinds, stop - start)
        state = {key: tensor[start:stop] for key, tensor in self.state_dict().items()}
        part.load_state_dict(state, assign=True)
        # Buffers that are not part of the state, such as offsets into tables, follow the weights.
        return part.to(self.target_mean.device).eval()

    def cast(self, dtype: torch.dtype) -> "Network":
        """This network with the weights of its large products in `dtype`, so that no pass has to convert them."""
        for layer in self.modules():
            if isinstance(layer, MemberLinear) and layer is not self.output:
                layer.to(dtype)
        return self

    def set_scaling(self, mean: Tensor, scale: Tensor, positive_weight: Tensor, typical_atoms: Tensor) -> None:
        """Set what is known of each member's training rows: their labels, `[M, T]` each, and their mean size, `[M]`."""
        self.encoder.typical_atoms.copy_(typical_atoms)
        self.target_mean.copy_(mean)
        self.target_scale.copy_(scale)
        self.positive_weight.copy_(positive_weight)
