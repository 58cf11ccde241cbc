"""Metrics of regression and classification: one frozen row per metric, arrays in, numbers out.

Each function takes `truth [n]`, `prediction [n]` and `weights [n]` and gives one number. Where a metric is not defined
(no row, one class only, a constant), the number is NaN: a metric never raises or warns because of what was measured.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from molgraph.errors import InputError
from molgraph.results.tasks import Direction, TaskKind

Floats = NDArray[np.float64]
MetricFunction = Callable[[Floats, Floats, Floats], float]

#: Probabilities are kept this far from 0 and 1 in the log loss, so that one confident error costs a finite amount.
LOG_LOSS_FLOOR = 1e-15

#: A probability of at least this much counts as class 1 in the metrics of hard labels.
CLASS_THRESHOLD = 0.5


@dataclass(frozen=True)
class MetricSpec:
    """One way to score predictions.

    Attributes:
        name: Name in options and reports.
        kind: The kind of task that it scores.
        direction: Whether a high or a low score is good.
        function: `(truth [n], prediction [n], weights [n]) -> score`; truth is 0 or 1 and the prediction a
            probability where `kind` is `classification`.
        description: What it measures, in a few words.
    """

    name: str
    kind: TaskKind
    direction: Direction
    function: MetricFunction
    description: str


def score(
    metric: str | MetricSpec, truth: ArrayLike, prediction: ArrayLike, weights: ArrayLike | None = None
) -> Floats:
    """The score of each task, `[T]`, over the rows where it was measured.

    Args:
        metric: A name in `METRICS`, or your own `MetricSpec`.
        truth: `[B, T]` labels, NaN = not measured.
        prediction: `[B, T]` values or probabilities. A measured row that was not predicted (NaN) makes the score
            NaN: leave rejected rows out on purpose, not by accident.
        weights: `[B]` row weights; all rows count the same without them.

    Raises:
        InputError: The metric is unknown or the shapes do not fit together.

    Example:
        >>> score("rmse", [[1.0], [2.0], [float("nan")]], [[1.0], [4.0], [0.0]]).round(3)
        array([1.414])
    """
    spec = metric_named(metric) if isinstance(metric, str) else metric
    truth = np.asarray(truth, dtype=np.float64)
    prediction = np.asarray(prediction, dtype=np.float64)
    row_weights = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=np.float64)
    if truth.ndim != 2 or truth.shape != prediction.shape or row_weights.shape != truth.shape[:1]:
        raise InputError(
            f"score got truth {truth.shape}, prediction {prediction.shape}, weights {row_weights.shape}; "
            "it needs [B, T], [B, T] and [B]"
        )
    scores = np.full(truth.shape[1], np.nan)
    for task in range(truth.shape[1]):
        is_used = ~np.isnan(truth[:, task]) & (row_weights > 0)
        columns = truth[is_used, task], prediction[is_used, task]
        if is_used.any() and np.isfinite(columns[1]).all():
            with np.errstate(all="ignore"):  # extreme values may overflow to infinity, which is then the score
                scores[task] = spec.function(*columns, row_weights[is_used])
    return scores


def metric_named(name: str) -> MetricSpec:
    """The metric of that name.

    Raises:
        InputError: There is none.

    Example:
        >>> metric_named("rmse").direction
        'minimize'
    """
    if name in METRICS:
        return METRICS[name]
    near = get_close_matches(name.lower(), METRICS, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise InputError(f"there is no metric {name!r}; {hint}choose one of: {', '.join(METRICS)}")


def rmse(truth: Floats, prediction: Floats, weights: Floats) -> float:
    """Root of the mean squared error, in label units."""
    return float(np.sqrt(np.average((prediction - truth) ** 2, weights=weights)))


def mae(truth: Floats, prediction: Floats, weights: Floats) -> float:
    """Mean absolute error, in label units."""
    return float(np.average(np.abs(prediction - truth), weights=weights))


def r2(truth: Floats, prediction: Floats, weights: Floats) -> float:
    """Coefficient of determination: fraction of variance explained; 0 for predicting the mean, negative for worse."""
    variance = np.average((truth - np.average(truth, weights=weights)) ** 2, weights=weights)
    if _is_constant(truth) or variance == 0:  # rounding leaves a constant some variance, underflow may leave none
        return float("nan")
    return float(1 - np.average((prediction - truth) ** 2, weights=weights) / variance)


def spearman(truth: Floats, prediction: Floats, weights: Floats) -> float:
    """Spearman correlation: of the ranks; ties share their mean rank, weights act on the correlation."""
    if _is_constant(truth) or _is_constant(prediction):
        return float("nan")
    covariance = np.cov(_ranks(truth), _ranks(prediction), aweights=weights, ddof=0)
    return float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))


def kendall(truth: Floats, prediction: Floats, weights: Floats) -> float:  # noqa: ARG001  (pairs have no weight)
    """Kendall's tau-b: fraction of concordant pairs minus that of discordant ones, less ties; not weighted."""
    if _is_constant(truth) or _is_constant(prediction):
        return float("nan")
    from scipy.stats import kendalltau

    return float(kendalltau(truth, prediction).statistic)


def rmse_log10(truth: Floats, prediction: Floats, weights: Floats) -> float:
    """Root mean squared error of decimal logarithms; not defined where a value is not above 0."""
    if truth.min() <= 0 or prediction.min() <= 0:
        return float("nan")
    return rmse(np.log10(truth), np.log10(prediction), weights)


def r2_log10(truth: Floats, prediction: Floats, weights: Floats) -> float:
    """Coefficient of determination of decimal logarithms; not defined where a value is not above 0.

    >>> r2_log10(np.array([1.0, 10.0, 100.0]), np.array([1.0, 10.0, 100.0]), np.ones(3))
    1.0
    """
    if truth.min() <= 0 or prediction.min() <= 0:
        return float("nan")
    return r2(np.log10(truth), np.log10(prediction), weights)


