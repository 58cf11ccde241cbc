"""What stored arrays must be: type, shape and range, declared once beside the model that reads them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Largest magnitude of a stored number. Sums and squares of many of these are still finite.
LARGEST = 1e30


@dataclass(frozen=True)
class ArraySpec:
    """One array.

    Attributes:
        dtype: Type of its entries.
        shape: A letter for each axis. The same letter has the same length in all arrays that are read together.
        lowest: Smallest entry; minus infinity lets infinite ones be.
        highest: Largest entry, likewise.
        may_lack: Whether entries may be NaN.
    """

    dtype: type[np.generic]
    shape: str
    lowest: float = -LARGEST
    highest: float = LARGEST
    may_lack: bool = False


def checked_arrays(
    arrays: Mapping[str, NDArray[Any]], specs: Mapping[str, ArraySpec], sizes: Mapping[str, int], *, prefix: str = ""
) -> dict[str, NDArray[Any]]:
    """The arrays that are declared, each of its type and shape and within its range.

    Args:
        arrays: As they were stored.
        specs: What they must be.
        sizes: Lengths of the axes that are known; of others the first array with their letter decides.
        prefix: What stands before their names.

    Raises:
        ValueError: One is missing, or is not what it must be.

    >>> specs = {"centre": ArraySpec(np.float64, "MT"), "roots": ArraySpec(np.int64, "MK", lowest=0)}
    >>> found = checked_arrays({"centre": np.zeros((2, 1)), "roots": np.zeros((2, 5), np.int64)}, specs, {"T": 1})
    >>> sorted(found)
    ['centre', 'roots']
    >>> checked_arrays({"centre": np.full((2, 1), np.nan)}, {"centre": specs["centre"]}, {"T": 1})
    Traceback (most recent call last):
    ...
    ValueError: centre has entries that are not between -1e+30 and 1e+30
    """
    known = dict(sizes)
    found = {}
    for own, spec in specs.items():
        name = f"{prefix}{own}"
        if name not in arrays:
            raise ValueError(f"{name} is missing")
        array = arrays[name]
        if array.dtype == spec.dtype and array.ndim == len(spec.shape):
            for letter, length in zip(spec.shape, array.shape, strict=True):
                known.setdefault(letter, length)
        wanted = tuple(known.get(letter, letter) for letter in spec.shape)
        if array.dtype != spec.dtype or array.shape != wanted:
            shown = ", ".join(map(str, wanted))
            raise ValueError(f"{name} is {array.dtype} {array.shape}, not {np.dtype(spec.dtype)} ({shown})")
        if not _is_within(array, spec):
            raise ValueError(f"{name} has entries that are not between {spec.lowest:g} and {spec.highest:g}")
        found[own] = array
    return found


def _is_within(array: NDArray[Any], spec: ArraySpec) -> bool:
    if not array.size or array.dtype == np.bool_:
        return True
    lowest, highest = array.min(), array.max()  # either is NaN where an entry is
    if spec.may_lack and array.dtype.kind == "f" and math.isnan(lowest):
        is_there = ~np.isnan(array)
        lowest, highest = (array[is_there].min(), array[is_there].max()) if is_there.any() else (spec.lowest,) * 2
    return bool(lowest >= spec.lowest and highest <= spec.highest)
