"""Shares of several learners in a blend, from out-of-fold predictions."""

import numpy as np
from numpy.typing import NDArray

from molgraph.results.tasks import TaskKind

#: Pseudo-rows for equal shares, beside those that were measured: few rows then change little.
_ROWS_FOR_EQUAL_SHARES = 20.0
_STEPS = 500
_LEAST = 1e-6


def member_shares(
    out_of_fold: NDArray[np.float64],
    labels: NDArray[np.float64],
    fold: NDArray[np.int64],
    kinds: tuple[TaskKind, ...],
    n_members: int,
) -> NDArray[np.float64]:
    """Shares of L learners in each member and task, `[L, M, T]`: those of member k come from the rows of other folds.

    So a row's own error is no part of what decides the shares by which it is predicted. Its label is still in the
    training rows of the members that predict the rows which do; what passes that way into L - 1 numbers a task is too
    little to be measured. Where no rows are left, all shares are equal.

    Args:
        out_of_fold: `[L, B, T]` out-of-fold predictions; NaN where there is none.
        labels: `[B, T]`, NaN = not measured.
        fold: `[B]` member that holds the row out, negative for none.
        kinds: Kind of each task.
        n_members: M.
    """
    n_learners = len(out_of_fold)
    shares = np.full((n_learners, n_members, len(kinds)), 1.0 / n_learners)
    if n_learners == 1:
        return shares
    for t, kind in enumerate(kinds):
        is_known = (fold >= 0) & np.isfinite(labels[:, t]) & np.isfinite(out_of_fold[:, :, t]).all(axis=0)
        for member in range(n_members):
            rows = np.flatnonzero(is_known & (fold != member))
            if len(rows):
                shares[:, member, t] = best_shares(out_of_fold[:, rows, t], labels[rows, t], kind)
    return shares


def best_shares(predictions: NDArray[np.float64], labels: NDArray[np.float64], kind: TaskKind) -> NDArray[np.float64]:
    """Shares `[L]`, at least 0 and 1 in all, that make the mixture of predictions `[L, n]` fit the labels `[n]` best.

    Least squares for values, likelihood for classes; shrunk towards equal shares by some pseudo-rows. Found by
    multiplicative steps that never leave the simplex (Kivinen and Warmuth 1997, doi:10.1006/inco.1996.2612).

    >>> truth = np.array([0.0, 1.0, 2.0, 3.0] * 50)
    >>> best_shares(np.stack([truth + 0.01, -truth]), truth, "regression").round(2).tolist()
    [0.95, 0.05]
    """
    n_learners = len(predictions)
    shares = np.full(n_learners, 1.0 / n_learners)
    prior = _ROWS_FOR_EQUAL_SHARES / len(labels)
    if kind == "classification":
        likelihood = np.clip(np.where(labels == 1, predictions, 1 - predictions), _LEAST, 1.0)
        for _ in range(_STEPS):  # expectation maximisation of a mixture, with a Dirichlet prior
            responsibility = shares[:, None] * likelihood
            responsibility /= responsibility.sum(axis=0)
            shares = responsibility.mean(axis=1) + prior / n_learners
            shares /= shares.sum()
        return shares
    error = predictions - labels
    moments = error @ error.T / len(labels)
    scale = max(float(np.trace(moments)) / n_learners, 1e-300)
    moments = moments / scale + prior * np.eye(n_learners)
    for _ in range(_STEPS):
        gradient = moments @ shares
        shares = shares * np.exp(-0.5 * (gradient - shares @ gradient))
        shares /= shares.sum()
    return shares
