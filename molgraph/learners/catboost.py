"""Boosted trees, fitted by CatBoost for each member and task, and kept as arrays."""

import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from molgraph.learners.base import FitLimits, TabularData, TabularLearner
from molgraph.learners.member_rows import MemberRows
from molgraph.learners.oblivious_trees import ObliviousTrees, trees_from_arrays, trees_from_catboost
from molgraph.results.tasks import TaskKind
from molgraph.storage.decode import decode_json

#: Share of the columns that each split may choose of. Most say the same as others: with few to choose of, trees differ
#: more, and fits take a fifth to a half of the time; errors fall or stay (`benchmarks/README.md`).
_COLUMNS_SHARE, _LEAST_COLUMNS = 0.05, 20

#: Trees at most, and trees without progress on the inner rows after which there will be no more.
_MOST_TREES, _PATIENCE = 1000, 100


@dataclass(frozen=True)
class BoostedTrees:
    """Trees of each member and task; for a class they sum up to log odds.

    Attributes:
        trees: `[M][T]`.
        kinds: Kind of each of the T tasks.
    """

    trees: tuple[tuple[ObliviousTrees, ...], ...]
    kinds: tuple[TaskKind, ...]

    @property
    def n_members(self) -> int:
        """M."""
        return len(self.trees)

    def fits(self, n_columns: int) -> bool:
        """Whether it can read rows of so many columns; it need not split on all of them."""
        return max(own.n_columns for member in self.trees for own in member) <= n_columns

    def predict(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Values, or probabilities of the class 1, `[M, B, T]`, of rows `columns [B, F]`.

        Members that read columns of their own take them from `[M, B, F]`.
        """
        columns_of = columns if columns.ndim == 3 else [columns] * self.n_members
        sums = np.stack(
            [
                np.stack([own.predict(read) for own in member], axis=1)
                for member, read in zip(self.trees, columns_of, strict=True)
            ]
        )
        is_class = np.array([kind == "classification" for kind in self.kinds])
        return np.where(is_class, expit(sums), sums)

    def predict_with_variance(self, columns: NDArray[Any]) -> tuple[NDArray[np.float64], None]:
        """What `predict` gives; there is no epistemic variance."""
        return self.predict(columns), None

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """As they are stored."""
        return {
            key: array
            for m, member in enumerate(self.trees)
            for t, own in enumerate(member)
            for key, array in own.to_arrays(f"{m}.{t}").items()
        }


def fit_boosted_trees(data: TabularData, plan: MemberRows, seed: int, limits: FitLimits) -> BoostedTrees:
    """Trees of one member for each task, fitted to its training rows; its inner rows decide how many.

    Args:
        data: Columns and labels; NaN in a column is below all numbers.
        plan: Rows of the member.
        seed: Seed of the fits.
        limits: Threads that share the work of one fit, and whether it is to end.

    Raises:
        CancelledError: It is.
    """
    trees = []
    for t in range(len(data.kinds)):
        trees.append(_fit(data, t, plan, seed=seed + 1000 * plan.member + t, limits=limits))
        limits.on_share(1 / len(data.kinds))
    return BoostedTrees((tuple(trees),), data.kinds)


def _fit(data: TabularData, task: int, plan: MemberRows, *, seed: int, limits: FitLimits) -> ObliviousTrees:
    from catboost import CatBoost, Pool  # type: ignore[import-untyped]

    columns, labels, weights, kind = data.columns, data.labels[:, task], data.weights, data.kinds[task]
    train, inner = (rows[~np.isnan(labels[rows])] for rows in (plan.train_rows, plan.inner_rows))
    known = labels[train]
    if len(known) == 0 or known.min() == known.max():
        return _constant(known, weights[train], kind)
    is_class = kind == "classification"
    settings = {
        "loss_function": "Logloss" if is_class else {"squared": "RMSE", "absolute": "MAE"}[data.loss],
        "iterations": _MOST_TREES,
        "depth": 6,
        "rsm": min(1.0, max(_COLUMNS_SHARE, _LEAST_COLUMNS / columns.shape[1])),
        "random_seed": seed,
        "thread_count": limits.threads,
        "allow_writing_files": False,
        "verbose": False,
    }
    fitted = CatBoost(settings)
    watched = None
    if len(inner) and (not is_class or len(np.unique(labels[inner])) == 2):
        watched = Pool(columns[inner], labels[inner], weight=weights[inner])
    fitted.fit(
        Pool(columns[train], known, weight=weights[train]),
        eval_set=watched,
        use_best_model=watched is not None,
        early_stopping_rounds=None if watched is None else _PATIENCE,
        callbacks=[_UntilStopped(limits)],
    )
    if limits.is_stopped():
        raise CancelledError
    with tempfile.TemporaryDirectory(prefix="molgraph-") as folder:
        path = Path(folder, "trees.json")
        fitted.save_model(str(path), format="json")
        return trees_from_catboost(decode_json(path.read_bytes()))


@dataclass(frozen=True)
class _UntilStopped:
    """What CatBoost asks after each tree."""

    limits: FitLimits

    def after_iteration(self, _info: object) -> bool:
        """Whether it goes on."""
        return not self.limits.is_stopped()


def _constant(known: NDArray[np.float64], weights: NDArray[np.float64], kind: TaskKind) -> ObliviousTrees:
    """No trees: the mean, or the log odds of a share that is never quite 0 or 1."""
    total = float(weights.sum())
    mean = float((known * weights).sum() / total) if total > 0 else 0.0
    bias = float(logit((mean * total + 0.5) / (total + 1.0))) if kind == "classification" else mean
    return ObliviousTrees(np.zeros((0, 0), np.int32), np.zeros((0, 0), np.float32), np.zeros((0, 1), np.float32), bias)


def boosted_from_arrays(
    arrays: Mapping[str, NDArray[Any]], kinds: tuple[TaskKind, ...], n_members: int
) -> BoostedTrees:
    """What `to_arrays` took apart.

    Raises:
        ValueError: An array is missing or does not fit.
    """
    trees = tuple(tuple(trees_from_arrays(arrays, f"{m}.{t}") for t in range(len(kinds))) for m in range(n_members))
    return BoostedTrees(trees, kinds)


def join_boosted(parts: Sequence[BoostedTrees]) -> BoostedTrees:
    """The members of all parts as one model."""
    return BoostedTrees(tuple(member for part in parts for member in part.trees), parts[0].kinds)


LEARNER = TabularLearner(fit=fit_boosted_trees, from_arrays=boosted_from_arrays, join=join_boosted)
