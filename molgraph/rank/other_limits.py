"""What would have been selected: the lowest rate that selects anything, and the most demanding limit that does.

For that the library is counted, not kept: how many of it score higher than some of the calibration compounds.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from molgraph.rank.hit_rule import Condition
from molgraph.results.labels import Labels

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Each of the best calibration compounds is a threshold, of the others one in so many per cent of those above.
_FINE, _STEP = 64, 1.05

#: A rate above this is no selection any more.
_MOST_RATE = 0.5

#: Limits that are tried, and digits that they have.
_LIMITS, _DIGITS = 60, 3


def thresholds_of(scores: Floats) -> Floats:
    """Scores `[K]` of calibration compounds, the best first, at which a library is counted.

    >>> thresholds_of(np.array([0.5, 2.0, 1.0, np.nan]))
    array([2. , 1. , 0.5])
    """
    ordered = np.sort(scores[np.isfinite(scores)])[::-1]
    ranks, rank = [], 0
    while rank < len(ordered):
        ranks.append(rank)
        rank = max(rank + 1, int(rank * _STEP)) if rank >= _FINE else rank + 1
    return np.asarray(ordered[ranks])


def count_above(scores: Floats, thresholds: Floats) -> tuple[int, ...]:
    """How many scores are above each threshold, `[K]`: that is where the next calibration compound counts."""
    ordered = np.sort(scores)
    return tuple((len(ordered) - np.searchsorted(ordered, thresholds, side="right")).tolist())


def lowest_rate(above_each: Sequence[int], p_values: Floats, n_new: int) -> tuple[float, int] | None:
    """The lowest false discovery rate that selects any, rounded up, and how many it selects; None if there is none.

    Args:
        above_each: `[K]` compounds of the library above each threshold.
        p_values: `[K]` their largest p-value.
        n_new: m, the compounds of the library.

    >>> lowest_rate([0, 10, 40], np.array([0.01, 0.02, 0.06]), 200)
    (0.3, 40)
    """
    counts = np.array(above_each)
    if n_new < 1 or not counts.any():  # what was counted may all have dropped out: known compounds, and repeats
        return None
    with np.errstate(divide="ignore"):
        least = float(np.min(p_values * n_new / counts))
    digits = 10.0 ** (np.floor(np.log10(least)) - 1)
    rate = float(f"{np.ceil(least / digits - 1e-9) * digits:.2g}")
    if rate > _MOST_RATE:
        return None
    return rate, _selected(counts, p_values, n_new, rate)


def most_demanding_limit(
    condition: Condition,
    labels: Labels,
    scores: Floats,
    above_each: Sequence[int],
    *,
    n_new: int,
    q: float,
) -> tuple[Condition, int] | None:
    """The condition with the limit nearest to that asked for which selects any at the rate, and how many.

    Which limit it is does not change the order of the scores.

    Args:
        condition: What was asked for, of a value.
        labels: `[n]` measured values of the calibration compounds, and bounds of others.
        scores: `[n]` their scores.
        above_each: `[K]` compounds of the library above each of `thresholds_of(scores)`.
        n_new: m, the compounds of the library.
        q: False discovery rate.
    """
    measured = labels.values[np.isfinite(labels.values)]
    if n_new < 1 or condition.is_class or len(measured) == 0:
        return None
    thresholds = thresholds_of(scores)
    shares = np.linspace(0.0, 1.0, _LIMITS + 1)
    limits = {float(f"{limit:.{_DIGITS}g}") for limit in np.quantile(measured, shares).tolist()}
    easier = [
        limit for limit in limits if (limit > condition.limit if condition.wants_less else limit < condition.limit)
    ]
    for limit in sorted(easier, key=lambda limit: abs(limit - condition.limit)):
        other = Condition(condition.task, condition.column, is_class=False, sign=condition.sign, limit=limit)
        verdict = other.verdict(labels)
        known = np.isfinite(verdict) & np.isfinite(scores)
        misses = np.sort(scores[known & (verdict == 0)])
        if not 0 < len(misses) < known.sum():
            continue
        p_values = p_values_at(thresholds, misses, int(known.sum()))
        n_selected = _selected(np.array(above_each), p_values, n_new, q)
        if n_selected:
            return other, n_selected
    return None


def p_values_at(thresholds: Floats, non_hits: Floats, n_rows: int) -> Floats:
    """The largest p-value `[K]` of compounds above each threshold, from the sorted scores of the non-hits."""
    above = len(non_hits) - np.searchsorted(non_hits, thresholds, side="right")
    return np.asarray((1 + above) / (n_rows + 1))


def _selected(counts: Ints, p_values: Floats, n_new: int, q: float) -> int:
    """Most compounds down to one of the thresholds that are selected at the rate."""
    passing = p_values * n_new <= q * counts * (1 + 1e-9)
    return int(counts[passing].max(initial=0))
