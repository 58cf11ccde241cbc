"""The network: a graph encoder, hidden layers, and one head for each task; M members side by side."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate, pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from molgraph.models.batch import GraphBatch
from molgraph.models.dropout import UnitDropout
from molgraph.models.encoders import make_encoder
from molgraph.models.heads.head import Moments
from molgraph.models.heads.registry import head_of
from molgraph.models.linear import MemberLinear
from molgraph.models.network_shape import NetworkShape
from molgraph.results.member_outputs import QUANTILE_LEVELS

#: Columns of a molecule further from the mean than so many deviations are cut there: some descriptors run away.
FARTHEST = 6.0

#: By this the head multiplies the deviations of a pretrained encoder's vectors while the encoder learns on; what
#: decided it is in `benchmarks/README.md`.
VECTOR_SIZE = 0.2


class Outputs(NamedTuple):
    """Outputs of the members, in label units: `[M, B, T]` each, None where no head gives any.

    Attributes:
        mean: Value, or probability of the class 1.
        aleatoric_var: Variance of the measurement.
        epistemic_var: Variance from a member's own ignorance.
        quantiles: `[M, B, T, Q]` values at `QUANTILE_LEVELS`; NaN for tasks without.
    """

    mean: Tensor
    aleatoric_var: Tensor | None
    epistemic_var: Tensor | None
    quantiles: Tensor | None


class Network(nn.Module):
    """M members, each from graphs to T tasks. Every parameter and buffer has the member as its leading axis.

    Args:
        shape: Shape of each member.
        n_members: M.
        seed: The first weights depend on this and on nothing else; torch's own generator is left alone, which the
            threads of several members share.
    """

    vector_mean: Tensor
    vector_scale: Tensor
    feature_mean: Tensor
    feature_scale: Tensor
    target_mean: Tensor
    target_scale: Tensor
    positive_weight: Tensor

    def __init__(self, shape: NetworkShape, n_members: int = 1, *, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        config, kinds, n_features = shape.config, shape.kinds, shape.n_features
        self.shape = shape
        self.n_members = n_members
        self.heads = tuple(head_of(shape.uncertainty, kind, shape.loss) for kind in kinds)
        self.encoder = make_encoder(config, shape.vocabulary, n_members, generator) if shape.reads_graphs else None
        n_read = n_features + (0 if self.encoder is None else self.encoder.n_out)
        widths = [n_read] + [config.head_hidden] * config.head_layers
        self.hidden = nn.ModuleList(
            MemberLinear(n_members, n_in, n_out, generator=generator) for n_in, n_out in pairwise(widths)
        )
        self.dropout = UnitDropout(config.dropout)
        #: Where each task's part of the raw outputs ends and the next begins.
        self._bounds = (0, *accumulate(head.n_outputs for head in self.heads))
        self.output = MemberLinear(n_members, widths[-1], self._bounds[-1], generator=generator)
        if self.encoder is not None and shape.standardizes_vectors:
            self.register_buffer("vector_mean", torch.zeros(n_members, self.encoder.n_out))
            self.register_buffer("vector_scale", torch.ones(n_members, self.encoder.n_out))
        if n_features:
            self.register_buffer("feature_mean", torch.zeros(n_members, n_features))
            self.register_buffer("feature_scale", torch.ones(n_members, n_features))
        self.register_buffer("target_mean", torch.zeros(n_members, len(kinds)))
        self.register_buffer("target_scale", torch.ones(n_members, len(kinds)))
        self.register_buffer("positive_weight", torch.ones(n_members, len(kinds)))

    def forward(self, batch: GraphBatch, dtype: torch.dtype) -> Tensor:
        """Raw float32 outputs `[M, B, K]`, K over all heads; all but the last layer is computed in `dtype`."""
        vectors = None if self.encoder is None else self.encoder(batch, dtype)
        return self.read(vectors, batch.features, dtype)

    def read(self, vectors: Tensor | None, features: Tensor | None, dtype: torch.dtype) -> Tensor:
        """Raw float32 outputs `[M, B, K]` from the encoder's vectors `[M, B, H]` and columns `[M, B, F]`.

        Args:
            vectors: Of the encoder; None if there is none.
            features: Columns; a leading axis of 1 is that of all members. None if the head reads none.
            dtype: Number format of all but the last layer.
        """
        if vectors is not None and self.shape.standardizes_vectors:
            deviations = _in_deviations(vectors.float(), self.vector_mean, self.vector_scale)
            vectors = (VECTOR_SIZE * deviations).to(dtype)
        if self.shape.n_features:
            if features is None:
                raise ValueError(
                    f"the head reads {self.shape.n_features} columns of each molecule, and the batch has none"
                )
            scaled = _in_deviations(features, self.feature_mean, self.feature_scale).to(dtype)
            vectors = scaled if vectors is None else torch.cat([vectors, scaled], dim=-1)
        if vectors is None:
            raise ValueError("the head has nothing to read: neither an encoder nor columns")
        for layer in self.hidden:
            vectors = self.dropout(torch.relu(layer(vectors)))
        raw: Tensor = self.output(vectors.float())
        return raw

    def losses(
        self,
        raw: Tensor,
        labels: Tensor,
        weights: Tensor,
        *,
        bounds: Tensor | None = None,
        task_weights: Tensor | None = None,
        watching: bool = False,
    ) -> Tensor:
        """Mean loss of each member over its measured and bounded entries, `[M]`; 0 for a member that has none.

        Args:
            raw: `[M, B, K]` outputs of `forward`.
            labels: `[M, B, T]` in label units, NaN = not measured.
            weights: `[M, B]` weight of each molecule.
            bounds: `[2, M, B, T]` values that the unmeasured labels lie above and below, NaN = no bound; None for none.
                What keeps within them costs nothing, what does not is compared with the bound that it breaks.
            task_weights: `[T]` weight of each task; all the same if left out.
            watching: The loss that decides on the best epoch, instead of the one that training makes small.
        """
        is_kept = None
        if bounds is not None:
            predicted = self.outputs(raw.detach()).mean
            nearest = torch.fmin(torch.fmax(predicted, bounds[0]), bounds[1])  # fmax and fmin leave NaN aside
            is_bounded = torch.isnan(labels) & ~torch.isnan(bounds).all(dim=0)
            labels = torch.where(is_bounded, nearest, labels)
            is_kept = is_bounded & (nearest == predicted)
        is_measured = ~torch.isnan(labels)
        target = (torch.nan_to_num(labels) - self.target_mean[:, None]) / self.target_scale[:, None]
        entries = []
        for t, head in enumerate(self.heads):
            loss = head.watch if watching else head.loss
            entries.append(loss(self._part(raw, t), target[..., t], self.positive_weight[:, t, None]))
        entry_weight = is_measured * weights[..., None]
        if task_weights is not None:
            entry_weight = entry_weight * task_weights
        loss_of = torch.stack(entries, dim=-1)
        if is_kept is not None:
            loss_of = loss_of.masked_fill(is_kept, 0.0)
        total = (loss_of * entry_weight).sum(dim=(1, 2))
        return total / entry_weight.sum(dim=(1, 2)).clamp(min=1e-12)

    def outputs(self, raw: Tensor) -> Outputs:
        """What the raw outputs `[M, B, K]` mean, in label units."""
        moments = [head.moments(self._part(raw, t)) for t, head in enumerate(self.heads)]
        scale, centre = self.target_scale[:, None], self.target_mean[:, None]
        variance = scale.square()
        aleatoric = _stacked([moment.aleatoric_var for moment in moments], moments)
        epistemic = _stacked([moment.epistemic_var for moment in moments], moments)
        quantiles = self._quantiles(raw)
        return Outputs(
            mean=torch.stack([moment.mean for moment in moments], dim=-1) * scale + centre,
            aleatoric_var=None if aleatoric is None else aleatoric * variance,
            epistemic_var=None if epistemic is None else epistemic * variance,
            quantiles=None if quantiles is None else quantiles * scale[..., None] + centre[..., None],
        )

    @contextmanager
    def thinned(self, sample: int) -> Iterator[None]:
        """Meanwhile this is the thinned network number `sample` of Monte-Carlo dropout, the same every time."""
        layers = [(self.dropout, self.shape.config.head_hidden)]
        if self.encoder is not None:
            layers.insert(0, (self.encoder.dropout, self.shape.config.hidden))
        try:
            for position, (layer, n_units) in enumerate(layers):
                layer.set_mask(1000 * sample + position, n_units)
            yield
        finally:
            for layer, n_units in layers:
                layer.set_mask(None, n_units)

    def members(self, start: int, stop: int) -> "Network":
        """The members `start:stop` as a network of their own; weights are shared, not copied."""
        part = Network(self.shape, stop - start)
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

    def begin_with(self, encoder: Mapping[str, Tensor], mean: Tensor, scale: Tensor) -> None:
        """Give each member's encoder the weights of a pretrained one, whose leading axis is 1.

        Args:
            encoder: Its weights.
            mean: `[H]` mean of its vectors.
            scale: `[H]` their deviation.
        """
        if self.encoder is None or not self.shape.standardizes_vectors:
            raise ValueError("this network was not made to begin with the weights of a pretrained encoder")
        own = self.encoder.state_dict()
        self.encoder.load_state_dict({key: encoder[key].expand_as(tensor) for key, tensor in own.items()})
        self.vector_mean.copy_(mean)
        self.vector_scale.copy_(scale)

    def set_scaling(self, mean: Tensor, scale: Tensor, positive_weight: Tensor) -> None:
        """Set what is known of the labels of each member's training rows, `[M, T]` each."""
        self.target_mean.copy_(mean)
        self.target_scale.copy_(scale)
        self.positive_weight.copy_(positive_weight)

    def set_features(self, mean: Tensor, scale: Tensor) -> None:
        """Set mean and deviation of the columns over each member's training rows, `[M, F]` each."""
        self.feature_mean.copy_(mean)
        self.feature_scale.copy_(scale)

    def _part(self, raw: Tensor, task: int) -> Tensor:
        return raw[..., self._bounds[task] : self._bounds[task + 1]]

    def _quantiles(self, raw: Tensor) -> Tensor | None:
        """`[M, B, T, Q]` in scaled units, NaN for tasks without; None if no task has any."""
        if all(head.quantiles is None for head in self.heads):
            return None
        none = raw.new_full((*raw.shape[:2], len(QUANTILE_LEVELS)), float("nan"))
        columns = [
            none if head.quantiles is None else head.quantiles(self._part(raw, t)) for t, head in enumerate(self.heads)
        ]
        return torch.stack(columns, dim=2)


def _in_deviations(columns: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """`[M, B, F]` in deviations from their mean, at most `FARTHEST`; 0 where there is no number."""
    scaled = (columns - mean[:, None]) / scale[:, None]
    return scaled.nan_to_num(0.0).clamp(-FARTHEST, FARTHEST)


def _stacked(columns: list[Tensor | None], moments: list[Moments]) -> Tensor | None:
    """`[M, B, T]`, 0 for tasks whose head gives none; None if none does."""
    if all(column is None for column in columns):
        return None
    filled = [
        torch.zeros_like(moment.mean) if column is None else column
        for column, moment in zip(columns, moments, strict=True)
    ]
    return torch.stack(filled, dim=-1)
