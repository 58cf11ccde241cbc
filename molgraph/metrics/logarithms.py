"""Whether values are better compared as logarithms, as concentrations and times are."""

import numpy as np
from numpy.typing import NDArray

#: Fewer values than this are too few to know their distribution: they are taken as they are.
LEAST_VALUES = 50

#: Skewness from which logarithms are considered, and the fraction of it that these may have left.
_SKEWED, _FRACTION_LEFT = 1.0, 0.5


def suits_logarithms(values: NDArray[np.float64]) -> bool:
    """Whether all of `values [n]`, without NaN, are above 0, skewed, and much less so as logarithms.

    For the choice of the limits see `benchmarks/README.md`.

    >>> normal = np.random.default_rng(0).normal(size=500)
    >>> suits_logarithms(np.exp(normal)), suits_logarithms(normal + 9)
    (True, False)
    """
    from scipy.stats import skew

    if len(values) < LEAST_VALUES or values.min() <= 0 or values.min() == values.max():
        return False
    skewness = abs(float(skew(values)))
    return bool(skewness > _SKEWED and abs(float(skew(np.log(values)))) <= _FRACTION_LEFT * skewness)
