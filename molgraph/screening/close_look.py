"""The close look at a hit: its standardized structure, and the key that makes two spellings one compound.

The standardizer is called here only, and once for each hit: what comes later reads `Hit.standard` and `Hit.key`.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from molgraph.chem.identity import canonical_smiles
from molgraph.config.screening import DomainRule
from molgraph.prediction.predictor import Predictor
from molgraph.rank.top_k import TopK
from molgraph.screening.filters import HardFilters
from molgraph.screening.hit import Hit


def look_closely(
    predictor: Predictor, hits: Sequence[Hit], standard_of: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """The standardized structure of each hit, `[B]`; those that were looked at before are not standardized again.

    Args:
        predictor: Its standardizer is that of the training.
        hits: `Hit.standard` is filled in.
        standard_of: By text the standardized structures that are there already.
    """
    for hit in hits:
        hit.standard = hit.standard or standard_of.get(hit.smiles, "")
    new = [hit for hit in hits if not hit.standard]
    for hit, standard in zip(new, predictor.standardized([hit.smiles for hit in new]), strict=True):
        hit.standard = standard
    return [hit.standard for hit in hits]


def key_of(predictor: Predictor, hit: Hit) -> str:
    """What makes two hits the same compound: the canonical SMILES of the standardized structure.

    Args:
        predictor: Its standardizer is that of the training.
        hit: `Hit.standard` and `Hit.key` are filled in.
    """
    if not hit.key:
        (standard,) = look_closely(predictor, [hit])
        key = canonical_smiles(standard)
        hit.key = key if isinstance(key, str) else standard
    return hit.key


def best_hits(predictor: Predictor, capacity: int, domain: DomainRule, filters: HardFilters | None = None) -> TopK[Hit]:
    """An empty ranking of structures: the main one has those in the domain of the model.

    It has all with the rule `ignore`. What does not pass the filters is in none.
    """

    def are_inside(hits: Sequence[Hit]) -> list[bool | None]:
        places: list[bool | None] = [domain == "ignore" or not hit.is_outside for hit in hits]
        if filters is not None:
            passes = filters.pass_through(look_closely(predictor, hits))
            places = [place if passed else None for place, passed in zip(places, passes, strict=True)]
        return places

    return TopK(capacity, are_inside=are_inside, key_of=lambda hit: key_of(predictor, hit))
