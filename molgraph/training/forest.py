"""Random forests, as scikit-learn fits them: one for each member and task."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgraph.models.forest import Forest
from molgraph.results.tasks import TaskKind
from molgraph.training.column_data import ColumnData, FitLimits
from molgraph.training.plan import MemberPlan

N_TREES = 200

#: Share of the columns that each split of a tree for values may choose of; a third is no better and takes 2.6 times as
#: long (`benchmarks/README.md`).
_COLUMNS_SHARE = 0.1


def fit_forest(data: ColumnData, plan: MemberPlan, seed: int, limits: FitLimits) -> Forest:
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
