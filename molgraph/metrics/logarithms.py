"""Whether values are better compared as logarithms, as concentrations and times are."""

import numpy as np
from numpy.typing import NDArray

#: Fewer values than this say too little of their distribution: they are taken as they are.
LEAST_VALUES = 50

#: Skewness from which logarithms are looked at, and the share of it that these may have left.
_SKEWED, _SHARE_LEFT = 1.0, 0.5


def suits_logarithms(values: NDArray[np.float64]) -> bool:
    """Whether all of `values [n]`, without NaN, are above 0, skewed, and much less so as logarithms.

    What decided the limits is in `benchmarks/README.md`.

    >>> normal = np.random.default_rng(0).normal(size=500)
    >>> suits_logarithms(np.exp(normal)), suits_logarithms(normal + 9)
    (True, False)
    """
    from scipy.stats import skew

    if len(values) < LEAST_VALUES or values.min() <= 0 or values.min() == values.max():
        return False
    skewness = abs(float(skew(values)))
    return bool(skewness > _SKEWED and abs(float(skew(np.log(values)))) <= _SHARE_LEFT * skewness)
