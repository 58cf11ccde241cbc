"""The nearest training compounds of some structures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.results.labels import Labels


@dataclass(frozen=True)
class Neighbours:
    """The K nearest training compounds of each of Q structures, the nearest first.

    Attributes:
        ids: `[Q][K]` identifiers.
        smiles: `[Q][K]` structures.
        similarity: `[Q, K]` Tanimoto similarity of Morgan fingerprints (radius 2, 2,048 bits), 0 to 1.
        labels: `[Q, K, T]` measured values, and bounds of others.
    """

    ids: tuple[tuple[str, ...], ...]
    smiles: tuple[tuple[str, ...], ...]
    similarity: NDArray[np.float64]
    labels: Labels


def in_rows(values: NDArray[np.float64], row: NDArray[np.int64] | None, n_rows: int) -> NDArray[np.float64]:
    """`values [b, ...]` put at the rows that they belong to, `[n_rows, ...]`; NaN in the others."""
    if row is None:
        return values
    placed = np.full((n_rows, *values.shape[1:]), np.nan)
    placed[row] = values
    return placed
