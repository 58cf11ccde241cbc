"""Tukey's HSD and Friedman-Nemenyi tests of learners on the same blocks (folds, splits, data sets)."""

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as f_distribution
from scipy.stats import rankdata, studentized_range

Floats = NDArray[np.float64]

#: Fewer values than this have no confidence interval of their mean.
LEAST_SEEDS = 3

#: With fewer blocks than this the p-value of ranks is that of a permutation test.
EXACT_BELOW = 10

#: Permutations that are enumerated or drawn at most.
_SAMPLES = 20_000


@dataclass(frozen=True)
class TukeyComparison:
    """All pairs of learners by Tukey's honestly significant difference (HSD).

    Attributes:
        means: `[L]` mean of each learner over the blocks.
        margin: Means that differ by less do not differ significantly, at the family-wise level.
        p_value: Of the hypothesis that no two learners differ (repeated-measures analysis of variance).
    """

    means: Floats
    margin: float
    p_value: float


def tukey_comparison(values: Floats, *, alpha: float = 0.05) -> TukeyComparison:
    """Compare L learners on the same S blocks: analysis of variance with the block as the subject, then Tukey's test.

    The protocol of Ash et al. 2025 (doi:10.1021/acs.jcim.5c01609): the error is the residual of the values after the
    means of learners and of blocks, with (L - 1)(S - 1) degrees of freedom.

    Args:
        values: `[S, L]` one number for each block and learner.
        alpha: Family-wise error rate: chance that any pair of equal learners is declared different.

    With fewer than two learners or two blocks nothing can be tested: the margin is infinite.

    >>> comparison = tukey_comparison(np.array([[1.0, 2.0, 2.1], [1.1, 2.0, 2.0], [0.9, 1.9, 2.0]]))
    >>> comparison.means.round(2).tolist(), round(comparison.margin, 2)
    ([1.0, 1.97, 2.03], 0.17)
    """
    n_blocks, n_learners = values.shape
    means = values.mean(axis=0)
    if n_blocks < 2 or n_learners < 2:
        return TukeyComparison(means, float("inf"), 1.0)
    residual = values - means - values.mean(axis=1, keepdims=True) + values.mean()
    freedom = (n_blocks - 1) * (n_learners - 1)
    error = float((residual**2).sum() / freedom)
    between = float(n_blocks * ((means - means.mean()) ** 2).sum() / (n_learners - 1))
    margin = _studentized_range(1 - alpha, n_learners, freedom) * np.sqrt(error / n_blocks)
    p_value = float(f_distribution.sf(between / error, n_learners - 1, freedom)) if error > 0 else float(between == 0)
    return TukeyComparison(means, float(margin), p_value)


@dataclass(frozen=True)
class RankComparison:
    """Learners by their mean rank over blocks.

    Attributes:
        ranks: `[L]` mean ranks, 1 is best.
        critical_difference: Mean ranks that differ by less do not differ significantly (Nemenyi).
        p_value: Of the hypothesis that all learners are equal (Friedman): by permutation within the blocks, exact or
            sampled, below `EXACT_BELOW` blocks; else by the statistic of Iman and Davenport.
    """

    ranks: Floats
    critical_difference: float
    p_value: float


def rank_comparison(values: Floats, *, alpha: float = 0.05) -> RankComparison:
    """Rank L learners on each of S blocks, whose numbers need not be comparable, and average (Demsar 2006, JMLR 7:1).

    Args:
        values: `[S, L]` one number for each block and learner, smaller is better.
        alpha: Family-wise error rate: chance that any pair of equal learners is declared different.

    >>> comparison = rank_comparison(np.array([[0.1, 0.2, 0.3], [1.0, 2.0, 3.0], [7.0, 7.0, 9.0]]))
    >>> comparison.ranks.round(2).tolist()
    [1.17, 1.83, 3.0]
    """
    n_blocks, n_learners = values.shape
    ranks = rankdata(values, axis=1).mean(axis=0)
    if n_blocks < 2 or n_learners < 2:
        return RankComparison(ranks, float("inf"), 1.0)
    block_ranks = rankdata(values, axis=1)
    quantile = _studentized_range(1 - alpha, n_learners, float("inf")) / np.sqrt(2)
    width = quantile * np.sqrt(n_learners * (n_learners + 1) / (6 * n_blocks))
    statistic = (
        12
        * n_blocks
        / (n_learners * (n_learners + 1))
        * float((ranks**2).sum() - n_learners * (n_learners + 1) ** 2 / 4)
    )
    largest = n_blocks * (n_learners - 1)
    # The distribution of Iman and Davenport has no mass where all blocks agree, and is far off with few of them.
    if n_blocks < EXACT_BELOW or statistic >= largest:
        return RankComparison(ranks, float(width), _permuted_p_value(block_ranks))
    ratio = (n_blocks - 1) * statistic / (largest - statistic)
    p_value = float(f_distribution.sf(ratio, n_learners - 1, (n_learners - 1) * (n_blocks - 1)))
    return RankComparison(ranks, float(width), p_value)


def _permuted_p_value(ranks: Floats) -> float:
    """Fraction of the permutations of ranks `[S, L]` within blocks whose mean ranks differ at least as much.

    All permutations are enumerated where they are few enough (the first block may stay as it is, since all learners can
    be renamed at once), else `_SAMPLES` of them are drawn, beside the observed one.
    """
    n_blocks, n_learners = ranks.shape
    observed = float(np.square(ranks.sum(axis=0)).sum()) - 1e-9
    orders = math.factorial(n_learners)
    if (n_blocks - 1) * math.log(orders) <= math.log(_SAMPLES):
        sums = ranks[:1]
        for row in ranks[1:]:
            every = np.array(list(itertools.permutations(row)))
            sums = (sums[:, None] + every).reshape(-1, n_learners)
        return float(np.mean(np.square(sums).sum(axis=1) >= observed))
    rng = np.random.default_rng(0)
    totals = np.zeros((_SAMPLES, n_learners))
    for row in ranks:
        totals += rng.permuted(np.tile(row, (_SAMPLES, 1)), axis=1)
    return float((1 + np.sum(np.square(totals).sum(axis=1) >= observed)) / (1 + _SAMPLES))


def mean_interval(values: Floats, *, level: float = 0.95) -> tuple[float, float]:
    """Mean of n values and half the width of its t interval; infinite for fewer than `LEAST_SEEDS` values.

    The interval of two values would be 12.7 standard errors wide to each side, too wide to be of use.

    >>> mean, half = mean_interval(np.array([1.0, 2.0, 3.0]))
    >>> mean, round(half, 2)
    (2.0, 2.48)
    """
    from scipy.stats import t as t_distribution

    if len(values) < LEAST_SEEDS:
        return float(values.mean()), float("inf")
    error = float(values.std(ddof=1)) / np.sqrt(len(values))
    return float(values.mean()), float(t_distribution.ppf((1 + level) / 2, len(values) - 1)) * float(error)


@lru_cache(maxsize=256)
def _studentized_range(level: float, n_groups: int, freedom: float) -> float:
    """Quantile of the studentized range; cached, since the numerical integration takes most of a second."""
    return float(studentized_range.ppf(level, n_groups, freedom))
