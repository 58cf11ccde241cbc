"""Calibrated probability that a compound is a hit: that all conditions of a rule hold.

For one condition on a value it follows from the errors of out-of-fold predictions (`molgraph.rank.margin_map`), which
need not be Gaussian. For one on a class it is the calibrated probability of the class. For several conditions
the probabilities are joined by a Gaussian copula whose correlations are those of the out-of-fold errors: compounds
whose potency is overestimated may be those whose solubility is underestimated, and then two conditions hold together
less, or more, often than independent errors would have it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.rank.hit_rule import Condition, HitRule
from molgraph.rank.margin_map import MarginMap, fit_margin_map
from molgraph.rank.normal_copula import joint_probability, nearest_correlation, probit_correlation
from molgraph.results.labels import Labels

Floats = NDArray[np.float64]

#: Compounds that weigh as much against a correlation of errors as is assumed before one was seen.
_PRIOR_PAIRS = 10.0

#: Fewer compounds with both measurements give no estimate of how errors correlate.
_LEAST_PAIRS = 8

#: Limits of a correlation.
_MOST_CORRELATED = 0.95

_LEAST_PROBABILITY = 1e-9


@dataclass(frozen=True)
class OutOfFoldRows:
    """n compounds of the calibration of one model with T tasks.

    Attributes:
        first: Position of the first task of the model among those of all models.
        labels: `[n, T]` measured values, and bounds of others.
        means: `[n, T]` out-of-fold predictions: values, or calibrated probabilities of class 1.
        scale: `[T]` typical error of each task, of its logarithm where `is_log`.
        is_log: `[T]` tasks whose errors are those of logarithms.
        weights: `[n]` how much each counts; None for all alike.
    """

    first: int
    labels: Labels
    means: Floats
    scale: Floats
    is_log: tuple[bool, ...]
    weights: Floats | None = None


@dataclass(frozen=True)
class _OneTask:
    """All conditions on one task, joined.

    Attributes:
        conditions: One, or several limits on one value.
        scale: Typical error.
        is_log: Whether it is that of logarithms.
        maps: From the margin of each condition to its probability; None for a class, which has one of its own.
    """

    conditions: tuple[Condition, ...]
    scale: float
    is_log: bool
    maps: tuple[MarginMap | None, ...]

    def probability(self, mean: Floats) -> Floats:
        """That all of them hold, `[B]`, for predictions `[B]` of the task."""
        parts = []
        for condition, margin_map in zip(self.conditions, self.maps, strict=True):
            if margin_map is None:
                parts.append(mean if condition.limit == 1 else 1.0 - mean)
            else:
                parts.append(margin_map(condition.margin(mean, self.scale, is_log=self.is_log)))
        # Of the limits of one value those above and those below cannot both fail.
        both = list(zip(parts, self.conditions, strict=True))
        above = np.min([np.ones_like(mean), *(p for p, condition in both if not condition.wants_less)], axis=0)
        below = np.min([np.ones_like(mean), *(p for p, condition in both if condition.wants_less)], axis=0)
        return np.asarray(np.clip(above + below - 1.0, 0.0, 1.0))


@dataclass(frozen=True)
class HitProbability:
    """Probability that a compound is a hit.

    Attributes:
        parts: The conditions, by task.
        correlation: `[K, K]` of the errors of these tasks, each counted towards a hit.
    """

    parts: tuple[_OneTask, ...]
    correlation: Floats

    def __call__(self, means: Floats) -> Floats:
        """Probabilities `[B]` for predictions `[B, T]`: values, or calibrated probabilities of class 1; NaN for NaN."""
        each = [part.probability(means[:, part.conditions[0].column]) for part in self.parts]
        return each[0] if len(each) == 1 else joint_probability(np.stack(each, axis=1), self.correlation)


def fit_hit_probability(rule: HitRule, tables: Sequence[OutOfFoldRows]) -> HitProbability:
    """The probability that the calibration compounds of the models give.

    Errors of different models are taken to be independent of each other: no compound shows how they correlate.

    Args:
        rule: What a hit is.
        tables: Calibration compounds of each model that has a task of the rule.

    >>> from molgraph.rank.parse_hit import parse_hit
    >>> from molgraph.results.tasks import TaskSpec
    >>> rng = np.random.default_rng(0)
    >>> means = rng.normal(size=(500, 1))
    >>> rows = OutOfFoldRows(0, Labels(means + rng.normal(size=(500, 1))), means, np.ones(1), (False,))
    >>> probability = fit_hit_probability(parse_hit("y >= 1", [TaskSpec("y", "regression")]), [rows])
    >>> probability(np.array([[1.0], [2.0], [np.nan]])).round(1)
    array([0.5, 0.8, nan])
    """
    columns = sorted({condition.column for condition in rule.conditions})
    owners = [_owner(column, tables) for column in columns]
    parts = tuple(
        _fit_task(tuple(c for c in rule.conditions if c.column == column), rows)
        for column, rows in zip(columns, owners, strict=True)
    )
    correlation = np.eye(len(parts))
    for i in range(len(parts)):
        for j in range(i):
            if owners[i] is owners[j]:
                correlation[i, j] = correlation[j, i] = _error_correlation(parts[i], parts[j], owners[i])
    return HitProbability(parts, nearest_correlation(correlation))


def _owner(column: int, tables: Sequence[OutOfFoldRows]) -> OutOfFoldRows:
    return next(rows for rows in tables if rows.first <= column < rows.first + rows.labels.n_tasks)


def _fit_task(conditions: tuple[Condition, ...], rows: OutOfFoldRows) -> _OneTask:
    task = conditions[0].column - rows.first
    scale = float(rows.scale[task])
    scale = scale if np.isfinite(scale) and scale > 0 else 1.0
    is_log = rows.is_log[task]
    maps: list[MarginMap | None] = []
    for condition in conditions:
        if condition.is_class:
            maps.append(None)
            continue
        verdict = condition.verdict(rows.labels.task(task))
        margin = condition.margin(rows.means[:, task], scale, is_log=is_log)
        errors = _errors(condition, rows, is_log=is_log) / scale
        maps.append(fit_margin_map(errors, margin, verdict, rows.weights))
    return _OneTask(conditions, scale, is_log, tuple(maps))


def _errors(condition: Condition, rows: OutOfFoldRows, *, is_log: bool) -> Floats:
    """Residuals of a value, towards its condition."""
    task = condition.column - rows.first
    labels, means = rows.labels.values[:, task], rows.means[:, task]
    with np.errstate(divide="ignore", invalid="ignore"):
        residual = np.log(labels) - np.log(means) if is_log else labels - means
    return np.asarray(-residual if condition.wants_less else residual)


def _error_correlation(one: _OneTask, other: _OneTask, rows: OutOfFoldRows) -> float:
    """Correlation of the errors of two tasks, each counted towards a hit, shrunk towards 0 where pairs are few."""
    if all(len(part.conditions) == 1 and not part.conditions[0].is_class for part in (one, other)):
        found, n_pairs = _rank_correlation(
            *(_errors(part.conditions[0], rows, is_log=part.is_log) for part in (one, other))
        )
    else:
        found, n_pairs = _verdict_correlation(one, other, rows)
    shrunk = found * n_pairs / (n_pairs + _PRIOR_PAIRS)
    return float(np.clip(shrunk, -_MOST_CORRELATED, _MOST_CORRELATED))


def _rank_correlation(one: Floats, other: Floats) -> tuple[float, int]:
    """The correlation of Gaussian errors that have these ranks, and the number of pairs."""
    from scipy.stats import spearmanr

    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < _LEAST_PAIRS or not (np.ptp(one[both]) > 0 and np.ptp(other[both]) > 0):
        return 0.0, 0
    return 2.0 * np.sin(np.pi / 6.0 * float(spearmanr(one[both], other[both]).statistic)), int(both.sum())


def _verdict_correlation(one: _OneTask, other: _OneTask, rows: OutOfFoldRows) -> tuple[float, int]:
    """The correlation that best explains which conditions held together, given the probability of each."""
    probabilities, verdicts = [], []
    for part in (one, other):
        task = part.conditions[0].column - rows.first
        probability = part.probability(rows.means[:, task])
        probabilities.append(np.clip(probability, _LEAST_PROBABILITY, 1.0 - _LEAST_PROBABILITY))
        verdicts.append(np.min([c.verdict(rows.labels.task(task)) for c in part.conditions], axis=0))
    both = np.isfinite(probabilities).all(axis=0) & np.isfinite(verdicts).all(axis=0)
    if both.sum() < _LEAST_PAIRS:
        return 0.0, 0
    p, held = np.stack(probabilities, axis=1)[both], np.stack(verdicts, axis=1)[both] == 1
    return probit_correlation(p, held, most=_MOST_CORRELATED), int(both.sum())
