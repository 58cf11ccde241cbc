"""Boosted oblivious trees as arrays: all nodes of one depth of a tree ask the same question (as CatBoost's do)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgraph.storage.arrays import ArraySpec, checked_arrays

#: Rows that are predicted at once: their answers to the questions of all trees stay in the cache.
_ROWS_AT_ONCE = 256


#: What is stored: K trees of depth D with L leaves.
_ARRAYS = MappingProxyType(
    {
        "feature": ArraySpec(np.int32, "KD", lowest=0),
        "border": ArraySpec(np.float32, "KD", lowest=-math.inf, highest=math.inf),
        "leaf": ArraySpec(np.float32, "KL"),
        "bias": ArraySpec(np.float64, "1"),
    }
)


@dataclass(frozen=True)
class ObliviousTrees:
    """A sum of K trees of depth D over F columns.

    Attributes:
        feature: `[K, D]` int32 column that each depth asks about.
        border: `[K, D]` float32 the answer is yes if the value is above this; infinite where a tree is less deep.
        leaf: `[K, 2**D]` float32 what the leaf adds whose bits, lowest first, are the answers.
        bias: What is added to every sum.
    """

    feature: NDArray[np.int32]
    border: NDArray[np.float32]
    leaf: NDArray[np.float32]
    bias: float

    def __post_init__(self) -> None:
        n_trees, depth = self.feature.shape
        if self.border.shape != (n_trees, depth) or self.leaf.shape != (n_trees, 2**depth):
            raise ValueError(
                f"trees have borders {self.border.shape} and leaves {self.leaf.shape} for {n_trees} x {depth}"
            )
        if n_trees and self.feature.min() < 0:
            raise ValueError("trees ask about a negative column")

    @property
    def n_columns(self) -> int:
        """Columns that a matrix must have at least."""
        return int(self.feature.max()) + 1 if self.feature.size else 0

    def predict(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """The sums of rows `columns [B, F]`, `[B]`; NaN is below every border.

        >>> trees = ObliviousTrees(np.zeros((1, 1), np.int32), np.ones((1, 1), np.float32),
        ...                        np.array([[-1.0, 5.0]], np.float32), bias=10.0)
        >>> trees.predict(np.array([[0.0], [2.0], [np.nan]])).tolist()
        [9.0, 15.0, 9.0]
        """
        if columns.shape[1] < self.n_columns:
            raise ValueError(f"the trees ask about {self.n_columns} columns, and there are {columns.shape[1]}")
        sums = np.full(len(columns), self.bias)
        if not len(self.feature):
            return sums
        questions, place = np.unique(
            np.stack([self.feature.reshape(-1).astype(np.float64), self.border.reshape(-1)]),
            axis=1,
            return_inverse=True,
        )
        asked, borders = questions[0].astype(np.int64), questions[1].astype(np.float32)
        place = place.reshape(self.feature.shape)
        weights = (1 << np.arange(self.feature.shape[1])).astype(np.uint16)
        offsets = np.arange(len(self.leaf)) * self.leaf.shape[1]
        for start in range(0, len(columns), _ROWS_AT_ONCE):
            part = columns[start : start + _ROWS_AT_ONCE]
            answers = part[:, asked].astype(np.float32) > borders
            leaves = np.zeros((len(part), len(self.leaf)), dtype=np.int64)
            for depth, weight in enumerate(weights.tolist()):
                leaves += answers[:, place[:, depth]] * weight
            sums[start : start + len(part)] += self.leaf.reshape(-1)[leaves + offsets].sum(axis=1, dtype=np.float64)
        return sums

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """As they are stored."""
        return {
            f"{prefix}.feature": self.feature,
            f"{prefix}.border": self.border,
            f"{prefix}.leaf": self.leaf,
            f"{prefix}.bias": np.array([self.bias]),
        }


def trees_from_arrays(arrays: Mapping[str, NDArray[Any]], prefix: str) -> ObliviousTrees:
    """What `to_arrays` took apart.

    Raises:
        ValueError: An array is missing or does not fit.
    """
    found = checked_arrays(arrays, _ARRAYS, {"1": 1}, prefix=f"{prefix}.")
    return ObliviousTrees(found["feature"], found["border"], found["leaf"], float(found["bias"][0]))


def trees_from_catboost(values: Mapping[str, Any]) -> ObliviousTrees:
    """The trees of a model that CatBoost wrote as JSON."""
    trees: Sequence[Mapping[str, Any]] = values["oblivious_trees"]
    depth = max((len(tree["splits"] or []) for tree in trees), default=0)
    feature = np.zeros((len(trees), depth), dtype=np.int32)
    border = np.full((len(trees), depth), np.inf, dtype=np.float32)
    leaf = np.zeros((len(trees), 2**depth), dtype=np.float32)
    for row, tree in enumerate(trees):
        for place, split in enumerate(tree["splits"] or []):
            feature[row, place] = split["float_feature_index"]
            border[row, place] = split["border"]
        leaf[row, : len(tree["leaf_values"])] = tree["leaf_values"]
    scale, bias = values["scale_and_bias"]
    return ObliviousTrees(feature, border, leaf * np.float32(scale), float(np.ravel(bias)[0]))
