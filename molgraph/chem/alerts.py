"""Structural alerts: substructures that interfere with assays or are reactive or unstable, of RDKit's catalogues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from rdkit.Chem import FilterCatalog as Filters

from molgraph.chem.parse import quiet_rdkit
from molgraph.errors import InputError


@dataclass(frozen=True)
class AlertCatalogue:
    """One catalogue.

    Attributes:
        name: Name in `alerts` and on the command line.
        key: Name in RDKit's `FilterCatalogParams.FilterCatalogs`.
        description: What it finds, and its source.
    """

    name: str
    key: str
    description: str


#: What RDKit gives instead of an alert for a structure that it cannot read.
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
        InputError: A catalogue is unknown.

    >>> alerts(["CCO", "O=C1C=CC(=O)C=C1"])
    ['', 'pains: quinone_A(370); brenk: chinone_1']
    """
    labels: list[list[str]] = [[] for _ in smiles]
    for name in catalogues:
        if name not in ALERT_CATALOGUES:
            raise InputError(f"there is no alert catalogue {name!r}; choose of {', '.join(ALERT_CATALOGUES)}")
        with quiet_rdkit():
            matches = Filters.RunFilterCatalog(  # type: ignore[attr-defined]  # not in RDKit's stubs
                _catalogue(name), list(smiles), threads
            )
        for row_labels, entries in zip(labels, matches, strict=True):
            texts = dict.fromkeys(str(entry.GetDescription()) for entry in entries)
            texts.pop(_UNREADABLE, None)
            row_labels += [f"{name}: {text}" for text in texts]
    return ["; ".join(row_labels) for row_labels in labels]


@cache
def _catalogue(name: str) -> Filters.FilterCatalog:
    parameters = Filters.FilterCatalogParams()
    parameters.AddCatalog(getattr(Filters.FilterCatalogParams.FilterCatalogs, ALERT_CATALOGUES[name].key))
    return Filters.FilterCatalog(parameters)
