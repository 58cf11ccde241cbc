"""Out-of-fold metrics: each fold scored by its out-of-fold member, and the spread over the folds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from molgraph.metrics.bootstrap import bootstrap_errors
from molgraph.metrics.scores import METRICS, MetricSpec, score
from molgraph.results.tasks import TaskKind, TaskSpec

#: What is reported besides for tasks that were learned as logarithms.
_OF_LOGARITHMS = ("rmse_log10", "r2_log10", "median_factor")

#: Metrics of which the value is that of all rows together.
_POOLED = frozenset({"r2"})

#: Metrics that are reported for each kind of task, the leading one first.
REPORTED: Mapping[TaskKind, tuple[str, ...]] = MappingProxyType(
    {
        "regression": ("rmse", "mae", "r2", "spearman"),
        "classification": ("roc_auc", "average_precision", "brier"),
    }
)


@dataclass(frozen=True)
class FoldScore:
    """One metric of one task.

    Attributes:
        metric: Name in `molgraph.metrics.scores.METRICS`.
        mean: Mean over the folds in which it is defined; NaN if it is defined in none. Of `r2` the value of all rows
            together: that of a fold of few rows compares with the deviation of these few, and its mean is far too low.
        std: Standard deviation over these folds (n - 1); of a single fold, the standard error of its rows
            (`molgraph.metrics.bootstrap`); NaN where that is not defined.
        folds: Value of each fold; NaN where undefined.
    """

    metric: str
    mean: float
    std: float
    folds: tuple[float, ...]


@dataclass(frozen=True)
class TaskMetrics:
    """All metrics of one task.

    Attributes:
        task: Name of the task.
        n_rows: Rows with a label and an out-of-fold prediction.
        scores: The metrics of the kind of task, the leading one first.
    """

    task: str
    n_rows: int
    scores: tuple[FoldScore, ...]


def evaluate_folds(
    tasks: tuple[TaskSpec, ...],
    labels: NDArray[np.float64],
    out_of_fold: NDArray[np.float64],
    fold: NDArray[np.int64],
    weights: NDArray[np.float64],
    *,
    is_log: Sequence[bool],
) -> tuple[TaskMetrics, ...]:
    """Metrics of each task.

    Args:
        tasks: The T tasks.
        labels: `[B, T]`, NaN = not measured.
        out_of_fold: `[B, T]` out-of-fold predictions.
        fold: `[B]` fold of each row; -1 for rows without such a prediction.
        weights: `[B]` weight of each row.
        is_log: `[T]` tasks that were learned as logarithms.
    """
    parts = [np.flatnonzero(fold == k) for k in range(int(fold.max()) + 1)]
    report = []
    for t, task in enumerate(tasks):
        column = slice(t, t + 1)
        metrics = {
            name: partial(_metric_of_rows, METRICS[name], labels[:, column], out_of_fold[:, column], weights)
            for name in (*REPORTED[task.kind], *(_OF_LOGARITHMS if is_log[t] else ()))
        }
        every = np.concatenate(parts)
        scores = [
            _fold_score(name, [metric(part) for part in parts], metric(every) if name in _POOLED else None)
            for name, metric in metrics.items()
        ]
        if len(parts) == 1:
            scores = _with_errors(scores, metrics, parts[0])
        n_rows = int(np.sum(np.isfinite(labels[:, t]) & np.isfinite(out_of_fold[:, t])))
        report.append(TaskMetrics(task=task.name, n_rows=n_rows, scores=tuple(scores)))
    return tuple(report)


def _metric_of_rows(
    spec: MetricSpec,
    labels: NDArray[np.float64],
    predictions: NDArray[np.float64],
    weights: NDArray[np.float64],
    rows: NDArray[np.int64],
) -> float:
    return float(score(spec, labels[rows], predictions[rows], weights[rows])[0])


def _with_errors(
    scores: Sequence[FoldScore], metrics: Mapping[str, Callable[[NDArray[np.int64]], float]], part: NDArray[np.int64]
) -> list[FoldScore]:
    """The scores of a single fold, with what chance in its rows leaves open."""
    of_sample = {name: lambda sample, metric=metric: metric(part[sample]) for name, metric in metrics.items()}
    errors = bootstrap_errors(of_sample, len(part))
    return [replace(score, std=errors[score.metric]) for score in scores]


def _fold_score(name: str, values: list[float], pooled: float | None) -> FoldScore:
    defined = np.array([value for value in values if np.isfinite(value)])
    return FoldScore(
        metric=name,
        mean=pooled if pooled is not None else float(defined.mean()) if len(defined) else float("nan"),
        std=float(defined.std(ddof=1)) if len(defined) > 1 else float("nan"),
        folds=tuple(values),
    )
