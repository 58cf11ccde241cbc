"""What the members of an ensemble say before anything is calibrated."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

#: Levels of the quantiles that the quantile head predicts, Q of them; the median is the prediction.
QUANTILE_LEVELS = (0.025, 0.05, 0.1, 0.16, 0.25, 0.5, 0.75, 0.84, 0.9, 0.95, 0.975)


@dataclass(frozen=True)
class MemberOutputs:
    """Raw outputs of M members for B molecules and T tasks.

    Attributes:
        mean: `[M, B, T]` value in label units, or probability of the class 1.
        aleatoric_var: `[M, B, T]` variance that a member attributes to the measurement; 0 where its head says nothing.
        epistemic_var: `[M, B, T]` variance that a member attributes to its own ignorance; 0 likewise.
        quantiles: `[M, B, T, Q]` values at `QUANTILE_LEVELS`, NaN for tasks without; None where no task has them.
        epistemic_is_complete: `epistemic_var` is all that is known of it, and the members' disagreement is no part of
            it. Learners that remember what they were trained on, as trees and processes do, agree on a row that they
            saw far better than on a new one, so their agreement on the calibration rows says nothing about new ones.
    """

    mean: NDArray[np.float64]
    aleatoric_var: NDArray[np.float64]
    epistemic_var: NDArray[np.float64]
    quantiles: NDArray[np.float64] | None = None
    epistemic_is_complete: bool = False

    def within(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> "MemberOutputs":
        """The same with means and quantiles that end at the least and largest possible value of each task, `[T]`."""
        return replace(
            self,
            mean=np.clip(self.mean, low, high),
            quantiles=None if self.quantiles is None else np.clip(self.quantiles, low[:, None], high[:, None]),
        )

    def pooled(self, *, with_disagreement: bool = True) -> "PooledOutputs":
        """All members as one, quantiles averaged level by level.

        Args:
            with_disagreement: Add the variance between the members to what they say of themselves (law of total
                variance), unless that is complete. Of use only where it is compared with rows that none of the members
                was trained on.
        """
        between = self.mean.var(axis=0) if with_disagreement and not self.epistemic_is_complete else 0.0
        return PooledOutputs(
            mean=self.mean.mean(axis=0),
            aleatoric_var=self.aleatoric_var.mean(axis=0),
            epistemic_var=between + self.epistemic_var.mean(axis=0),
            quantiles=None if self.quantiles is None else self.quantiles.mean(axis=0),
        )


@dataclass(frozen=True)
class PooledOutputs:
    """Raw outputs of an ensemble as a whole; the fields are those of `MemberOutputs` without the members.

    `epistemic_var` is what the members say of themselves, with the variance between them where that was asked for.
    """

    mean: NDArray[np.float64]
    aleatoric_var: NDArray[np.float64]
    epistemic_var: NDArray[np.float64]
    quantiles: NDArray[np.float64] | None = None
