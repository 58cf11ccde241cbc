"""Folds of whole chemical series: what a model is asked when a project moves on to new chemistry."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from molgraph.chem.fingerprints import morgan_fingerprints
from molgraph.datasets.parents import Indices, merged_groups, numbers_of_groups, rows_of_groups
from molgraph.datasets.splits import butina_groups, even_folds, scaffold_groups

SeriesKind = Literal["scaffold", "cluster"]

#: A series that holds more of the rows than this leaves too few to learn from when it is held out.
LARGEST_SHARE = 0.5

#: Least Tanimoto similarity of a compound to the centre of its cluster.
_SIMILARITY = 0.4


@dataclass(frozen=True)
class SeriesFolds:
    """Folds that never part a series.

    Attributes:
        kind: What a series is: a Murcko scaffold, or a cluster of similar compounds (Butina, Morgan fingerprints).
        fold: `[B]` fold of each row.
    """

    kind: SeriesKind
    fold: Indices


def series_folds(smiles: Sequence[str], parents: Indices, *, k: int, seed: int) -> SeriesFolds | None:
    """Folds of whole scaffolds; of clusters where one scaffold holds half of the rows; None where that is so there too.

    Compounds without a ring share one empty scaffold, which is no series: these are told apart by clusters.

    Args:
        smiles: `[B]` structures, some thousands at most.
        parents: `[B]` parent compound of each row, which is never parted either.
        k: Number of folds.
        seed: The same seed gives the same folds.

    Example:
        >>> rings = ["c1ccccc1", "C1CCCC1", "c1ccncc1", "C1CC1"]
        >>> found = series_folds([f"{ring}{tail}" for ring in rings for tail in ("C", "CC")], np.arange(8), k=2, seed=0)
        >>> found.kind, bool((found.fold[::2] == found.fold[1::2]).all())
        ('scaffold', True)
    """
    by_scaffold = scaffold_groups(smiles)
    clusters: list[list[int]] | None = None
    for kind in ("scaffold", "cluster"):
        if kind == "cluster":
            clusters = butina_groups(morgan_fingerprints(smiles), _SIMILARITY)
        own = by_scaffold if clusters is None else clusters
        groups = rows_of_groups(merged_groups(numbers_of_groups(own, len(smiles)), parents))
        if len(groups) >= k and max(map(len, groups)) <= LARGEST_SHARE * len(smiles):
            return SeriesFolds(kind, even_folds(groups, k, np.random.default_rng(seed), len(smiles)))
    return None
