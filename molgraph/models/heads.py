"""Heads: what a network's raw output means, and what it costs to be wrong.

A head owns its loss and the meaning of its output, so that nobody else asks what kind a task is. A new kind of
output is one row of `HEADS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from molgraph.tasks import TaskKind


@dataclass(frozen=True)
class Head:
    """Meaning of one column of raw outputs.

    Attributes:
        scales_targets: Whether labels are brought to mean 0 and variance 1 before the loss.
        loss: Loss of each entry, from raw outputs, scaled targets and the weight of the class 1; all `[...]`.
        mean: Value or probability from raw outputs, in scaled label units.
    """

    scales_targets: bool
    loss: Callable[[Tensor, Tensor, Tensor], Tensor]
    mean: Callable[[Tensor], Tensor]


def _squared_error(output: Tensor, target: Tensor, positive_weight: Tensor) -> Tensor:  # noqa: ARG001
    return (output - target).square()


def _cross_entropy(output: Tensor, target: Tensor, positive_weight: Tensor) -> Tensor:
    return torch.nn.functional.binary_cross_entropy_with_logits(
        output, target, pos_weight=positive_weight, reduction="none"
    )


def _identity(output: Tensor) -> Tensor:
    return output


HEADS: Mapping[TaskKind, Head] = MappingProxyType(
    {
        "regression": Head(scales_targets=True, loss=_squared_error, mean=_identity),
        "classification": Head(scales_targets=False, loss=_cross_entropy, mean=torch.sigmoid),
    }
)
