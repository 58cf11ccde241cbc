"""The panel as it is made: the recipe, and a model from a small table."""

import csv
import tomllib
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest
from safetensors import safe_open

from molgraph import Predictor, evaluate
from molgraph.chem.identity import canonical_smiles
from molgraph.errors import InputError, ModelError
from molgraph.model_folder.encoder_folder import builtin_encoder_folder, load_encoder
from molgraph.model_folder.folder import load_card, load_model
from molgraph.model_folder.parts import TRAINING_HASHES
from molgraph.model_folder.percentiles import reference_values
from molgraph.prediction.builtin_models import builtin_models
from molgraph.training.build_panel import REFERENCE_FILE, EndpointTask, build_panel, endpoint_dataset, endpoints
from molgraph.training.ensemble import train_ensemble
from molgraph.uncertainty.probabilities import ProbabilityCalibration, fit_probability_calibration


@pytest.fixture
def small(monkeypatch, tmp_path, assay):
    """A recipe of one endpoint, and a folder of data with its table and ten drugs."""
    data = tmp_path / "data"
    (data / "libraries").mkdir(parents=True)
    smiles, values = assay
    with (data / "table.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Drug", "Y"])
        writer.writerows([*zip(smiles[:60], values[:60], strict=True), (smiles[0], values[0] + 3), ("oops", 1.0)])
    (data / REFERENCE_FILE).write_text("smiles\n" + "\n".join(smiles[100:110]) + "\nC1CC\n")
    endpoint = replace(
        next(own for own in endpoints() if own.name == "caco2"),
        name="small",
        file="table.csv",
        tasks=(EndpointTask("Y", "small", "logD", None),),
    )
    monkeypatch.setattr("molgraph.training.build_panel.endpoints", lambda: (endpoint,))
    return endpoint, data, tmp_path / "models"


def test_the_recipe_names_each_endpoint_and_task_once():
    names = [endpoint.name for endpoint in endpoints()]
    tasks = [task.name for endpoint in endpoints() for task in endpoint.tasks]
    assert len(names) == len(set(names)) == 27
    assert len(tasks) == len(set(tasks)) == 38
    for endpoint in endpoints():
        assert all((task.unit is None) == (endpoint.kind == "classification") for task in endpoint.tasks)
        if endpoint.file.startswith("tdc_admet/"):
            assert endpoint.file.endswith("/train_val.csv")


def test_a_recipe_that_says_something_else_is_refused(monkeypatch):
    text = resources.files("molgraph_data").joinpath("panel.toml").read_text(encoding="utf-8")
    values = tomllib.loads(text)
    values["endpoints"][0]["kind"] = "ranking"
    monkeypatch.setattr("molgraph.training.build_panel.decode_toml", lambda _: values)
    with pytest.raises(InputError, match=r"panel\.toml: herg: kind is 'ranking'"):
        endpoints()


def test_a_model_of_the_panel_from_its_table(small):
    endpoint, data, output = small
    told = []
    assert build_panel(data, output, tell=told.append) == (output / "small",)
    assert len(told) == 1
    assert told[0].startswith("small: 60 compounds, cross-validated rmse ")
    card = load_card(output / "small")
    assert (card.learners, card.n_members, card.has_structures) == (("gp_embedding",), 5, False)
    assert card.reference == "10 approved drugs (ChEMBL)"
    assert card.about.title == endpoint.about.title
    assert card.about.defects == (
        "1 rows gave no molecule and were left out.",
        "1 structures came several times and were merged, 1 of them with labels that contradict each other.",
    )
    assert card.encoder == load_encoder(builtin_encoder_folder()).digest
    assert not (output / "small" / "encoder.safetensors").exists()
    # Half of the reference compounds are below the middle of them.
    model = Predictor.load(output / "small", device="cpu")
    middle = np.median(load_model(output / "small").reference.values)
    assert model.reference.percentiles(np.array([[middle]])).tolist() == [[50.0]]
    before = sorted((path, path.stat().st_mtime_ns) for path in output.rglob("*"))
    assert build_panel(data, output, tell=told.append) == (output / "small",)  # what is there stays
    assert sorted((path, path.stat().st_mtime_ns) for path in output.rglob("*")) == before


def test_reference_compounds_that_were_trained_on_get_what_was_said_of_them_unseen(small, assay, monkeypatch):
    _, data, output = small
    smiles, _ = assay
    (data / REFERENCE_FILE).write_text(
        "smiles\n" + "\n".join([*smiles[:5], f"{smiles[5]}.Cl", *smiles[100:104]]) + "\n"
    )
    trained = {}

    def kept(dataset, config):
        trained["rows"], trained["all"] = dataset, train_ensemble(dataset, config)
        return trained["all"]

    monkeypatch.setattr("molgraph.training.build_panel.train_ensemble", kept)
    build_panel(data, output)
    model = load_model(output / "small")
    blind = trained["all"].out_of_fold[:6, 0].astype(np.float32)  # the rows of the table are in the order of the assay
    assert set(blind.tolist()) <= set(model.reference.values[0].tolist())
    seen = Predictor.load(output / "small", device="cpu").predict(list(smiles[:6])).mean[:, 0].astype(np.float32)
    assert not set(seen.tolist()) & set(model.reference.values[0].tolist())
    assert model.reference.values.shape == (1, 10)


