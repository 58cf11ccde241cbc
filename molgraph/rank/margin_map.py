"""From how clearly a value is predicted to lie beyond a limit to the probability that it does.

Errors of out-of-fold predictions show how often a value is as much larger or smaller than predicted; they need not
be Gaussian. A logistic correction (Platt 1999) then brings that to what came true at this limit, where errors may be
others than elsewhere.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Margins, in units of the typical error, at which the share of errors is tabulated.
_MARGINS = np.linspace(-8.0, 8.0, 161)

#: Logits beyond this are not tabulated but continued.
_MOST_LOGIT = 20.0

#: Width of the smoothing of n errors, in units of their deviation: that over the fifth root of n.
_SMOOTHING = 0.6

#: Errors are never smoothed less than that.
_LEAST_WIDTH = 0.05

#: What is assumed before a compound was seen: that no correction is needed, with this deviation of the logarithm of
#: the slope, and of the shift.
_PRIOR_STD = 0.5


@dataclass(frozen=True)
class MarginMap:
    """A map that never decreases.

    Attributes:
        margins: Increasing margins.
        logits: Logit of the share of errors that is smaller.
        slope: Of the correction.
        shift: Of the correction.
    """

    margins: Floats
    logits: Floats
    slope: float = 1.0
    shift: float = 0.0

    def __call__(self, margin: Floats) -> Floats:
        """Probabilities, of the shape of `margin`; NaN for NaN."""
        from scipy.special import expit

        return np.asarray(expit(self.slope * self.uncorrected(margin) + self.shift))

    def uncorrected(self, margin: Floats) -> Floats:
        """Logits by the errors alone; beyond the table they go on as steeply as at its ends."""
        x, y = self.margins, self.logits
        below = np.minimum(margin - x[0], 0.0) * (y[1] - y[0]) / (x[1] - x[0])
        above = np.maximum(margin - x[-1], 0.0) * (y[-1] - y[-2]) / (x[-1] - x[-2])
        return np.asarray(np.interp(margin, x, y) + below + above)


def fit_margin_map(errors: Floats, margin: Floats, verdict: Floats, weights: Floats | None = None) -> MarginMap:
    """The map that n calibration compounds give.

    Args:
        errors: `[n]` of the out-of-fold predictions, towards the hit, in units of the typical error: measured less
            predicted where more is a hit. NaN = not measured.
        margin: `[n]` of the predictions, in the same units.
        verdict: `[n]` whether the value is a hit, 1 or 0, NaN = not known; a bound may decide that without an error.
        weights: `[n]` how much each counts; None for all alike.

    >>> rng = np.random.default_rng(0)
    >>> errors, margin = rng.normal(size=2000), rng.normal(size=2000)
    >>> fit_margin_map(errors, margin, (errors + margin >= 0).astype(float))(np.array([0.0, 1.0])).round(1)
    array([0.5, 0.8])
    """
    everyone = np.ones(len(margin)) if weights is None else weights
    margins, logits = _smoothed(errors, everyone)
    plain = MarginMap(margins, logits)
    known = np.isfinite(margin) & np.isfinite(verdict)
    own = everyone[known]
    if len(own) and own.sum() > 0:
        own = own * (own.sum() / np.square(own).sum())  # as many compounds as they are worth
    slope, shift = _fit_logistic(plain.uncorrected(margin[known]), verdict[known], own)
    return MarginMap(margins, logits, slope, shift)


def _smoothed(errors: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Margins, and the logit of the weighted share of errors e with e + margin ≥ 0, smoothed by a Gaussian kernel."""
    known = np.isfinite(errors) & (weights > 0)
    e, w = (errors[known], weights[known]) if known.any() else (np.zeros(1), np.ones(1))
    w = w / w.sum()
    spread = np.sqrt(np.sum(w * np.square(e - np.sum(w * e))))
    width = max(_SMOOTHING * spread * np.square(w).sum() ** 0.2, _LEAST_WIDTH) if known.any() else 1.0
    logits = np.array([_log_odds((e + margin) / width, w) for margin in _MARGINS])
    usable = np.abs(logits) <= _MOST_LOGIT
    if usable.sum() < 2:  # errors far beyond what is typical: nothing is known but that
        return _MARGINS[[0, -1]], _MARGINS[[0, -1]]
    return _MARGINS[usable], logits[usable]


def _log_odds(z: Floats, weights: Floats) -> float:
    from scipy.special import ndtr

    with np.errstate(divide="ignore"):
        return float(np.log(ndtr(z) @ weights) - np.log(ndtr(-z) @ weights))


def _fit_logistic(logit: Floats, verdict: Floats, weights: Floats) -> tuple[float, float]:
    """Slope and shift of the correction.

    (Platt softens the classes against overconfidence, which levels the slope where most compounds are far from the
    limit; the prior does not.)
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    def loss(parameters: Floats) -> tuple[float, Floats]:
        slope = np.exp(parameters[0])
        corrected = slope * logit + parameters[1]
        error = weights * (expit(corrected) - verdict)
        value = np.sum(weights * (np.logaddexp(0.0, corrected) - verdict * corrected))
        gradient = np.array([np.sum(error * logit) * slope, np.sum(error)])
        return float(value + np.square(parameters / _PRIOR_STD).sum() / 2), gradient + parameters / _PRIOR_STD**2

    found = minimize(loss, x0=np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(-6.0, 3.0), (None, None)])
    return float(np.exp(found.x[0])), float(found.x[1])
