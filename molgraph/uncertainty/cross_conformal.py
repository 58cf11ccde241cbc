"""CV+ cross-conformal intervals and p-values: every row calibrates, by its out-of-fold prediction.

G models predict the calibration rows, each the rows of a fold that it was not trained on. With a K-fold ensemble these
are its G = K members; with a held-out calibration set there is one, the whole ensemble (G = 1). A new molecule is
predicted by all G models, and compared with each calibration row through the model that predicted that row.

The guarantee is weaker than that of split conformal prediction: at level 1 - α an interval holds the truth with
probability 1 - 2α (less a term of order √(K/n)), and a p-value is below t with probability 2t at most. In practice both
are close to 1 - α and t, and no row is lost to a calibration set. With one model, all is split conformal prediction.
CV+: Barber et al. 2021, doi:10.1214/20-AOS1965; p-values: Vovk 2015, doi:10.1007/s10472-013-9368-4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.uncertainty.conformal import conformal_rank

#: Halvings of the bracket in which an end is searched, at most: its width is below 1e-12 of the models' disagreement
#: then, and values that are so close are equal. A dozen or two leave one value, as a rule.
_HALVINGS = 42

#: More than a sum and a quotient lose by rounding, relative to their terms.
_ROUNDING = 1e-14


def scores_by_model(
    scores: NDArray[np.float64], model: NDArray[np.int64], n_models: int
) -> tuple[NDArray[np.float64], ...]:
    """The nonconformity scores `[n]` of the rows of each of G models, sorted.

    >>> [part.tolist() for part in scores_by_model(np.array([3.0, 1.0, 2.0]), np.array([0, 1, 0]), 2)]
    [[2.0, 3.0], [1.0]]
    """
    return tuple(np.sort(scores[model == g]) for g in range(n_models))


def cross_interval(
    predictions: NDArray[np.float64],
    scores: Sequence[NDArray[np.float64]],
    level: float,
    *,
    scale: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """CV+ intervals, `[B]` lower and upper ends; infinite if there are too few rows for the level.

    The upper end is the ⌈(n + 1)·level⌉-th smallest of m_g(x) + R·s(x) over all n calibration rows, where g is the
    out-of-fold model of the row and R its nonconformity score; the lower end mirrors it. With
    R = |y - m_g| / s this is the normalised form.

    At low levels, where models differ by more than their errors, the lower end may come out above the upper one: no
    value belongs to the set. Both ends are the middle of the two then, which only adds to it.

    Args:
        predictions: `[G, B]` what each model predicts for the new molecules.
        scores: The sorted scores R of each model's rows (see `scores_by_model`).
        level: Probability to be held.
        scale: `[B]` s(x) of the new molecules; 1 if left out.

    >>> scores = scores_by_model(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 0, 1, 1]), 2)
    >>> lower, upper = cross_interval(np.array([[10.0], [10.5]]), scores, level=0.7)
    >>> lower.round(9).item(), upper.round(9).item()
    (6.5, 14.5)
    """
    factor = np.ones(predictions.shape[1]) if scale is None else scale
    lower, upper = -_upper_end(-predictions, scores, factor, level), _upper_end(predictions, scores, factor, level)
    is_empty = lower > upper
    middle = lower[is_empty] / 2 + upper[is_empty] / 2
    lower[is_empty], upper[is_empty] = middle, middle
    return lower, upper


def _upper_end(
    predictions: NDArray[np.float64], scores: Sequence[NDArray[np.float64]], scale: NDArray[np.float64], level: float
) -> NDArray[np.float64]:
    counts = [len(part) for part in scores]
    total = sum(counts)
    rank = conformal_rank(total, level)
    if rank > total:
        return np.where(np.isnan(predictions).any(axis=0), np.nan, np.inf)
    # The end is between the smallest and the largest of what the models give one by one: with the ⌈rank·n_g/n⌉-th score
    # of each, at least `rank` values lie at or below the largest, and fewer than `rank` below the smallest.
    used = [g for g, count in enumerate(counts) if count]
    by_model = [predictions[g] + scale * scores[g][-(-rank * counts[g] // total) - 1] for g in used]
    low = np.min(by_model, axis=0)
    ends = np.where(np.isnan(predictions).any(axis=0), np.nan, np.max(by_model, axis=0))
    is_open = low < ends
    values = _Values(predictions[used][:, is_open], scale[is_open], [scores[g] for g in used])
    ends[is_open] = _ranked(values, rank, low[is_open], ends[is_open])
    return ends


@dataclass(frozen=True)
class _Values:
    """The values m_g(x) + R·s(x) of B molecules, which are never written out.

    Attributes:
        predictions: `[G, B]` m_g(x).
        scale: `[B]` s(x).
        scores: The sorted scores R of each model's rows, one at least.
    """

    predictions: NDArray[np.float64]
    scale: NDArray[np.float64]
    scores: Sequence[NDArray[np.float64]]

    def of(self, molecules: NDArray[np.bool_]) -> "_Values":
        """Those of some molecules."""
        return _Values(self.predictions[:, molecules], self.scale[molecules], self.scores)

    def up_to(self, bound: NDArray[np.float64]) -> NDArray[np.int64]:
        """How many of each model's values lie at or below a bound, `[G, B]`."""
        with np.errstate(over="ignore"):  # a scale of almost nothing
            scores = (bound - self.predictions) / self.scale
        return np.stack([np.searchsorted(part, row, "right") for part, row in zip(self.scores, scores, strict=True)])

    def largest(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float64]:
        """The largest of the values `first` to `last - 1` of the models, `[B]`; -inf where there is none."""
        scores = np.stack([part[at - 1] for part, at in zip(self.scores, last, strict=True)])
        values = np.where(first < last, self.predictions + self.scale * scores, -np.inf)
        return np.asarray(values.max(axis=0))


def _ranked(values: _Values, rank: int, low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """The `rank`-th smallest value of each molecule, `[B]`, which lies between `low` and `high`."""
    ranked, molecules = np.empty_like(high), np.arange(len(high))
    # The ends of the bracket are values themselves, and must not fall out of it by rounding.
    slack = _ROUNDING * np.maximum(
        np.abs(values.predictions).max(axis=0, initial=0.0), np.maximum(np.abs(low), np.abs(high))
    )
    low, high = low - slack, high + slack
    first, last = values.up_to(low), values.up_to(high)
    for left in reversed(range(_HALVINGS)):
        # Equal values never come apart: when all halvings are done, those that are left are taken for one.
        is_one = (last - first).sum(axis=0) <= 1 if left else np.ones(len(high), dtype=np.bool_)
        if is_one.any():
            ranked[molecules[is_one]] = values.of(is_one).largest(first[:, is_one], last[:, is_one])
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
    return ranked


def cross_counts(new_scores: NDArray[np.float64], scores: Sequence[NDArray[np.float64]]) -> NDArray[np.int64]:
    """Calibration rows whose nonconformity score is at least that of each new molecule, `[B]`, summed over the models.

    Args:
        new_scores: `[G, B]` nonconformity scores of the new molecules by each model.
        scores: The sorted scores of each model's rows.

    >>> cross_counts(np.array([[2.0, 9.0]]), [np.array([1.0, 2.0, 3.0])])
    array([2, 0])
    """
    counts = np.zeros(new_scores.shape[1], dtype=np.int64)
    for g, part in enumerate(scores):
        counts += len(part) - np.searchsorted(part, new_scores[g], side="left")
    return counts
