"""Probability calibration: monotone maps from predicted probabilities to observed frequencies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from molgraph.config.uncertainty import ClassCalibration

Floats = NDArray[np.float64]

#: Probabilities are kept this far from 0 and 1 in a logit.
_LEAST = 1e-7

#: Least slope of Platt's map. Predictions pooled over the folds are ranked a little worse than each fold is, so that of
#: a weak model the likeliest slope is 0 or less; then all compounds would have one probability, and no order.
_LEAST_SLOPE = 0.05

#: Distinct probabilities that Venn-Abers distinguishes; fitting takes half a second for so many.
_MOST_KNOTS = 1000


@dataclass(frozen=True)
class ProbabilityCalibration:
    """A map from predicted to calibrated probabilities that never decreases.

    Attributes:
        name: How it was fitted.
        arrays: What was fitted: `slope` and `shift` of the logit (temperature, Platt), or `knots` with `low` and `high`
            values (isotonic, Venn-Abers); nothing where predictions stay as they are.
    """

    name: ClassCalibration
    arrays: Mapping[str, Floats] = field(default_factory=dict)

    def apply(self, probability: Floats) -> Floats:
        """Calibrated probabilities, of the shape of `probability`; NaN where that is NaN."""
        if "slope" in self.arrays:
            return _sigmoid(self.arrays["slope"][0] * _logit(probability) + self.arrays["shift"][0])
        if "knots" in self.arrays:
            low, high = self.bounds(probability)
            return np.asarray(low if self.name == "isotonic" else high / (1.0 - low + high))
        return probability

    def inverse(self, calibrated: Floats) -> Floats | None:
        """The probabilities that `apply` brings to `calibrated`; None where it is not invertible.

        >>> calibration = ProbabilityCalibration("platt", {"slope": np.array([2.0]), "shift": np.array([-1.0])})
        >>> calibration.inverse(calibration.apply(np.array([0.2, 0.7]))).round(6)
        array([0.2, 0.7])
        """
        from scipy.special import logit

        if not self.arrays:
            return calibrated
        if "slope" not in self.arrays or not self.arrays["slope"][0] > 0.0:
            return None
        return _sigmoid((logit(calibrated) - self.arrays["shift"][0]) / self.arrays["slope"][0])

    def bounds(self, probability: Floats) -> tuple[Floats, Floats]:
        """Lower and upper probability of Venn-Abers; for the others the calibrated probability, twice."""
        if "knots" not in self.arrays:
            calibrated = self.apply(probability)
            return calibrated, calibrated
        knots, low, high = (self.arrays[key] for key in ("knots", "low", "high"))
        if self.name == "isotonic":
            value = np.interp(probability, knots, low)
            return value, value
        place = np.searchsorted(knots, probability, side="left") + np.searchsorted(knots, probability, side="right")
        is_missing = np.isnan(probability)
        return np.where(is_missing, np.nan, low[place]), np.where(is_missing, np.nan, high[place])

    def to_arrays(self) -> dict[str, Floats]:
        """The arrays, as they are stored."""
        return dict(self.arrays)


def fit_probability_calibration(name: ClassCalibration, probability: Floats, truth: Floats) -> ProbabilityCalibration:
    """The map fitted to out-of-fold or held-out predictions.

    Args:
        name: `none`, `temperature` (one factor on the logit; Guo et al. 2017), `platt` (factor and shift; Platt 1999),
            `isotonic` (any step function; Zadrozny and Elkan 2002) or `venn-abers` (Vovk and Petej 2014).
        probability: `[n]` predicted probabilities of the class 1.
        truth: `[n]` classes, 0 or 1. If a class is missing, probabilities stay as they are.

    >>> fitted = fit_probability_calibration("isotonic", np.array([0.2, 0.4, 0.6]), np.array([0.0, 1.0, 1.0]))
    >>> fitted.apply(np.array([0.1, 0.3, 0.5]))
    array([0. , 0.5, 1. ])
    """
    if name == "none" or len(np.unique(truth)) < 2:
        return ProbabilityCalibration(name)
    return ProbabilityCalibration(name, _FITTERS[name](probability, truth))


def probability_calibration_from_arrays(
    name: ClassCalibration, arrays: Mapping[str, NDArray[np.generic]]
) -> ProbabilityCalibration:
    """The map that `ProbabilityCalibration.to_arrays` took apart.

    Raises:
        ValueError: The arrays are not those of a calibration of this name.
    """
    if not arrays:
        return ProbabilityCalibration(name)
    wanted = {"slope", "shift"} if name in {"temperature", "platt"} else {"knots", "low", "high"}
    if name == "none" or set(arrays) != wanted:
        raise ValueError(f"a calibration {name!r} with {sorted(arrays)}")
    if any(array.dtype != np.float64 or array.ndim != 1 or not array.size for array in arrays.values()):
        raise ValueError(f"a calibration {name!r} that is not made of float64 rows")
    sizes = [len(arrays[key]) for key in sorted(wanted, reverse=True)]  # slope, shift, or low, knots, high
    n = sizes[1]
    expected = {"temperature": [1, 1], "platt": [1, 1], "isotonic": [n, n, n]}.get(name, [2 * n + 1, n, 2 * n + 1])
    if sizes != expected:
        raise ValueError(f"a calibration {name!r} with rows of {sizes}")
    return ProbabilityCalibration(name, {key: np.asarray(array, dtype=np.float64) for key, array in arrays.items()})


def _fit_temperature(probability: Floats, truth: Floats) -> dict[str, Floats]:
    from scipy.optimize import minimize_scalar

    logit = _logit(probability)
    found = minimize_scalar(
        lambda log: _cross_entropy(np.exp(log) * logit, truth), bounds=(-5.0, 5.0), method="bounded"
    )
    return {"slope": np.array([np.exp(found.x)]), "shift": np.zeros(1)}


def _fit_platt(probability: Floats, truth: Floats) -> dict[str, Floats]:
    """Slope and shift; classes are softened to (n₊ + 1)/(n₊ + 2) and 1/(n₋ + 2), as Platt does against overfitting."""
    from scipy.optimize import minimize

    logit = _logit(probability)
    positives = truth.sum()
    soft = np.where(truth == 1, (positives + 1) / (positives + 2), 1 / (len(truth) - positives + 2))
    found = minimize(
        lambda x: _cross_entropy(x[0] * logit + x[1], soft), x0=[1.0, 0.0], bounds=[(_LEAST_SLOPE, None), (None, None)]
    )
    return {"slope": np.array([found.x[0]]), "shift": np.array([found.x[1]])}


def _fit_isotonic(probability: Floats, truth: Floats) -> dict[str, Floats]:
    from sklearn.isotonic import isotonic_regression

    knots, sums, counts = _at_knots(probability, truth)
    value = np.asarray(isotonic_regression(sums / counts, sample_weight=counts), dtype=np.float64)
    return {"knots": knots, "low": value, "high": value}


def _fit_venn_abers(probability: Floats, truth: Floats) -> dict[str, Floats]:
    """What isotonic regression gives a new row if it is a 0 (`low`) and if it is a 1 (`high`).

    Fitted again with the new row at every place that it can have: before the first knot, at it, after it, and so on
    (2K + 1 places). That is exact for up to `_MOST_KNOTS` distinct probabilities; more are first brought to so many.
    """
    from sklearn.isotonic import isotonic_regression

    knots, sums, counts = _at_knots(_few_distinct(probability), truth)
    tables = []
    for label in (0.0, 1.0):
        values = np.empty(2 * len(knots) + 1)
        for k in range(len(knots)):
            with_new = (sums + label * (np.arange(len(knots)) == k)) / (counts + (np.arange(len(knots)) == k))
            weight = counts + (np.arange(len(knots)) == k)
            values[2 * k + 1] = isotonic_regression(with_new, sample_weight=weight)[k]
        for k in range(len(knots) + 1):
            with_new, weight = np.insert(sums / counts, k, label), np.insert(counts, k, 1.0)
            values[2 * k] = isotonic_regression(with_new, sample_weight=weight)[k]
        tables.append(values)
    return {"knots": knots, "low": tables[0], "high": tables[1]}


def _at_knots(probability: Floats, truth: Floats) -> tuple[Floats, Floats, Floats]:
    """Distinct probabilities, in order; positives and rows at each."""
    knots, position = np.unique(probability, return_inverse=True)
    sums = np.bincount(position, weights=truth).astype(np.float64)
    return knots, sums, np.bincount(position).astype(np.float64)


def _few_distinct(probability: Floats) -> Floats:
    """The probabilities, each moved to the nearest of `_MOST_KNOTS` quantiles of them if there are more."""
    distinct = np.unique(probability)
    if len(distinct) <= _MOST_KNOTS:
        return probability
    kept = np.unique(np.quantile(probability, np.linspace(0.0, 1.0, _MOST_KNOTS)))
    return np.asarray(kept[np.searchsorted((kept[1:] + kept[:-1]) / 2, probability)])


def _logit(probability: Floats) -> Floats:
    p = np.clip(probability, _LEAST, 1.0 - _LEAST)
    return np.asarray(np.log(p / (1.0 - p)))


def _sigmoid(logit: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(logit))


def _cross_entropy(logit: Floats, truth: Floats) -> float:
    return float(np.mean(np.logaddexp(0.0, logit) - truth * logit))


_FITTERS: Mapping[ClassCalibration, Callable[[Floats, Floats], dict[str, Floats]]] = MappingProxyType(
    {
        "temperature": _fit_temperature,
        "platt": _fit_platt,
        "isotonic": _fit_isotonic,
        "venn-abers": _fit_venn_abers,
    }
)
