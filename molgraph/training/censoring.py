"""Labels of which no more than a bound is known, for learners whose loss knows no bounds."""

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.stats import truncnorm

Floats = NDArray[np.float64]


def bounds_as_labels(labels: Floats, bounds: Floats) -> Floats:
    """Labels `[B, T]` with bounds `[2, B, T]` in the place of unmeasured ones; the middle where there are two."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # no label and no bound: stays NaN
        return np.where(np.isnan(labels), np.nanmean(bounds, axis=0), labels)


def expected_labels(labels: Floats, bounds: Floats, predicted: Floats, watched: NDArray[np.int64]) -> Floats:
    """Labels `[B, T]` with the mean of what predictions and bounds leave possible in the place of unmeasured ones.

    Labels lie normally around predictions, with the deviation that measured ones have on the rows `watched`.

    Args:
        labels: `[B, T]`, NaN = not measured.
        bounds: `[2, B, T]` values that unmeasured labels lie above and below, NaN = no bound.
        predicted: `[B, T]`.
        watched: Rows whose errors tell the deviation.

    >>> labels, bounds = np.array([[1.0], [-1.0], [np.nan]]), np.full((2, 3, 1), np.nan)
    >>> bounds[0, 2] = 0.0
    >>> expected_labels(labels, bounds, np.zeros((3, 1)), np.array([0, 1])).round(3).tolist()
    [[1.0], [-1.0], [0.798]]
    """
    expected = labels.copy()
    for t in range(labels.shape[1]):
        rows = np.flatnonzero(np.isnan(labels[:, t]) & ~np.isnan(bounds[:, :, t]).all(axis=0))
        if len(rows) == 0:
            continue
        errors = labels[watched, t] - predicted[watched, t]
        errors = errors[~np.isnan(errors)]
        spread = max(float(np.sqrt(np.mean(errors**2))) if len(errors) else 0.0, 1e-9)
        middle = predicted[rows, t]
        low = np.nan_to_num(bounds[0, rows, t], nan=-np.inf)
        high = np.nan_to_num(bounds[1, rows, t], nan=np.inf)
        # Far beyond a bound the tail is narrower than rounding: the bound itself is the mean there.
        start = np.clip((low - middle) / spread, None, 8.0)
        stop = np.clip((high - middle) / spread, -8.0, None)
        mean = truncnorm.mean(np.minimum(start, stop - 1e-3), stop, loc=middle, scale=spread)
        expected[rows, t] = np.clip(mean, low, high)
    return expected
