"""Specifications of stored arrays: type, shape and range, declared once beside the model that reads them."""

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
    """The declared arrays, checked for type, shape and range.

    Args:
        arrays: The stored arrays by name.
        specs: Their specifications by name.
        sizes: Known lengths of axes; those of others are taken from the first array with their letter.
        prefix: Prefix of their names in `arrays`.

    Raises:
        ValueError: One is missing, or differs from its specification.

    >>> specs = {"centre": ArraySpec(np.float64, "MT"), "roots": ArraySpec(np.int64, "MK", lowest=0)}
    >>> checked = checked_arrays({"centre": np.zeros((2, 1)), "roots": np.zeros((2, 5), np.int64)}, specs, {"T": 1})
    >>> sorted(checked)
    ['centre', 'roots']
    >>> checked_arrays({"centre": np.full((2, 1), np.nan)}, {"centre": specs["centre"]}, {"T": 1})
    Traceback (most recent call last):
    ...
    ValueError: centre has entries that are not between -1e+30 and 1e+30
    """
    lengths = dict(sizes)
    checked = {}
    for key, spec in specs.items():
        name = f"{prefix}{key}"
        if name not in arrays:
            raise ValueError(f"{name} is missing")
        array = arrays[name]
        if array.dtype == spec.dtype and array.ndim == len(spec.shape):
            for letter, length in zip(spec.shape, array.shape, strict=True):
                lengths.setdefault(letter, length)
        expected = tuple(lengths.get(letter, letter) for letter in spec.shape)
        if array.dtype != spec.dtype or array.shape != expected:
            shown = ", ".join(map(str, expected))
            raise ValueError(f"{name} is {array.dtype} {array.shape}, not {np.dtype(spec.dtype)} ({shown})")
        if not _is_within(array, spec):
            raise ValueError(f"{name} has entries that are not between {spec.lowest:g} and {spec.highest:g}")
        checked[key] = array
    return checked


def _is_within(array: NDArray[Any], spec: ArraySpec) -> bool:
    if not array.size or array.dtype == np.bool_:
        return True
    lowest, highest = array.min(), array.max()  # either is NaN where an entry is
    if spec.may_lack and array.dtype.kind == "f" and math.isnan(lowest):
        is_finite = ~np.isnan(array)
        lowest, highest = (array[is_finite].min(), array[is_finite].max()) if is_finite.any() else (spec.lowest,) * 2
    return bool(lowest >= spec.lowest and highest <= spec.highest)
