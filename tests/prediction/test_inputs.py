"""What goes in from Python: frames and molecules wherever a table or SMILES go in, with the answers of texts and files."""

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from molgraph import MolgraphRegressor, Panel, Predictor, evaluate, featurize, load_dataset, predict_file, screen, train
from molgraph.config.screening import ScreenConfig
from molgraph.errors import InputError

SMILES = ["CC(=O)Oc1ccccc1C(=O)O", "C[C@H](N)C(=O)O", "c1ccccc1O"]


@pytest.fixture(scope="module")
def frame(assay_table):
    return pd.read_csv(assay_table)


def test_molecules_and_columns_are_predicted_as_texts(model_folder):
    model = Predictor.load(model_folder)
    expected = model.predict(SMILES).mean
    molecules = [Chem.MolFromSmiles(text) for text in SMILES]
    column = pd.Series(SMILES, index=[30, 10, 20])
    with_hydrogens = [Chem.AddHs(mol) for mol in molecules]
    for structures in (molecules, column, np.array(SMILES), tuple(SMILES), with_hydrogens):
        np.testing.assert_allclose(model.predict(structures).mean, expected, rtol=1e-5)
        np.testing.assert_allclose(Panel([model]).predict(structures).mean, expected, rtol=1e-5)
        assert len(featurize(structures)) == len(SMILES)
    gap = model.predict([molecules[0], None, float("nan")])
    assert [bad.reason for bad in gap.rejected] == ["the structure is missing"] * 2


@pytest.mark.parametrize("one", ["CCO", Chem.MolFromSmiles("CCO"), pd.DataFrame({"smiles": ["CCO"]})])
def test_one_structure_or_a_table_is_no_list(model_folder, one):
    model = Predictor.load(model_folder)
    for function in (model.predict, Panel([model]).predict, featurize):
        with pytest.raises(InputError, match="give"):
            function(one)


def test_one_name_loads_a_panel():
    assert [task.name for task in Panel.load("panel:herg,solubility").tasks] == ["herg", "solubility"]
    assert repr(Panel.load("herg")) == repr(Panel.load(["herg"]))


def test_a_frame_trains_and_evaluates_as_its_file(frame, assay_table, small_config, tmp_path):
    assert load_dataset(frame, target_columns=["pIC50"]).fingerprint == (
        load_dataset(assay_table, target_columns=["pIC50"]).fingerprint
    )
    model = train(frame, target_columns=["pIC50"], output=tmp_path / "model", config=small_config)
    assert model.card.data.name == "DataFrame"
    molecules = frame.assign(smiles=[Chem.MolFromSmiles(text) for text in frame["smiles"]])
    assert load_dataset(molecules, target_columns=["pIC50"]).rows_read == len(frame)
    with pytest.raises(InputError, match="all 60 compounds of DataFrame were in the training"):
        evaluate(model, frame)
    with pytest.raises(InputError, match="DataFrame has no column 'nothing'"):
        train(frame, target_columns=["nothing"], output=tmp_path / "other", config=small_config)


def test_a_frame_is_screened_and_predicted_as_its_file(frame, assay_table, model_folder, tmp_path):
    model = Predictor.load(model_folder)
    screen(model, frame, output=tmp_path / "of-frame", config=ScreenConfig(domain="ignore", top=10))
    screen(model, assay_table, output=tmp_path / "of-file", config=ScreenConfig(domain="ignore", top=10))
    screen(model, list(frame["smiles"]), output=tmp_path / "of-list", config=ScreenConfig(domain="ignore", top=10))
    hits = [pd.read_csv(tmp_path / name / "hits.csv") for name in ("of-frame", "of-file", "of-list")]
    pd.testing.assert_frame_equal(hits[0], hits[1])
    assert hits[0]["smiles"].tolist() == hits[2]["smiles"].tolist()
    predict_file(model, frame, tmp_path / "of-frame.csv")
    predict_file(model_folder, assay_table, tmp_path / "of-file.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "of-frame.csv"), pd.read_csv(tmp_path / "of-file.csv"))


def test_predictions_as_a_frame(mixed_folder):
    prediction = Panel.load([mixed_folder]).predict(["CCO", "wrong"], domain=True)
    table = prediction.to_pandas()
    values = ["pIC50_pred", "pIC50_std", "pIC50_lower", "pIC50_upper", "pIC50_domain"]
    assert table.columns.tolist() == [*values, "active_pred", "active_std", "active_call", "active_domain", "reason"]
    assert table["pIC50_pred"][0] == prediction.mean[0, 0]
    assert table["pIC50_lower"][0] < table["pIC50_pred"][0] < table["pIC50_upper"][0]
    assert table["reason"][0] == ""
    assert "SMILES Parse Error" in table["reason"][1]
    assert repr(prediction) == "Prediction(2 rows, 1 of them rejected; 2 tasks: pIC50, active)"


def test_estimators_take_molecules_and_give_spreads():
    alcohols = [f"{'C' * n}O" for n in range(1, 21)]
    model = MolgraphRegressor(learner="gp_tanimoto", folds=2).fit(
        [Chem.MolFromSmiles(text) for text in alcohols], range(20)
    )
    values, spread = model.predict(alcohols[:3], return_std=True)
    np.testing.assert_array_equal(values, model.predict(alcohols[:3]))
    assert (spread > 0).all()
