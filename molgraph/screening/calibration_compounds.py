"""The calibration compounds of models, as what a hit's probability is fitted to."""

import numpy as np
from numpy.typing import NDArray

from molgraph.prediction.predictor import Predictor
from molgraph.rank.hit_probability import HitProbability, OutOfFoldRows, fit_hit_probability
from molgraph.rank.hit_rule import HitRule


def out_of_fold_rows(
    predictor: Predictor, *, first: int = 0, weights: NDArray[np.float64] | None = None
) -> OutOfFoldRows:
    """The calibration compounds of a model, with probabilities of classes as predictions have them.

    Args:
        predictor: The model.
        first: Position of its first task among those of all models.
        weights: `[n]` how much each compound counts; None for all alike.
    """
    calibration, data = predictor.calibration, predictor.calibration.data
    means = data.mean.copy()
    for t, probability in enumerate(calibration.probabilities):
        if probability is not None:
            means[:, t] = probability.apply(data.mean[:, t])
    return OutOfFoldRows(first, data.labels, means, calibration.residual_std, calibration.is_log, weights)


def hit_probability(rule: HitRule, predictors: tuple[Predictor, ...]) -> HitProbability:
    """The probability that a compound is a hit, for conditions on tasks of several models.

    Args:
        rule: What a hit is.
        predictors: The models, in the order of their tasks.
    """
    tables, first = [], 0
    for predictor in predictors:
        tables.append(out_of_fold_rows(predictor, first=first))
        first += len(predictor.tasks)
    return fit_hit_probability(rule, tables)
