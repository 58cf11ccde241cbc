"""Pareto fronts: what cannot be bettered in one respect without losing in another."""

import numpy as np
from numpy.typing import NDArray


def pareto_fronts(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The front of each row, `[B]`: 1 if no row is better than it, 2 if only rows of front 1 are, and so on.

    A row is better than another if it is nowhere less and somewhere more (Deb et al. 2002, doi:10.1109/4235.996017).
    The memory grows with B².

    Args:
        values: `[B, K]` larger is better.

    >>> pareto_fronts(np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.4, 0.5], [0.1, 0.1]])).tolist()
    [1, 1, 1, 2, 3]
    """
    one, other = values[:, None, :], values[None, :, :]
    is_less = (one <= other).all(axis=2) & (one < other).any(axis=2)
    fronts = np.zeros(len(values), dtype=np.int64)
    front = 0
    while (is_left := fronts == 0).any():
        front += 1
        fronts[is_left & ~(is_less & is_left[None, :]).any(axis=1)] = front
    return fronts
