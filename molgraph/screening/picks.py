"""Hits that differ from each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from molgraph.chem.fingerprints import morgan_fingerprints
from molgraph.chem.scaffold import murcko_scaffold
from molgraph.rank.diverse import best_of_each, clusters, max_min
from molgraph.rank.top import Ranked
from molgraph.screening.hits import Hit
from molgraph.screening.options import DiversityRule, ScreenOptions

if TYPE_CHECKING:  # loading a model loads torch: helpers are started before that
    from molgraph.prediction.predictor import Predictor

#: Compounds of a cluster are at least as similar as that to its best one (Tanimoto, Morgan radius 2, 2,048 bits): what
#: chemists see as one series is usually above it.
CLUSTER_SIMILARITY = 0.5


def picked_hits(ranking: Sequence[Ranked[Hit]], predictor: Predictor, options: ScreenOptions) -> list[Ranked[Hit]]:
    """The hits that the options ask for; none if they do not.

    Args:
        ranking: The hits, best first.
        predictor: Knows how structures are made ready.
        options: How many, and how they are picked.
    """
    if options.diverse is None or not ranking:
        return []
    texts = predictor.standardized([entry.payload.smiles for entry in ranking])
    return [ranking[place] for place in _places(texts, options.diverse, options.diverse_by)]


def _places(texts: Sequence[str], n: int, rule: DiversityRule) -> list[int]:
    if rule == "scaffold":
        return best_of_each([murcko_scaffold(text) for text in texts], n)
    fingerprints = morgan_fingerprints(texts)
    if rule == "cluster":
        return best_of_each(clusters(fingerprints, CLUSTER_SIMILARITY), n)
    return max_min(fingerprints, n)
