"""Structural alerts, drug-likeness and synthetic accessibility of hits."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

from molgraph.chem.alerts import alerts
from molgraph.chem.druglikeness import DrugLikeness, drug_likeness
from molgraph.prediction.output_columns import Columns
from molgraph.prediction.predictor import Predictor
from molgraph.rank.top_k import Ranked
from molgraph.screening.close_look import look_closely
from molgraph.screening.hit import Hit

#: Alerts and drug-likeness of some structures.
Quality = list[tuple[str, DrugLikeness]]

#: Lets other processes begin with some structures; what comes back waits for them.
Begin = Callable[[Callable[[list[str]], Quality], Sequence[str]], Callable[[], Quality]]


def quality_columns(
    ranking: Sequence[Ranked[Hit]], predictor: Predictor, catalogues: Sequence[str], begin: Begin
) -> Callable[[Sequence[Ranked[Hit]]], Columns]:
    """Columns of structural alerts, drug-likeness and synthetic accessibility.

    Args:
        ranking: All hits that will be asked for.
        predictor: The first model.
        catalogues: Of structural alerts; nothing is shown if empty.
        begin: Lets other processes begin.
    """
    if not catalogues:
        return lambda _hits: {}
    keys = [entry.key for entry in ranking]
    structures = look_closely(predictor, [entry.payload for entry in ranking])
    finish = begin(partial(_quality, catalogues), structures)

    @cache
    def found() -> Mapping[str, tuple[str, DrugLikeness]]:
        return dict(zip(keys, finish(), strict=True))

    def columns(hits: Sequence[Ranked[Hit]]) -> Columns:
        own = [found()[entry.key] for entry in hits]
        return {
            "alerts": [one[0] for one in own],
            "qed": [one[1].qed for one in own],
            "lipinski_violations": [one[1].lipinski_violations for one in own],
            "sa_score": [one[1].sa_score for one in own],
        }

    return columns


def _quality(catalogues: Sequence[str], texts: list[str]) -> Quality:
    return [*zip(alerts(texts, catalogues), drug_likeness(texts), strict=True)]
