"""The rows that calibrate an ensemble, with what was predicted for them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CalibrationData:
    """n rows with a label in one of T tasks at least, and what was predicted for them by a judge that never saw them.

    Attributes:
        judge: `[n]` who judged the row: a member (`cross`), or 0 for the whole ensemble (`split`).
        labels: `[n, T]`, NaN = not measured.
        mean: `[n, T]` the judge's value or probability, before calibration.
        aleatoric_var: `[n, T]` as a new molecule's pooled outputs have it.
        epistemic_var: `[n, T]` likewise.
        quantiles: `[n, T, Q]` the judge's; None where no task has them.
        bounds: `[2, n, T]` what values that were not measured lie above, and below, NaN = no bound; None for none. They
            say of some rows whether they are hits; all else rests on measured values.
    """

    judge: NDArray[np.int64]
    labels: Floats
    mean: Floats
    aleatoric_var: Floats
    epistemic_var: Floats
    quantiles: Floats | None = None
    bounds: Floats | None = None

    def usable(self, task: int) -> NDArray[np.bool_]:
        """Rows with a label and a prediction in this task, `[n]`."""
        return np.isfinite(self.labels[:, task]) & np.isfinite(self.mean[:, task])
