"""Desirability curves: from a predicted value to how much it is wanted, 0 to 1, and from several to one.

The curves have the names of REINVENT's score transforms, the sigmoids also its formula with k = 0.5 (Loeffler et al.
2024, doi:10.1186/s13321-024-00812-5); the double sigmoid is the product of a rising and a falling one. The weighted
geometric mean is that of Derringer and Suich 1980 (doi:10.1080/00224065.1980.11980968).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CurveName = Literal["sigmoid", "reverse_sigmoid", "double_sigmoid", "step"]

#: Steepness of the sigmoids: 0.997 at the wanted end and 0.003 at the other.
_STEEPNESS = 0.5

#: Likewise of each flank of the double sigmoid, in units of the width between its ends.
_FLANK = 10.0

#: A desirability of 0 would make the geometric mean 0 whatever the others are, so that nothing could be ranked.
_LEAST = 1e-6


@dataclass(frozen=True)
class CurveSpec:
    """One kind of curve.

    Attributes:
        name: As a profile has it.
        function: Values, low and high to desirabilities.
        wants: Which values it prefers.
        description: What is wanted.
    """

    name: CurveName
    function: Callable[[Floats, float, float], Floats]
    wants: Literal["more", "less", "between"]
    description: str


def sigmoid(values: Floats, low: float, high: float) -> Floats:
    """Rises from 0 below `low` to 1 above `high`.

    >>> sigmoid(np.array([5.0, 6.5, 8.0]), 5, 8).round(3).tolist()
    [0.003, 0.5, 0.997]
    """
    from scipy.special import expit

    exponent = 10.0 * _STEEPNESS * (values - (low + high) / 2.0) / (high - low)
    return np.asarray(expit(exponent * np.log(10.0)))


def reverse_sigmoid(values: Floats, low: float, high: float) -> Floats:
    """Falls from 1 below `low` to 0 above `high`."""
    return 1.0 - sigmoid(values, low, high)


def double_sigmoid(values: Floats, low: float, high: float) -> Floats:
    """Nearly 1 between `low` and `high`, falling on both sides; a half at the ends.

    >>> double_sigmoid(np.array([0.0, 1.0, 2.0, 3.0, 4.0]), 1, 3).round(2).tolist()
    [0.01, 0.5, 0.99, 0.5, 0.01]
    """
    from scipy.special import expit

    width = (high - low) / _FLANK
    return np.asarray(expit((values - low) / width) * expit((high - values) / width))


def step(values: Floats, low: float, high: float) -> Floats:
    """1 from `low` to `high`, both included, and 0 elsewhere."""
    return np.where(np.isnan(values), np.nan, ((values >= low) & (values <= high)).astype(np.float64))


#: The curves, by name.
CURVES: Mapping[str, CurveSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            CurveSpec("sigmoid", sigmoid, "more", "more than high is wanted, less than low is not"),
            CurveSpec("reverse_sigmoid", reverse_sigmoid, "less", "less than low is wanted, more than high is not"),
            CurveSpec("double_sigmoid", double_sigmoid, "between", "what lies between low and high is wanted"),
            CurveSpec("step", step, "between", "what lies between low and high is wanted, sharply"),
        )
    }
)


def geometric_mean(desirabilities: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """Weighted geometric mean of desirabilities `[B]` each; NaN where one is.

    >>> geometric_mean([np.array([0.25, 1.0]), np.array([1.0, 1.0])], [1.0, 1.0]).tolist()
    [0.5, 1.0]
    """
    logs = sum(
        weight * np.log(np.maximum(values, _LEAST)) for values, weight in zip(desirabilities, weights, strict=True)
    )
    return np.asarray(np.exp(logs / sum(weights)))
