"""The panel as it is made: the recipe, and a model from a small table."""

import csv
import tomllib
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest

from molgraph import Predictor
from molgraph.encoder_store import load_encoder, shipped_encoder_folder
from molgraph.endpoints import REFERENCE_FILE, EndpointTask, build_panel, endpoint_dataset, endpoints
from molgraph.errors import InputError, ModelError
from molgraph.store import load_card, load_model


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
    monkeypatch.setattr("molgraph.endpoints.endpoints", lambda: (endpoint,))
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
    monkeypatch.setattr("molgraph.endpoints.tomllib.loads", lambda _: values)
    with pytest.raises(InputError, match=r"panel\.toml: herg: kind is 'ranking'"):
        endpoints()


def test_a_model_of_the_panel_from_its_table(small):
    endpoint, data, output = small
    told = []
    assert build_panel(data, output, tell=told.append) == (output / "small",)
    assert len(told) == 1
    assert told[0].startswith("small: 60 compounds, out of fold rmse ")
    card = load_card(output / "small")
    assert (card.learners, card.n_members, card.has_structures) == (("latent",), 5, False)
    assert card.reference == "10 approved drugs (ChEMBL)"
    assert card.about.title == endpoint.about.title
    assert card.about.defects == (
        "1 rows gave no molecule and were left out.",
        "1 structures came several times and were merged, 1 of them with labels that contradict each other.",
    )
    assert card.encoder == load_encoder(shipped_encoder_folder()).digest
    assert not (output / "small" / "encoder.safetensors").exists()
    # Half of the reference compounds are below the middle of them.
    model = Predictor.load(output / "small", device="cpu")
    middle = np.median(load_model(output / "small").reference.values)
    assert model.reference.percentiles(np.array([[middle]])).tolist() == [[50.0]]
    before = sorted((path, path.stat().st_mtime_ns) for path in output.rglob("*"))
    assert build_panel(data, output, tell=told.append) == (output / "small",)  # what is there stays
    assert sorted((path, path.stat().st_mtime_ns) for path in output.rglob("*")) == before


def test_an_endpoint_may_blend_and_have_one_member(small, monkeypatch):
    endpoint, data, output = small
    blend = replace(endpoint, learner=None, preset="lean", folds=1)
    monkeypatch.setattr("molgraph.endpoints.endpoints", lambda: (blend,))
    build_panel(data, output)
    card = load_card(output / "small")
    assert (card.learners, card.n_members, card.has_structures) == (("network", "latent"), 1, False)
    assert {record.n_rows for record in card.metrics} == {6}  # a tenth
    assert Predictor.load(output / "small", device="cpu").predict(["CCO"]).mean.shape == (1, 1)


def test_a_model_without_its_encoder_needs_the_one_that_comes_along(small, monkeypatch):
    _, data, output = small
    build_panel(data, output)
    monkeypatch.setattr("molgraph.store.shipped_encoder_folder", lambda: None)
    with pytest.raises(ModelError, match=r"was made to be used with the encoder of molgraph .* comes with another"):
        load_model(output / "small")


def test_tables_are_read_as_the_recipe_says(data_dir):
    for name in ("herg", "tox21", "bace"):
        endpoint = next(own for own in endpoints() if own.name == name)
        dataset = endpoint_dataset(endpoint, data_dir)
        card = load_card(resources.files("molgraph_data").joinpath("models", name))
        assert dataset.tasks == card.tasks
        assert dataset.fingerprint == card.data.fingerprint
