"""Metrics of one task, with bootstrap intervals, and coverage by group."""

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

#: Spreads that differ by no more than this share of the largest are the same but for rounding.
_SAME = 1e-9

#: Levels whose intervals and calls are judged.
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


#: Shares of the ranking of the enrichment factors.
_FRACTIONS: Mapping[str, float] = MappingProxyType({"ef_1%": 0.01, "ef_5%": 0.05})


@dataclass(frozen=True)
class TaskRows:
    """The n compounds of a table with a label of one task.

    Attributes:
        task: The task.
        column: Its position among the tasks of the model.
        labels: `[n]` measured values or classes.
        prediction: Of these compounds.
        similarity: `[n]` to the nearest training compound; None if these are not known.
        is_hit: `[h]` 1 or 0 for these and for others of which a bound such as `>10` tells it; None if nobody said what
            a hit is, or it is not known of all.
        hit_score: `[h]` how clearly each is predicted to be a hit, likewise.
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
        """Whether errors and spreads are those of decimal logarithms: the model learned these, and all allow it."""
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
        # A measured value without logarithm is judged in label units, though the model learned logarithms.
        own = self.prediction.std if self.in_log10 else np.sqrt(self.prediction.var)
        return own[:, self.column]


def judge_task(rows: TaskRows, *, seed: int = 0) -> TaskEvaluation:
    """All metrics of a task.

    Args:
        rows: The compounds.
        seed: Seed of the bootstrap samples.
    """
    n_rows, n_known = len(rows.labels), 0 if rows.is_hit is None else len(rows.is_hit)
    values: dict[str, float] = {}
    ends: dict[str, tuple[float, float]] = {}
    of_rows, of_hits = _metrics(rows) if n_rows else {}, _enrichment(rows)
    for metrics, count, strata in ((of_rows, n_rows, None), (of_hits, n_known, rows.is_hit)):
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
        n_bounds=max(n_known - n_rows, 0),
        n_hits=None if rows.is_hit is None else int(rows.is_hit.sum()),
        in_log10=rows.in_log10,
        estimates=tuple(
            Estimate(name, value, *ends[name], reference=_reference(rows, name, seed)) for name, value in values.items()
        ),
        coverage=tuple(_coverage(rows)),
    )


def _reference(rows: TaskRows, metric: str, seed: int) -> float | None:
    """What a metric would be if the spreads were exactly right, or of enrichment the largest that it can be."""
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
    found: dict[str, Callable[[Rows], float]] = {}
    for name in (*_SCORES[rows.task.kind], *(_SCORES_OF_LOGARITHMS if rows.in_log10 else ())):
        found[name] = _on_rows(METRICS[name].function, truth, mean, ones)
    if rows.task.kind == "regression":
        error = rows.error
        for name, metric in (
            ("nll", gaussian_nll),
            ("crps", gaussian_crps),
            ("ence", ence),
            ("miscalibration_area", miscalibration_area),
            # Of learners that say nothing of themselves all spreads are one: nothing to rank by.
            *((("spread_spearman", spread_correlation),) if np.ptp(spread) > _SAME * np.max(spread) else ()),
        ):
            if np.all(spread > 0):
                found[name] = _on_rows(metric, error, spread)
        holds = held_at_all(rows)
        found["interval_miscalibration"] = lambda i: interval_miscalibration(holds[:, i])
    else:
        found["calibration_error"] = _on_rows(class_calibration_error, truth, mean)
    return found


def _enrichment(rows: TaskRows) -> Mapping[str, Callable[[Rows], float]]:
    """Early enrichment as functions of the compounds of which it is known whether they are hits."""
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
    found = []
    for level in LEVELS:
        holds, size = held(rows, level)
        for name, members in groups.items():
            found.append(
                Coverage(
                    level=level,
                    group=name,
                    n_rows=int(members.sum()),
                    coverage=float(holds[members].mean()) if members.any() else float("nan"),
                    size=float(typical(size[members])) if members.any() else float("nan"),
                )
            )
    return found


def held(rows: TaskRows, level: float) -> tuple[NDArray[np.bool_], Floats]:
    """Whether the interval or call of each compound holds the truth, and its width or number of labels, `[n]`."""
    if rows.task.kind == "regression":
        lower, upper = (ends[:, rows.column] for ends in rows.prediction.interval(level))
        return (rows.labels >= lower) & (rows.labels <= upper), upper - lower
    calls = rows.prediction.calls(level)[:, rows.column]
    atypical, *alone, uncertain = rows.task.calls
    holds = (calls == uncertain) | (calls == np.array(alone, dtype=object)[rows.labels.astype(np.int64)])
    return holds, np.where(calls == atypical, 0.0, np.where(calls == uncertain, 2.0, 1.0))


def held_at_all(rows: TaskRows) -> NDArray[np.bool_]:
    """Whether the interval at each of `INTERVAL_LEVELS` holds the truth, `[19, n]`."""
    return np.stack([held(rows, float(level))[0] for level in INTERVAL_LEVELS])


def coverage_groups(rows: TaskRows) -> dict[str, NDArray[np.bool_]]:
    """Groups of compounds whose coverage is told apart, by name: `[n]` each."""
    groups = {"all": np.ones(len(rows.labels), dtype=np.bool_)}
    if rows.task.kind == "classification":
        groups |= {f"class {c}": rows.labels == c for c in (0, 1)}
    if rows.similarity is not None:
        for low, high in pairwise(SIMILARITY_EDGES):
            inside = (rows.similarity >= low) & ((rows.similarity < high) | (high == SIMILARITY_EDGES[-1]))
            groups[f"similarity {low:g} to {high:g}"] = inside
    return groups
