"""Split conformal prediction: nonconformity scores of held-out rows bound the score of a new one.

The guarantee of all of it: if the n calibration rows and the new row are exchangeable (drawn alike, in whatever order)
and the model was trained on none of them, the interval holds the truth with probability `level` or more, whatever
the model. Vovk et al. 2005; Lei et al. 2018, doi:10.1080/01621459.2017.1307116.
"""

import math

import numpy as np
from numpy.typing import NDArray

#: Keeps (n + 1)·level from being lifted past a whole number by rounding: 10 · 0.9 is not above 9.
_SLACK = 1e-9


def conformal_rank(n: int, level: float) -> int:
    """⌈(n + 1)·level⌉, at least 1: which of n sorted scores bounds a new one; above n none of them does.

    >>> conformal_rank(9, 0.9), conformal_rank(8, 0.9)
    (9, 9)
    """
    return max(1, math.ceil((n + 1) * level - _SLACK))


def conformal_quantile(sorted_scores: NDArray[np.float64], level: float) -> float:
    """The ⌈(n + 1)·level⌉-th smallest of n scores; infinite if there are fewer scores than that.

    >>> conformal_quantile(np.arange(1.0, 11.0), level=0.9)
    10.0
    >>> conformal_quantile(np.arange(1.0, 9.0), level=0.9)
    inf
    """
    rank = conformal_rank(len(sorted_scores), level)
    return float(sorted_scores[rank - 1]) if rank <= len(sorted_scores) else math.inf


def coverage_range(n: int, level: float) -> tuple[float, float]:
    """The 5% and 95% quantiles of the coverage that the intervals of one model have, over calibration sets of n rows.

    The coverage given one calibration set of n rows is Beta(k, n + 1 - k) distributed, with k its conformal rank (Vovk
    2012, doi:10.1007/s10994-013-5355-6). All hold where there are too few rows for a finite interval.

    >>> [round(share, 2) for share in coverage_range(199, 0.9)]
    [0.86, 0.93]
    """
    from scipy.special import betaincinv

    rank = conformal_rank(n, level)
    if rank > n:
        return 1.0, 1.0
    low, high = betaincinv(rank, n + 1 - rank, [0.05, 0.95])
    return float(low), float(high)


def rows_needed(level: float) -> int:
    """The fewest calibration rows that give a finite interval at `level`.

    >>> rows_needed(0.9), rows_needed(0.95), rows_needed(0.99)
    (9, 19, 99)
    """
    return max(1, math.ceil(level / (1.0 - level) - _SLACK))
