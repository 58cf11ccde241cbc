"""Weighted conformal prediction for a known covariate shift (Tibshirani et al. 2019, arXiv:1904.06019).

Calibration rows count as much as molecules like them are frequent in the library: w(x) = dP_library/dP_calibration. The
guarantee of split conformal prediction then holds for molecules drawn as those of the library, if the weights are right
and the measured value depends on the structure in the same way in both.
"""

import numpy as np
from numpy.typing import NDArray


def weighted_quantiles(
    scores: NDArray[np.float64], weights: NDArray[np.float64], own_weights: NDArray[np.float64], level: float
) -> NDArray[np.float64]:
    """The score that bounds each new molecule, `[B]`; infinite where the weights allow nothing else.

    For a molecule of weight w it is the smallest score s with Σ weights of the scores up to s ≥ level·(Σ weights + w):
    the molecule's own weight sits at infinity.

    Args:
        scores: `[n]` scores of the calibration rows.
        weights: `[n]` their weights, not negative.
        own_weights: `[B]` weights of the new molecules, not negative.
        level: Probability to be held.

    >>> weighted_quantiles(np.array([1.0, 2.0, 3.0]), np.ones(3), np.array([0.0, 1.0, 9.0]), level=0.5)
    array([ 2.,  2., inf])
    """
    order = np.argsort(scores, kind="stable")
    mass = np.cumsum(weights[order])
    total = mass[-1] if len(mass) else 0.0
    asked = level * (total + own_weights)
    position = np.searchsorted(mass, asked * (1.0 - 1e-12), side="left")
    bounded = np.append(scores[order], np.inf)
    return np.where(np.isnan(own_weights), np.nan, bounded[np.minimum(position, len(scores))])
