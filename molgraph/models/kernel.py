"""Gaussian processes on counts or on vectors: M members for T tasks share one set of references."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from molgraph.models.precision import is_fast_at_int8
from molgraph.tasks import TaskKind

#: Slope of the logistic function that makes a probability of the mean of a process on labels 0 and 1: these become 0.05
#: and 0.95, and what lies beyond them stays in order. Cutting at 0 and 1 made nearly certain what was merely typical:
#: over 24 endpoints it costs 0.01 in log loss after calibration.
_SLOPE = 6.0

#: Vectors are compared in steps of this, and cut at 127 of them, i.e. at 4 deviations: some entries of an odd molecule
#: lie at 30, and would decide on all of its distances. Cutting helps on most tables (`benchmarks/README.md`), and steps
#: change nothing.
_STEP = np.float32(1 / 32)

#: Entries of the kernel that are computed at once: some ten megabytes.
_ENTRIES_AT_ONCE = 2**22


@dataclass(frozen=True)
class KernelProcess:
    """Mean functions of Gaussian processes.

    Attributes:
        references: `[R, F]` the training compounds: uint8 counts, or int8 steps of vectors (`steps_of`).
        coefficients: `[M, T, R]` float32 weight of each; 0 for rows that a member did not learn from.
        centre: `[M, T]` what is predicted far from all of them.
        lengths: `[M, T]` distance of vectors at which similarity has fallen to 1/e; None for counts, which are compared
            by their Tanimoto similarity.
        kinds: Kind of each task.
    """

    references: NDArray[np.uint8] | NDArray[np.int8]
    coefficients: NDArray[np.float32]
    centre: NDArray[np.float64]
    lengths: NDArray[np.float64] | None
    kinds: tuple[TaskKind, ...]

    @property
    def n_members(self) -> int:
        """M."""
        return len(self.centre)

    @property
    def n_columns(self) -> int:
        """Columns that are read."""
        return int(self.references.shape[1])

    def predict(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Values, or probabilities of the class 1, `[M, B, T]`, of rows `columns [B, F]`."""
        n_members, n_tasks, n_references = self.coefficients.shape
        weights = self.coefficients.reshape(-1, n_references).T
        sums = np.empty((len(columns), n_members * n_tasks))
        step = max(1, _ENTRIES_AT_ONCE // max(n_references, 1))
        for start in range(0, len(columns), step):
            self._fill(sums[start : start + step], columns[start : start + step], weights)
        means = sums.reshape(-1, n_members, n_tasks).swapaxes(0, 1) + self.centre[:, None]
        is_class = np.array([kind == "classification" for kind in self.kinds])
        return np.where(is_class, expit(_SLOPE * (means - 0.5)), means)

    def _fill(self, sums: NDArray[np.float64], columns: NDArray[Any], weights: NDArray[np.float32]) -> None:
        if self.lengths is None:
            sums[:] = tanimoto(root_counts(columns), self._prepared) @ weights
            return
        apart = distances(steps_of(columns), self.references, self._squares)
        lengths = self.lengths.reshape(-1)
        for length in np.unique(lengths).tolist():  # a handful, which many members and tasks share
            own = lengths == length
            sums[:, own] = np.exp(apart * np.float32(-1.0 / length)) @ weights[:, own]

    @cached_property
    def _prepared(self) -> NDArray[np.float32]:
        return root_counts(self.references)

    @cached_property
    def _squares(self) -> NDArray[np.float32]:
        return squares_of(self.references)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """As they are stored."""
        arrays = {"references": self.references, "coefficients": self.coefficients, "centre": self.centre}
        return arrays if self.lengths is None else {**arrays, "lengths": self.lengths}


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
        other_squares: `[R]` what `squares_of` makes of them, where that is known.

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
    return np.asarray(np.square(steps.astype(np.int32)).sum(axis=1), dtype=np.float32)


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


def tanimoto_from_arrays(
    arrays: Mapping[str, NDArray[Any]], kinds: tuple[TaskKind, ...], n_members: int
) -> KernelProcess:
    """A process on counts that `to_arrays` took apart.

    Raises:
        KeyError, ValueError: An array is missing or does not fit.
    """
    return _checked(arrays, np.uint8, None, kinds, n_members)


def latent_from_arrays(
    arrays: Mapping[str, NDArray[Any]], kinds: tuple[TaskKind, ...], n_members: int
) -> KernelProcess:
    """A process on vectors that `to_arrays` took apart.

    Raises:
        KeyError, ValueError: An array is missing or does not fit.
    """
    lengths = arrays["lengths"]
    if lengths.shape != (n_members, len(kinds)) or lengths.dtype != np.float64 or not (lengths > 0).all():
        raise ValueError(f"lengths are {lengths.dtype} {lengths.shape}, or not above 0")
    return _checked(arrays, np.int8, lengths, kinds, n_members)


def _checked(
    arrays: Mapping[str, NDArray[Any]],
    dtype: type[np.generic],
    lengths: NDArray[np.float64] | None,
    kinds: tuple[TaskKind, ...],
    n_members: int,
) -> KernelProcess:
    references, coefficients, centre = (arrays[name] for name in ("references", "coefficients", "centre"))
    shape = (n_members, len(kinds), len(references))
    if references.dtype != dtype or references.ndim != 2 or coefficients.dtype != np.float32:
        raise ValueError(f"references are {references.dtype}, coefficients {coefficients.dtype}")
    if coefficients.shape != shape or centre.shape != shape[:2] or centre.dtype != np.float64:
        raise ValueError(f"coefficients have the shape {coefficients.shape}, not {shape}")
    return KernelProcess(references, coefficients, centre, lengths, kinds)


def join_processes(parts: Sequence[KernelProcess]) -> KernelProcess:
    """The members of all parts, which have the same references, as one model."""
    lengths = [part.lengths for part in parts if part.lengths is not None]
    return KernelProcess(
        parts[0].references,
        np.concatenate([part.coefficients for part in parts]),
        np.concatenate([part.centre for part in parts]),
        np.concatenate(lengths) if lengths else None,
        parts[0].kinds,
    )
