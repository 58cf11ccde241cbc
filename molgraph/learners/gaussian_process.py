"""Gaussian processes, exact and so for some ten thousand rows at most; M members for T tasks share their references."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from molgraph.learners.base import FitLimits, TabularData
from molgraph.learners.kernels import distances, root_counts, squares_of, steps_of, tanimoto
from molgraph.learners.member_rows import MemberRows
from molgraph.results.tasks import TaskKind
from molgraph.storage.arrays import ArraySpec, checked_arrays

#: Slope of the logistic function that makes a probability of the mean of a process on labels 0 and 1: these become 0.05
#: and 0.95, and what lies beyond them stays in order. Cutting at 0 and 1 made nearly certain what was merely typical:
#: over 26 tasks it costs 0.008 in log loss after calibration.
_SLOPE = 6.0

#: Entries of the kernel that are computed at once: a few megabytes, which stay near the processor from one step to the
#: next. A quarter of it and four times of it take a tenth longer.
_ENTRIES_AT_ONCE = 2**20

#: Noise over signal variance, of which the likeliest is taken.
_NOISE = tuple(np.geomspace(0.01, 10.0, 16).tolist())

#: Rows that choose length and noise; decomposing more of them would take longer than all the rest.
_CHOOSING = 1000

Floats = NDArray[np.float64]

#: What is stored by every kernel: R references, M members, T tasks.
SHARED_ARRAYS: Mapping[str, ArraySpec] = MappingProxyType(
    {
        "coefficients": ArraySpec(np.float32, "MTR"),
        "centre": ArraySpec(np.float64, "MT"),
        "spread": ArraySpec(np.float64, "MT", lowest=0.0),
    }
)


@dataclass(frozen=True)
class GaussianProcess:
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


#: Makes the kernel `[n, n]` of n places among the seen rows, at a length.
KernelOf = Callable[[NDArray[np.int64], float], Floats]


@dataclass(frozen=True)
class FittedProcess:
    """Processes of one member for T tasks and B rows.

    Attributes:
        coefficients: `[1, T, B]` float32; 0 for rows that were not learned from.
        centre: `[1, T]` mean of the labels.
        lengths: `[1, T]` likeliest lengths.
        spread: `[1, T]` variance of the labels.
    """

    coefficients: NDArray[np.float32]
    centre: Floats
    lengths: Floats
    spread: Floats


def fit_process(  # noqa: PLR0917
    data: TabularData, plan: MemberRows, seed: int, kernel: KernelOf, lengths: tuple[float, ...], limits: FitLimits
) -> FittedProcess:
    """Processes of all tasks; those whose labels are known for the same rows share the decompositions."""
    n_tasks, seen = len(data.kinds), plan.seen_rows
    coefficients = np.zeros((1, n_tasks, len(data.columns)), dtype=np.float32)
    centre, own_lengths, spread = np.zeros((1, n_tasks)), np.ones((1, n_tasks)), np.zeros((1, n_tasks))
    rng = np.random.default_rng([seed, plan.member])
    for tasks, places in _tasks_by_rows(~np.isnan(data.labels[seen]) & (data.weights[seen] > 0)[:, None]):
        rows = seen[places]
        labels, weights = data.labels[np.ix_(rows, tasks)], data.weights[rows]
        centre[0, tasks] = np.average(labels, axis=0, weights=weights)
        spread[0, tasks] = np.average((labels - centre[0, tasks]) ** 2, axis=0, weights=weights)
        root = np.sqrt(weights / weights.mean())  # scaled so that the noise of all rows is the same
        residual = (labels - centre[0, tasks]) * root[:, None]
        chosen = np.sort(rng.permutation(len(places))[:_CHOOSING])
        choices = likeliest(kernel, places[chosen], root[chosen], residual[chosen], lengths)
        for length, noise in dict.fromkeys(choices):
            own = [t for t, choice in enumerate(choices) if choice == (length, noise)]
            scaled = kernel(places, length) * root[:, None] * root
            scaled[np.diag_indices_from(scaled)] += noise
            factor = cho_factor(scaled, lower=True, overwrite_a=True)
            coefficients[0][np.ix_(tasks[own], rows)] = (root[:, None] * cho_solve(factor, residual[:, own])).T
            own_lengths[0, tasks[own]] = length
        limits.on_share(len(tasks) / n_tasks)
    return FittedProcess(coefficients, centre, own_lengths, spread)


def _tasks_by_rows(is_known: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Tasks that have the same rows, and these, from `[n, T]`; tasks without any row are left out."""
    groups: dict[bytes, list[int]] = {}
    for task, known in enumerate(is_known.T):
        if known.any():
            groups.setdefault(known.tobytes(), []).append(task)
    for tasks in groups.values():
        yield np.array(tasks), np.flatnonzero(is_known[:, tasks[0]])


def likeliest(
    kernel: KernelOf, places: NDArray[np.int64], root: Floats, residual: Floats, lengths: tuple[float, ...]
) -> list[tuple[float, float]]:
    """For each column of residuals `[n, T]` the length and noise of the largest likelihood.

    The signal variance is that which suits the noise best.
    """
    n_tasks = residual.shape[1]
    best, choices = np.full(n_tasks, np.inf), [(lengths[0], _NOISE[0])] * n_tasks
    for length in lengths:
        values, vectors = np.linalg.eigh(kernel(places, length) * root[:, None] * root)
        projected = (vectors.T @ residual) ** 2
        for noise in _NOISE:
            total = np.maximum(values, 0.0) + noise
            signal = np.maximum(np.mean(projected / total[:, None], axis=0), 1e-300)
            surprise = len(total) * np.log(signal) + np.log(total).sum()
            for t in np.flatnonzero(surprise < best).tolist():
                best[t], choices[t] = surprise[t], (length, noise)
    return choices


def process_from_arrays(
    arrays: Mapping[str, NDArray[Any]], specs: Mapping[str, ArraySpec], kinds: tuple[TaskKind, ...], n_members: int
) -> GaussianProcess:
    """What `to_arrays` took apart, checked against the arrays that its kernel stores.

    Raises:
        ValueError: An array is missing or does not fit.
    """
    found = checked_arrays(arrays, specs, {"M": n_members, "T": len(kinds)})
    lengths = found.pop("lengths", None)
    return GaussianProcess(**found, lengths=lengths, kinds=kinds)


def join_processes(parts: Sequence[GaussianProcess]) -> GaussianProcess:
    """The members of all parts, which have the same references, as one model."""
    lengths = [part.lengths for part in parts if part.lengths is not None]
    return GaussianProcess(
        parts[0].references,
        np.concatenate([part.coefficients for part in parts]),
        np.concatenate([part.centre for part in parts]),
        np.concatenate(lengths) if lengths else None,
        np.concatenate([part.spread for part in parts]),
        parts[0].kinds,
    )
