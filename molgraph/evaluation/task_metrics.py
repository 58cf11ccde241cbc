"""Metrics of one task with bootstrap confidence intervals, and coverage of its intervals by group of compounds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from molgraph.evaluation.report import Coverage, Estimate, TaskEvaluation
from molgraph.metrics.bootstrap import RESAMPLES, bootstrap_intervals
from molgraph.metrics.enrichment import bedroc, enrichment_factor, log_auc
from molgraph.metrics.scores import METRICS
from molgraph.metrics.spread import (
    INTERVAL_LEVELS,
    class_calibration_error,
    ence,
    ence_reference,
    gaussian_crps,
    gaussian_nll,
    interval_miscalibration,
    miscalibration_area,
    spread_correlation,
    spread_correlation_reference,
)
from molgraph.results.prediction import Prediction
from molgraph.results.tasks import TaskSpec

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

#: Predicted standard deviations that differ by no more than this fraction of the largest differ by rounding alone.
_SAME = 1e-9

#: Nominal levels at which the coverage of intervals and calls is measured.
LEVELS = (0.5, 0.8, 0.9, 0.95)

#: Similarities to the nearest training compound that bound the groups.
SIMILARITY_EDGES = (0.0, 0.3, 0.5, 0.7, 1.0)

_SCORES = {
    "regression": ("rmse", "mae", "r2", "spearman", "kendall"),
    "classification": ("roc_auc", "average_precision", "mcc", "balanced_accuracy", "brier", "log_loss"),
}

_SCORES_OF_LOGARITHMS = ("rmse_log10", "r2_log10", "median_factor")

#: Row values that are drawn at most in all samples together: large tables take fewer samples, and need fewer.
_MOST_DRAWN = 2_000_000
_LEAST_RESAMPLES = 200


#: Fractions of the ranking of the enrichment factors.
_FRACTIONS: Mapping[str, float] = MappingProxyType({"ef_1%": 0.01, "ef_5%": 0.05})


@dataclass(frozen=True)
class TaskRows:
    """The n compounds of a table with a label of one task.

    Attributes:
        task: The task.
        column: Its position among the tasks of the model.
        labels: `[n]` measured values or classes.
        prediction: Of these compounds.
        similarity: `[n]` to the nearest training compound; None if these are not stored.
        is_hit: `[h]` 1 or 0 for these, and for others whose bound, such as `>10`, decides it; None if no hit was
            defined, or a measured compound has no hit label.
        hit_score: `[h]` score by which they are ranked as hits, likewise.
    """

    task: TaskSpec
    column: int
    labels: Floats
    prediction: Prediction
    similarity: Floats | None
    is_hit: Floats | None
    hit_score: Floats | None

    @property
    def mean(self) -> Floats:
        """`[n]` predicted values or probabilities."""
        return self.prediction.mean[:, self.column]

    @cached_property
    def in_log10(self) -> bool:
        """Whether errors and spreads are those of decimal logarithms: the model learned these, and all are positive."""
        calibration = self.prediction.calibration
        return bool(
            calibration is not None
            and calibration.is_log[self.column]
            and (self.labels > 0).all()
            and (self.mean > 0).all()
        )

    @property
    def error(self) -> Floats:
        """`[n]` measured less predicted values."""
        return np.log10(self.labels) - np.log10(self.mean) if self.in_log10 else self.labels - self.mean

    @property
    def spread(self) -> Floats:
        """`[n]` predicted standard deviations of the errors."""
        # With a measured value that has no logarithm, errors are in label units, though the model learned logarithms.
        std = self.prediction.std if self.in_log10 else np.sqrt(self.prediction.var)
        return std[:, self.column]


def evaluate_task(rows: TaskRows, *, seed: int = 0) -> TaskEvaluation:
    """All metrics of a task.

    Args:
        rows: The compounds.
        seed: Seed of the bootstrap samples.
    """
    n_rows, n_hit_labels = len(rows.labels), 0 if rows.is_hit is None else len(rows.is_hit)
    values: dict[str, float] = {}
    ends: dict[str, tuple[float, float]] = {}
    of_rows, of_hits = _metrics(rows) if n_rows else {}, _enrichment(rows)
    for metrics, count, strata in ((of_rows, n_rows, None), (of_hits, n_hit_labels, rows.is_hit)):
        resamples = int(np.clip(_MOST_DRAWN // max(count, 1), _LEAST_RESAMPLES, RESAMPLES))
        with np.errstate(all="ignore"):
            values |= {name: metric(np.arange(count)) for name, metric in metrics.items()}
            ends |= bootstrap_intervals(
                metrics,
                count,
                resamples=resamples,
                seed=seed,
                strata=strata,
                biased=[name for name in ("ence",) if name in metrics],
            )
    return TaskEvaluation(
        task=rows.task.name,
        kind=rows.task.kind,
        n_rows=n_rows,
        n_bounds=max(n_hit_labels - n_rows, 0),
        n_hits=None if rows.is_hit is None else int(rows.is_hit.sum()),
        in_log10=rows.in_log10,
        estimates=tuple(
            Estimate(name, value, *ends[name], reference=_reference(rows, name, seed)) for name, value in values.items()
        ),
        coverage=tuple(_coverage(rows)),
    )


def _reference(rows: TaskRows, metric: str, seed: int) -> float | None:
    """Value of a metric for perfectly calibrated standard deviations; of an enrichment factor its maximum."""
    if metric == "spread_spearman":
        return spread_correlation_reference(rows.spread, seed)
    if metric == "ence":
        return ence_reference(rows.spread, seed=seed)
    if metric in _FRACTIONS and rows.is_hit is not None:
        return enrichment_factor(rows.is_hit, rows.is_hit, _FRACTIONS[metric])
    return None


def _metrics(rows: TaskRows) -> Mapping[str, Callable[[Rows], float]]:
    """Each metric as a function of the rows of a sample."""
    truth, mean, spread = rows.labels, rows.mean, rows.spread
    ones = np.ones(len(truth))
    metrics: dict[str, Callable[[Rows], float]] = {}
    for name in (*_SCORES[rows.task.kind], *(_SCORES_OF_LOGARITHMS if rows.in_log10 else ())):
        metrics[name] = _on_rows(METRICS[name].function, truth, mean, ones)
    if rows.task.kind == "regression":
        error = rows.error
        for name, metric in (
            ("nll", gaussian_nll),
            ("crps", gaussian_crps),
            ("ence", ence),
            ("miscalibration_area", miscalibration_area),
            # Learners without a variance of their own have one spread for all rows: nothing to rank by.
            *((("spread_spearman", spread_correlation),) if np.ptp(spread) > _SAME * np.max(spread) else ()),
        ):
            if np.all(spread > 0):
                metrics[name] = _on_rows(metric, error, spread)
        covered = covered_at_all_levels(rows)
        metrics["interval_miscalibration"] = lambda i: interval_miscalibration(covered[:, i])
    else:
        metrics["calibration_error"] = _on_rows(class_calibration_error, truth, mean)
    return metrics


def _enrichment(rows: TaskRows) -> Mapping[str, Callable[[Rows], float]]:
    """Metrics of early enrichment as functions of the compounds with a hit label."""
    hit, ranked_by = rows.is_hit, rows.hit_score
    if hit is None or ranked_by is None:
        return {}
    return {
        **{
            name: lambda i, fraction=fraction: enrichment_factor(hit[i], ranked_by[i], fraction)  # type: ignore[misc]
            for name, fraction in _FRACTIONS.items()
        },
        "bedroc": lambda i: bedroc(hit[i], ranked_by[i]),
        "log_auc": lambda i: log_auc(hit[i], ranked_by[i]),
    }


def _on_rows(metric: Callable[..., float], *columns: Floats) -> Callable[[Rows], float]:
    return lambda i: metric(*(column[i] for column in columns))


def _coverage(rows: TaskRows) -> list[Coverage]:
    groups = coverage_groups(rows)
    typical = (
        np.median if rows.task.kind == "regression" else np.mean
    )  # an interval with an open end is infinitely wide
    coverage = []
    for level in LEVELS:
        is_covered, size = covered(rows, level)
        for name, members in groups.items():
            coverage.append(
                Coverage(
                    level=level,
                    group=name,
                    n_rows=int(members.sum()),
                    coverage=float(is_covered[members].mean()) if members.any() else float("nan"),
                    size=float(typical(size[members])) if members.any() else float("nan"),
                )
            )
    return coverage


def covered(rows: TaskRows, level: float) -> tuple[NDArray[np.bool_], Floats]:
    """Whether the interval or call of each compound covers the measured label, and its width or set size, `[n]`."""
    if rows.task.kind == "regression":
        lower, upper = (ends[:, rows.column] for ends in rows.prediction.interval(level))
        return (rows.labels >= lower) & (rows.labels <= upper), upper - lower
    calls = rows.prediction.calls(level)[:, rows.column]
    atypical, *alone, uncertain = rows.task.calls
    is_covered = (calls == uncertain) | (calls == np.array(alone, dtype=object)[rows.labels.astype(np.int64)])
    return is_covered, np.where(calls == atypical, 0.0, np.where(calls == uncertain, 2.0, 1.0))


def covered_at_all_levels(rows: TaskRows) -> NDArray[np.bool_]:
    """Whether the interval at each of `INTERVAL_LEVELS` covers the measured value, `[19, n]`."""
    return np.stack([covered(rows, float(level))[0] for level in INTERVAL_LEVELS])


def coverage_groups(rows: TaskRows) -> dict[str, NDArray[np.bool_]]:
    """Groups of compounds whose coverage is reported separately, by name: `[n]` each."""
    groups = {"all": np.ones(len(rows.labels), dtype=np.bool_)}
    if rows.task.kind == "classification":
        groups |= {f"class {c}": rows.labels == c for c in (0, 1)}
    if rows.similarity is not None:
        for low, high in pairwise(SIMILARITY_EDGES):
            inside = (rows.similarity >= low) & ((rows.similarity < high) | (high == SIMILARITY_EDGES[-1]))
            groups[f"similarity {low:g} to {high:g}"] = inside
    return groups
