"""ReferenceValues: predictions of a reference set, such as approved drugs, from which percentiles follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ReferenceValues:
    """Predictions of a reference set, e.g. of approved drugs.

    Attributes:
        values: `[T, n]` float32 values or probabilities of each task, in ascending order.
    """

    values: NDArray[np.float32]

    def percentiles(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """Per cent of the reference set whose prediction is below `mean [B, T]`; what is equal counts half.

        >>> reference = ReferenceValues(np.array([[0.1, 0.2, 0.2, 0.4]], dtype=np.float32))
        >>> reference.percentiles(np.array([[0.05], [0.2], [0.3], [np.nan]])).ravel().tolist()
        [0.0, 50.0, 75.0, nan]
        """
        found = np.full(mean.shape, np.nan)
        asked = mean.astype(np.float32)  # as the reference is stored
        for t, values in enumerate(self.values):
            below, not_above = (np.searchsorted(values, asked[:, t], side=side) for side in ("left", "right"))
            found[:, t] = 50.0 * (below + not_above) / len(values)
        return np.where(np.isnan(mean), np.nan, found)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays as they are stored."""
        return {"values": self.values}


def reference_values(mean: NDArray[np.float64]) -> ReferenceValues:
    """Reference values from the predictions `[n, T]` of a reference set; rows with NaN are left out.

    Raises:
        ValueError: None is left.
    """
    known = mean[np.isfinite(mean).all(axis=1)]
    if not len(known):
        raise ValueError("no compound of the reference set has a prediction")
    return ReferenceValues(np.ascontiguousarray(np.sort(known, axis=0).T, dtype=np.float32))


def reference_from_arrays(arrays: Mapping[str, NDArray[Any]], n_tasks: int) -> ReferenceValues:
    """Inverse of `ReferenceValues.to_arrays`.

    Raises:
        KeyError: The array is missing.
        ValueError: Its shape or type is wrong, or it is not sorted.
    """
    values = arrays["values"]
    if values.dtype != np.float32 or values.ndim != 2 or len(values) != n_tasks or values.shape[1] == 0:
        raise ValueError(f"the reference values are {values.dtype} {values.shape}, for {n_tasks} tasks")
    if not (np.isfinite(values).all() and (np.diff(values, axis=1) >= 0).all()):
        raise ValueError("the reference values are not in ascending order")
    return ReferenceValues(values)