def median_factor(truth: Floats, prediction: Floats, weights: Floats) -> float:
    """Median fold error: the factor within which half of the predictions are, 1 or more; all values must be above 0.

    >>> round(median_factor(np.array([1.0, 10.0, 100.0]), np.array([2.0, 10.0, 20.0]), np.ones(3)), 9)
    2.0
    """
    if truth.min() <= 0 or prediction.min() <= 0:
        return float("nan")
    apart = np.abs(np.log(truth) - np.log(prediction))
    return float(np.exp(np.quantile(apart, 0.5, weights=weights, method="inverted_cdf")))


def roc_auc(truth: Floats, prediction: Floats, weights: Floats) -> float:
    """Probability that a random positive is ranked above a random negative."""
    if _is_constant(truth):
        return float("nan")
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, prediction, sample_weight=weights))


def roc_auc_interval(auc: float, n_positive: int, n_negative: int, *, level: float = 0.95) -> tuple[float, float]:
    """Confidence interval of the area under the ROC curve.

    The standard error is that of Hanley and McNeil 1982 (doi:10.1148/radiology.143.1.7063747), and the interval one of
    the logit, so that it ends at 0 and 1.

    Args:
        auc: Area under the ROC curve.
        n_positive: Compounds of class 1, at least 1.
        n_negative: Compounds of class 0, at least 1.
        level: Confidence level.

    >>> low, high = roc_auc_interval(0.758, 3, 57)
    >>> round(low, 2), round(high, 2)
    (0.35, 0.95)
    """
    from scipy.special import expit, logit, ndtri

    inside = float(np.clip(auc, 0.5 / (n_positive * n_negative), 1 - 0.5 / (n_positive * n_negative)))
    both_positive, both_negative = inside / (2 - inside), 2 * inside**2 / (1 + inside)
    variance = inside * (1 - inside)
    variance += (n_positive - 1) * (both_positive - inside**2) + (n_negative - 1) * (both_negative - inside**2)
    variance /= n_positive * n_negative
    half = float(ndtri(0.5 + level / 2)) * np.sqrt(variance) / (inside * (1 - inside))
    return float(expit(logit(inside) - half)), float(expit(logit(inside) + half))


def average_precision(truth: Floats, prediction: Floats, weights: Floats) -> float:
    """Area under the precision-recall curve, as a sum of steps."""
    if _is_constant(truth):
        return float("nan")
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth, prediction, sample_weight=weights))


def brier(truth: Floats, prediction: Floats, weights: Floats) -> float:
    """Mean squared error of the probabilities."""
    return float(np.average((prediction - truth) ** 2, weights=weights))


def log_loss(truth: Floats, prediction: Floats, weights: Floats) -> float:
    """Mean negative log likelihood of the labels, in nats."""
    of_truth = np.where(truth == 1, prediction, 1 - prediction)
    return float(-np.average(np.log(np.clip(of_truth, LOG_LOSS_FLOOR, 1.0)), weights=weights))


def balanced_accuracy(truth: Floats, prediction: Floats, weights: Floats) -> float:
    """Mean of sensitivity and specificity."""
    if _is_constant(truth):
        return float("nan")
    is_right = (prediction >= CLASS_THRESHOLD) == (truth == 1)
    recalls = [np.average(is_right[truth == c], weights=weights[truth == c]) for c in (0, 1)]
    return float(np.mean(recalls))


def mcc(truth: Floats, prediction: Floats, weights: Floats) -> float:
    """Matthews correlation of predicted and true labels; 0 where one label is predicted throughout."""
    if _is_constant(truth):
        return float("nan")
    is_called = prediction >= CLASS_THRESHOLD
    if _is_constant(is_called):
        return 0.0
    covariance = np.cov(truth, is_called, aweights=weights, ddof=0)
    return float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))


def _is_constant(values: NDArray[np.generic]) -> bool:
    return bool((values == values[0]).all())


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_rank = counts.cumsum() - (counts - 1) / 2
    return np.asarray(mean_rank[inverse], dtype=np.float64)


_ALL = (
    MetricSpec("rmse", "regression", "minimize", rmse, "root mean squared error"),
    MetricSpec("mae", "regression", "minimize", mae, "mean absolute error"),
    MetricSpec("r2", "regression", "maximize", r2, "fraction of variance explained"),
    MetricSpec("spearman", "regression", "maximize", spearman, "rank correlation"),
    MetricSpec("kendall", "regression", "maximize", kendall, "rank correlation by pairs"),
    MetricSpec("rmse_log10", "regression", "minimize", rmse_log10, "root mean squared error of decimal logarithms"),
    MetricSpec("r2_log10", "regression", "maximize", r2_log10, "coefficient of determination of decimal logarithms"),
    MetricSpec("median_factor", "regression", "minimize", median_factor, "median fold error: half are within it"),
    MetricSpec("roc_auc", "classification", "maximize", roc_auc, "area under the ROC curve"),
    MetricSpec("average_precision", "classification", "maximize", average_precision, "area under precision-recall"),
    MetricSpec("brier", "classification", "minimize", brier, "squared error of probabilities"),
    MetricSpec("log_loss", "classification", "minimize", log_loss, "negative log likelihood"),
    MetricSpec("balanced_accuracy", "classification", "maximize", balanced_accuracy, "mean accuracy of both classes"),
    MetricSpec("mcc", "classification", "maximize", mcc, "Matthews correlation of labels"),
)

#: Every metric by its name.
METRICS: Mapping[str, MetricSpec] = MappingProxyType({spec.name: spec for spec in _ALL})
