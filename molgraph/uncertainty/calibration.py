"""Calibration of an ensemble from its out-of-fold predictions: arrays in, intervals and label sets out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.tasks import TaskKind
from molgraph.uncertainty.conformal import conformal_quantile


@dataclass(frozen=True)
class Calibration:
    """Scores of the out-of-fold rows, from which intervals and label sets of any level follow.

    Regression: the score of a row is |y - ŷ| / √(r² + s²), where r² is the mean squared out-of-fold residual of the
    task and s² the variance between members. A new molecule's interval is its mean ± the conformal quantile of the
    scores times its own √(r² + s²): molecules on which the members disagree get wider intervals (normalised
    conformal prediction; Papadopoulos et al. 2008).

    For an out-of-fold row, s² is taken between the members that *did* train on it, for a new molecule between all.
    Members agree better on what they trained on, so new molecules get at least the width that they should: the
    intervals err on the wide side. The residuals come from members that never saw the row.

    Classification: the score is one minus the out-of-fold probability of the true class, kept apart by class
    (Mondrian), so that the rare class has its own coverage. A label is in the set if it is not stranger than the
    calibration rows of its class.

    Attributes:
        kinds: Kind of each of the T tasks.
        residual_var: `[T]` mean squared out-of-fold residual; NaN for classification, and where no row has one.
        scores: For each task the sorted scores: one array for regression, two (class 0, class 1) for classification.
    """

    kinds: tuple[TaskKind, ...]
    residual_var: NDArray[np.float64]
    scores: tuple[tuple[NDArray[np.float64], ...], ...]

    def interval(
        self, mean: NDArray[np.float64], var: NDArray[np.float64], level: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper ends `[B, T]` from means and member variances `[B, T]`.

        NaN for classification; infinite where there are too few calibration rows for the level.
        """
        half = np.full(mean.shape, np.nan)
        for t, kind in enumerate(self.kinds):
            if kind == "regression":
                quantile = conformal_quantile(self.scores[t][0], level)
                width = np.sqrt(self.residual_var[t] + var[:, t])
                half[:, t] = quantile * width if np.isfinite(quantile) else quantile
        return mean - half, mean + half

    def label_sets(self, mean: NDArray[np.float64], level: float) -> NDArray[np.object_]:
        """Sets such as `{0}`, `{1}`, `{0,1}` or `{}` as text, `[B, T]`, from probabilities `[B, T]`.

        Empty text for regression and where there is no prediction. The empty set `{}` says that neither class looks
        like its calibration rows.
        """
        sets = np.full(mean.shape, "", dtype=object)
        for t, kind in enumerate(self.kinds):
            if kind != "classification":
                continue
            probability = mean[:, t]
            has_0 = probability <= conformal_quantile(self.scores[t][0], level)
            has_1 = 1.0 - probability <= conformal_quantile(self.scores[t][1], level)
            names = np.array(["{}", "{0}", "{1}", "{0,1}"], dtype=object)[has_0 + 2 * has_1]
            sets[:, t] = np.where(np.isnan(probability), "", names)
        return sets

    def aleatoric_var(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """Variance that is not the members' disagreement, `[B, T]`: the residual variance, or p(1 - p) for classes."""
        is_class = np.array([kind == "classification" for kind in self.kinds])
        return np.where(is_class, mean * (1.0 - mean), self.residual_var + 0.0 * mean)

    def to_arrays(self) -> dict[str, NDArray[np.float64]]:
        """Flat arrays by name, as they are stored."""
        arrays = {"residual_var": self.residual_var}
        for t, task_scores in enumerate(self.scores):
            arrays |= {f"scores.{t}.{c}": scores for c, scores in enumerate(task_scores)}
        return arrays


def calibration_from_arrays(kinds: tuple[TaskKind, ...], arrays: Mapping[str, NDArray[np.float64]]) -> Calibration:
    """The calibration that `Calibration.to_arrays` took apart.

    Raises:
        KeyError: An array is missing.
    """
    n_groups = {"regression": 1, "classification": 2}
    return Calibration(
        kinds=kinds,
        residual_var=arrays["residual_var"],
        scores=tuple(tuple(arrays[f"scores.{t}.{c}"] for c in range(n_groups[kind])) for t, kind in enumerate(kinds)),
    )


def fit_calibration(
    kinds: tuple[TaskKind, ...],
    labels: NDArray[np.float64],
    out_of_fold: NDArray[np.float64],
    spread_var: NDArray[np.float64],
) -> Calibration:
    """Calibration from out-of-fold predictions.

    Args:
        kinds: Kind of each of the T tasks.
        labels: `[B, T]`, NaN = not measured.
        out_of_fold: `[B, T]` predictions by members that never saw the row; NaN where there is none.
        spread_var: `[B, T]` variance between the members that trained on the row.
    """
    residual_var = np.full(len(kinds), np.nan)
    scores: list[tuple[NDArray[np.float64], ...]] = []
    for t, kind in enumerate(kinds):
        usable = np.isfinite(labels[:, t]) & np.isfinite(out_of_fold[:, t])
        truth, predicted, spread = labels[usable, t], out_of_fold[usable, t], spread_var[usable, t]
        if kind == "regression":
            residual = truth - predicted
            residual_var[t] = np.mean(residual**2) if len(residual) else np.nan
            width = np.sqrt(residual_var[t] + spread)
            score = np.divide(np.abs(residual), width, out=np.zeros_like(residual), where=width > 0)
            scores.append((np.sort(score),))
        else:
            scores.append((np.sort(predicted[truth == 0]), np.sort(1.0 - predicted[truth == 1])))
    return Calibration(kinds=kinds, residual_var=residual_var, scores=tuple(scores))
