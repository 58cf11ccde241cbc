import subprocess
import sys

import numpy as np
import pytest

from molgraph.errors import InputError
from molgraph.features import featurize as module
from molgraph.features.cuik_engine import is_cuik_available
from molgraph.features.featurize import featurize
from molgraph.features.schema import SCHEMA
from molgraph.graphs import PackedGraphs

ARRAYS = ("atom_codes", "bond_codes", "bond_atoms", "atom_ptr", "bond_ptr", "row_index")


def assert_equal(one: PackedGraphs, other: PackedGraphs) -> None:
    for name in ARRAYS:
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert one.rejected == other.rejected


def test_codes_of_a_molecule_by_hand():
    graphs = featurize(["C[N+](C)(C)[13CH2]/C=C/[S@](=O)C#N"], standardizer="none")
    element = graphs.atom_codes[:, 0].tolist()
    assert element == [6, 7, 6, 6, 6, 6, 6, 16, 8, 6, 7]
    columns = {spec.name: graphs.atom_codes[:, k] for k, spec in enumerate(SCHEMA.atom)}
    assert columns["degree"].tolist() == [4, 4, 4, 4, 4, 3, 3, 3, 1, 2, 1]
    assert columns["charge"].tolist() == [4, 5, *[4] * 9]
    assert columns["chirality"].tolist() == [*[0] * 7, 2, 0, 0, 0]
    assert columns["hydrogens"].tolist() == [3, 0, 3, 3, 2, 1, 1, 0, 0, 0, 0]
    assert columns["hybridization"].tolist() == [4, 4, 4, 4, 4, 3, 3, 4, 3, 2, 2]
    assert columns["isotope"].tolist() == [4, 4, 4, 4, 5, *[4] * 6]
    assert not (columns["aromatic"] | columns["ring"] | columns["radicals"]).any()
    assert graphs.bond_codes[:, 0].tolist() == [0, 0, 0, 0, 0, 1, 0, 1, 0, 2]
    assert graphs.bond_codes[:, 3].tolist() == [0, 0, 0, 0, 0, 3, 0, 0, 0, 0]
    assert graphs.bond_atoms.tolist() == [
        [0, 1],
        [1, 2],
        [1, 3],
        [1, 4],
        [4, 5],
        [5, 6],
        [6, 7],
        [7, 8],
        [7, 9],
        [9, 10],
    ]


def test_rings_and_radicals_by_hand():
    benzyl = featurize(["[CH2]c1ccccc1"], standardizer="none")
    columns = {spec.name: benzyl.atom_codes[:, k].tolist() for k, spec in enumerate(SCHEMA.atom)}
    assert columns["ring"] == columns["aromatic"] == [0, *[1] * 6]
    assert columns["radicals"] == [1, *[0] * 6]
    assert benzyl.bond_codes.tolist() == [[0, 0, 0, 0], *[[3, 1, 1, 0]] * 6]


@pytest.mark.parametrize("engine", ["cuik", "rdkit"])
def test_rejected_rows(engine):
    if engine == "cuik" and not is_cuik_available():
        pytest.skip("cuik_molmaker is not installed")
    smiles = ["CCO", None, "[Na+].OC(=O)C1CC", float("nan"), "CN(C)(C)C", "", "CC(=O)[O-].[Na+]"]
    ids = ["a", "b", "c", "", "e", "f", "g"]
    graphs = featurize(smiles, ids=ids, engine=engine)
    assert graphs.row_index.tolist() == [0, 6]
    assert [(bad.row, bad.id, bad.text, bad.step) for bad in graphs.rejected] == [
        (1, "b", "None", "read"),
        (2, "c", "[Na+].OC(=O)C1CC", "parse"),
        (3, "3", "nan", "read"),
        (4, "e", "CN(C)(C)C", "parse"),
        (5, "f", "", "parse"),
    ]
    assert all(bad.reason and "\n" not in bad.reason for bad in graphs.rejected)
    assert graphs.n_rows == len(smiles)


def test_rejected_text_is_the_original_one():
    # The standardizer respells the amine without parsing the rest.
    [bad] = featurize(["C[NH3+].bad"]).rejected + featurize(["C1CC[NH3+]"]).rejected[1:]
    assert bad.text == "C[NH3+].bad"
    assert featurize(["C1CC[NH3+]"]).rejected[0].text == "C1CC[NH3+]"


def test_standardizer_is_applied():
    assert_equal(featurize(["CC(=O)[O-].[Na+]"]), featurize(["CC(=O)O"]))
    assert featurize(["CC(=O)[O-].[Na+]"], standardizer="none").n_atoms == 5


def test_nothing_usable():
    for smiles in ([], ["bad"], [""]):
        graphs = featurize(smiles)
        assert (len(graphs), graphs.n_rows) == (0, len(smiles))
        assert graphs.atom_codes.shape == (0, len(SCHEMA.atom))
        assert graphs.bond_codes.shape == (0, len(SCHEMA.bond))
        assert graphs.bond_atoms.shape == (0, 2)


def test_other_sequences():
    expected = featurize(["CCO", "CN"])
    assert_equal(featurize(("CCO", "CN")), expected)
    assert_equal(featurize(np.array(["CCO", "CN"])), expected)
    assert_equal(featurize(np.array(["CCO", "CN"], dtype=object)), expected)
    pandas = pytest.importorskip("pandas")
    assert_equal(featurize(pandas.Series(["CCO", "CN"], index=[7, 3])), expected)


def test_chunks_join_seamlessly(nci, monkeypatch):
    expected = featurize(nci[:1000])
    monkeypatch.setattr(module, "_CHUNK_SIZE", 7)
    assert_equal(featurize(nci[:1000]), expected)


def test_processes_give_the_same(nci, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK_SIZE", 300)
    assert_equal(featurize(nci[:1000], processes=2), featurize(nci[:1000]))


def test_auto_without_the_cuik_engine(monkeypatch, nci):
    expected = featurize(nci[:200])
    monkeypatch.setattr(module, "is_cuik_available", lambda: False)
    assert_equal(featurize(nci[:200]), expected)
    monkeypatch.setattr("molgraph.features.cuik_engine._checked_call", lambda: None)
    with pytest.raises(InputError, match=r"engine is cuik.*use engine rdkit"):
        featurize(["C"], engine="cuik")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"smiles": "CCO"}, r"single text 'CCO'; give a list"),
        ({"smiles": ["C"], "ids": ["a", "b"]}, r"ids has 2 entries for 1 structures"),
        ({"smiles": ["C"], "engine": "quick"}, r"engine is 'quick'; choose one of auto, cuik, rdkit"),
        ({"smiles": ["C"], "processes": 0}, r"processes is 0"),
        ({"smiles": ["C"], "standardizer": "best"}, r"best.*choose one of none, default"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(InputError, match=message) as caught:
        featurize(**arguments)
    assert "\n" not in str(caught.value)


def test_import_is_light():
    code = "import sys, molgraph.features.featurize as f; f.featurize(['C']); print(*({'pandas', 'scipy', 'torch'} & set(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == ""
