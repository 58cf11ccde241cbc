"""Structural alerts: substructures that mislead assays, react, or break, as RDKit's filter catalogues know them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from rdkit.Chem import FilterCatalog as Filters

from molgraph.chem.parse import quiet_rdkit
from molgraph.errors import InputError

AlertCatalogueName = Literal["pains", "brenk", "nih", "chembl"]


@dataclass(frozen=True)
class AlertCatalogue:
    """One catalogue.

    Attributes:
        name: As `alerts` and the command line know it.
        key: Name in RDKit's `FilterCatalogParams.FilterCatalogs`.
        description: What it finds, and where it is from.
    """

    name: AlertCatalogueName
    key: str
    description: str


#: What RDKit says in the place of an alert where it cannot read a structure.
_UNREADABLE = "no valid RDKit molecule"

#: The catalogues, by name.
ALERT_CATALOGUES: Mapping[str, AlertCatalogue] = MappingProxyType(
    {
        catalogue.name: catalogue
        for catalogue in (
            AlertCatalogue("pains", "PAINS", "assay interference (Baell and Holloway 2010, doi:10.1021/jm901137j)"),
            AlertCatalogue("brenk", "BRENK", "unwanted in leads (Brenk et al. 2008, doi:10.1002/cmdc.200700139)"),
            AlertCatalogue("nih", "NIH", "reactive or promiscuous (Jadhav et al. 2010, doi:10.1021/jm901070c)"),
            AlertCatalogue("chembl", "CHEMBL", "the seven sets of alerts that ChEMBL lists"),
        )
    }
)


def alerts(smiles: Sequence[str], catalogues: Sequence[str] = ("pains", "brenk"), *, threads: int = 1) -> list[str]:
    """The alerts of each structure as text, `catalogue: name; ...`; empty where there are none.

    Args:
        smiles: Structures; one that cannot be read has no alert.
        catalogues: Keys of `ALERT_CATALOGUES`.
        threads: Threads that share the work.

    Raises:
        InputError: A catalogue is not known.

    >>> alerts(["CCO", "O=C1C=CC(=O)C=C1"])
    ['', 'pains: quinone_A(370); brenk: chinone_1']
    """
    found: list[list[str]] = [[] for _ in smiles]
    for name in catalogues:
        if name not in ALERT_CATALOGUES:
            raise InputError(f"there is no alert catalogue {name!r}; choose of {', '.join(ALERT_CATALOGUES)}")
        with quiet_rdkit():
            matches = Filters.RunFilterCatalog(  # type: ignore[attr-defined]  # not in RDKit's stubs
                _catalogue(name), list(smiles), threads
            )
        for own, entries in zip(found, matches, strict=True):
            texts = dict.fromkeys(str(entry.GetDescription()) for entry in entries)
            texts.pop(_UNREADABLE, None)
            own += [f"{name}: {text}" for text in texts]
    return ["; ".join(own) for own in found]


@cache
def _catalogue(name: str) -> Filters.FilterCatalog:
    parameters = Filters.FilterCatalogParams()
    parameters.AddCatalog(getattr(Filters.FilterCatalogParams.FilterCatalogs, ALERT_CATALOGUES[name].key))
    return Filters.FilterCatalog(parameters)
