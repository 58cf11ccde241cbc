"""Folds of whole chemical series, to evaluate a model on new chemistry."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from molgraph.chem.fingerprints import morgan_fingerprints
from molgraph.datasets.parents import Indices, merged_groups, numbers_of_groups, rows_of_groups
from molgraph.datasets.splits import butina_groups, even_folds, scaffold_groups

SeriesKind = Literal["scaffold", "cluster"]

#: A series with a larger fraction of the rows leaves too few training rows when it is held out.
LARGEST_FRACTION = 0.5

#: Least Tanimoto similarity of a compound to the centre of its cluster.
_SIMILARITY = 0.4


@dataclass(frozen=True)
class SeriesFolds:
    """Folds that keep each series whole.

    Attributes:
        kind: What a series is: a Murcko scaffold, or a cluster of similar compounds (Butina, Morgan fingerprints).
        fold: `[B]` fold of each row.
    """

    kind: SeriesKind
    fold: Indices


def series_folds(smiles: Sequence[str], parents: Indices, *, k: int, seed: int) -> SeriesFolds | None:
    """Folds of whole scaffolds; of clusters where one scaffold has over half of the rows; None where one cluster has.

    Compounds without a ring share one empty scaffold, which is no series: clusters separate them.

    Args:
        smiles: `[B]` structures, some thousands at most.
        parents: `[B]` parent compound of each row; these are kept whole too.
        k: Number of folds.
        seed: The same seed gives the same folds.

    Example:
        >>> smiles = [ring + tail for ring in ("c1ccccc1", "C1CCCC1", "c1ccncc1", "C1CC1") for tail in ("C", "CC")]
        >>> series = series_folds(smiles, np.arange(8), k=2, seed=0)
        >>> series.kind, bool((series.fold[::2] == series.fold[1::2]).all())
        ('scaffold', True)
    """
    by_scaffold = scaffold_groups(smiles)
    clusters: list[list[int]] | None = None
    for kind in ("scaffold", "cluster"):
        if kind == "cluster":
            clusters = butina_groups(morgan_fingerprints(smiles), _SIMILARITY)
        series = by_scaffold if clusters is None else clusters
        groups = rows_of_groups(merged_groups(numbers_of_groups(series, len(smiles)), parents))
        if len(groups) >= k and max(map(len, groups)) <= LARGEST_FRACTION * len(smiles):
            return SeriesFolds(kind, even_folds(groups, k, np.random.default_rng(seed), len(smiles)))
    return None
