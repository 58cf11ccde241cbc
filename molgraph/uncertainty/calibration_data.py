"""Calibration rows: labels, and predictions by models that were not trained on them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.results.labels import Labels

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CalibrationData:
    """n rows with a label in one of T tasks at least, and what a model predicted that was not trained on them.

    Attributes:
        model: `[n]` which model predicted the row: the out-of-fold member (`cross`), or 0 for the ensemble (`split`).
        labels: `[n, T]` values, and bounds of those that were not measured. Bounds show for some rows whether they are
            hits, and where intervals are open; all else rests on measured values.
        mean: `[n, T]` its value or probability, before calibration.
        aleatoric_var: `[n, T]` as a new molecule's pooled outputs have it.
        epistemic_var: `[n, T]` likewise.
        quantiles: `[n, T, Q]` its quantiles; None where no task has them.
    """

    model: NDArray[np.int64]
    labels: Labels
    mean: Floats
    aleatoric_var: Floats
    epistemic_var: Floats
    quantiles: Floats | None = None

    def take(self, rows: NDArray[np.int64]) -> "CalibrationData":
        """Some of the rows, or all in another order.

        >>> mean = np.array([[3.0], [2.0], [1.0]])
        >>> data = CalibrationData(np.array([1, 0, 0]), Labels(mean), mean, mean, mean)
        >>> data.take(np.array([2, 0])).labels.values.tolist()
        [[1.0], [3.0]]
        """
        return CalibrationData(
            model=self.model[rows],
            labels=self.labels.take(rows),
            mean=self.mean[rows],
            aleatoric_var=self.aleatoric_var[rows],
            epistemic_var=self.epistemic_var[rows],
            quantiles=None if self.quantiles is None else self.quantiles[rows],
        )

    def usable(self, task: int) -> NDArray[np.bool_]:
        """Rows with a label and a prediction in this task, `[n]`."""
        return np.isfinite(self.labels.values[:, task]) & np.isfinite(self.mean[:, task])
