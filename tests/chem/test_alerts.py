"""Alerts and drug-likeness against RDKit."""

import math

import pytest
from rdkit import Chem
from rdkit.Chem import QED
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

from molgraph.chem.alerts import ALERT_CATALOGUES, alerts
from molgraph.chem.druglikeness import drug_likeness
from molgraph.errors import InputError

STRUCTURES = [
    "CCO", "O=C1C=CC(=O)C=C1", "CC(=O)Oc1ccccc1C(=O)O", "O=[N+]([O-])c1ccccc1", "S=C1SCC(=O)N1CC",
    "CCCCCCCCCCCCCCCCCC(=O)NCCCCCCCCCCCCCCCCCCCCCC", "[Na+].[Cl-]", "C",
]  # fmt: skip


@pytest.mark.parametrize("name", ALERT_CATALOGUES)
@pytest.mark.parametrize("threads", [1, 2])
def test_alerts_are_those_of_rdkit(name, threads):
    parameters = FilterCatalogParams()
    parameters.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, ALERT_CATALOGUES[name].key))
    catalogue = FilterCatalog(parameters)
    labels = alerts(STRUCTURES, [name], threads=threads)
    for text, label in zip(STRUCTURES, labels, strict=True):
        entries = [entry.GetDescription() for entry in catalogue.GetMatches(Chem.MolFromSmiles(text))]
        assert label == "; ".join(f"{name}: {entry}" for entry in dict.fromkeys(entries))
    assert any(labels)


def test_alerts_of_nothing():
    assert alerts([]) == []
    assert alerts(["not a molecule", ""]) == ["", ""]
    with pytest.raises(InputError, match="no alert catalogue 'zinc'; choose of pains, brenk, nih, chembl"):
        alerts(["CCO"], ["zinc"])


def test_drug_likeness():
    likenesses = drug_likeness(STRUCTURES)
    for text, likeness in zip(STRUCTURES, likenesses, strict=True):
        assert likeness.qed == QED.qed(Chem.MolFromSmiles(text))
        assert 1 <= likeness.sa_score <= 10
    assert likenesses[2].lipinski_violations == 0
    assert likenesses[5].lipinski_violations == 2  # too heavy, too greasy
    (nothing,) = drug_likeness(["not a molecule"])
    assert (math.isnan(nothing.qed), nothing.lipinski_violations, math.isnan(nothing.sa_score)) == (True, None, True)
