"""The conformal quantile (Vovk et al. 2005; Lei et al. 2018, doi:10.1080/01621459.2017.1307116)."""

import numpy as np
from numpy.typing import NDArray


def conformal_quantile(sorted_scores: NDArray[np.float64], level: float) -> float:
    """The ⌈(n + 1)·level⌉-th smallest of n scores; infinite if there are fewer scores than that.

    A new score, exchangeable with the n, is not larger than this with probability `level` or more.

    >>> conformal_quantile(np.arange(1.0, 11.0), level=0.9)
    10.0
    >>> conformal_quantile(np.arange(1.0, 9.0), level=0.9)
    inf
    """
    # The small slack keeps (n + 1)·level from being lifted past a whole number by rounding: 10 · 0.9 is not above 9.
    rank = int(np.ceil((len(sorted_scores) + 1) * level - 1e-9))
    if rank > len(sorted_scores):
        return float("inf")
    return float(sorted_scores[max(rank, 1) - 1])
