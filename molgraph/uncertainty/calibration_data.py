"""Calibration rows: labels, and predictions by models that were not trained on them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CalibrationData:
    """n rows with a label in one of T tasks at least, and what a model predicted that was not trained on them.

    Attributes:
        model: `[n]` which model predicted the row: the out-of-fold member (`cross`), or 0 for the ensemble (`split`).
        labels: `[n, T]`, NaN = not measured.
        mean: `[n, T]` its value or probability, before calibration.
        aleatoric_var: `[n, T]` as a new molecule's pooled outputs have it.
        epistemic_var: `[n, T]` likewise.
        quantiles: `[n, T, Q]` its quantiles; None where no task has them.
        bounds: `[2, n, T]` what values that were not measured lie above, and below, NaN = no bound; None for none. They
            say of some rows whether they are hits; all else rests on measured values.
    """

    model: NDArray[np.int64]
    labels: Floats
    mean: Floats
    aleatoric_var: Floats
    epistemic_var: Floats
    quantiles: Floats | None = None
    bounds: Floats | None = None

    def usable(self, task: int) -> NDArray[np.bool_]:
        """Rows with a label and a prediction in this task, `[n]`."""
        return np.isfinite(self.labels[:, task]) & np.isfinite(self.mean[:, task])
