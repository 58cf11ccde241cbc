"""Similarities of molecules for Gaussian processes: Tanimoto of counts, and distances of embeddings."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from molgraph.models.precision import is_fast_at_int8

#: Vectors are compared in steps of this, and cut at 127 of them, i.e. at 4 deviations: some entries of an odd molecule
#: lie at 30, and would decide on all of its distances. Cutting helps on most tables (`benchmarks/README.md`), and steps
#: change nothing.
_STEP = np.float32(1 / 32)


def steps_of(vectors: NDArray[Any]) -> NDArray[np.int8]:
    """Vectors as they are compared: in whole steps, cut where int8 ends.

    >>> steps_of(np.array([0.5, -30.0])).tolist()
    [16, -127]
    """
    return np.clip(np.rint(vectors / _STEP), -127, 127).astype(np.int8)


def distances(
    one: NDArray[Any], other: NDArray[Any], other_squares: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Euclidean distance of vectors that are given in steps, `[B, R]`, in the unit of the vectors.

    Products of steps are whole numbers, and exact: whichever way they are computed, all machines find the same.

    Args:
        one: `[B, F]`.
        other: `[R, F]`.
        other_squares: `[R]` what `squares_of` returns for them, where computed.

    >>> distances(np.array([[0, 0], [96, 127]], np.int8), np.array([[0, 127]], np.int8)).tolist()
    [[3.96875], [3.0]]
    """
    apart = _products(one, other)
    apart *= np.float32(-2.0)
    apart += squares_of(other) if other_squares is None else other_squares
    apart += squares_of(one)[:, None]
    np.sqrt(apart, out=apart)
    apart *= _STEP
    return apart


def _products(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float32]:
    if is_fast_at_int8():
        found = torch._int_mm(torch.from_numpy(one), torch.from_numpy(other).t())  # noqa: SLF001  (has no other name)
        return np.asarray(found.numpy(), dtype=np.float32)
    # Sums of a thousand products of 127 x 127 stay below 2^24, up to which float32 knows all whole numbers.
    return np.asarray(one.astype(np.float32) @ other.astype(np.float32).T)


def squares_of(steps: NDArray[Any]) -> NDArray[np.float32]:
    """Squared lengths of vectors, in steps."""
    numbers = steps.astype(np.float32)  # whole ones, whose sums are exact: see `_products`
    return np.asarray(np.einsum("rc,rc->r", numbers, numbers))


def tanimoto(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Tanimoto similarity of real vectors, `[B, R]`: the product over the squares less the product; 0 for two zeros.

    It is a positive definite kernel (Ralaivola et al. 2005, doi:10.1016/j.neunet.2005.07.009).

    >>> tanimoto(np.array([[1, 1, 0]], np.float32), np.array([[1, 0, 0], [1, 1, 0]], np.float32)).tolist()
    [[0.5, 1.0]]
    """
    product = one @ other.T
    squares = np.square(one).sum(axis=1)[:, None] + np.square(other).sum(axis=1)
    return np.asarray(np.divide(product, squares - product, out=np.zeros_like(product), where=squares > 0))


def root_counts(counts: NDArray[Any]) -> NDArray[np.float32]:
    """Square roots, which keep a chain of equal atoms from drowning all else."""
    return np.sqrt(counts.astype(np.float32))
