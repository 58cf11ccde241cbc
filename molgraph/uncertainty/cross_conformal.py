"""Cross-conformal intervals and p-values: every row calibrates, judged by the member that never saw it.

A *judge* predicts calibration rows that it never saw. The G members of a K-fold ensemble judge a fold each; a held-out
calibration set has one judge, the whole ensemble. A new molecule is predicted by all G judges, and compared with each
calibration row through the judge of that row.

The guarantee is weaker than that of split conformal prediction: at level 1 - α an interval holds the truth with
probability 1 - 2α (less a term of order √(K/n)), and a p-value is below t with probability 2t at most. In practice both
are close to 1 - α and t, and no row is lost to a calibration set. With one judge, all is split conformal prediction.
CV+: Barber et al. 2021, doi:10.1214/20-AOS1965; p-values: Vovk 2015, doi:10.1007/s10472-013-9368-4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.uncertainty.conformal import conformal_rank

#: Halvings of the bracket in which an end is searched, at most: its width is below 1e-12 of the judges' disagreement
#: then, and values that are so close are equal. A dozen or two leave one value, as a rule.
_HALVINGS = 42

#: More than a sum and a quotient lose by rounding, relative to their terms.
_ROUNDING = 1e-14


def by_judge(scores: NDArray[np.float64], judge: NDArray[np.int64], n_judges: int) -> tuple[NDArray[np.float64], ...]:
    """The scores `[n]` of each judge's rows, sorted.

    >>> [part.tolist() for part in by_judge(np.array([3.0, 1.0, 2.0]), np.array([0, 1, 0]), 2)]
    [[2.0, 3.0], [1.0]]
    """
    return tuple(np.sort(scores[judge == g]) for g in range(n_judges))


def cross_interval(
    judged: NDArray[np.float64],
    scores: Sequence[NDArray[np.float64]],
    level: float,
    *,
    scale: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """CV+ intervals, `[B]` lower and upper ends; infinite if there are too few rows for the level.

    The upper end is the ⌈(n + 1)·level⌉-th smallest of m_g(x) + R·s(x) over all n calibration rows, where g is the
    judge of the row and R its score; the lower end mirrors it. With R = |y - m_g| / s this is the normalised form.

    At low levels, where judges differ by more than their errors, the lower end may come out above the upper one: no
    value belongs to the set. Both ends are the middle of the two then, which only adds to it.

    Args:
        judged: `[G, B]` predictions of the judges for the new molecules.
        scores: The sorted scores R of each judge's rows (see `by_judge`).
        level: Probability to be held.
        scale: `[B]` s(x) of the new molecules; 1 if left out.

    >>> scores = by_judge(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 0, 1, 1]), 2)
    >>> lower, upper = cross_interval(np.array([[10.0], [10.5]]), scores, level=0.7)
    >>> lower.round(9).item(), upper.round(9).item()
    (6.5, 14.5)
    """
    factor = np.ones(judged.shape[1]) if scale is None else scale
    lower, upper = -_upper_end(-judged, scores, factor, level), _upper_end(judged, scores, factor, level)
    is_empty = lower > upper
    middle = lower[is_empty] / 2 + upper[is_empty] / 2
    lower[is_empty], upper[is_empty] = middle, middle
    return lower, upper


def _upper_end(
    judged: NDArray[np.float64], scores: Sequence[NDArray[np.float64]], scale: NDArray[np.float64], level: float
) -> NDArray[np.float64]:
    counts = [len(part) for part in scores]
    total = sum(counts)
    rank = conformal_rank(total, level)
    if rank > total:
        return np.where(np.isnan(judged).any(axis=0), np.nan, np.inf)
    # The end is between the smallest and the largest of what the judges say one by one: with the ⌈rank·n_g/n⌉-th score
    # of each, at least `rank` values lie at or below the largest, and fewer than `rank` below the smallest.
    used = [g for g, count in enumerate(counts) if count]
    own = [judged[g] + scale * scores[g][-(-rank * counts[g] // total) - 1] for g in used]
    low, ends = np.min(own, axis=0), np.where(np.isnan(judged).any(axis=0), np.nan, np.max(own, axis=0))
    is_open = low < ends
    values = _Values(judged[used][:, is_open], scale[is_open], [scores[g] for g in used])
    ends[is_open] = _ranked(values, rank, low[is_open], ends[is_open])
    return ends


@dataclass(frozen=True)
class _Values:
    """The values m_g(x) + R·s(x) of B molecules, which are never written out.

    Attributes:
        judged: `[G, B]` m_g(x).
        scale: `[B]` s(x).
        scores: The sorted scores R of each judge's rows, one at least.
    """

    judged: NDArray[np.float64]
    scale: NDArray[np.float64]
    scores: Sequence[NDArray[np.float64]]

    def of(self, molecules: NDArray[np.bool_]) -> "_Values":
        """Those of some molecules."""
        return _Values(self.judged[:, molecules], self.scale[molecules], self.scores)

    def up_to(self, bound: NDArray[np.float64]) -> NDArray[np.int64]:
        """How many of each judge's values lie at or below a bound, `[G, B]`."""
        with np.errstate(over="ignore"):  # a scale of almost nothing
            scores = (bound - self.judged) / self.scale
        return np.stack([np.searchsorted(part, row, "right") for part, row in zip(self.scores, scores, strict=True)])

    def largest(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float64]:
        """The largest of the values `first` to `last - 1` of the judges, `[B]`; -inf where there is none."""
        scores = np.stack([part[at - 1] for part, at in zip(self.scores, last, strict=True)])
        values = np.where(first < last, self.judged + self.scale * scores, -np.inf)
        return np.asarray(values.max(axis=0))


