"""Hard filters: requirements on structures for being listed, apart from predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from molgraph.chem.alerts import alerts
from molgraph.chem.druglikeness import drug_likeness
from molgraph.config.screening import AlertName
from molgraph.storage.decode_typed import decode


@dataclass(frozen=True)
class HardFilters:
    """What a compound must be like; a limit that is None does not count.

    Attributes:
        no_alerts_of: Catalogues of which it must have no alert.
        min_qed: Least drug-likeness.
        max_lipinski_violations: Most rules of five that it may break.
        max_sa_score: Most that it may be hard to make.
    """

    no_alerts_of: tuple[AlertName, ...] = ()
    min_qed: float | None = None
    max_lipinski_violations: float | None = None
    max_sa_score: float | None = None

    def pass_through(self, smiles: Sequence[str]) -> list[bool]:
        """Whether each structure is like that. What RDKit cannot say of it is held against it.

        >>> HardFilters(no_alerts_of=("pains",)).pass_through(["O=C1C=CC(=O)C=C1", "CC(=O)Oc1ccccc1C(=O)O"])
        [False, True]
        """
        passes = [not found for found in alerts(smiles, self.no_alerts_of)]
        if self.min_qed is None and self.max_lipinski_violations is None and self.max_sa_score is None:
            return passes
        for i, found in enumerate(drug_likeness(smiles)):
            broken = float("nan") if found.lipinski_violations is None else found.lipinski_violations
            passes[i] = (
                passes[i]
                and (self.min_qed is None or found.qed >= self.min_qed)
                and (self.max_lipinski_violations is None or broken <= self.max_lipinski_violations)
                and (self.max_sa_score is None or found.sa_score <= self.max_sa_score)
            )
        return passes


def parse_filters(values: Mapping[str, Any]) -> HardFilters:
    """The filters that the table `[filters]` of a profile describes.

    Raises:
        InputError: It has an unknown key, or a value that is none.

    >>> parse_filters({"no_alerts_of": ["pains"], "max_sa_score": 5})
    HardFilters(no_alerts_of=('pains',), min_qed=None, max_lipinski_violations=None, max_sa_score=5.0)
    """
    return decode(HardFilters, values, "filters", noun="filter")
