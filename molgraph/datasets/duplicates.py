"""One row per structure: rows of the same compound are merged, and each merge is on record.

The rule, task by task, over the measured values of a group:

    regression       the median; a conflict if the values spread over more than `CONFLICT_SPREAD` label deviations
    classification   the label that all agree on; a conflict, and not measured any more, if they disagree

The merged row takes the id of the first row and the mean of the weights. A group that keeps no label is dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.tasks import TaskSpec

#: Repeated measurements that differ by more than this many standard deviations of all labels are a conflict.
CONFLICT_SPREAD = 1.0


@dataclass(frozen=True)
class MergedGroup:
    """Rows of one structure that became one row.

    Attributes:
        smiles: Canonical structure that the rows share.
        ids: Identifier of each row.
        values: Labels of each row, T each; NaN = not measured.
        kept: The T merged labels; all NaN if the group was dropped.
        conflict: The rows contradict each other in at least one task.
    """

    smiles: str
    ids: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    kept: tuple[float, ...]
    conflict: bool

    @property
    def dropped(self) -> bool:
        """True if no label was left, so that no row came of the group."""
        return bool(np.isnan(self.kept).all())


@dataclass(frozen=True)
class MergeReport:
    """What merging did to a table.

    Attributes:
        groups: The merged groups, in the order of their first rows.
    """

    groups: tuple[MergedGroup, ...] = ()

    @property
    def n_rows_removed(self) -> int:
        """Number of rows fewer than before."""
        return sum(len(group.ids) - (not group.dropped) for group in self.groups)

    @property
    def conflicts(self) -> tuple[MergedGroup, ...]:
        """The groups whose rows contradict each other."""
        return tuple(group for group in self.groups if group.conflict)


@dataclass(frozen=True)
class MergedRows:
    """The rows that are left.

    Attributes:
        index: `[G]` position of each row (the first of its group) in the input.
        labels: `[G, T]` merged labels.
        weights: `[G]` merged weights.
        report: What was merged.
    """

    index: NDArray[np.int64]
    labels: NDArray[np.float64]
    weights: NDArray[np.float64]
    report: MergeReport


def merge_duplicates(
    structures: Sequence[str],
    ids: Sequence[str],
    labels: NDArray[np.float64],
    weights: NDArray[np.float64],
    tasks: Sequence[TaskSpec],
) -> MergedRows:
    """One row per distinct structure, in the order of first rows.

    Args:
        structures: `[B]` canonical SMILES; equal text is the same compound.
        ids: `[B]` identifiers, for the report.
        labels: `[B, T]` labels, NaN = not measured.
        weights: `[B]` row weights.
        tasks: The T tasks, which decide the rule.

    Example:
        >>> labels = np.array([[1.0], [5.0], [3.0]])
        >>> merged = merge_duplicates("ABA", "123", labels, np.ones(3), [TaskSpec("y", "regression")])
        >>> merged.index.tolist(), merged.labels.tolist(), merged.report.n_rows_removed
        ([0, 1], [[2.0], [5.0]], 1)
    """
    members: dict[str, list[int]] = {}
    for row, structure in enumerate(structures):
        members.setdefault(structure, []).append(row)
    first = np.array([rows[0] for rows in members.values()], dtype=np.int64)
    merged_labels, merged_weights = labels[first], weights[first]
    allowed_spread = CONFLICT_SPREAD * _deviation(labels)
    is_kept = np.ones(len(first), dtype=np.bool_)
    groups = []
    for position, (structure, rows) in enumerate(members.items()):
        if len(rows) == 1:
            continue
        kept, conflict = _merge(labels[rows], tasks, allowed_spread)
        group = MergedGroup(
            smiles=structure,
            ids=tuple(ids[row] for row in rows),
            values=tuple(tuple(values) for values in labels[rows].tolist()),
            kept=tuple(kept.tolist()),
            conflict=conflict,
        )
        groups.append(group)
        merged_labels[position] = kept
        merged_weights[position] = weights[rows].mean()
        is_kept[position] = not group.dropped
    return MergedRows(first[is_kept], merged_labels[is_kept], merged_weights[is_kept], MergeReport(tuple(groups)))


def _merge(
    values: NDArray[np.float64], tasks: Sequence[TaskSpec], allowed_spread: NDArray[np.float64]
) -> tuple[NDArray[np.float64], bool]:
    """The merged labels `[T]` of the rows `values [n, T]`, and whether any task has a conflict."""
    kept = np.full(len(tasks), np.nan)
    has_conflict = False
    for t, task in enumerate(tasks):
        measured = values[~np.isnan(values[:, t]), t]
        if len(measured) == 0:
            continue
        spread = np.ptp(measured)
        if task.kind == "regression":
            kept[t] = np.median(measured)
            has_conflict |= bool(spread > allowed_spread[t])
        elif spread == 0:
            kept[t] = measured[0]
        else:
            has_conflict = True
    return kept, has_conflict


def _deviation(labels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviation of the measured labels of each task, `[T]`; 0 where nothing was measured."""
    is_measured = ~np.isnan(labels)
    count = np.maximum(is_measured.sum(axis=0), 1)
    mean = np.where(is_measured, labels, 0.0).sum(axis=0) / count
    square = np.where(is_measured, labels - mean, 0.0) ** 2
    return np.asarray(np.sqrt(square.sum(axis=0) / count), dtype=np.float64)
