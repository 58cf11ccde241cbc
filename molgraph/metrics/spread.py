"""Calibration of predicted uncertainty: is a spread as large as the errors, on average, in groups, and one by one.

Errors e `[n]` are truth - prediction, spreads σ `[n]` are standard deviations above 0, both in label units.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Levels at which expected and observed coverage are compared.
COVERAGE_LEVELS = np.linspace(0.01, 0.99, 99)

#: Levels at which the coverage of intervals is compared: fewer, since the intervals of each are computed anew.
INTERVAL_LEVELS = np.linspace(0.05, 0.95, 19)

#: Groups of compounds of similar spread.
BINS = 10

#: Samples of errors that a reference value is the mean of.
_DRAWS = 100


def gaussian_nll(error: Floats, spread: Floats) -> float:
    """Mean negative log likelihood of the errors, in nats; smaller is better.

    >>> round(gaussian_nll(np.zeros(1), np.ones(1)), 4)
    0.9189
    """
    return float(np.mean(0.5 * (np.log(2 * np.pi * spread**2) + (error / spread) ** 2)))


def gaussian_crps(error: Floats, spread: Floats) -> float:
    """Mean continuous ranked probability score, in label units; smaller is better.

    It tends to the absolute error as the spread tends to 0 (Gneiting and Raftery 2007, doi:10.1198/016214506000001437).
    """
    from scipy.special import ndtr

    z = error / spread
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return float(np.mean(spread * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi))))


def spread_bins(error: Floats, spread: Floats, bins: int = BINS) -> tuple[Floats, Floats]:
    """Root mean squared spread and error of equal groups of similar spread, `[G]` each, the smallest spread first."""
    order = np.argsort(spread, kind="stable")
    parts = [part for part in np.array_split(order, min(bins, len(order))) if len(part)]
    mean_spread = np.array([np.sqrt(np.mean(spread[part] ** 2)) for part in parts])
    mean_error = np.array([np.sqrt(np.mean(error[part] ** 2)) for part in parts])
    return mean_spread, mean_error


def ence(error: Floats, spread: Floats, bins: int = BINS) -> float:
    """Expected normalised calibration error: mean of |spread - error|/spread over groups of similar spread.

    Levi et al. 2022, doi:10.3390/s22155540. 0 is perfect. With few compounds in a group chance alone gives about
    √(1/(π n)) for n of them.

    >>> ence(np.array([1.0, -1.0, 2.0, -2.0]), np.array([1.0, 1.0, 4.0, 4.0]), bins=2)
    0.25
    """
    mean_spread, mean_error = spread_bins(error, spread, bins)
    return float(np.mean(np.abs(mean_spread - mean_error) / mean_spread))


def ence_reference(spread: Floats, bins: int = BINS, seed: int = 0) -> float:
    """`ence` of perfectly calibrated spreads: the mean over many samples of errors drawn from them.

    It is above 0, the more so the fewer compounds there are: 0.4 for 20, 0.1 for 250.

    >>> round(ence_reference(np.ones(1000)), 2)
    0.05
    """
    rng = np.random.default_rng(seed)
    return float(np.mean([ence(rng.normal(size=len(spread)) * spread, spread, bins) for _ in range(_DRAWS)]))


def observed_coverage(error: Floats, spread: Floats) -> Floats:
    """Fraction of errors inside the central Gaussian interval of each level in `COVERAGE_LEVELS`."""
    from scipy.special import ndtri

    z = np.sort(np.abs(error) / spread)
    return np.asarray(np.searchsorted(z, ndtri(0.5 + COVERAGE_LEVELS / 2), side="right") / len(z))


def miscalibration_area(error: Floats, spread: Floats) -> float:
    """Mean distance between observed and expected coverage, over levels 1% to 99%; 0 is perfect, 0.5 the worst.

    Tran et al. 2020, doi:10.1088/2632-2153/ab7e1a.
    """
    return float(np.mean(np.abs(observed_coverage(error, spread) - COVERAGE_LEVELS)))


def interval_miscalibration(holds: NDArray[np.bool_]) -> float:
    """Mean distance between observed and nominal coverage of intervals, over levels 5% to 95%; 0 is perfect.

    `miscalibration_area` tests whether errors are Gaussian with the predicted spread. This tests whether the intervals
    of a model, however they are made, have their nominal coverage.

    Args:
        holds: `[19, n]` whether the interval of each compound at each of `INTERVAL_LEVELS` holds the truth.

    >>> interval_miscalibration(np.arange(100) < 100 * INTERVAL_LEVELS[:, None] - 1e-9)
    0.0
    """
    return float(np.mean(np.abs(holds.mean(axis=1) - INTERVAL_LEVELS)).round(12))


def spread_correlation(error: Floats, spread: Floats) -> float:
    """Spearman correlation of spread and absolute error; NaN if one of them is constant."""
    from scipy.stats import spearmanr

    if len(error) < 2 or np.ptp(spread) == 0 or np.ptp(np.abs(error)) == 0:
        return float("nan")
    return float(spearmanr(spread, np.abs(error)).statistic)


def spread_correlation_reference(spread: Floats, seed: int = 0) -> float:
    """`spread_correlation` of perfectly calibrated spreads: the mean over many samples of errors drawn from them.

    It is far below 1 and depends on how much the spreads differ, so a correlation needs it beside it (Rasmussen
    et al. 2023, doi:10.1186/s13321-023-00790-0).
    """
    rng = np.random.default_rng(seed)
    correlations = [spread_correlation(rng.normal(size=len(spread)) * spread, spread) for _ in range(_DRAWS)]
    return float(np.mean(correlations))


def coverage_and_width(truth: Floats, lower: Floats, upper: Floats) -> tuple[float, float]:
    """Coverage of the intervals, and their mean width; infinite if an interval is; NaN without rows."""
    if len(truth) == 0:
        return float("nan"), float("nan")
    return float(np.mean((truth >= lower) & (truth <= upper))), float(np.mean(upper - lower))


def class_calibration_bins(truth: Floats, probability: Floats, bins: int = BINS) -> tuple[Floats, Floats, Floats]:
    """Mean probability, fraction of class 1 and number of rows of equal groups of similar probability, `[G]` each."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, min(bins, len(order))) if len(part)]
    return (
        np.array([probability[part].mean() for part in parts]),
        np.array([truth[part].mean() for part in parts]),
        np.array([float(len(part)) for part in parts]),
    )


def class_calibration_error(truth: Floats, probability: Floats, bins: int = BINS) -> float:
    """Expected calibration error: mean distance of probability and fraction of class 1 over equal groups of rows.

    >>> class_calibration_error(np.array([0.0, 1.0, 1.0, 1.0]), np.array([0.5, 0.5, 1.0, 1.0]), bins=2)
    0.0
    """
    mean, fraction, count = class_calibration_bins(truth, probability, bins)
    return float(np.average(np.abs(mean - fraction), weights=count))
