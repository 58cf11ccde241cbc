"""Values in the place of censored ones, for learners whose loss knows no bounds."""

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.stats import truncnorm

from molgraph.results.labels import Labels

Floats = NDArray[np.float64]


def bounds_as_values(labels: Labels) -> Floats:
    """Values `[B, T]`, with bounds in the place of unmeasured ones; the middle where there are two."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # no label and no bound: stays NaN
        return np.where(labels.is_measured, labels.values, np.nanmean(np.stack(labels.bounds), axis=0))


def expected_values(labels: Labels, predicted: Floats, watched: NDArray[np.int64]) -> Floats:
    """Values `[B, T]` with the mean of what predictions and bounds leave possible in the place of unmeasured ones.

    Labels lie normally around predictions, with the deviation that measured ones have on the rows `watched`.

    Args:
        labels: `[B, T]` labels.
        predicted: `[B, T]`.
        watched: Rows whose errors give the standard deviation.

    >>> none, lower = np.full((3, 1), np.nan), np.array([[np.nan], [np.nan], [0.0]])
    >>> labels = Labels(np.array([[1.0], [-1.0], [np.nan]]), lower, upper=none)
    >>> expected_values(labels, np.zeros((3, 1)), np.array([0, 1])).round(3).tolist()
    [[1.0], [-1.0], [0.798]]
    """
    expected, (lower, upper) = labels.values.copy(), labels.bounds
    for t, is_censored in enumerate(labels.is_censored.T):
        rows = np.flatnonzero(is_censored)
        if len(rows) == 0:
            continue
        errors = labels.values[watched, t] - predicted[watched, t]
        errors = errors[~np.isnan(errors)]
        spread = max(float(np.sqrt(np.mean(errors**2))) if len(errors) else 0.0, 1e-9)
        middle = predicted[rows, t]
        low = np.nan_to_num(lower[rows, t], nan=-np.inf)
        high = np.nan_to_num(upper[rows, t], nan=np.inf)
        # Far beyond a bound the tail is narrower than rounding: the bound itself is the mean there.
        start = np.clip((low - middle) / spread, None, 8.0)
        stop = np.clip((high - middle) / spread, -8.0, None)
        mean = truncnorm.mean(np.minimum(start, stop - 1e-3), stop, loc=middle, scale=spread)
        expected[rows, t] = np.clip(mean, low, high)
    return expected
