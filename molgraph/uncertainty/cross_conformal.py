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

import numpy as np
from numpy.typing import NDArray

from molgraph.uncertainty.conformal import conformal_rank

#: Halvings of the bracket in which a bound is searched: its width is below 1e-12 of the judges' disagreement then.
_HALVINGS = 42


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
    low, high = np.min(own, axis=0), np.max(own, axis=0)
    if len(used) > 1:
        for _ in range(_HALVINGS):
            middle = low + (high - low) / 2
            with np.errstate(invalid="ignore"):
                below = sum(_up_to(scores[g], (middle - judged[g]) / scale) for g in used)
            is_enough = below >= rank
            high = np.where(is_enough, middle, high)
            low = np.where(is_enough, low, middle)
    return np.where(np.isnan(judged).any(axis=0), np.nan, high)


def _up_to(ordered: NDArray[np.float64], bound: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.asarray(np.searchsorted(ordered, bound, side="right"))


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
