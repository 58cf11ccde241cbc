"""Target transforms: monotone maps between labels and the numbers that learners fit."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from molgraph.results.member_outputs import MemberOutputs

#: `log` is the natural logarithm; `quantile` makes the training labels normally distributed.
TransformName = Literal["none", "log", "quantile"]
NAMES: tuple[TransformName, ...] = ("none", "log", "quantile")

#: Normal scores at which a label distribution is kept. Nothing is known beyond the outermost.
SCORES = np.linspace(-2.5, 2.5, 101)

#: Predicted logarithms may lie outside those of the training labels by this share of their range.
_BEYOND = 0.5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TargetTransforms:
    """A map for each of M members and T tasks, made from the labels of the member's training rows.

    Attributes:
        kind: `[M, T]` int64 positions in `NAMES`.
        knots: `[M, T, 101]` training labels at the normal scores `SCORES`; the first and the last are their extremes.
    """

    kind: NDArray[np.int64]
    knots: Floats

    def forward(self, labels: Floats) -> Floats:
        """What each member learns, `[M, B, T]`, from labels `[B, T]`; NaN stays.

        Labels outside the training rows are cut at their quantiles, and at a tenth of their least for logarithms.
        """
        learned = np.broadcast_to(labels, (len(self.kind), *labels.shape))
        if not self.kind.any():
            return learned
        learned = learned.copy()
        for m, t in np.argwhere(self.kind).tolist():
            learned[m, :, t] = _forward(NAMES[self.kind[m, t]], labels[:, t], self.knots[m, t])
        return learned

    def inverse(self, outputs: MemberOutputs) -> MemberOutputs:
        """Outputs of members in label units. A spread becomes half the distance of the values one spread up and down.

        A mean becomes a median where the map is bent, for the middle of a skewed distribution is not its mean.
        """
        if not self.kind.any():
            return outputs
        values = {name: own.copy() for name, own in vars(outputs).items() if isinstance(own, np.ndarray)}
        for m, t in np.argwhere(self.kind).tolist():
            name, knots = NAMES[self.kind[m, t]], self.knots[m, t]
            mean = outputs.mean[m, :, t]
            values["mean"][m, :, t] = _inverse(name, mean, knots)
            for variance in ("aleatoric_var", "epistemic_var"):
                spread = np.sqrt(values[variance][m, :, t])
                half = (_inverse(name, mean + spread, knots) - _inverse(name, mean - spread, knots)) / 2
                values[variance][m, :, t] = half**2
            if outputs.quantiles is not None:
                values["quantiles"][m, :, t] = _inverse(name, outputs.quantiles[m, :, t], knots)
        return replace(outputs, **values)  # type: ignore[arg-type]

    @property
    def all_log(self) -> tuple[bool, ...]:
        """`[T]` whether all members learn logarithms, so that no prediction is below 0."""
        return tuple((self.kind == NAMES.index("log")).all(axis=0).tolist())

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """As they are stored."""
        return {"target_kind": self.kind, "target_knots": self.knots}


def label_knots(labels: Floats) -> Floats:
    """Labels at the normal scores `SCORES`; all 0 where there is no label.

    >>> label_knots(np.arange(1001.0))[[0, 50, 100]].tolist()
    [0.0, 500.0, 1000.0]
    """
    known = labels[~np.isnan(labels)]
    if len(known) == 0:
        return np.zeros(len(SCORES))
    knots = np.quantile(known, ndtr(SCORES))
    knots[0], knots[-1] = known.min(), known.max()
    return np.asarray(knots)


def transforms_from_arrays(arrays: Mapping[str, NDArray[Any]], n_members: int, n_tasks: int) -> TargetTransforms:
    """What `to_arrays` took apart.

    Raises:
        KeyError, ValueError: An array is missing or does not fit.
    """
    kind, knots = arrays["target_kind"], arrays["target_knots"]
    shape = (n_members, n_tasks)
    if (
        kind.dtype != np.int64
        or kind.shape != shape
        or knots.dtype != np.float64
        or knots.shape != (*shape, len(SCORES))
    ):
        raise ValueError(f"target transforms are {kind.dtype} {kind.shape} and {knots.dtype} {knots.shape}")
    if not ((kind >= 0) & (kind < len(NAMES))).all():
        raise ValueError("a target transform is unknown")
    own = knots[kind > 0]
    if not (np.isfinite(own).all() and (np.diff(own, axis=-1) >= 0).all()):
        raise ValueError("target quantiles do not ascend")
    if not (knots[kind == NAMES.index("log"), 0] > 0).all():
        raise ValueError("logarithms of labels that are not above 0")
    return TargetTransforms(kind, knots)


def _forward(name: TransformName, labels: Floats, knots: Floats) -> Floats:
    if name == "log":
        return np.asarray(np.log(np.maximum(labels, 0.1 * knots[0])))  # np.maximum keeps NaN
    # Labels that many rows share have the middle of the scores that they take up.
    from_left = np.interp(labels, knots, SCORES)
    from_right = -np.interp(-labels, -knots[::-1], -SCORES[::-1])
    return np.asarray((from_left + from_right) / 2)


def _inverse(name: TransformName, values: Floats, knots: Floats) -> Floats:
    if name == "log":
        low, high = np.log(knots[0]), np.log(knots[-1])
        margin = _BEYOND * (high - low)
        return np.asarray(np.exp(np.clip(values, low - margin, high + margin)))
    return np.asarray(np.interp(values, SCORES, knots))
