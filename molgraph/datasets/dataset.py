"""Dataset: structures with labels, ready to be featurized and split."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from molgraph.datasets.duplicates import MergeReport
from molgraph.errors import InputError
from molgraph.results.labels import Labels
from molgraph.results.prediction import Rejected
from molgraph.results.row_counts import RowCounts
from molgraph.results.tasks import Direction, TaskSpec
from molgraph.spelling import counted


@dataclass(frozen=True, eq=False)
class Dataset:
    """B distinct structures with labels of T tasks, and the counts of rows that were left out.

    `rows_read = B + len(rejected) + n_unlabelled + merges.n_rows_removed` for a table that was read.

    Attributes:
        name: Name of the set.
        smiles: `[B]` standardized structures, unique as canonical SMILES; this is what is featurized.
        ids: `[B]` identifiers of the input, of the first row where rows were merged.
        labels: `[B, T]` measured values, classes 0 and 1, and bounds of censored values (cells like `>10`). Losses use
            bounds, and whether a compound is a hit may follow from them; metrics of values and intervals take measured
            values alone.
        weights: `[B]` float64, weight of each row, at least 0.
        tasks: The T tasks, in column order.
        rejected: Rows that gave no molecule.
        merges: Duplicates that were merged.
        rows_read: Rows of the input.
        n_unlabelled: Rows with a molecule and no label, left out.
        notes: Notes on how the table was interpreted: recognised quantities and units, cells that are no plain numbers,
            columns that were left out.
    """

    name: str
    smiles: tuple[str, ...]
    ids: tuple[str, ...]
    labels: Labels
    weights: NDArray[np.float64]
    tasks: tuple[TaskSpec, ...]
    rejected: tuple[Rejected, ...]
    merges: MergeReport
    rows_read: int
    n_unlabelled: int = 0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = (len(self.smiles), len(self.tasks))
        if self.labels.values.shape != shape or self.weights.shape != shape[:1] or len(self.ids) != len(self.smiles):
            raise InputError(
                f"Dataset got labels {self.labels.values.shape}, weights {self.weights.shape} and {len(self.ids)} ids "
                f"for {shape[0]} structures and {shape[1]} tasks; it needs [B, T], [B] and B"
            )

    def __len__(self) -> int:
        """Number of structures, B."""
        return len(self.smiles)

    def __repr__(self) -> str:
        tasks = ", ".join(task.name for task in self.tasks[:3]) + (", ..." if len(self.tasks) > 3 else "")
        return f"Dataset({self.name!r}, {counted(len(self), 'structure')}, {counted(len(self.tasks), 'task')}: {tasks})"

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of structures, labels, weights and tasks: equal for equal training data, on any machine."""
        digest = hashlib.sha256()
        digest.update(json.dumps([list(self.smiles), [asdict(task) for task in self.tasks]]).encode())
        labels = self.labels
        for array in (labels.values, self.weights, labels.lower, labels.upper):
            if array is None:
                continue
            canonical = np.where(np.isnan(array), np.nan, array) + 0.0  # one NaN, and no minus zero
            digest.update(np.ascontiguousarray(canonical, dtype="<f8").tobytes())
        return digest.hexdigest()

    @property
    def n_bounds(self) -> NDArray[np.int64]:
        """`[T]` number of censored labels, of which only a bound is known."""
        return np.asarray(self.labels.is_censored.sum(axis=0, dtype=np.int64))

    def take(self, index: Sequence[int] | NDArray[np.int64]) -> "Dataset":
        """The structures at `index`, in that order; the counts of left-out rows are dropped."""
        index = np.asarray(index, dtype=np.int64)
        return Dataset(
            name=self.name,
            smiles=tuple(self.smiles[i] for i in index),
            ids=tuple(self.ids[i] for i in index),
            labels=self.labels.take(index),
            weights=self.weights[index],
            tasks=self.tasks,
            rejected=(),
            merges=MergeReport(),
            rows_read=len(index),
        )

    def with_ranges(self, ranges: Mapping[str, tuple[float | None, float | None]]) -> "Dataset":
        """The same with the least and largest value that some tasks can have.

        Args:
            ranges: Both by name of the task; None where there is none.

        Raises:
            InputError: A name is no regression task, or a label is outside of its range.
        """
        regression = [task.name for task in self.tasks if task.kind == "regression"]
        unknown = [name for name in ranges if name not in regression]
        if unknown:
            listed = ", ".join(regression) or "none"
            raise InputError(f"a range is given for {unknown[0]!r}; regression tasks are {listed}")
        tasks = []
        for t, task in enumerate(self.tasks):
            low, high = ranges.get(task.name, (task.lowest, task.highest))
            tasks.append(replace(task, lowest=low, highest=high))
            least, most = tasks[-1].range
            values = self.labels.values[:, t]
            bad = np.flatnonzero((values < least) | (values > most))
            if task.kind == "regression" and len(bad):
                raise InputError(
                    f"{task.name} has the value {values[bad[0]]:g} ({self.ids[bad[0]]}), and {len(bad) - 1:,} "
                    f"more outside of its range, {least:g} to {most:g}; correct the table or the range"
                )
        return replace(self, tasks=tuple(tasks))

    def account(self) -> RowCounts:
        """Row counts of the input, as stored in a model card."""
        return RowCounts(
            name=self.name,
            fingerprint=self.fingerprint,
            rows_read=self.rows_read,
            rows_used=len(self),
            rejected=len(self.rejected),
            unlabelled=self.n_unlabelled,
            merged_away=self.merges.n_rows_removed,
            merged_groups=len(self.merges.groups),
            conflicting_groups=len(self.merges.conflicts),
            bounds=int(self.n_bounds.sum()),
        )

    def summary(self) -> list[str]:
        """A few lines for users: rows read and used, what was left out and why, and each task's labels."""
        merged = self.merges
        lines = [f"{self.name}: {counted(self.rows_read, 'row')} read, {counted(len(self), 'structure')} used"]
        unusable = [counted(len(self.rejected), "unusable structure")] if self.rejected else []
        unlabelled = [f"{self.n_unlabelled:,} without a label"] if self.n_unlabelled else []
        if unusable or unlabelled:
            lines.append(f"left out: {', '.join(unusable + unlabelled)}")
        if merged.groups:
            lines.append(
                f"merged: {counted(len(merged.groups), 'group')} of rows of one structure, "
                f"{counted(merged.n_rows_removed, 'row')} fewer, {counted(len(merged.conflicts), 'group')} in conflict"
            )
        shown = self.tasks[:10]
        n_bounds = self.n_bounds
        lines += [_describe(task, self.labels.values[:, t], int(n_bounds[t])) for t, task in enumerate(shown)]
        if len(self.tasks) > len(shown):
            lines.append(f"... and {len(self.tasks) - len(shown)} more tasks")
        return lines


#: Text of each direction, and what a screen does without one.
_BETTER: Mapping[Direction | None, str] = MappingProxyType(
    {
        "maximize": "more is better",
        "minimize": "less is better",
        None: "no direction, screens rank the largest first",
    }
)


def _describe(task: TaskSpec, labels: NDArray[np.float64], n_bounds: int) -> str:
    measured = labels[~np.isnan(labels)]
    unit = f" {task.unit}" if task.unit else ""
    if len(measured) == 0:
        return f"{task.name}: no labels"
    if task.kind == "classification":
        return f"{task.name}: {len(measured)} labels, {int(measured.sum())} of class 1 ({measured.mean():.1%})"
    low, middle, high = measured.min(), np.median(measured), measured.max()
    censored = f", {n_bounds} censored (> or <)" if n_bounds else ""
    count = counted(len(measured), "measured value")
    better = _BETTER[task.direction]
    return f"{task.name}: {count}{censored}, {low:.4g} to {high:.4g}, median {middle:.4g}{unit}; {better}"
