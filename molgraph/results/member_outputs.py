"""Raw outputs of the members of an ensemble, before calibration."""

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
        aleatoric_var: `[M, B, T]` variance of the measurement as a member predicts it; 0 where its head predicts none.
        epistemic_var: `[M, B, T]` variance of its own prediction as a member predicts it; 0 likewise.
        quantiles: `[M, B, T, Q]` values at `QUANTILE_LEVELS`, NaN for tasks without; None where no task has them.
        epistemic_is_complete: `epistemic_var` is the whole epistemic variance, and the members' disagreement is no part
            of it. Learners that memorise their training rows, as trees and Gaussian processes do, agree on these far
            better than on new ones, so their agreement on the calibration rows is no estimate for new ones.
    """

    mean: NDArray[np.float64]
    aleatoric_var: NDArray[np.float64]
    epistemic_var: NDArray[np.float64]
    quantiles: NDArray[np.float64] | None = None
    epistemic_is_complete: bool = False

    def within(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> "MemberOutputs":
        """A copy with means and quantiles clipped to the lowest and highest possible value of each task, `[T]`."""
        return replace(
            self,
            mean=np.clip(self.mean, low, high),
            quantiles=None if self.quantiles is None else np.clip(self.quantiles, low[:, None], high[:, None]),
        )

    def pooled(self, *, with_disagreement: bool = True) -> "PooledOutputs":
        """The mean and variance of the mixture of all members; quantiles are averaged level by level.

        Args:
            with_disagreement: Add the variance between the members to the epistemic variance that they predict (law of
                total variance), unless that is complete. Of use only where it is compared with rows that no member was
                trained on.
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
    """Raw outputs of an ensemble as a whole; the fields are those of `MemberOutputs` without the member axis.

    `epistemic_var` is the mean of what the members predict, plus the variance between them where that was asked for.
    """

    mean: NDArray[np.float64]
    aleatoric_var: NDArray[np.float64]
    epistemic_var: NDArray[np.float64]
    quantiles: NDArray[np.float64] | None = None
