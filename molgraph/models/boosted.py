"""Boosted trees of M members for T tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from molgraph.models.oblivious import ObliviousTrees, trees_from_arrays
from molgraph.results.tasks import TaskKind


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
        """Whether it can read rows of so many columns; it need not ask about all of them."""
        return max(own.n_columns for member in self.trees for own in member) <= n_columns

    def predict(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Values, or probabilities of the class 1, `[M, B, T]`, of rows `columns [B, F]`.

        Members that read columns of their own take them from `[M, B, F]`.
        """
        columns_of = columns if columns.ndim == 3 else [columns] * self.n_members
        sums = np.stack(
            [
                np.stack([own.predict(seen) for own in member], axis=1)
                for member, seen in zip(self.trees, columns_of, strict=True)
            ]
        )
        is_class = np.array([kind == "classification" for kind in self.kinds])
        return np.where(is_class, expit(sums), sums)

    def predict_with_variance(self, columns: NDArray[Any]) -> tuple[NDArray[np.float64], None]:
        """What `predict` gives; of their own ignorance these say nothing."""
        return self.predict(columns), None

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """As they are stored."""
        return {
            key: array
            for m, member in enumerate(self.trees)
            for t, own in enumerate(member)
            for key, array in own.to_arrays(f"{m}.{t}").items()
        }


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