def test_a_model_of_the_panel_knows_its_compounds_by_their_hashes(small, assay, tmp_path, monkeypatch):
    _, data, output = small
    build_panel(data, output)
    model = Predictor.load(output / "small", device="cpu")
    structures = model.standardized(assay[0][58:62])
    keys = [str(canonical_smiles(text)) for text in structures]
    assert model.in_training(keys) == [True, True, False, False]
    with pytest.raises(InputError, match="all 60 compounds"):
        evaluate(model, data / "table.csv", target_columns=["Y"])
    new = tmp_path / "new.csv"
    rows = zip(assay[0][50:150], assay[1][50:150], strict=True)
    new.write_text("smiles,small\n" + "".join(f"{smiles},{value}\n" for smiles, value in rows))
    found = evaluate(model, new)
    assert (found.in_training, found.used) == (10, 90)
    monkeypatch.setattr("molgraph.prediction.predictor.rdkit.__version__", "1999.09")
    assert model.in_training(keys) is None


def test_a_model_of_the_panel_can_be_recalibrated(small, assay, tmp_path):
    _, data, output = small
    build_panel(data, output)
    new = tmp_path / "new.csv"
    rows = zip(assay[0][60:160], assay[1][60:160], strict=True)
    new.write_text("smiles,small\n" + "".join(f"{smiles},{value}\n" for smiles, value in rows))
    evaluate(output / "small", new, recalibrate=tmp_path / "again")
    model = Predictor.load(tmp_path / "again", device="cpu")
    assert (model.card.calibration_rows, model.card.recalibrated_on.name) == ((100,), "new.csv")
    assert model.reference is not None  # values are what they were, so their percentiles are true
    with pytest.raises(InputError, match="all 100 compounds"):
        evaluate(model, new)
    lower, upper = model.predict(assay[0][160:400]).interval(0.9)
    truth = np.asarray(assay[1][160:400])[:, None]
    assert ((truth >= lower) & (truth <= upper)).mean() == pytest.approx(0.9, abs=0.08)


PLATT = ProbabilityCalibration("platt", {"slope": np.array([0.4]), "shift": np.array([1.5])})
STEEP = ProbabilityCalibration("platt", {"slope": np.array([3.0]), "shift": np.array([-0.5])})


def one_after_the_other(folder, drugs, *maps):
    """A model that compares with drugs, with one map of its probabilities after the other."""
    model = load_model(folder)
    of_tasks = [
        tuple(probability if task.kind == "classification" else None for task in model.card.tasks)
        for probability in maps
    ]
    calibrations = [replace(model.calibration, probabilities=probabilities) for probabilities in of_tasks]
    model = replace(model, calibration=calibrations[0], card=replace(model.card, reference="drugs"))
    said = Predictor(model, digest="", device="cpu").predict(drugs)
    models = [Predictor(replace(model, reference=reference_values(said.mean)), digest="", device="cpu")]
    for calibration in calibrations[1:]:
        again = models[-1].recalibrated(calibration, ["CCO"], models[-1].card)
        models.append(Predictor(again, digest="", device="cpu"))
    return models


def test_percentiles_stay_where_probabilities_come_out_otherwise(mixed_folder, assay):
    models = one_after_the_other(mixed_folder, assay[0][:50], PLATT, STEEP, PLATT)
    first, second, third = (model.predict(assay[0][50:120]) for model in models)
    is_class = [task.kind == "classification" for task in first.tasks]
    assert 0 < sum(is_class) < len(is_class)
    assert (first.mean != second.mean).all(axis=0).tolist() == is_class
    # A drug is 2 per cent; two that are the same to six digits may change places.
    assert second.percentiles == pytest.approx(first.percentiles, abs=2.0)
    assert third.percentiles == pytest.approx(first.percentiles, abs=2.0)
    assert len(np.unique(first.percentiles[:, is_class])) > 10
    assert models[-1].card.reference == "drugs"


def test_percentiles_go_where_probabilities_cannot_be_told(mixed_folder, assay):
    rng = np.random.default_rng(0)
    steps = fit_probability_calibration("isotonic", rng.random(40), np.arange(40) % 2.0)
    _, stepped, after = one_after_the_other(mixed_folder, assay[0][:50], PLATT, steps, PLATT)
    assert stepped.predict(assay[0][50:60]).percentiles is not None  # into steps, but not out of them
    assert (after.reference, after.card.reference) == (None, None)
    assert after.predict(assay[0][50:60]).percentiles is None


def test_builtin_models_know_how_many_compounds_they_were_trained_on():
    for name, folder in builtin_models().items():
        card = load_card(folder)
        with safe_open(folder / TRAINING_HASHES, framework="np") as file:
            hashes = file.get_tensor("exact")
        assert len(np.unique(hashes)) == len(hashes) == card.data.rows_used, name


def test_an_endpoint_may_blend_and_have_one_member(small, monkeypatch):
    endpoint, data, output = small
    blend = replace(endpoint, learner=None, preset="lean", folds=1)
    monkeypatch.setattr("molgraph.training.build_panel.endpoints", lambda: (blend,))
    build_panel(data, output)
    card = load_card(output / "small")
    assert (card.learners, card.n_members, card.has_structures) == (("network", "gp_embedding"), 1, False)
    assert {record.n_rows for record in card.metrics} == {6}  # a tenth
    assert Predictor.load(output / "small", device="cpu").predict(["CCO"]).mean.shape == (1, 1)


def test_a_model_without_its_encoder_needs_the_one_that_comes_along(small, monkeypatch):
    _, data, output = small
    build_panel(data, output)
    monkeypatch.setattr("molgraph.model_folder.parts.builtin_encoder_folder", lambda: None)
    with pytest.raises(ModelError, match=r"needs the built-in encoder of molgraph .* has another"):
        load_model(output / "small")


def test_tables_are_read_as_the_recipe_says(data_dir):
    for name in ("herg", "tox21", "bace"):
        endpoint = next(own for own in endpoints() if own.name == name)
        dataset = endpoint_dataset(endpoint, data_dir)
        card = load_card(resources.files("molgraph_data").joinpath("models", name))
        assert dataset.tasks == card.tasks
        assert dataset.fingerprint == card.data.fingerprint
