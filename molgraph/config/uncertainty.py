"""Settings of uncertainties: where the spread of a prediction comes from, and how it is calibrated."""

from dataclasses import dataclass
from typing import Literal

from molgraph.config.settings import checked_settings, require_choices, require_range
from molgraph.config.short_repr import short_repr
from molgraph.config.uncertainty_methods import UNCERTAINTY_METHODS, Uncertainty, choose_method
from molgraph.errors import InputError

CalibrationRows = Literal["cross", "split"]
VarianceScalingChoice = Literal["none", "global", "local"]
ClassCalibration = Literal["none", "temperature", "platt", "isotonic", "venn-abers"]
Intervals = Literal["normalised", "absolute", "quantile"]
IntervalChoice = Literal["auto", "normalised", "absolute", "quantile"]


@checked_settings
@dataclass(frozen=True)
class UncertaintyConfig:
    """Where the spread of a prediction comes from, and how spreads, probabilities and intervals are calibrated.

    Attributes:
        method: What gives the spread of a prediction: the disagreement of the ensemble's members alone (`ensemble`), or
            something else with it (`molgraph.config.uncertainty_methods`). The default won the comparison in
            `benchmarks/results/uncertainty.md`: after calibration its errors and likelihoods are the best or within
            the noise of the best on all sets, it serves classes too, and it costs nothing extra. `mve` comes closest.
        calibration: Rows that calibrate: all of them, with their out-of-fold predictions (`cross`), or rows held out
            from all members (`split`), for guarantees that hold exactly.
        calibration_fraction: Share of the rows that `split` holds out.
        variance_scaling: How predicted variances are brought to the size of the errors: `global` by one factor,
            `local` by one for each kind of variance and a constant.
        class_calibration: How probabilities are mapped to the observed shares.
        intervals: Nonconformity score of intervals: residuals over the spread (`normalised`), plain residuals
            (`absolute`) or distances from learned quantiles (`quantile`); `auto` takes quantiles where they are learned
            and normalised residuals elsewhere.

    >>> UncertaintyConfig(method="mve", calibration="split")
    UncertaintyConfig(method='mve', calibration='split')
    """

    method: Uncertainty = "ensemble"
    calibration: CalibrationRows = "cross"
    calibration_fraction: float = 0.2
    variance_scaling: VarianceScalingChoice = "local"
    class_calibration: ClassCalibration = "platt"
    intervals: IntervalChoice = "auto"

    def __repr__(self) -> str:
        return short_repr(self)

    def __post_init__(self) -> None:
        require_choices(self)
        require_range(self, "calibration_fraction", self.calibration_fraction, 0.05, 0.5)
        if self.intervals == "quantile" and UNCERTAINTY_METHODS[self.method].intervals != "quantile":
            instead = choose_method(lambda spec: spec.intervals == "quantile")
            raise InputError(
                f"uncertainty.intervals is 'quantile', but uncertainty.method is {self.method!r}, which learns no "
                f"quantiles; {instead}, or leave uncertainty.intervals 'auto'"
            )


@dataclass(frozen=True)
class CalibrationSettings:
    """What a calibration was fitted to and how, see `molgraph.uncertainty.calibration`.

    Attributes:
        rows: Rows that calibrate.
        n_models: Number of members with out-of-fold predictions for `cross`, 1 (all of them) for `split`.
        intervals: Nonconformity score of intervals.
        variance: How variances are scaled.
        classes: How probabilities are mapped.
    """

    rows: CalibrationRows = "cross"
    n_models: int = 1
    intervals: Intervals = "normalised"
    variance: VarianceScalingChoice = "local"
    classes: ClassCalibration = "platt"
