"""Hits that differ from each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from molgraph.chem.fingerprints import morgan_fingerprints
from molgraph.chem.scaffold import murcko_scaffold
from molgraph.rank.diverse import best_of_each, max_min
from molgraph.rank.top import Ranked
from molgraph.screening.hits import Hit
from molgraph.screening.options import ScreenOptions

if TYPE_CHECKING:  # loading a model loads torch: helpers are started before that
    from molgraph.predictor import Predictor


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
    if options.diverse_by == "scaffold":
        places = best_of_each([murcko_scaffold(text) for text in texts], options.diverse)
    else:
        places = max_min(morgan_fingerprints(texts), options.diverse)
    return [ranking[place] for place in places]
