"""An upper bound on the false discoveries of one list, whichever list is looked at.

A false discovery rate is a mean over many tables and libraries. For one list there is a bound on its false discoveries,
which holds with a probability: the non-hits of the library are drawn like those of the calibration, so in the
joint ranking of both each order is as likely as any other. How many of the library come before the k-th of the
calibration is then known in law, for all k at once, and the bound holds for all thresholds at once: also for one that
was chosen after looking, at whatever rate (Gazin, Blanchard and Roquain 2024, arXiv:2310.18108).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

#: Probability with which the bound holds.
BOUND_LEVEL = 0.9

#: The share of errors that is spent on the number of non-hits in the library, which is not known.
_SPENT_ON_TOTAL = 0.1

#: Rankings that are drawn.
_DRAWS = 2000

#: From one rank of the calibration that is looked at to the next.
_STEP = 1.15


@dataclass(frozen=True)
class FalseDiscoveryBound:
    """Most non-hits of the library above a threshold, by how many of the calibration lie above it.

    Attributes:
        above: Increasing numbers of calibration non-hits above a threshold.
        most: Of each the most non-hits of the library.
        total: The most in the whole library.
    """

    above: Ints
    most: Ints
    total: int

    def at(self, n_above: int) -> int:
        """The most non-hits of the library above a threshold that `n_above` calibration non-hits reach."""
        place = int(np.searchsorted(self.above, n_above))
        return int(self.most[place]) if place < len(self.above) else self.total


def bound_false_discoveries(
    n_non_hits: int, n_rows: int, n_new: int, *, level: float = BOUND_LEVEL, seed: int = 0
) -> FalseDiscoveryBound:
    """The bound for a calibration and a library of these sizes.

    Args:
        n_non_hits: Non-hits of the calibration.
        n_rows: Its compounds, hits included.
        n_new: Compounds of the library.
        level: Probability with which the bound holds for all thresholds at once.
        seed: Seed of the rankings that are drawn.

    >>> bound = bound_false_discoveries(500, 1000, 1000)
    >>> bound.at(0) < bound.at(10) < bound.total < 1000
    True
    """
    from scipy.stats import betabinom

    error = 1.0 - level
    total = n_new
    if n_non_hits < n_rows:
        total = int(betabinom.ppf(1.0 - _SPENT_ON_TOTAL * error, n_new, n_non_hits + 1, n_rows - n_non_hits))
    above = _ranks(n_non_hits)
    if len(above) == 0 or total == 0:
        return FalseDiscoveryBound(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), total)
    # One set of rankings gives quantiles for each k, another one shows which of them hold for all k at once.
    ordered = np.sort(_drawn_before(above, n_non_hits, total, seed), axis=0)
    fresh = _drawn_before(above, n_non_hits, total, seed + 1)
    reached = np.max([np.searchsorted(ordered[:, k], fresh[:, k]) for k in range(len(above))], axis=0)
    row = np.sort(reached)[math.ceil((1.0 - (1.0 - _SPENT_ON_TOTAL) * error) * _DRAWS) - 1]
    return FalseDiscoveryBound(above, np.maximum.accumulate(ordered[min(int(row), _DRAWS - 1)]), total)


def _ranks(n_non_hits: int) -> Ints:
    """Some of the numbers below `n_non_hits`: all small ones, few of the large ones."""
    ranks, rank = [], 0
    while rank < n_non_hits:
        ranks.append(rank)
        rank = max(rank + 1, int(rank * _STEP))
    return np.array(ranks, dtype=np.int64)


def _drawn_before(above: Ints, n_non_hits: int, total: int, seed: int) -> Ints:
    """How many of `total` come before the calibration non-hit behind the first `above`, in random orders, `[D, K]`."""
    rng = np.random.default_rng(seed)
    steps = np.diff(np.concatenate([[0], above + 1, [n_non_hits + 1]]))
    spacing = rng.gamma(steps, size=(_DRAWS, len(steps)))
    spacing /= spacing.sum(axis=1, keepdims=True)
    return np.cumsum(rng.multinomial(total, spacing), axis=1)[:, :-1]
