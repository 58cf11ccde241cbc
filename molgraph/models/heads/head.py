"""What a head is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

#: Loss of each entry `[...]` from raw outputs `[..., K]`, scaled targets `[...]` and the weight of the class 1 `[...]`.
LossFunction = Callable[[Tensor, Tensor, Tensor], Tensor]


class Moments(NamedTuple):
    """Outputs of a head for each entry, in scaled label units, `[...]` each.

    Attributes:
        mean: Value, or probability of the class 1.
        aleatoric_var: Variance of the measurement around it; None where the head gives none.
        epistemic_var: Variance from the head's own ignorance; None likewise.
    """

    mean: Tensor
    aleatoric_var: Tensor | None = None
    epistemic_var: Tensor | None = None


@dataclass(frozen=True)
class Head:
    """Meaning of the K raw outputs of one task. It owns its loss, so that no other code depends on the kind of a task.

    Attributes:
        n_outputs: K.
        loss: What training makes small.
        watch: What decides on inner rows which epoch was best: a score of the outputs.
        moments: Value and spread from raw outputs `[..., K]`.
        quantiles: `[..., Q]` values at `molgraph.results.member_outputs.QUANTILE_LEVELS`; None for a head without.
    """

    n_outputs: int
    loss: LossFunction
    watch: LossFunction
    moments: Callable[[Tensor], Moments]
    quantiles: Callable[[Tensor], Tensor] | None = None
