"""Gaussian processes on counts or on vectors: M members for T tasks share one set of references."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from molgraph.models.precision import is_fast_at_int8
from molgraph.results.tasks import TaskKind
from molgraph.storage.arrays import ArraySpec, checked_arrays

#: Slope of the logistic function that makes a probability of the mean of a process on labels 0 and 1: these become 0.05
#: and 0.95, and what lies beyond them stays in order. Cutting at 0 and 1 made nearly certain what was merely typical:
#: over 26 tasks it costs 0.008 in log loss after calibration.
_SLOPE = 6.0

#: Vectors are compared in steps of this, and cut at 127 of them, i.e. at 4 deviations: some entries of an odd molecule
#: lie at 30, and would decide on all of its distances. Cutting helps on most tables (`benchmarks/README.md`), and steps
#: change nothing.
_STEP = np.float32(1 / 32)

#: Entries of the kernel that are computed at once: a few megabytes, which stay near the processor from one step to the
#: next. A quarter of it and four times of it take a tenth longer.
_ENTRIES_AT_ONCE = 2**20


#: What is stored: R references of F columns, M members, T tasks.
_SHARED_ARRAYS: Mapping[str, ArraySpec] = {
    "coefficients": ArraySpec(np.float32, "MTR"),
    "centre": ArraySpec(np.float64, "MT"),
    "spread": ArraySpec(np.float64, "MT", lowest=0.0),
}
_COUNT_ARRAYS = MappingProxyType({"references": ArraySpec(np.uint8, "RF"), **_SHARED_ARRAYS})
_LATENT_ARRAYS = MappingProxyType(
    {
        "references": ArraySpec(np.int8, "RF"),
        **_SHARED_ARRAYS,
        "lengths": ArraySpec(np.float64, "MT", lowest=1e-6, highest=1e6),
    }
)


@dataclass(frozen=True)
class KernelProcess:
    """Mean functions of Gaussian processes.

    Attributes:
        references: `[R, F]` the training compounds: uint8 counts, or int8 steps of vectors (`steps_of`).
        coefficients: `[M, T, R]` float32 weight of each; 0 for rows that a member did not learn from.
        centre: `[M, T]` what is predicted far from all of them.
        lengths: `[M, T]` distance of vectors at which similarity has fallen to 1/e; None for counts, which are compared
            by their Tanimoto similarity.
        spread: `[M, T]` variance of the labels that each member learned from.
        kinds: Kind of each task.
    """

    references: NDArray[np.uint8] | NDArray[np.int8]
    coefficients: NDArray[np.float32]
    centre: NDArray[np.float64]
    lengths: NDArray[np.float64] | None
    spread: NDArray[np.float64]
    kinds: tuple[TaskKind, ...]

    @property
    def n_members(self) -> int:
        """M."""
        return len(self.centre)

    def fits(self, n_columns: int) -> bool:
        """Whether it can read rows of so many columns."""
        return bool(self.references.shape[1] == n_columns)

    def predict(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Values, or probabilities of the class 1, `[M, B, T]`, of rows `columns [B, F]`."""
        return self.predict_with_variance(columns)[0]

    def predict_with_variance(self, columns: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What `predict` gives, and what the nearest compound leaves open, `[M, B, T]` each.

        The latter is the variance of a process which knows this compound alone, without noise: `spread * (1 - k**2)`
        for a similarity k (Rasmussen and Williams 2006, equation 2.24), and 0 for classes. All compounds would make it
        smaller, and cost their square.
        """
        n_members, n_tasks, n_references = self.coefficients.shape
        sums = np.empty((len(columns), n_members * n_tasks))
        nearest = np.empty((len(columns), len(self._groups.starts)), dtype=np.float32)
        step = max(1, _ENTRIES_AT_ONCE // max(n_references, 1))
        for start in range(0, len(columns), step):
            part = slice(start, start + step)
            self._fill(sums[part], nearest[part], columns[part])
        means = sums.reshape(-1, n_members, n_tasks).swapaxes(0, 1) + self.centre[:, None]
        is_class = np.array([kind == "classification" for kind in self.kinds])
        variance = np.where(is_class, 0.0, self.spread[:, None] * (1.0 - self._similarity(nearest) ** 2))
        return np.where(is_class, expit(_SLOPE * (means - 0.5)), means), variance

    def _fill(self, sums: NDArray[np.float64], nearest: NDArray[np.float32], columns: NDArray[Any]) -> None:
        """Sums over the references, and the distance (or minus the similarity) of the nearest of each group."""
        if self.lengths is None:
            similar = tanimoto(root_counts(columns), self._roots)
            sums[:] = similar @ self._weights
            nearest[:] = self._groups.smallest(np.negative(similar, out=similar))
            return
        apart = distances(steps_of(columns), self._ordered, self._squares)
        nearest[:] = self._groups.smallest(apart)
        similar = np.empty_like(apart)
        for length, own, weights in self._by_length:
            np.multiply(apart, np.float32(-1.0 / length), out=similar)
            sums[:, own] = np.exp(similar, out=similar) @ weights

    def _similarity(self, nearest: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of each molecule to the nearest reference that a member saw, `[M, B, T]`; 0 where it saw none."""
        own = np.where(self._groups.seen[:, None], nearest, np.inf).min(axis=2, initial=np.inf)[..., None]
        if self.lengths is None:
            # A compound beside itself comes out a rounding above 1, where its variance would be below 0.
            return np.asarray(np.broadcast_to(np.clip(-own, 0.0, 1.0), (*own.shape[:2], len(self.kinds))))
        return np.asarray(np.exp(-own / self.lengths[:, None]))

    @cached_property
    def _groups(self) -> "_Groups":
        return _groups((self.coefficients != 0).any(axis=1))

    @cached_property
    def _weights(self) -> NDArray[np.float32]:
        """Coefficients `[R, M * T]` in the order of the groups."""
        return self.coefficients.reshape(-1, self.coefficients.shape[2]).T[self._groups.order]

    @cached_property
    def _by_length(self) -> list[tuple[float, NDArray[np.bool_], NDArray[np.float32]]]:
        """Each of the handful of lengths, which members and tasks `[M * T]` have it, and their weights."""
        lengths = np.empty(0) if self.lengths is None else self.lengths.reshape(-1)
        return [
            (length, lengths == length, np.ascontiguousarray(self._weights[:, lengths == length]))
            for length in np.unique(lengths).tolist()
        ]

    @cached_property
    def _ordered(self) -> NDArray[Any]:
        return np.ascontiguousarray(self.references[self._groups.order])

    @cached_property
    def _roots(self) -> NDArray[np.float32]:
        return root_counts(self._ordered)

    @cached_property
    def _squares(self) -> NDArray[np.float32]:
        return squares_of(self._ordered)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """As they are stored."""
        arrays = {name: getattr(self, name) for name in ("references", "coefficients", "centre", "spread")}
        return arrays if self.lengths is None else {**arrays, "lengths": self.lengths}


@dataclass(frozen=True)
class _Groups:
    """References in groups that the same members saw.

    Attributes:
        order: `[R]` references, group by group.
        starts: `[G]` where each group starts.
        seen: `[M, G]` whether a member saw it.
    """

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    seen: NDArray[np.bool_]

    def smallest(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The smallest of `values [B, R]`, which stand in this order, in each group, `[B, G]`."""
        ends = [*self.starts[1:].tolist(), len(self.order)]
        parts = [values[:, start:end].min(axis=1) for start, end in zip(self.starts.tolist(), ends, strict=True)]
        return np.stack(parts, axis=1) if parts else np.empty((len(values), 0), np.float32)


def _groups(is_seen: NDArray[np.bool_]) -> _Groups:
    """From `[M, R]`, whether a member saw a reference."""
    bits = np.ascontiguousarray(np.packbits(is_seen, axis=0).T)
    _, first, group = np.unique(bits.view(f"S{bits.shape[1]}")[:, 0], return_index=True, return_inverse=True)
    order = np.argsort(group, kind="stable")
    return _Groups(order, np.searchsorted(group[order], np.arange(len(first))), is_seen[:, first])


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


def tanimoto_from_arrays(
    arrays: Mapping[str, NDArray[Any]], kinds: tuple[TaskKind, ...], n_members: int
) -> KernelProcess:
    """A process on counts that `to_arrays` took apart.

    Raises:
        ValueError: An array is missing or does not fit.
    """
    return _process(arrays, _COUNT_ARRAYS, kinds, n_members)


def latent_from_arrays(
    arrays: Mapping[str, NDArray[Any]], kinds: tuple[TaskKind, ...], n_members: int
) -> KernelProcess:
    """A process on vectors that `to_arrays` took apart.

    Raises:
        ValueError: An array is missing or does not fit.
    """
    return _process(arrays, _LATENT_ARRAYS, kinds, n_members)


def _process(
    arrays: Mapping[str, NDArray[Any]], specs: Mapping[str, ArraySpec], kinds: tuple[TaskKind, ...], n_members: int
) -> KernelProcess:
    found = checked_arrays(arrays, specs, {"M": n_members, "T": len(kinds)})
    return (
        KernelProcess(**found, kinds=kinds) if "lengths" in found else KernelProcess(**found, lengths=None, kinds=kinds)
    )


def join_processes(parts: Sequence[KernelProcess]) -> KernelProcess:
    """The members of all parts, which have the same references, as one model."""
    lengths = [part.lengths for part in parts if part.lengths is not None]
    return KernelProcess(
        parts[0].references,
        np.concatenate([part.coefficients for part in parts]),
        np.concatenate([part.centre for part in parts]),
        np.concatenate(lengths) if lengths else None,
        np.concatenate([part.spread for part in parts]),
        parts[0].kinds,
    )
