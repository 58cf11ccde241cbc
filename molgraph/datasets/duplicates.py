"""Merges duplicates: one row per structure, and a report of each merge.

The rule, task by task, over the measured values of a group:

    regression       the median; a conflict if the values spread over more than `CONFLICT_SPREAD` label deviations
    classification   the label that all agree on, or that a fraction `MAJORITY` or more have; a conflict if they
                     disagree, and not measured any more if neither label has that majority

Where the labels of a task suit logarithms (`molgraph.metrics.logarithms`), as those of an IC50 in nM do, spreads and
deviations are those of logarithms, and between two middle values the median is their geometric mean.

Of bounds the tightest are kept where no value was measured; a conflict, and no bound any more, if they exclude each
other. The merged row takes the id of the first row. Its weight is the mean of the weights, times the weight
of repeated measurements (`replicate_weight`). A group that keeps no label and no bound is dropped.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.metrics.logarithms import suits_logarithms
from molgraph.results.labels import Labels
from molgraph.results.tasks import TaskSpec

#: Of classes that disagree the one with this fraction of the measurements is kept: three of four. With errors in a
#: tenth of the labels such a vote is wrong in 1%, and one of two to one in 10%. Dropping all compounds with a vote
#: would leave the hard ones out of training and metrics.
MAJORITY = 0.75

#: Repeated measurements that differ by more than this many standard deviations of all labels are a conflict.
CONFLICT_SPREAD = 1.0

#: Prior measurements of typical noise that are pooled with those of a group to estimate its variance.
_PRIOR_MEASUREMENTS = 4


@dataclass(frozen=True)
class MergedGroup:
    """Rows of one structure that became one row.

    Attributes:
        smiles: Canonical structure that the rows share.
        ids: Identifier of each row.
        values: Labels of each row, T each; NaN = not measured.
        kept: The T merged labels; all NaN if the group was dropped.
        conflict: The rows contradict each other in at least one task.
        dropped: No label and no bound was left, so that the group has no row.
    """

    smiles: str
    ids: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    kept: tuple[float, ...]
    conflict: bool
    dropped: bool


@dataclass(frozen=True)
class MergeReport:
    """Report of the merges in a table.

    Attributes:
        groups: The merged groups, in the order of their first rows.
    """

    groups: tuple[MergedGroup, ...] = ()

    @property
    def n_rows_removed(self) -> int:
        """Number of rows removed by merging."""
        return sum(len(group.ids) - (not group.dropped) for group in self.groups)

    @property
    def conflicts(self) -> tuple[MergedGroup, ...]:
        """The groups whose rows contradict each other."""
        return tuple(group for group in self.groups if group.conflict)


@dataclass(frozen=True)
class MergedRows:
    """The rows after merging.

    Attributes:
        index: `[G]` position of each row (the first of its group) in the input.
        labels: `[G, T]` merged labels and bounds.
        weights: `[G]` merged weights.
        report: The merged groups.
    """

    index: NDArray[np.int64]
    labels: Labels
    weights: NDArray[np.float64]
    report: MergeReport


def merge_duplicates(
    structures: Sequence[str],
    ids: Sequence[str],
    labels: Labels,
    weights: NDArray[np.float64],
    tasks: Sequence[TaskSpec],
) -> MergedRows:
    """One row per distinct structure, in the order of first rows.

    Args:
        structures: `[B]` canonical SMILES; equal text is the same compound.
        ids: `[B]` identifiers, for the report.
        labels: `[B, T]` labels, and bounds of unmeasured ones.
        weights: `[B]` row weights.
        tasks: The T tasks, which decide the rule.

    Example:
        >>> labels = Labels(np.array([[1.0], [5.0], [3.0]]))
        >>> merged = merge_duplicates("ABA", "123", labels, np.ones(3), [TaskSpec("y", "regression")])
        >>> merged.index.tolist(), merged.labels.values.tolist(), merged.report.n_rows_removed
        ([0, 1], [[2.0], [5.0]], 1)
    """
    members: dict[str, list[int]] = {}
    for row, structure in enumerate(structures):
        members.setdefault(structure, []).append(row)
    first = np.array([rows[0] for rows in members.values()], dtype=np.int64)
    values, merged, merged_weights = labels.values, labels.take(first), weights[first]
    is_log = np.array([_suits_logarithms(values[:, t], task) for t, task in enumerate(tasks)], dtype=np.bool_)
    compared = values.copy()
    compared[:, is_log] = np.log(values[:, is_log])
    allowed_spread = CONFLICT_SPREAD * _deviation(compared)
    is_kept = np.ones(len(first), dtype=np.bool_)
    repeated = [rows for rows in members.values() if len(rows) > 1]
    noise = _replicate_variance(compared, repeated, tasks)
    groups = []
    for position, (structure, rows) in enumerate(members.items()):
        if len(rows) == 1:
            continue
        kept, conflict = _merge(values[rows], compared[rows], tasks, allowed_spread, is_log)
        has_bound = False
        if merged.lower is not None and merged.upper is not None:
            lower, upper, excluded = _merge_bounds(*labels.take(rows).bounds, kept)
            merged.lower[position], merged.upper[position] = lower, upper
            conflict |= excluded
            has_bound = not (np.isnan(lower) & np.isnan(upper)).all()
        group = MergedGroup(
            smiles=structure,
            ids=tuple(ids[row] for row in rows),
            values=tuple(tuple(row) for row in values[rows].tolist()),
            kept=tuple(kept.tolist()),
            conflict=conflict,
            dropped=bool(np.isnan(kept).all()) and not has_bound,
        )
        groups.append(group)
        merged.values[position] = kept
        merged_weights[position] = weights[rows].mean() * _replicate_weight(compared[rows], tasks, noise)
        is_kept[position] = not group.dropped
    return MergedRows(
        first[is_kept],
        merged.take(is_kept),
        merged_weights[is_kept],
        MergeReport(tuple(groups)),
    )


def replicate_weight(n: int, variance: float, noise: float) -> float:
    """Weight of a median of n measurements, relative to 1 for one measurement of typical noise.

    Weights are inverse variances (Aitken 1936). That of a row is the error of a model, taken to be as large as the
    noise of one measurement, and that of the mean of n; so no weight is above 2, and that of
    widely spread measurements below 1. A variance of few measurements is shrunk towards the noise of all.

    Args:
        n: Measurements, 2 or more.
        variance: Of these measurements around their mean (with n - 1 degrees of freedom).
        noise: Pooled variance of all repeated measurements.

    >>> round(replicate_weight(2, 1.0, 1.0), 2), round(replicate_weight(2, 25.0, 1.0), 2)
    (1.33, 0.51)
    """
    if noise <= 0:
        return 1.0
    shrunk = (_PRIOR_MEASUREMENTS * noise + (n - 1) * variance) / (_PRIOR_MEASUREMENTS + n - 1)
    return 2 * noise / (noise + shrunk / n)


def _replicate_weight(values: NDArray[np.float64], tasks: Sequence[TaskSpec], noise: NDArray[np.float64]) -> float:
    """Mean of the `replicate_weight` over the tasks of measured values in the rows `values [n, T]`; 1 for classes."""
    weights = []
    for t, task in enumerate(tasks):
        measured = values[~np.isnan(values[:, t]), t]
        if len(measured):
            is_repeated = task.kind == "regression" and len(measured) > 1
            variance = float(np.var(measured, ddof=1)) if is_repeated else 0.0
            weights.append(replicate_weight(len(measured), variance, float(noise[t])) if is_repeated else 1.0)
    return float(np.mean(weights)) if weights else 1.0


def _replicate_variance(
    labels: NDArray[np.float64], groups: Sequence[Sequence[int]], tasks: Sequence[TaskSpec]
) -> NDArray[np.float64]:
    """Pooled variance of repeated measurements of each task, `[T]`; 0 where nothing was repeated."""
    squares, degrees = np.zeros(len(tasks)), np.zeros(len(tasks))
    for rows in groups:
        for t in range(len(tasks)):
            measured = labels[rows, t][~np.isnan(labels[rows, t])]
            if len(measured) > 1:
                squares[t] += float(np.sum((measured - measured.mean()) ** 2))
                degrees[t] += len(measured) - 1
    return np.asarray(squares / np.maximum(degrees, 1), dtype=np.float64)


def _merge_bounds(
    lower: NDArray[np.float64], upper: NDArray[np.float64], kept: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
    """The tightest bounds `[T]` of `[n, T]` where no label is kept, and whether any exclude each other."""
    lower, upper = np.fmax.reduce(lower, axis=0), np.fmin.reduce(upper, axis=0)
    is_excluded = (lower > upper) | (kept < lower) | (kept > upper)
    is_left = np.isnan(kept) & ~(lower > upper)
    return np.where(is_left, lower, np.nan), np.where(is_left, upper, np.nan), bool(is_excluded.any())


def _suits_logarithms(labels: NDArray[np.float64], task: TaskSpec) -> bool:
    return task.kind == "regression" and suits_logarithms(labels[~np.isnan(labels)])


def _median(measured: NDArray[np.float64], *, is_log: bool) -> float:
    """The middle value, or the mean of the middle two; of logarithms the geometric mean."""
    ordered = np.sort(measured)
    low, high = float(ordered[(len(ordered) - 1) // 2]), float(ordered[len(ordered) // 2])
    if low == high:
        return low
    return math.sqrt(low) * math.sqrt(high) if is_log else float(np.median(measured))


def _merge(
    values: NDArray[np.float64],
    compared: NDArray[np.float64],
    tasks: Sequence[TaskSpec],
    allowed_spread: NDArray[np.float64],
    is_log: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], bool]:
    """The merged labels `[T]` of the rows `values [n, T]`, and whether any task has a conflict.

    Args:
        values: Labels.
        compared: The same, as logarithms where `is_log`.
        tasks: The T tasks.
        allowed_spread: `[T]` largest range of `compared` without a conflict.
        is_log: `[T]` tasks that are compared as logarithms.
    """
    kept = np.full(len(tasks), np.nan)
    has_conflict = False
    for t, task in enumerate(tasks):
        measured = values[~np.isnan(values[:, t]), t]
        if len(measured) == 0:
            continue
        if task.kind == "regression":
            kept[t] = _median(measured, is_log=bool(is_log[t]))
            has_conflict |= bool(np.ptp(compared[~np.isnan(compared[:, t]), t]) > allowed_spread[t])
        elif np.ptp(measured) == 0:
            kept[t] = measured[0]
        else:
            has_conflict = True
            fraction = float(measured.mean())
            if max(fraction, 1.0 - fraction) >= MAJORITY:
                kept[t] = float(fraction > 0.5)
    return kept, has_conflict


def _deviation(labels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviation of the measured labels of each task, `[T]`; 0 where nothing was measured."""
    is_measured = ~np.isnan(labels)
    count = np.maximum(is_measured.sum(axis=0), 1)
    mean = np.where(is_measured, labels, 0.0).sum(axis=0) / count
    square = np.where(is_measured, labels - mean, 0.0) ** 2
    return np.asarray(np.sqrt(square.sum(axis=0) / count), dtype=np.float64)