def _ranked(values: _Values, rank: int, low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """The `rank`-th smallest value of each molecule, `[B]`, which lies between `low` and `high`."""
    found, molecules = np.empty_like(high), np.arange(len(high))
    # The ends of the bracket are values themselves, and must not fall out of it by rounding.
    slack = _ROUNDING * np.maximum(
        np.abs(values.judged).max(axis=0, initial=0.0), np.maximum(np.abs(low), np.abs(high))
    )
    low, high = low - slack, high + slack
    first, last = values.up_to(low), values.up_to(high)
    for left in reversed(range(_HALVINGS)):
        # Equal values never come apart: when all halvings are done, those that are left are taken for one.
        is_one = (last - first).sum(axis=0) <= 1 if left else np.ones(len(high), dtype=np.bool_)
        if is_one.any():
            found[molecules[is_one]] = values.of(is_one).largest(first[:, is_one], last[:, is_one])
            is_open = ~is_one
            values, molecules, low, high = values.of(is_open), molecules[is_open], low[is_open], high[is_open]
            first, last = first[:, is_open], last[:, is_open]
        if not len(molecules):
            break
        middle = low + (high - low) / 2
        at = values.up_to(middle)
        is_enough = at.sum(axis=0) >= rank
        low, high = np.where(is_enough, low, middle), np.where(is_enough, middle, high)
        first, last = np.where(is_enough, first, at), np.where(is_enough, at, last)
    return found


def cross_counts(judged: NDArray[np.float64], scores: Sequence[NDArray[np.float64]]) -> NDArray[np.int64]:
    """Calibration rows at least as strange as each new molecule, `[B]`, judge by judge.

    Args:
        judged: `[G, B]` scores of the new molecules by each judge; larger is stranger.
        scores: The sorted scores of each judge's rows.

    >>> cross_counts(np.array([[2.0, 9.0]]), [np.array([1.0, 2.0, 3.0])])
    array([2, 0])
    """
    counts = np.zeros(judged.shape[1], dtype=np.int64)
    for g, part in enumerate(scores):
        counts += len(part) - np.searchsorted(part, judged[g], side="left")
    return counts
