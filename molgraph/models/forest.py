"""Random forests as arrays."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgraph.results.tasks import TaskKind
from molgraph.storage.arrays import ArraySpec, checked_arrays

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
        column: `[N]` int32 column that a node asks about; -1 for a leaf.
        threshold: `[N]` float32 values up to this go left.
        left: `[N]` int64 node for these; of a leaf itself.
        right: `[N]` int64 node for all others.
        value: `[N]` float32 what a leaf says.
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
        """Whether it can read rows of so many columns; it need not ask about all of them."""
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
                asked = self.column[node]
                inner = asked >= 0
                if not inner.any():
                    break
                goes_left = part[row, np.maximum(asked, 0)] <= self.threshold[node]
                node = np.where(inner, np.where(goes_left, self.left[node], self.right[node]), node)
            said = self.value[node].reshape(len(part), n_members * n_tasks, n_trees)
            means[start : start + len(part)] = said.mean(axis=2, dtype=np.float64)
        return means.reshape(-1, n_members, n_tasks).swapaxes(0, 1)

    def predict_with_variance(self, columns: NDArray[Any]) -> tuple[NDArray[np.float64], None]:
        """What `predict` gives; of their own ignorance these say nothing."""
        return self.predict(columns), None

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """As they are stored."""
        return dict(vars(self))


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
