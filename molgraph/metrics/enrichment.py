"""Early enrichment of actives in a ranking: enrichment factor, BEDROC and logAUC.

Compounds of equal score share their ranks: each value is the mean over all orders of the ties, so that a constant score
gets what chance gets, whatever the order of the rows.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Weight of the first ranks in BEDROC: 80% of it lies in the first 8% of the ranking.
BEDROC_ALPHA = 20.0

#: Where logAUC begins on the axis of false positives.
LOG_AUC_FROM = 0.001


def enrichment_factor(truth: Floats, score: Floats, fraction: float) -> float:
    """Ratio of actives in the best `fraction` of the ranking to those in as many random rows; NaN for one class only.

    Args:
        truth: `[n]` 1 for actives, 0 for others.
        score: `[n]` larger = ranked before.
        fraction: Fraction of the ranking, above 0; ⌈fraction·n⌉ rows.

    >>> enrichment_factor(np.array([1.0, 0, 0, 0]), np.array([4.0, 3, 2, 1]), 0.25)
    4.0
    """
    if _one_class(truth):
        return float("nan")
    n_top = math.ceil(fraction * len(truth) - 1e-9)
    sizes, actives = _ties(truth, score)
    before = np.cumsum(sizes) - sizes
    in_top = np.clip(n_top - before, 0, sizes)
    return float(np.sum(in_top * actives / sizes) / n_top / truth.mean())


def bedroc(truth: Floats, score: Floats, alpha: float = BEDROC_ALPHA) -> float:
    """Boltzmann-enhanced discrimination of ROC, 0 to 1; NaN for one class only.

    Truchon and Bayly 2007, doi:10.1021/ci600426e. Values are comparable at equal fractions of actives only; chance
    does not give 0.

    Args:
        truth: `[n]` 1 for actives, 0 for others.
        score: `[n]` larger = ranked before.
        alpha: Weight of the first ranks.

    >>> round(bedroc(np.array([1.0, 0, 0, 0]), np.array([4.0, 3, 2, 1])), 6), bedroc(np.ones(3), np.zeros(3))
    (1.0, nan)
    """
    if _one_class(truth):
        return float("nan")
    n, n_actives = len(truth), truth.sum()
    weight = np.exp(-alpha * np.arange(1, n + 1) / n)
    sizes, actives = _ties(truth, score)
    ends = np.cumsum(sizes)
    total = np.append(0.0, np.cumsum(weight))
    of_actives = np.sum((total[ends] - total[ends - sizes]) / sizes * actives) / n_actives
    rie = of_actives / weight.mean()
    fraction = n_actives / n
    largest = (1 - np.exp(-alpha * fraction)) / (fraction * (1 - np.exp(-alpha)))
    smallest = (1 - np.exp(alpha * fraction)) / (fraction * (1 - np.exp(alpha)))
    return float(np.clip((rie - smallest) / (largest - smallest), 0.0, 1.0))


def log_auc(truth: Floats, score: Floats) -> float:
    """Area under the ROC curve with a logarithmic axis of false positives from 0.001 to 1; NaN for one class only.

    Mysinger and Shoichet 2010, doi:10.1021/ci100214a. Chance gives 0.145, a perfect ranking 1.

    Args:
        truth: `[n]` 1 for actives, 0 for others.
        score: `[n]` larger = ranked before.

    >>> round(log_auc(np.array([1.0, 0, 1, 0]), np.zeros(4)), 3)
    0.145
    """
    if _one_class(truth):
        return float("nan")
    sizes, actives = _ties(truth, score)
    true_rate = np.append(0.0, np.cumsum(actives) / truth.sum())
    false_rate = np.append(0.0, np.cumsum(sizes - actives) / (len(truth) - truth.sum()))
    start = np.maximum(false_rate[:-1], LOG_AUC_FROM)
    inside = false_rate[1:] > start
    left, right, low, high = (x[inside] for x in (false_rate[:-1], false_rate[1:], true_rate[:-1], true_rate[1:]))
    start = start[inside]
    # Straight lines in the false positives, a + b·x, integrated over d log x.
    slope = (high - low) / (right - left)
    area = np.sum((low - slope * left) * np.log(right / start) + slope * (right - start))
    return float(area / math.log(1 / LOG_AUC_FROM))


def _one_class(truth: Floats) -> bool:
    return len(truth) == 0 or bool((truth == truth[0]).all())


def _ties(truth: Floats, score: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Rows and actives of each distinct score, best first."""
    _, tie = np.unique(-score, return_inverse=True)
    sizes: NDArray[np.int64] = np.bincount(tie).astype(np.int64)
    return sizes, np.bincount(tie, weights=truth).astype(np.float64)
