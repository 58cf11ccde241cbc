"""Gaussian processes with a Tanimoto kernel: exact, and so for some thousand rows at most."""

import numpy as np
from numpy.typing import NDArray

from molgraph.models.kernel import TanimotoProcess, root_counts, tanimoto
from molgraph.training.column_data import ColumnData
from molgraph.training.plan import MemberPlan

#: Noise over signal variance, of which the likeliest is taken.
_NOISE = np.geomspace(0.01, 10.0, 16)


def fit_tanimoto_process(data: ColumnData, plan: MemberPlan, _seed: int, _threads: int) -> TanimotoProcess:
    """The process of one member for each task, fitted to its training and inner rows.

    The marginal likelihood chooses the noise (Rasmussen and Williams 2006, equation 2.30). Classes are fitted as the
    numbers 0 and 1. The noise of a row is divided by its weight, and rows without weight are left out.

    Args:
        data: Counts up to 255, and labels.
        plan: Rows of the member.
        _seed: Nothing is drawn.
        _threads: The linear algebra below has its own.
    """
    seen, n_rows = plan.seen_rows, len(data.columns)
    roots = root_counts(data.columns[seen])
    kernel = tanimoto(roots, roots).astype(np.float64)
    coefficients = np.zeros((1, len(data.kinds), n_rows), dtype=np.float32)
    centre = np.zeros((1, len(data.kinds)))
    for t in range(len(data.kinds)):
        places = np.flatnonzero(~np.isnan(data.labels[seen, t]) & (data.weights[seen] > 0))
        if len(places):
            labels, weights = data.labels[seen[places], t], data.weights[seen[places]]
            centre[0, t] = np.average(labels, weights=weights)
            own = kernel[np.ix_(places, places)]
            coefficients[0, t, seen[places]] = _solve(own, labels - centre[0, t], weights)
    return TanimotoProcess(data.columns.astype(np.uint8), coefficients, centre, data.kinds)


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
