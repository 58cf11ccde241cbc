"""Gaussian processes with a Tanimoto kernel: exact, and so for some thousand rows at most."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgraph.models.kernel import TanimotoProcess, root_counts, tanimoto
from molgraph.tasks import TaskKind
from molgraph.training.plan import MemberPlan

#: Noise over signal variance, of which the likeliest is taken.
_NOISE = np.geomspace(0.01, 10.0, 16)


def fit_tanimoto_process(
    columns: NDArray[Any],
    labels: NDArray[np.float64],
    weights: NDArray[np.float64],
    kinds: tuple[TaskKind, ...],
    plans: list[MemberPlan],
    *,
    on_fit: Callable[[int], None] = lambda _member: None,
) -> TanimotoProcess:
    """A process for each member and task, fitted to its training and inner rows.

    The marginal likelihood chooses the noise (Rasmussen and Williams 2006, equation 2.30). Classes are fitted as the
    numbers 0 and 1.

    Args:
        columns: `[B, F]` counts up to 255.
        labels: `[B, T]`, NaN = not measured.
        weights: `[B]` how much each row counts: the noise of a row is divided by it. Rows without weight are left out.
        kinds: Kind of each task.
        plans: Rows of each member.
        on_fit: Called after each fit with the number of the member.
    """
    roots = root_counts(columns)
    kernel = tanimoto(roots, roots).astype(np.float64)
    coefficients = np.zeros((len(plans), len(kinds), len(columns)), dtype=np.float32)
    centre = np.zeros((len(plans), len(kinds)))
    for m, plan in enumerate(plans):
        seen = np.sort(np.concatenate([plan.train_rows, plan.inner_rows]))
        for t in range(len(kinds)):
            rows = seen[~np.isnan(labels[seen, t]) & (weights[seen] > 0)]
            if len(rows):
                centre[m, t] = np.average(labels[rows, t], weights=weights[rows])
                coefficients[m, t, rows] = _solve(
                    kernel[np.ix_(rows, rows)], labels[rows, t] - centre[m, t], weights[rows]
                )
            on_fit(plan.member)
    return TanimotoProcess(columns.astype(np.uint8), coefficients, centre, kinds)


def _solve(
    kernel: NDArray[np.float64], residual: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Coefficients of the process that is likeliest, its signal variance set to what suits the noise best."""
    root = np.sqrt(weights / weights.mean())  # scaled so that the noise of all rows is the same
    values, vectors = np.linalg.eigh(kernel * root[:, None] * root)
    projected = vectors.T @ (residual * root)
    values = np.maximum(values, 0.0)
    noise = min(_NOISE, key=lambda noise: _surprise(values + noise, projected))
    return np.asarray(root * (vectors @ (projected / (values + noise))))


def _surprise(values: NDArray[np.float64], projected: NDArray[np.float64]) -> float:
    """Minus the log likelihood, up to a constant, at the best signal variance."""
    signal = max(float(np.mean(projected**2 / values)), 1e-300)
    return float(len(values) * np.log(signal) + np.log(values).sum())
