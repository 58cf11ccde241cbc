"""Conformalised quantile regression (Romano et al. 2019, arXiv:1905.03222).

The guarantee is that of split conformal prediction where the calibration rows were held out. On out-of-fold rows it is
the weaker one of cross-conformal prediction, and not proven for quantiles pooled over the members.
"""

import numpy as np
from numpy.typing import NDArray

from molgraph.results.member_outputs import QUANTILE_LEVELS


def central_interval(quantiles: NDArray[np.float64], level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The interval between the (1 ± level)/2 quantiles, `[B]` lower and upper ends.

    Between the predicted levels it is interpolated; beyond the outermost these are used, and conformal calibration
    makes up for the difference.

    Args:
        quantiles: `[B, Q]` values at `QUANTILE_LEVELS`, in order.
        level: Share of the distribution between the ends.

    >>> lower, upper = central_interval(np.array([[-2.0, -1.6, -1.3, -1, -0.7, 0, 0.7, 1, 1.3, 1.6, 2]]), level=0.9)
    >>> lower.item(), upper.item()
    (-1.6, 1.6)
    """
    return _at(quantiles, (1.0 - level) / 2.0), _at(quantiles, (1.0 + level) / 2.0)


def quantile_scores(
    lower: NDArray[np.float64], upper: NDArray[np.float64], truth: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far the truth lies outside of its interval, `[n]`; negative inside."""
    return np.maximum(lower - truth, truth - upper)


def corrected_interval(
    lower: NDArray[np.float64], upper: NDArray[np.float64], correction: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Intervals moved outwards by `correction`, the conformal quantile of the scores; those that vanish become a point.

    >>> corrected_interval(np.array([0.0]), np.array([1.0]), -0.75)
    (array([0.5]), array([0.5]))
    """
    middle = (lower + upper) / 2
    return np.minimum(lower - correction, middle), np.maximum(upper + correction, middle)


def _at(quantiles: NDArray[np.float64], probability: float) -> NDArray[np.float64]:
    levels = np.array(QUANTILE_LEVELS)
    right = int(np.clip(np.searchsorted(levels, probability), 1, len(levels) - 1))
    share = (probability - levels[right - 1]) / (levels[right] - levels[right - 1])
    # Rounded, so that a predicted level gives back what was predicted for it.
    share = round(float(np.clip(share, 0.0, 1.0)), 9)
    return np.asarray((1.0 - share) * quantiles[:, right - 1] + share * quantiles[:, right])
