"""Quantile regression (Koenker and Bassett 1978): the values that the label stays below with given probabilities."""

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn.functional import softplus

from molgraph.models.heads.head import Head, Moments
from molgraph.results.member_outputs import QUANTILE_LEVELS
from molgraph.results.tasks import TaskKind

_MEDIAN = QUANTILE_LEVELS.index(0.5)
_LOW, _HIGH = QUANTILE_LEVELS.index(0.16), QUANTILE_LEVELS.index(0.84)


def _quantiles(raw: Tensor) -> Tensor:
    """The median, and steps away from it that are never negative, so that no two quantiles cross."""
    median = raw[..., _MEDIAN : _MEDIAN + 1]
    # Fresh weights give steps of 0.13 deviations: the outermost quantiles start 0.7 from the median.
    up = softplus(raw[..., _MEDIAN + 1 :] - 2.0).cumsum(-1)
    down = softplus(raw[..., :_MEDIAN] - 2.0).flip(-1).cumsum(-1).flip(-1)
    return torch.cat([median - down, median, median + up], dim=-1)


def _moments(raw: Tensor) -> Moments:
    """The median, and half the distance between the quantiles that lie one deviation from it in a Gaussian."""
    quantiles = _quantiles(raw)
    return Moments(quantiles[..., _MEDIAN], aleatoric_var=((quantiles[..., _HIGH] - quantiles[..., _LOW]) / 2).square())


def _pinball_loss(raw: Tensor, target: Tensor, positive_weight: Tensor) -> Tensor:  # noqa: ARG001
    levels = torch.tensor(QUANTILE_LEVELS, dtype=raw.dtype, device=raw.device)
    below = target[..., None] - _quantiles(raw)
    return torch.maximum(levels * below, (levels - 1.0) * below).mean(-1)


QUANTILE = Head(
    n_outputs=len(QUANTILE_LEVELS), loss=_pinball_loss, watch=_pinball_loss, moments=_moments, quantiles=_quantiles
)

HEADS: Mapping[TaskKind, Head] = MappingProxyType({"regression": QUANTILE})
