"""Random forests, fitted by scikit-learn for each member and task, and kept as arrays."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgraph.learners.base import FitLimits, TabularData, TabularLearner
from molgraph.learners.member_rows import MemberRows
from molgraph.results.tasks import TaskKind
from molgraph.storage.arrays import ArraySpec, checked_arrays

N_TREES = 200

#: Share of the columns that each split of a tree for values may choose of; a third is no better and takes 2.6 times as
#: long (`benchmarks/README.md`).
_COLUMNS_SHARE = 0.1

#: Rows that are predicted at once.
_ROWS_AT_ONCE = 256

#: What is stored; a threshold can be anything but NaN.
_ARRAYS = MappingProxyType(
    {
        "column": ArraySpec(np.int32, "N", lowest=-1),
        "threshold": ArraySpec(np.float32, "N", lowest=-math.inf, highest=math.inf),
        "left": ArraySpec(np.int64, "N", lowest=0),
        "right": ArraySpec(np.int64, "N", lowest=0),
        "value": ArraySpec(np.float32, "N"),
        "roots": ArraySpec(np.int64, "MTK", lowest=0),
    }
)


@dataclass(frozen=True)
class Forest:
    """Trees of M members, K each, that predict T tasks as the mean of their leaves.

    A member has a forest for each task; all nodes of all trees lie in one row of arrays.

    Attributes:
        roots: `[M, T, K]` int64 node where each tree begins.
        column: `[N]` int32 column that a node splits on; -1 for a leaf.
        threshold: `[N]` float32 values up to this go left.
        left: `[N]` int64 node for these; of a leaf itself.
        right: `[N]` int64 node for all others.
        value: `[N]` float32 prediction of a leaf.
    """

    roots: NDArray[np.int64]
    column: NDArray[np.int32]
    threshold: NDArray[np.float32]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: NDArray[np.float32]

    @property
    def n_members(self) -> int:
        """M."""
        return len(self.roots)

    def fits(self, n_columns: int) -> bool:
        """Whether it can read rows of so many columns; it need not split on all of them."""
        return bool(self.column.max(initial=-1) < n_columns)

    def predict(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Values, or probabilities of the class 1, `[M, B, T]`, of rows `columns [B, F]`; NaN goes right."""
        n_members, n_tasks, n_trees = self.roots.shape
        means = np.empty((len(columns), n_members * n_tasks))
        for start in range(0, len(columns), _ROWS_AT_ONCE):
            part = np.ascontiguousarray(columns[start : start + _ROWS_AT_ONCE], dtype=np.float32)
            row = np.arange(len(part))[:, None]
            node = np.tile(self.roots.reshape(-1), (len(part), 1))
            while True:
                split = self.column[node]
                inner = split >= 0
                if not inner.any():
                    break
                goes_left = part[row, np.maximum(split, 0)] <= self.threshold[node]
                node = np.where(inner, np.where(goes_left, self.left[node], self.right[node]), node)
            leaves = self.value[node].reshape(len(part), n_members * n_tasks, n_trees)
            means[start : start + len(part)] = leaves.mean(axis=2, dtype=np.float64)
        return means.reshape(-1, n_members, n_tasks).swapaxes(0, 1)

    def predict_with_variance(self, columns: NDArray[Any]) -> tuple[NDArray[np.float64], None]:
        """What `predict` gives; there is no epistemic variance."""
        return self.predict(columns), None

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """As they are stored."""
        return dict(vars(self))


