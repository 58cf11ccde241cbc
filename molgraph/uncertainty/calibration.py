"""Calibration of an ensemble: fitted once on out-of-fold or held-out predictions, then evaluated at any level."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from molgraph.config.uncertainty import CalibrationSettings
from molgraph.errors import InputError
from molgraph.results.member_outputs import MemberOutputs
from molgraph.results.prediction import Prediction
from molgraph.results.tasks import TaskKind
from molgraph.uncertainty.calibration_data import CalibrationData
from molgraph.uncertainty.conformal import conformal_quantile, rows_needed
from molgraph.uncertainty.cross_conformal import cross_interval, scores_by_model
from molgraph.uncertainty.label_sets import (
    ClassScores,
    calls,
    nonconformity,
    plausible_classes,
    without_contradiction,
)
from molgraph.uncertainty.probabilities import (
    ProbabilityCalibration,
    fit_probability_calibration,
)
from molgraph.uncertainty.quantile_intervals import central_interval, corrected_interval, quantile_scores
from molgraph.uncertainty.variance_scaling import VarianceScaling, fit_variance_scaling

Floats = NDArray[np.float64]

#: Significance level of the test against chance.
_CHANCE = 0.05


@dataclass(frozen=True)
class Calibration:
    """Calibration of variances and probabilities, and conformal intervals and calls of any level.

    Variances are scaled, probabilities are mapped: both were fitted on the calibration rows and are never fitted again.
    Intervals and calls are conformal: they compare a new molecule with the calibration rows themselves, so any
    level can be asked for. See `molgraph.uncertainty.cross_conformal` for what is guaranteed.

    A row of the training table (`cross`) is predicted by its out-of-fold member, and its spread is the variance that
    this member predicts. So is the spread of a new molecule: the disagreement of the members is a part of it only where
    calibration rows were held out from all of them (`split`). Learners that predict no variance thus have intervals of
    one width with `cross`, and of many with `split`.

    Attributes:
        kinds: Kind of each of the T tasks.
        settings: What was fitted.
        data: The calibration rows.
        scalings: `[T]` scaling of the variances; None for classes.
        probabilities: `[T]` map of the probabilities; None for regression.
        is_log: `[T]` tasks whose residuals are those of logarithms: their intervals are factors and never reach 0.
    """

    kinds: tuple[TaskKind, ...]
    settings: CalibrationSettings
    data: CalibrationData
    scalings: tuple[VarianceScaling | None, ...]
    probabilities: tuple[ProbabilityCalibration | None, ...]
    is_log: tuple[bool, ...]

    @cached_property
    def rows_of(self) -> tuple[tuple[int, ...], ...]:
        """Calibration rows of each task: all of them for regression, those of class 0 and of class 1 for classes."""
        counts = []
        for t, kind in enumerate(self.kinds):
            labels = self.data.labels.values[self.data.usable(t), t]
            counts.append((len(labels),) if kind == "regression" else (int((labels == 0).sum()), int(labels.sum())))
        return tuple(counts)

    @cached_property
    def no_better_than_chance(self) -> tuple[int, ...]:
        """Tasks whose calibration rows are ranked no better than by chance: Spearman's test, one-sided, at 5%.

        With two classes that is the test of Mann and Whitney. A task whose labels are all the same is not tested.
        """
        from scipy.stats import spearmanr

        tasks = []
        for t in range(len(self.kinds)):
            rows = self.data.usable(t)
            labels, mean = self.data.labels.values[rows, t], self.data.mean[rows, t]
            if len(labels) and np.ptp(labels) > 0:
                is_constant = not np.ptp(mean) > 0
                if is_constant or not spearmanr(labels, mean, alternative="greater").pvalue < _CHANCE:
                    tasks.append(t)
        return tuple(tasks)

    @cached_property
    def residual_std(self) -> Floats:
        """Root of the mean squared error on the calibration rows, `[T]`; NaN for classes and where there are no rows.

        Where `is_log` it is that of the logarithms.
        """
        values = np.full(len(self.kinds), np.nan)
        for t, kind in enumerate(self.kinds):
            usable = self.data.usable(t)
            if kind == "regression" and usable.any():
                labels, mean = self.data.labels.values[usable, t], self.data.mean[usable, t]
                residual = _residual(labels, mean, is_log=self.is_log[t])
                values[t] = np.sqrt(np.mean(residual**2))
        return values

    def apply(self, outputs: MemberOutputs) -> tuple[Floats, Floats, Floats]:
        """Calibrated mean, aleatoric and epistemic variance of the pooled outputs, `[B, T]` each.

        For a class the mean is the calibrated probability p and the aleatoric variance p(1 - p); its epistemic variance
        is not fitted to anything, and that between the members is always a part of it.
        """
        # Spreads are scaled, and residuals divided by them, as on the calibration rows: see `calibration_data`.
        pooled = outputs.pooled(with_disagreement=self.settings.rows == "split")
        between = outputs.mean.var(axis=0)
        mean, aleatoric, epistemic = pooled.mean.copy(), np.empty_like(pooled.mean), pooled.epistemic_var.copy()
        for t in range(len(self.kinds)):
            scaling, probability = self.scalings[t], self.probabilities[t]
            if scaling is not None:
                unit = _unit(pooled.mean[:, t], is_log=self.is_log[t])
                parts = scaling.apply(pooled.aleatoric_var[:, t] / unit, pooled.epistemic_var[:, t] / unit)
                aleatoric[:, t], epistemic[:, t] = parts[0] * unit, parts[1] * unit
            if probability is not None:
                mean[:, t] = probability.apply(pooled.mean[:, t])
                aleatoric[:, t] = mean[:, t] * (1.0 - mean[:, t])
                epistemic[:, t] = outputs.epistemic_var[:, :, t].mean(axis=0) + between[:, t]
        return mean, aleatoric, epistemic

    def means_after(self, before: "Calibration", mean: Floats) -> Floats | None:
        """The means `[B, T]` that this calibration gives where another one of the same model gave `mean`.

        None where they are not determined: where the other one mapped probabilities by a step function.
        """
        means = mean.copy()
        for t, (old, new) in enumerate(zip(before.probabilities, self.probabilities, strict=True)):
            if old is None or new is None:
                continue  # values are not calibrated, only their variances
            raw = old.inverse(mean[:, t])
            if raw is None:
                return None
            means[:, t] = new.apply(raw)
        return means

    def model_means(self, members: Floats) -> Floats:
        """Predictions `[G, B, T]` of the models that calibration rows are compared through.

        Those of the members `[M, B, T]` themselves (`cross`), or their mean (`split`).
        """
        return members if self.settings.rows == "cross" else members.mean(axis=0, keepdims=True)

    def interval(self, prediction: Prediction, level: float) -> tuple[Floats, Floats]:
        """Lower and upper ends `[B, T]`.

        NaN for classes and where there is no prediction; infinite where there are too few calibration rows for the
        level (see `molgraph.uncertainty.conformal.rows_needed`), and at an end that reaches the values of which
        calibration rows have no more than a bound (`>10000`): it is open there.
        """
        lower, upper = np.full(prediction.mean.shape, np.nan), np.full(prediction.mean.shape, np.nan)
        by_model = self.model_means(prediction.members)
        for t, kind in enumerate(self.kinds):
            if kind != "regression":
                continue
            if self.settings.intervals == "quantile":
                if prediction.quantiles is None:
                    raise InputError("the prediction holds no quantiles, and its intervals are made of them")
                ends = central_interval(prediction.quantiles[:, t], level)
                lower[:, t], upper[:, t] = corrected_interval(*ends, self._quantile_correction(t, level))
            else:
                scale = self._spread(prediction.var[:, t]) if self.settings.intervals == "normalised" else None
                scores, means = self._residual_scores[t], by_model[:, :, t]
                if self.is_log[t]:
                    scale = None if scale is None else scale / prediction.mean[:, t]
                    ends = cross_interval(np.log(means), scores, level, scale=scale)
                    lower[:, t], upper[:, t] = np.exp(ends[0]), np.exp(ends[1])
                else:
                    lower[:, t], upper[:, t] = cross_interval(means, scores, level, scale=scale)
            self._open(lower[:, t], upper[:, t], t)
        return lower, upper

    def _open(self, lower: Floats, upper: Floats, task: int) -> None:
        """Make ends infinite, in place, that reach where labels are censored: how far values go there is unknown."""
        start, stop = self._censored[task]
        upper[upper >= start] = np.inf
        lower[lower <= stop] = 0.0 if self.is_log[task] else -np.inf

    @cached_property
    def _censored(self) -> tuple[tuple[float, float], ...]:
        """Of each task the value above which, and that below which, labels are censored; infinite for none.

        A tenth of the bounds may be nearer: one odd `>5` among many `>10000` does not open every interval. A label with
        both bounds (`100-200`) is none of these.
        """
        ends = []
        for t in range(len(self.kinds)):
            above, below = self.data.labels.task(t).bounds
            is_range = ~np.isnan(above) & ~np.isnan(below)
            above, below = above[~np.isnan(above) & ~is_range], below[~np.isnan(below) & ~is_range]
            start = float(np.quantile(above, 0.1, method="lower")) if len(above) else np.inf
            ends.append((start, float(np.quantile(below, 0.9, method="higher")) if len(below) else -np.inf))
        return tuple(ends)

    def calls(self, prediction: Prediction, level: float) -> NDArray[np.object_]:
        """Calls (`TaskSpec.calls`), `[B, T]`; empty for regression and where there is no prediction."""
        result = np.full(prediction.mean.shape, "", dtype=object)
        by_model = self.model_means(prediction.members)
        for t, kind in enumerate(self.kinds):
            if kind == "classification":
                mean, is_known = prediction.mean[:, t], ~np.isnan(by_model[:, :, t]).any(axis=0)
                plausible = plausible_classes(by_model[:, :, t], self._class_scores[t], level)
                names = calls(without_contradiction(plausible, mean), prediction.tasks[t].calls)
                result[:, t] = np.where(is_known, names, "")
        return result

    def check_level(self, level: float) -> None:
        """Refuse a level at which no task of values has calibration rows enough for a finite interval.

        Where only some tasks have too few, these have infinite intervals.

        Raises:
            InputError: No task has enough, or `level` is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise InputError(f"level is {level:g}; it must lie between 0 and 1, e.g. 0.9")
        rows = [counts[0] for counts, kind in zip(self.rows_of, self.kinds, strict=True) if kind == "regression"]
        if rows and max(rows) < rows_needed(level):
            raise InputError(
                f"level is {level:g}, whose intervals need at least {rows_needed(level):,} calibration compounds, and "
                f"the model has {max(rows):,}; ask for a lower level, or measure more compounds"
            )

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Flat arrays by name, as they are stored."""
        data = self.data
        arrays: dict[str, NDArray[np.generic]] = {
            "model": data.model,
            **data.labels.to_arrays(),
            "mean": data.mean,
            "aleatoric_var": data.aleatoric_var,
            "epistemic_var": data.epistemic_var,
            "is_log": np.array(self.is_log, dtype=np.bool_),
        }
        if data.quantiles is not None:
            arrays["quantiles"] = data.quantiles
        for t in range(len(self.kinds)):
            scaling, probability = self.scalings[t], self.probabilities[t]
            if scaling is not None:
                arrays[f"scaling.{t}"] = np.array([scaling.constant, scaling.aleatoric, scaling.epistemic])
            if probability is not None:
                arrays |= {f"probability.{t}.{key}": array for key, array in probability.to_arrays().items()}
        return arrays

    @staticmethod
    def _spread(variance: Floats) -> Floats:
        """Standard deviation to divide by: where no error was ever seen there is still something."""
        return np.maximum(np.sqrt(variance), np.finfo(np.float64).tiny)

    @cached_property
    def _residual_scores(self) -> tuple[tuple[Floats, ...], ...]:
        """For each task the sorted nonconformity scores of each model's rows; empty for classes."""
        scores: list[tuple[Floats, ...]] = []
        for t, scaling in enumerate(self.scalings):
            if scaling is None:
                scores.append(())
                continue
            usable = self.data.usable(t)
            labels, mean = self.data.labels.values[usable, t], self.data.mean[usable, t]
            residual = np.abs(_residual(labels, mean, is_log=self.is_log[t]))
            if self.settings.intervals == "normalised":
                unit = _unit(mean, is_log=self.is_log[t])
                parts = scaling.apply(
                    self.data.aleatoric_var[usable, t] / unit, self.data.epistemic_var[usable, t] / unit
                )
                residual = residual / self._spread(parts[0] + parts[1])
            scores.append(scores_by_model(residual, self.data.model[usable], self.settings.n_models))
        return tuple(scores)

    @cached_property
    def _class_scores(self) -> dict[int, ClassScores]:
        scores: dict[int, ClassScores] = {}
        for t, kind in enumerate(self.kinds):
            if kind == "classification":
                labels = self.data.labels.values[:, t]
                scores[t] = tuple(  # type: ignore[assignment]  # two classes
                    scores_by_model(
                        nonconformity(self.data.mean[rows, t], c), self.data.model[rows], self.settings.n_models
                    )
                    for c in (0, 1)
                    for rows in [self.data.usable(t) & (labels == c)]
                )
        return scores

    def _quantile_correction(self, task: int, level: float) -> float:
        if self.data.quantiles is None:
            return float("inf")
        usable = self.data.usable(task)
        ends = central_interval(self.data.quantiles[usable, task], level)
        return conformal_quantile(np.sort(quantile_scores(*ends, self.data.labels.values[usable, task])), level)


