"""Gaussian processes, exact and so for some ten thousand rows at most: Tanimoto on counts, exponential on vectors."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from molgraph.models.kernel import KernelProcess, distances, root_counts, steps_of, tanimoto
from molgraph.training.column_data import ColumnData, FitLimits
from molgraph.training.plan import MemberPlan

Floats = NDArray[np.float64]

#: Noise over signal variance, of which the likeliest is taken.
_NOISE = tuple(np.geomspace(0.01, 10.0, 16).tolist())

#: Lengths of the exponential kernel that are tried, in the distance of two vectors with independent standard entries.
LENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0)

#: Rows that choose length and noise; decomposing more of them would take longer than all the rest.
_CHOOSING = 1000


def fit_tanimoto_process(data: ColumnData, plan: MemberPlan, seed: int, limits: FitLimits) -> KernelProcess:
    """The process of one member for each task, fitted to its training and inner rows.

    The marginal likelihood of `_CHOOSING` rows at most chooses the noise (Rasmussen and Williams 2006, equation 2.30).
    Classes are fitted as the numbers 0 and 1. The noise of a row is divided by its weight, and rows without weight are
    left out.

    Args:
        data: Counts up to 255, and labels.
        plan: Rows of the member.
        seed: Seed of the rows that choose.
        limits: Whom to tell; the linear algebra below has its own threads.
    """
    roots = root_counts(data.columns[plan.seen_rows])
    alike = tanimoto(roots, roots).astype(np.float64)
    fitted = _fit(data, plan, seed, lambda places, _: alike[np.ix_(places, places)], (1.0,), limits)
    references = data.columns.astype(np.uint8)
    return KernelProcess(references, fitted.coefficients, fitted.centre, None, fitted.spread, data.kinds)


def fit_latent_process(data: ColumnData, plan: MemberPlan, seed: int, limits: FitLimits) -> KernelProcess:
    """The process of one member for each task on an encoder's vectors, fitted to its training and inner rows.

    Its kernel falls exponentially with the distance (Matern 1/2; Rasmussen and Williams 2006, equation 4.18). The
    marginal likelihood chooses the length, too; all else as above.

    Args:
        data: Vectors, of which each entry varies by 1 or so, and labels.
        plan: Rows of the member.
        seed: Seed of the rows that choose.
        limits: Whom to tell; the linear algebra below has its own threads.
    """
    references = steps_of(data.columns)
    seen = references[plan.seen_rows]
    apart = distances(seen, seen).astype(np.float64)
    unit = float(np.sqrt(2.0 * data.columns.shape[1]))
    lengths = tuple(unit * length for length in LENGTHS)

    def kernel(places: NDArray[np.int64], length: float) -> Floats:
        return np.asarray(np.exp(-apart[np.ix_(places, places)] / length))

    fitted = _fit(data, plan, seed, kernel, lengths, limits)
    return KernelProcess(references, fitted.coefficients, fitted.centre, fitted.lengths, fitted.spread, data.kinds)


#: Makes the kernel `[n, n]` of n places among the seen rows, at a length.
_Kernel = Callable[[NDArray[np.int64], float], Floats]


@dataclass(frozen=True)
class _Fitted:
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


def _fit(  # noqa: PLR0917
    data: ColumnData, plan: MemberPlan, seed: int, kernel: _Kernel, lengths: tuple[float, ...], limits: FitLimits
) -> _Fitted:
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
    return _Fitted(coefficients, centre, own_lengths, spread)


def _tasks_by_rows(is_known: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Tasks that have the same rows, and these, from `[n, T]`; tasks without any row are left out."""
    groups: dict[bytes, list[int]] = {}
    for task, known in enumerate(is_known.T):
        if known.any():
            groups.setdefault(known.tobytes(), []).append(task)
    for tasks in groups.values():
        yield np.array(tasks), np.flatnonzero(is_known[:, tasks[0]])


def likeliest(
    kernel: _Kernel, places: NDArray[np.int64], root: Floats, residual: Floats, lengths: tuple[float, ...]
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
