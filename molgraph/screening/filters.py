"""Hard filters: what a compound must be like to be listed, whatever the models say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from molgraph.chem.alerts import ALERT_CATALOGUES, alerts
from molgraph.chem.druglikeness import drug_likeness
from molgraph.errors import InputError
from molgraph.storage.decode import is_number


@dataclass(frozen=True)
class HardFilters:
    """What a compound must be like; a limit that is None does not count.

    Attributes:
        no_alerts_of: Catalogues of which it must have no alert.
        min_qed: Least drug-likeness.
        max_lipinski_violations: Most rules of five that it may break.
        max_sa_score: Most that it may be hard to make.
    """

    no_alerts_of: tuple[str, ...] = ()
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
    limits = ("min_qed", "max_lipinski_violations", "max_sa_score")
    unknown = [name for name in values if name not in {*limits, "no_alerts_of"}]
    if unknown:
        raise InputError(f"filters have {unknown[0]!r}; known are no_alerts_of, {', '.join(limits)}")
    names = values.get("no_alerts_of", [])
    if not isinstance(names, list) or any(name not in (*ALERT_CATALOGUES,) for name in names):
        raise InputError(f"no_alerts_of is {names!r}; it must be a list of {', '.join(ALERT_CATALOGUES)}")
    for name in limits:
        value = values.get(name)
        if value is not None and not is_number(value):
            raise InputError(f"the filter {name} is {value!r}; it must be a number")
    numbers = {name: None if values.get(name) is None else float(values[name]) for name in limits}
    return HardFilters(no_alerts_of=tuple(names), **numbers)
