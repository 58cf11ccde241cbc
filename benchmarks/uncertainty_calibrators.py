"""chemprop's own calibrators on stored predictions; runs with the Python of chemprop's environment.

    python benchmarks/uncertainty_calibrators.py INPUT.npz OUTPUT.npz

The input holds `prediction`, `spread` and `label` of the calibration rows (`[n]`) and `new_prediction`, `new_spread`
of the test rows (`[m]`), one group for each prefix `NAME/`. For regression a spread is a variance, or the half width of
an interval where the name ends in `quantile`; for a class, the prediction is the probability and there is no spread.
"""

import sys

import numpy as np
import torch
from chemprop.uncertainty.calibrator import (
    IsotonicCalibrator,
    PlattCalibrator,
    RegressionConformalCalibrator,
    ZelikmanCalibrator,
    ZScalingCalibrator,
)

#: Level of the intervals and sets, and the quantile that Zelikman's method brings to a deviation: one sigma.
ALPHA, ONE_SIGMA = 0.1, 0.6827

#: Levels at which intervals are asked for as well, as molgraph's are.
LEVELS = np.linspace(0.05, 0.95, 19)


def main(source: str, target: str) -> None:
    """Calibrates every group."""
    arrays = dict(np.load(source))
    found: dict[str, np.ndarray] = {}
    for name in sorted({key.rpartition("/")[0] for key in arrays}):
        group = {key.rpartition("/")[2]: torch.tensor(value)[:, None] for key, value in arrays.items()
                 if key.rpartition("/")[0] == name}  # fmt: skip
        results = _classes(group) if "spread" not in group else _values(group, is_interval=name.endswith("quantile"))
        found |= {f"{name}/{kind}": value.numpy() for kind, value in results.items()}
    np.savez(target, **found)


def _values(group: dict[str, torch.Tensor], *, is_interval: bool) -> dict[str, torch.Tensor]:
    """Calibrated variances, half widths of intervals at 1 - ALPHA (`[m]`) and at LEVELS (`[19, m]`)."""
    prediction, spread, label = group["prediction"], group["spread"], group["label"]
    mask = torch.ones_like(label, dtype=torch.bool)
    half = spread if is_interval else torch.zeros_like(spread)
    new_half = group["new_spread"] if is_interval else torch.zeros_like(group["new_spread"])

    def conformal(alpha: float) -> torch.Tensor:
        calibrator = RegressionConformalCalibrator(alpha).fit(prediction, half, label, mask)
        return calibrator.apply(new_half)[:, 0]

    found = {"conformal": conformal(ALPHA)}
    # Half widths that were trained for one level mean nothing at another.
    if not is_interval:
        found["conformal-levels"] = torch.stack([conformal(float(1 - level)) for level in LEVELS])
    if not is_interval and bool((spread > 0).all()):
        for kind, calibrator in (("zscaling", ZScalingCalibrator()), ("zelikman", ZelikmanCalibrator(ONE_SIGMA))):
            found[kind] = calibrator.fit(prediction, spread, label, mask).apply(group["new_spread"])[:, 0]
    return found


def _classes(group: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Calibrated probabilities. Its conformal sets are for several tasks at once, which is another promise."""
    probability, label = group["prediction"], group["label"]
    mask = torch.ones_like(label, dtype=torch.bool)
    found = {}
    for kind, calibrator in (("platt", PlattCalibrator()), ("isotonic", IsotonicCalibrator())):
        found[kind] = calibrator.fit(probability, label, mask).apply(group["new_prediction"])[:, 0]
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
