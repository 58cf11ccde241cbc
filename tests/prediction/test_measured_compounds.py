"""Predictions show what was measured of a compound for the training."""

import csv

import pytest

from molgraph import Panel, Predictor, TrainConfig, predict_file, train

CHIRAL = "C[C@H](N)c1ccccc1"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model of one regression task with a bound and a gap, and a second task."""
    folder = tmp_path_factory.mktemp("measured")
    rows = [f"{'C' * n}O,{n / 2},{n % 3 / 2}" for n in range(1, 25)]
    rows += [f"{CHIRAL},6.52,", "CC(=O)Nc1ccc(O)cc1,>10,1.5", "C[C@@H](O)CC(=O)O,5.5,", "C[C@H](O)CC(=O)O,5.25,"]
    (folder / "assay.csv").write_text("smiles,pIC50,other\n" + "\n".join(rows) + "\n")
    config = TrainConfig(learner="gp_tanimoto", folds=2)
    return train(folder / "assay.csv", target_columns=["pIC50", "other"], output=folder / "model", config=config)


@pytest.mark.parametrize(
    ("asked", "measured", "other"),
    [
        (CHIRAL, "6.52 (same structure)", ""),
        ("NC(C)c1ccccc1", "6.52 (same but for stereo)", ""),
        ("C[C@@H](N)c1ccccc1", "6.52 (same but for stereo)", ""),
        (f"{CHIRAL}.Cl", "6.52 (same but for salt)", ""),
        ("Cl.NC(C)c1ccccc1", "6.52 (same but for stereo and salt)", ""),
        ("c1cc(O)ccc1NC(C)=O", ">10 (same structure)", "1.5 (same structure)"),
        ("CC(O)CC(=O)[O-].[Na+]", "5.5 or 5.25 (same but for stereo and salt)", ""),
        ("c1ccccc1", "", ""),
        ("wrong", "", ""),
    ],
)
def test_measured_compounds_are_recognised(model, asked, measured, other):
    prediction = model.predict([asked], domain=True)
    assert prediction.measured.tolist() == [[measured, other]]
    assert Panel([model]).predict([asked], domain=True).measured.tolist() == [[measured, other]]
    assert prediction.is_measured.tolist() == [[bool(measured)] * 2]
    assert model.predict([asked]).measured is None


def test_predict_file_has_the_column(model, tmp_path):
    (tmp_path / "in.smi").write_text(
        f"CCCCCCCCCCCCCCCCCCCCCCCCCCCCO long\n{CHIRAL} base\nwrong none\n{CHIRAL}.Br salt\n"
    )
    predict_file(model, tmp_path / "in.smi", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["pIC50_measured"] for row in rows] == ["", "6.52 (same structure)", "", "6.52 (same but for salt)"]
    assert {row["other_measured"] for row in rows} == {""}
    table = model.predict([CHIRAL], domain=True).to_pandas()
    assert table["pIC50_measured"].tolist() == ["6.52 (same structure)"]


def test_models_without_structures(mixed_folder, assay):
    assert Predictor.load(mixed_folder).predict(assay[0][:1], domain=True).measured is None
    built_in = Predictor.load("solubility").predict(["CCCCO", "CCCCO.Cl"], domain=True)
    assert built_in.measured.tolist() == [["same structure"], ["same but for salt"]]


def test_a_salt_that_was_measured_as_a_salt_is_the_same(tmp_path):
    rows = [f"{'C' * n}O,{n / 2}" for n in range(1, 25)] + ["[Na+].CC(=O)[O-],3.25"]
    (tmp_path / "assay.csv").write_text("smiles,y\n" + "\n".join(rows) + "\n")
    config = TrainConfig(learner="gp_tanimoto", folds=2, standardizer="none")
    model = train(tmp_path / "assay.csv", target_columns=["y"], output=tmp_path / "model", config=config)
    assert model.predict(["CC(=O)[O-].[Na+]"], domain=True).measured.tolist() == [["3.25 (same structure)"]]
