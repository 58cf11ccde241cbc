"""Gaussian processes, exact and so for some ten thousand rows at most: Tanimoto on counts, exponential on vectors."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from molgraph.models.kernel import KernelProcess, distances, root_counts, steps_of, tanimoto
from molgraph.training.column_data import ColumnData
from molgraph.training.plan import MemberPlan

Floats = NDArray[np.float64]

#: Noise over signal variance, of which the likeliest is taken.
_NOISE = np.geomspace(0.01, 10.0, 16)

#: Lengths of the exponential kernel that are tried, in the distance of two vectors with independent standard entries.
_LENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0)

#: Rows that choose length and noise; decomposing more of them for each length would take longer than all the rest.
_CHOOSING = 1000


def fit_tanimoto_process(data: ColumnData, plan: MemberPlan, _seed: int, _threads: int) -> KernelProcess:
    """The process of one member for each task, fitted to its training and inner rows.

    The marginal likelihood chooses the noise (Rasmussen and Williams 2006, equation 2.30). Classes are fitted as the
    numbers 0 and 1. The noise of a row is divided by its weight, and rows without weight are left out.

    Args:
        data: Counts up to 255, and labels.
        plan: Rows of the member.
        _seed: Nothing is drawn.
        _threads: The linear algebra below has its own.
    """
    roots = root_counts(data.columns[plan.seen_rows])
    kernel = tanimoto(roots, roots).astype(np.float64)

    def solve(places: NDArray[np.int64], residual: Floats, weights: Floats) -> tuple[Floats, float]:
        return _solve(kernel[np.ix_(places, places)], residual, weights), 1.0

    coefficients, centre, _, spread = _fit(data, plan, solve)
    return KernelProcess(data.columns.astype(np.uint8), coefficients, centre, None, spread, data.kinds)


def fit_latent_process(data: ColumnData, plan: MemberPlan, seed: int, _threads: int) -> KernelProcess:
    """The process of one member for each task on an encoder's vectors, fitted to its training and inner rows.

    Its kernel falls exponentially with the distance (Matern 1/2; Rasmussen and Williams 2006, equation 4.18). The
    marginal likelihood of `_CHOOSING` rows at most chooses length and noise.

    Args:
        data: Vectors, of which each entry varies by 1 or so, and labels.
        plan: Rows of the member.
        seed: Seed of the rows that choose.
        _threads: The linear algebra below has its own.
    """
    references = steps_of(data.columns)
    seen = references[plan.seen_rows]
    apart = distances(seen, seen).astype(np.float64)
    unit = float(np.sqrt(2.0 * data.columns.shape[1]))
    rng = np.random.default_rng([seed, plan.member])

    def solve(places: NDArray[np.int64], residual: Floats, weights: Floats) -> tuple[Floats, float]:
        chosen = np.sort(rng.permutation(len(places))[:_CHOOSING])
        part = apart[np.ix_(places[chosen], places[chosen])]
        tried = [
            (*_likeliest(np.exp(-part / (unit * length)), residual[chosen], weights[chosen]), unit * length)
            for length in _LENGTHS
        ]
        _, noise, length = min(tried)
        root = np.sqrt(weights / weights.mean())
        kernel = np.exp(-apart[np.ix_(places, places)] / length) * root[:, None] * root
        kernel[np.diag_indices_from(kernel)] += noise
        return root * cho_solve(cho_factor(kernel, lower=True, overwrite_a=True), residual * root), length

    coefficients, centre, lengths, spread = _fit(data, plan, solve)
    return KernelProcess(references, coefficients, centre, lengths, spread, data.kinds)


#: Takes places among the seen rows, what is to be told of them, and their weights; gives coefficients, and a length.
_Solve = Callable[[NDArray[np.int64], Floats, Floats], tuple[Floats, float]]


def _fit(data: ColumnData, plan: MemberPlan, solve: _Solve) -> tuple[NDArray[np.float32], Floats, Floats, Floats]:
    """Coefficients `[1, T, B]`, centre, lengths and spread `[1, T]` of the processes of all tasks."""
    seen = plan.seen_rows
    coefficients = np.zeros((1, len(data.kinds), len(data.columns)), dtype=np.float32)
    shape = (1, len(data.kinds))
    centre, lengths, spread = np.zeros(shape), np.ones(shape), np.zeros(shape)
    for t in range(len(data.kinds)):
        places = np.flatnonzero(~np.isnan(data.labels[seen, t]) & (data.weights[seen] > 0))
        if len(places):
            labels, weights = data.labels[seen[places], t], data.weights[seen[places]]
            centre[0, t] = np.average(labels, weights=weights)
            spread[0, t] = np.average((labels - centre[0, t]) ** 2, weights=weights)
            coefficients[0, t, seen[places]], lengths[0, t] = solve(places, labels - centre[0, t], weights)
    return coefficients, centre, lengths, spread


def _solve(kernel: Floats, residual: Floats, weights: Floats) -> Floats:
    """Coefficients of the process that is likeliest, its signal variance set to what suits the noise best."""
    root = np.sqrt(weights / weights.mean())  # scaled so that the noise of all rows is the same
    values, vectors = np.linalg.eigh(kernel * root[:, None] * root)
    projected = vectors.T @ (residual * root)
    values = np.maximum(values, 0.0)
    noise = min(_NOISE, key=lambda noise: _surprise(values + noise, projected))
    return np.asarray(root * (vectors @ (projected / (values + noise))))


def _likeliest(kernel: Floats, residual: Floats, weights: Floats) -> tuple[float, float]:
    """Minus the log likelihood at the likeliest noise, and that noise."""
    root = np.sqrt(weights / weights.mean())
    values, vectors = np.linalg.eigh(kernel * root[:, None] * root)
    projected = vectors.T @ (residual * root)
    return min((_surprise(np.maximum(values, 0.0) + noise, projected), float(noise)) for noise in _NOISE)


def _surprise(values: Floats, projected: Floats) -> float:
    """Minus the log likelihood, up to a constant, at the best signal variance."""
    signal = max(float(np.mean(projected**2 / values)), 1e-300)
    return float(len(values) * np.log(signal) + np.log(values).sum())
