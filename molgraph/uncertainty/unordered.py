"""Calibration rows in an order that does not depend on the training table."""

import numpy as np
from numpy.typing import NDArray

from molgraph.uncertainty.calibration_data import CalibrationData


def own_order(data: CalibrationData) -> NDArray[np.int64]:
    """`[n]` rows sorted by the model that predicted them, its predictions and their labels.

    In the order of the table, a label could be assigned to the compound in that line.

    >>> from molgraph.results.labels import Labels
    >>> mean = np.array([[3.0], [2.0], [1.0]])
    >>> own_order(CalibrationData(np.array([1, 0, 0]), Labels(mean), mean, mean, mean)).tolist()
    [2, 1, 0]
    """
    return np.lexsort([*data.labels.values.T[::-1], *data.mean.T[::-1], data.model])
