"""Heads with one output: a value, or the probability of a class."""

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from molgraph.models.heads.head import Head, Moments
from molgraph.results.tasks import TaskKind


def _squared_error(raw: Tensor, target: Tensor, positive_weight: Tensor) -> Tensor:  # noqa: ARG001
    return (raw[..., 0] - target).square()


def _absolute_error(raw: Tensor, target: Tensor, positive_weight: Tensor) -> Tensor:  # noqa: ARG001
    return (raw[..., 0] - target).abs()


def _cross_entropy(raw: Tensor, target: Tensor, positive_weight: Tensor) -> Tensor:
    return torch.nn.functional.binary_cross_entropy_with_logits(
        raw[..., 0], target, pos_weight=positive_weight, reduction="none"
    )


def _value(raw: Tensor) -> Moments:
    return Moments(raw[..., 0])


def _probability(raw: Tensor) -> Moments:
    return Moments(torch.sigmoid(raw[..., 0]))


VALUE = Head(n_outputs=1, loss=_squared_error, watch=_squared_error, moments=_value)
MEDIAN = Head(n_outputs=1, loss=_absolute_error, watch=_absolute_error, moments=_value)
PROBABILITY = Head(n_outputs=1, loss=_cross_entropy, watch=_cross_entropy, moments=_probability)

HEADS: Mapping[TaskKind, Head] = MappingProxyType({"regression": VALUE, "classification": PROBABILITY})
