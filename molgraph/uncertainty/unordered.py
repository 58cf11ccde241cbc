"""Calibration rows in an order that does not depend on the training table."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgraph.uncertainty.calibration_data import CalibrationData

#: Their rows lie along the second axis, not the first.
_SECOND_AXIS = frozenset({"bounds"})


def own_order(data: CalibrationData) -> NDArray[np.int64]:
    """`[n]` rows sorted by the model that predicted them, its predictions and their labels.

    In the order of the table, a label could be assigned to the compound in that line.
    """
    return np.lexsort([*data.labels.T[::-1], *data.mean.T[::-1], data.model])


def in_order(data: CalibrationData, order: NDArray[np.int64]) -> CalibrationData:
    """The same n rows in another order; what is calibrated with them stays as it is.

    >>> data = CalibrationData(np.array([1, 0, 0]), *(np.array([[3.0], [2.0], [1.0]]) for _ in range(4)))
    >>> in_order(data, own_order(data)).labels.tolist()
    [[1.0], [2.0], [3.0]]
    """
    arrays: dict[str, Any] = {field.name: getattr(data, field.name) for field in fields(data)}
    moved = {
        name: array[:, order] if name in _SECOND_AXIS else array[order]
        for name, array in arrays.items()
        if array is not None
    }
    return replace(data, **moved)