def fit_calibration(
    kinds: tuple[TaskKind, ...],
    data: CalibrationData,
    settings: CalibrationSettings,
    *,
    is_log: tuple[bool, ...] | None = None,
) -> Calibration:
    """The calibration that these rows give.

    Args:
        kinds: Kind of each of the T tasks.
        data: The rows.
        settings: What is fitted, and how.
        is_log: `[T]` tasks that were learned as logarithms, whose predictions are all above 0; none if left out. Where
            a label is not above 0, residuals are in label units all the same.
    """
    scalings: list[VarianceScaling | None] = []
    probabilities: list[ProbabilityCalibration | None] = []
    logs = tuple(asked and is_positive(data, t) for t, asked in enumerate(is_log or (False,) * len(kinds)))
    for t, kind in enumerate(kinds):
        rows = data.usable(t)
        labels, mean = data.labels.values[rows, t], data.mean[rows, t]
        is_class = kind == "classification"
        unit = _unit(mean, is_log=logs[t])
        scalings.append(
            None
            if is_class
            else fit_variance_scaling(
                settings.variance,
                _residual(labels, mean, is_log=logs[t]),
                data.aleatoric_var[rows, t] / unit,
                data.epistemic_var[rows, t] / unit,
            )
        )
        probabilities.append(fit_probability_calibration(settings.classes, mean, labels) if is_class else None)
    return Calibration(kinds, settings, data, tuple(scalings), tuple(probabilities), logs)


def _residual(labels: Floats, mean: Floats, *, is_log: bool) -> Floats:
    """Errors of predictions, or of their logarithms."""
    return np.asarray(np.log(labels) - np.log(mean) if is_log else labels - mean)


def _unit(mean: Floats, *, is_log: bool) -> Floats:
    """What variances are divided by before they are scaled: of logarithms they are relative to the squared mean."""
    return np.square(mean) if is_log else np.ones_like(mean)


def is_positive(data: CalibrationData, task: int) -> bool:
    """Whether all labels and predictions of a task are above 0."""
    rows = data.usable(task)
    return bool((data.labels.values[rows, task] > 0).all() and (data.mean[rows, task] > 0).all())
