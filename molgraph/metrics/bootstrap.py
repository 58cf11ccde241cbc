"""Bootstrap confidence intervals and standard errors of metrics."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

#: Bootstrap samples, drawn with replacement.
RESAMPLES = 1000


def bootstrap_intervals(
    metrics: Mapping[str, Callable[[NDArray[np.int64]], float]],
    n_rows: int,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
    strata: NDArray[np.float64] | None = None,
    biased: Collection[str] = (),
) -> dict[str, tuple[float, float]]:
    """Expanded percentile intervals over bootstrap samples of the rows, the same for all metrics.

    Efron's percentile interval is too narrow for few rows, as a Gaussian interval is beside Student's, so wider
    percentiles are taken (Hesterberg 2015, doi:10.1080/00031305.2015.1089789, "expanded percentile interval").

    A sample in which a metric is not defined, e.g. of one class only, does not count for it. NaN where fewer than half
    do.

    Args:
        metrics: Functions of the row numbers of a sample, `[n_rows]`.
        n_rows: Rows to draw from.
        resamples: Number of samples.
        level: Confidence level.
        seed: Seed of the samples.
        strata: `[n_rows]` rows of equal number are drawn among themselves, so that all samples have as many of each:
            for metrics whose range depends on the fraction of hits. None to draw from all.
        biased: Metrics whose mean over samples is too large by construction, as sums of absolute deviations are. Their
            intervals are shifted by that bias, down to 0 at most.

    >>> values = np.arange(100.0)
    >>> low, high = bootstrap_intervals({"mean": lambda rows: values[rows].mean()}, 100)["mean"]
    >>> low < 49.5 < high
    True
    """
    sampled = _resampled(metrics, n_rows, resamples, seed, strata)
    expanded_level = _expanded(level, n_rows)
    ends = {name: _central(values, expanded_level) for name, values in sampled.items()}
    for name in biased if n_rows else ():
        bias = float(_defined(sampled[name]).mean()) - metrics[name](np.arange(n_rows))
        ends[name] = max(ends[name][0] - bias, 0.0), max(ends[name][1] - bias, 0.0)
    return ends


def bootstrap_errors(
    metrics: Mapping[str, Callable[[NDArray[np.int64]], float]], n_rows: int, *, resamples: int = 200, seed: int = 0
) -> dict[str, float]:
    """Bootstrap standard error of each metric: its standard deviation over samples as in `bootstrap_intervals`.

    Two hundred samples are enough for it (Efron and Tibshirani 1993, section 6.4).

    >>> values = np.arange(100.0)
    >>> error = bootstrap_errors({"mean": lambda rows: values[rows].mean()}, 100)["mean"]
    >>> bool(abs(error - values.std() / 10) < 0.3)
    True
    """
    sampled = _resampled(metrics, n_rows, resamples, seed, None)
    return {name: float(np.std(_defined(values), ddof=1)) for name, values in sampled.items()}


def _resampled(
    metrics: Mapping[str, Callable[[NDArray[np.int64]], float]],
    n_rows: int,
    resamples: int,
    seed: int,
    strata: NDArray[np.float64] | None,
) -> dict[str, list[float]]:
    rng = np.random.default_rng(seed)
    sampled: dict[str, list[float]] = {name: [] for name in metrics}
    groups = [np.arange(n_rows)] if strata is None else [np.flatnonzero(strata == one) for one in np.unique(strata)]
    for _ in range(resamples if n_rows else 0):
        rows = np.concatenate([group[rng.integers(0, len(group), len(group))] for group in groups])
        for name, metric in metrics.items():
            sampled[name].append(metric(rows))
    return sampled


def _defined(values: Sequence[float]) -> NDArray[np.float64]:
    """The finite values; NaN twice where these are less than half."""
    defined = np.array([value for value in values if np.isfinite(value)])
    return np.full(2, np.nan) if len(defined) < max(len(values) / 2, 2) else defined


def _expanded(level: float, n_rows: int) -> float:
    """Level of the percentile interval that has confidence `level` with `n_rows` rows.

    >>> [round(_expanded(0.95, n), 3) for n in (10, 20, 100, 10_000)]
    [0.983, 0.968, 0.954, 0.95]
    """
    if n_rows < 3:
        return level
    z = math.sqrt(n_rows / (n_rows - 1)) * stdtrit(n_rows - 1, (1 + level) / 2)
    return float(2 * ndtr(z) - 1)


def _central(values: Sequence[float], level: float) -> tuple[float, float]:
    defined = _defined(values)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
