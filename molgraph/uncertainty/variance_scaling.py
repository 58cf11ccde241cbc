"""Variance scaling: predicted variances scaled to the size of out-of-fold errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.config.uncertainty import VarianceScalingChoice

#: Steps of the search for the most likely scaling; it converges in a few dozen.
_MAX_STEPS = 200


@dataclass(frozen=True)
class VarianceScaling:
    """Calibrated variance = `constant` + `aleatoric`·(aleatoric variance) + `epistemic`·(epistemic variance).

    All three are at least 0. The constant is the scatter that the model does not predict; it counts as aleatoric.
    """

    constant: float = 0.0
    aleatoric: float = 1.0
    epistemic: float = 1.0

    def apply(
        self, aleatoric_var: NDArray[np.float64], epistemic_var: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Calibrated aleatoric and epistemic variance."""
        return self.constant + self.aleatoric * aleatoric_var, self.epistemic * epistemic_var


def fit_variance_scaling(
    choice: VarianceScalingChoice,
    residual: NDArray[np.float64],
    aleatoric_var: NDArray[np.float64],
    epistemic_var: NDArray[np.float64],
) -> VarianceScaling:
    """The scaling under which out-of-fold or held-out residuals `[n]` are most likely.

    Gaussian likelihood. `global` finds one factor for the sum of both variances, `local` a factor for each and a
    constant, so that rows on which the members disagree get more and others less. `none` changes nothing, unless no
    variance was predicted at all: then the mean squared residual is the variance of every row, in all three.

    >>> fit_variance_scaling("global", np.array([2.0, -2.0]), np.ones(2), np.zeros(2))
    VarianceScaling(constant=0.0, aleatoric=4.0, epistemic=4.0)
    """
    if len(residual) == 0:
        return VarianceScaling(constant=float("nan"))
    squared = residual**2
    total = aleatoric_var + epistemic_var
    if not np.any(total > 0):
        return VarianceScaling(constant=float(squared.mean()))
    if choice == "none":
        return VarianceScaling()
    if choice == "global":
        # Rows without any variance would ask for an infinite factor: they are left out.
        factor = float(np.mean(squared[total > 0] / total[total > 0]))
        return VarianceScaling(aleatoric=factor, epistemic=factor)
    return _most_likely(squared, aleatoric_var, epistemic_var)


def _most_likely(
    squared: NDArray[np.float64], aleatoric_var: NDArray[np.float64], epistemic_var: NDArray[np.float64]
) -> VarianceScaling:
    """Maximum likelihood of r² ~ v·χ²(1) for v = constant + a·aleatoric + e·epistemic, none of the three negative.

    Iteratively reweighted least squares (Fisher scoring): each step regresses r² on the three columns with weights
    1/v². The columns are brought to mean 1 first, so that one start and one tolerance do for all data.
    """
    from scipy.optimize import nnls

    size = squared.mean()
    if size == 0:
        return VarianceScaling(constant=0.0, aleatoric=0.0, epistemic=0.0)
    columns = np.stack([np.ones_like(squared), aleatoric_var, epistemic_var], axis=1)
    means = columns.mean(axis=0)
    scaled = np.divide(columns, means, out=np.zeros_like(columns), where=means > 0)
    target = squared / size
    used = means > 0
    weights = used / used.sum()
    likelihood = _likelihood(target, scaled @ weights)
    for _ in range(_MAX_STEPS):
        variance = np.maximum(scaled @ weights, 1e-6)
        proposed, _ = nnls(scaled / variance[:, None], target / variance)
        # A full step may overshoot where a few large residuals rule; halve it until it helps.
        step, better = 1.0, weights
        for _ in range(20):
            better = weights + step * (proposed - weights)
            if _likelihood(target, scaled @ better) >= likelihood:
                break
            step /= 2
        else:
            break
        gain = _likelihood(target, scaled @ better) - likelihood
        weights, likelihood = better, likelihood + gain
        if gain < 1e-10:
            break
    factors = np.divide(weights * size, means, out=np.zeros(3), where=used)
    return VarianceScaling(constant=float(factors[0]), aleatoric=float(factors[1]), epistemic=float(factors[2]))


def _likelihood(squared: NDArray[np.float64], variance: NDArray[np.float64]) -> float:
    floored = np.maximum(variance, 1e-6)
    return float(-np.mean(np.log(floored) + squared / floored))
