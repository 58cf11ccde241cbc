"""Which transform suits the labels of a member's training rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kurtosis, skew

from molgraph.config.training import TargetScaling
from molgraph.errors import InputError
from molgraph.learners.member_rows import MemberRows
from molgraph.learners.target_transforms import NAMES, SCORES, TargetTransforms, TransformName, label_knots
from molgraph.metrics.logarithms import LEAST_VALUES, suits_logarithms
from molgraph.results.labels import Labels
from molgraph.results.tasks import TaskSpec

#: Skewness from which normal scores are taken, which cut off what lies beyond the training labels.
_VERY_SKEWED = 1.5

#: Excess kurtosis from which mean and deviation give way to median and quartiles.
_HEAVY_TAILS = 5.0


def choose_scaling(labels: NDArray[np.float64]) -> TargetScaling:
    """What `auto` takes for labels `[n]` without NaN.

    `log` where all labels are above 0 and skewed, and their logarithms are at most half as skewed; `quantile` for other
    very skewed labels; `robust` for symmetric ones with heavy tails. What decided this is in `benchmarks/README.md`.

    >>> choose_scaling(np.exp(np.random.default_rng(0).normal(size=500)))
    'log'
    >>> choose_scaling(np.random.default_rng(0).normal(size=500))
    'standard'
    """
    if len(labels) < LEAST_VALUES or labels.min() == labels.max():
        return "standard"
    if suits_logarithms(labels):
        return "log"
    if abs(float(skew(labels))) > _VERY_SKEWED:
        return "quantile"
    return "robust" if float(kurtosis(labels)) > _HEAVY_TAILS else "standard"


def chosen_scalings(
    labels: NDArray[np.float64], tasks: tuple[TaskSpec, ...], plans: list[MemberRows], choice: TargetScaling
) -> list[list[TargetScaling]]:
    """The scaling of each member and task, `[M][T]`; each member looks at its own training rows alone.

    Args:
        labels: `[B, T]`, NaN = not measured.
        tasks: The T tasks; classes are taken as they are.
        plans: Rows of each member.
        choice: The setting.

    Raises:
        InputError: Logarithms are asked for, and a label is not above 0.
    """
    if choice == "log":
        for t, task in enumerate(tasks):
            if task.kind == "regression" and (labels[:, t] <= 0).any():
                raise InputError(
                    f"target_scaling is 'log', and {task.name!r} has the label {np.nanmin(labels[:, t]):g}; logarithms "
                    "need labels above 0: choose auto, quantile, robust or standard"
                )
    scalings = []
    for plan in plans:
        own = labels[plan.train_rows]
        scalings.append([_scaling(own[:, t], task, choice) for t, task in enumerate(tasks)])
    return scalings


def _scaling(labels: NDArray[np.float64], task: TaskSpec, choice: TargetScaling) -> TargetScaling:
    known = labels[~np.isnan(labels)]
    if task.kind == "classification" or len(known) == 0:
        return "standard"
    return choose_scaling(known) if choice == "auto" else choice


@dataclass(frozen=True)
class LearnedTargets:
    """The labels as the M members of an ensemble learn them.

    Attributes:
        transforms: How what is learned becomes labels again.
        labels: `[M, B, T]` values, and bounds of those that were not measured.
        is_robust: `[M, T]` tasks that a network scales by median and quartiles.
    """

    transforms: TargetTransforms
    labels: Labels
    is_robust: NDArray[np.bool_]


def learned_targets(
    labels: Labels,
    tasks: tuple[TaskSpec, ...],
    plans: list[MemberRows],
    choice: TargetScaling,
) -> LearnedTargets:
    """What each member learns of labels `[B, T]`.

    Raises:
        InputError: Logarithms are asked for, and a label is not above 0.
    """
    scalings = chosen_scalings(labels.values, tasks, plans, choice)
    transforms = fit_transforms(labels.values, scalings, plans)
    return LearnedTargets(
        transforms=transforms,
        labels=labels.map(transforms.forward),
        is_robust=np.array([[own == "robust" for own in row] for row in scalings]),
    )


def fit_transforms(
    labels: NDArray[np.float64], scalings: list[list[TargetScaling]], plans: list[MemberRows]
) -> TargetTransforms:
    """The maps that the scalings of M members and T tasks ask for; `standard` and `robust` need none."""
    names: dict[TargetScaling, TransformName] = {"log": "log", "quantile": "quantile"}
    kind = np.array([[NAMES.index(names.get(own, "none")) for own in row] for row in scalings], dtype=np.int64)
    knots = np.zeros((*kind.shape, len(SCORES)))
    for m, t in np.argwhere(kind).tolist():
        knots[m, t] = label_knots(labels[plans[m].train_rows, t])
    return TargetTransforms(kind, knots)