def fit_forest(data: TabularData, plan: MemberRows, seed: int, limits: FitLimits) -> Forest:
    """Trees of one member for each task, fitted to its training and inner rows.

    Args:
        data: Columns and labels; NaN in a column counts as the largest number.
        plan: Rows of the member.
        seed: Seed of the fits.
        limits: Threads that share the work of one fit.
    """
    columns = np.nan_to_num(data.columns.astype(np.float32), nan=float(np.finfo(np.float32).max))
    nodes: list[dict[str, NDArray[Any]]] = []
    roots = np.zeros((1, len(data.kinds), N_TREES), dtype=np.int64)
    n_nodes = 0
    for t, kind in enumerate(data.kinds):
        rows = plan.seen_rows[~np.isnan(data.labels[plan.seen_rows, t])]
        own_seed = seed + 1000 * plan.member + t
        trees = _fit(columns[rows], data.labels[rows, t], data.weights[rows], kind, own_seed, limits.threads)
        for k, tree in enumerate(trees):
            roots[0, t, k] = n_nodes
            for name in ("left", "right"):
                tree[name] = tree[name] + n_nodes
            nodes.append(tree)
            n_nodes += len(tree["column"])
        limits.on_share(1 / len(data.kinds))
    return Forest(roots, **{name: np.concatenate([tree[name] for tree in nodes]) for name in nodes[0]})


def _fit(  # noqa: PLR0917
    columns: NDArray[Any],
    labels: NDArray[np.float64],
    weights: NDArray[np.float64],
    kind: TaskKind,
    seed: int,
    threads: int,
) -> list[dict[str, NDArray[Any]]]:
    from sklearn.ensemble import RandomForestRegressor

    if len(labels) == 0:
        return [_leaf(0.5 if kind == "classification" else 0.0) for _ in range(N_TREES)]
    # A class is fitted as 0 and 1: the mean of a leaf is its share, and the squared error splits as Gini's index does.
    forest = RandomForestRegressor(
        N_TREES,
        max_features="sqrt" if kind == "classification" else _COLUMNS_SHARE,
        n_jobs=threads,
        random_state=seed,
    )
    forest.fit(columns, labels, sample_weight=weights)
    return [_arrays(estimator.tree_) for estimator in forest.estimators_]


def _arrays(tree: Any) -> dict[str, NDArray[Any]]:
    is_leaf = tree.children_left < 0
    own = np.arange(len(is_leaf))
    return {
        "column": np.where(is_leaf, -1, tree.feature).astype(np.int32),
        # The largest float32 that is not above the threshold parts float32 values as the float64 does.
        "threshold": _rounded_down(tree.threshold),
        "left": np.where(is_leaf, own, tree.children_left).astype(np.int64),
        "right": np.where(is_leaf, own, tree.children_right).astype(np.int64),
        "value": tree.value[:, 0, 0].astype(np.float32),
    }


def _rounded_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def _leaf(value: float) -> dict[str, NDArray[Any]]:
    return {
        "column": np.array([-1], dtype=np.int32),
        "threshold": np.zeros(1, dtype=np.float32),
        "left": np.zeros(1, dtype=np.int64),
        "right": np.zeros(1, dtype=np.int64),
        "value": np.array([value], dtype=np.float32),
    }


def forest_from_arrays(arrays: Mapping[str, NDArray[Any]], kinds: tuple[TaskKind, ...], n_members: int) -> Forest:
    """What `to_arrays` took apart. Children come after their node, so that every walk ends.

    Raises:
        ValueError: An array is missing or does not fit.
    """
    found = checked_arrays(arrays, _ARRAYS, {"M": n_members, "T": len(kinds)})
    n_nodes = len(found["column"])
    inner = np.flatnonzero(found["column"] >= 0)
    for name in ("left", "right"):
        child = found[name][inner]
        if not ((child > inner) & (child < n_nodes)).all():
            raise ValueError(f"{name} does not lead to a later node")
    if not found["roots"].size or found["roots"].max() >= n_nodes:
        raise ValueError("there are no trees, or roots lead to no node")
    return Forest(**found)


def join_forests(parts: Sequence[Forest]) -> Forest:
    """The members of all parts as one model."""
    starts = np.cumsum([0, *(len(part.column) for part in parts)])[:-1].tolist()
    moved = [
        {**vars(part), **{name: vars(part)[name] + start for name in ("roots", "left", "right")}}
        for part, start in zip(parts, starts, strict=True)
    ]
    return Forest(**{name: np.concatenate([part[name] for part in moved]) for name in moved[0]})


LEARNER = TabularLearner(fit=fit_forest, from_arrays=forest_from_arrays, join=join_forests)
