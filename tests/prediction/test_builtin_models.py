"""The models that come along: found by name, whole, and of use where they know nothing."""

import csv
import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from molgraph import Panel, Predictor, predict_file, screen
from molgraph.config.compute import ComputeConfig
from molgraph.config.screening import ScreenConfig
from molgraph.errors import InputError, ModelError
from molgraph.model_folder.card import EndpointGroup
from molgraph.model_folder.encoder_folder import builtin_encoder_folder, load_encoder
from molgraph.model_folder.folder import load_card
from molgraph.prediction.builtin_models import builtin_models, model_folder, model_folders
from molgraph.training.build_panel import endpoints

#: A ring of 60 leucines and glycines, 300 atoms and more.
PEPTIDE = "N" + "[C@@H](CC(C)C)C(=O)NCC(=O)N" * 27 + "CC(=O)O"
ASPIRIN, SALT, METAL = "CC(=O)Oc1ccccc1C(=O)O", "CCN.Cl.CC(=O)Oc1ccccc1C(=O)O", "[Fe]"


def rows(path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel.load("panel", device="cpu")


def test_all_endpoints_come_along_by_group():
    folders = builtin_models()
    assert set(folders) == {endpoint.name for endpoint in endpoints()}
    groups = [load_card(folder).about.group for folder in folders.values()]
    assert list(dict.fromkeys(groups)) == list(get_args(EndpointGroup))
    assert groups == sorted(groups, key=get_args(EndpointGroup).index)


@pytest.mark.parametrize("name", [endpoint.name for endpoint in endpoints()])
def test_a_card_says_all_that_is_asked_of_it(name):
    endpoint = next(own for own in endpoints() if own.name == name)
    card = load_card(model_folder(name))
    assert card.task_names == tuple(task.name for task in endpoint.tasks)
    assert [task.unit for task in card.tasks] == [task.unit for task in endpoint.tasks]
    assert all(vars(card.about).values() or key == "defects" for key in vars(card.about))
    assert card.about.not_for.startswith("Decisions on the safety")
    assert card.data.name == endpoint.file
    assert card.n_members == endpoint.folds
    assert card.reference.endswith(" approved drugs (ChEMBL)")  # without those that a single model was trained on
    assert all(record.interval is not None for record in card.metrics if record.mean is not None)
    # Better than chance, and than the mean.
    for record in card.metrics:
        if record.metric == "roc_auc":
            assert record.mean > 0.65, record
        if record.metric == "r2":
            assert record.mean > 0.0 or name == "half_life", record


def test_the_panel_is_small_and_holds_no_structures():
    folders = builtin_models().values()
    sizes = [file.stat().st_size for folder in folders for file in folder.iterdir()]
    assert sum(sizes) < 60e6
    names = {file.name for folder in folders for file in folder.iterdir()}
    assert not {name for name in names if "structures" in name or "fingerprints" in name or "encoder" in name}
    assert not any(load_card(folder).has_structures for folder in folders)


def test_all_models_read_the_encoder_that_comes_along():
    digest = load_encoder(builtin_encoder_folder()).digest
    assert {load_card(folder).encoder for folder in builtin_models().values()} == {digest}


def test_what_is_judged_elsewhere_was_not_learned():
    files = " ".join(endpoint.file for endpoint in endpoints())
    assert not [name for name in ("BBBP", "Lipophilicity.csv", "delaney") if name in files]


def test_names(tmp_path, monkeypatch):
    folders = builtin_models()
    assert model_folders(["panel"]) == tuple(folders.values())
    assert model_folders(["panel:herg, ames"]) == (folders["herg"], folders["ames"])
    assert model_folders(["dili", Path("herg"), "my/model"]) == (folders["dili"], folders["herg"], Path("my/model"))
    monkeypatch.chdir(tmp_path)
    Path("herg").mkdir()  # one's own folder goes first
    assert model_folder("herg") == Path("herg")
    assert model_folder("panel:herg") == folders["herg"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hergg", r"there is no folder 'hergg', .* did you mean 'herg'\?"),
        ("caco-2", r"did you mean 'caco2'\?"),
        ("cyp2d6", r"did you mean 'cyp2d6_inhibition' or 'cyp2d6_substrate'\?"),
        ("HERG", r"did you mean 'herg'\?"),
        ("my_own", r"there is no folder 'my_own', .* give a folder that molgraph train wrote"),
        ("panel:herg,xyz", r"the panel has no endpoint 'xyz'; \(molgraph models list shows all names\)"),
        ("panel:hrg", r"the panel has no endpoint 'hrg'; did you mean 'herg'\?"),
        ("panel:", r"'panel:' names no endpoint; give some, e\.g\. panel:"),
        ("panel:herg,herg", "the model 'herg' is asked for twice"),
    ],
)
def test_wrong_names_get_the_near_ones(name, message):
    with pytest.raises(InputError, match=message) as caught:
        model_folders([name])
    assert "\n" not in str(caught.value)


def test_one_model_is_no_panel():
    with pytest.raises(InputError, match=r"'panel:herg,ames' means 2 models, and one is needed; name one"):
        Predictor.load("panel:herg,ames")
    with pytest.raises(InputError, match=r"'panel' means 27 models, and one is needed; name one of them"):
        Predictor.load("panel")
    assert repr(Predictor.load("herg", device="cpu")) == "Predictor(1 task: herg; 5 models, on cpu)"
    with pytest.raises(ModelError, match="not a model folder: it does not exist"):
        Predictor.load("no/such/folder")


def test_one_pass_says_what_each_model_says_alone(panel):
    assert repr(panel).startswith(f"Panel({len(builtin_models())} models, ")
    texts = [ASPIRIN, SALT, PEPTIDE, "oops"]
    whole = panel.predict(texts, domain=True)
    start = 0
    for name, predictor in zip(builtin_models(), panel.predictors, strict=True):
        alone = Predictor.load(name, device="cpu").predict(texts, domain=True)
        own = slice(start, start + len(predictor.tasks))
        start = own.stop
        for what in ("mean", "std", "percentiles"):
            assert np.array_equal(getattr(whole, what)[:, own], getattr(alone, what), equal_nan=True), (name, what)
        assert np.array_equal(whole.domain[:, own], alone.domain), name
    assert start == len(panel.tasks)


def test_odd_molecules_get_an_answer_that_says_how_far_it_can_be_trusted(panel):
    texts = [ASPIRIN, SALT, PEPTIDE, METAL, "C" * 200]
    prediction = panel.predict(texts, domain=True)
    known = [not any(bad.row == row for bad in prediction.rejected) for row in range(len(texts))]
    assert known[:3] == [True, True, True]
    assert np.isfinite(prediction.mean[known]).all()
    assert np.isfinite(prediction.std[known]).all()
    # The largest part of a mixture is what is predicted.
    assert np.array_equal(prediction.mean[0], prediction.mean[1])
    assert np.mean(prediction.domain[0] != "outside") > 0.9
    assert set(prediction.domain[2]) == {"outside"}
    is_class = np.array([task.kind == "classification" for task in panel.tasks])
    assert ((prediction.mean[known][:, is_class] >= 0) & (prediction.mean[known][:, is_class] <= 1)).all()
    assert ((prediction.percentiles[known] >= 0) & (prediction.percentiles[known] <= 100)).all()


def test_what_no_training_compound_is_like_is_outside_of_every_model(panel):
    odd = [
        "[Fe]",
        "N[Pt](N)(Cl)Cl",
        "C[Si](C)(C)C",
        "[Ar]",
        "[Au]",
        "O=[U]=O",
        "[Na+].[Cl-]",
        "*c1ccccc1",
        "*OCC*",
        "O",
    ]
    prediction = panel.predict(odd, domain=True)
    start = 0
    for predictor in panel.predictors:  # but for the few that were measured, such as iron in a table of solubilities
        own = prediction.domain[:, start]
        start += len(predictor.tasks)
        for text, degree, was_measured in zip(odd, own, predictor.are_measured(odd), strict=True):
            assert (degree != "outside") == was_measured or degree == "", (text, predictor.card.data.name)


def test_predict_shows_percentiles_and_domain(tmp_path):
    (tmp_path / "in.csv").write_text(f"smiles\n{ASPIRIN}\noops\n{PEPTIDE}\n")
    predict_file("panel:herg,solubility", tmp_path / "in.csv", tmp_path / "out.csv", device="cpu")
    first, bad, far = rows(tmp_path / "out.csv")
    assert list(first)[4:] == [
        *(f"herg_{ending}" for ending in ("pred", "std", "call", "percentile", "domain", "measured")),
        *(f"solubility_{ending}" for ending in ("pred", "std", "lower", "upper", "percentile", "domain", "measured")),
    ]
    assert (first["herg_domain"], far["herg_domain"], bad["herg_domain"]) == ("inside", "outside", "")
    assert 0 <= float(first["herg_percentile"]) <= 100
    assert bad["herg_percentile"] == ""
    assert float(first["solubility_lower"]) < float(first["solubility_pred"]) < float(first["solubility_upper"])


def test_a_screen_by_a_model_that_comes_along_knows_its_domain(tmp_path, assay):
    (tmp_path / "library.smi").write_text("".join(f"{text}\n" for text in [*assay[0][:40], PEPTIDE, "oops"]))
    screen(
        ["panel:bace", "panel:herg"],
        tmp_path / "library.smi",
        output=tmp_path / "hits",
        config=ScreenConfig(goal="bace", top=50, alerts=[]),
        compute=ComputeConfig(precision="float32"),
    )
    hits = rows(tmp_path / "hits" / "hits.csv")
    outside = rows(tmp_path / "hits" / "outside.csv")
    assert len(hits) + len(outside) == 41
    assert {hit["domain"] for hit in hits} <= {"inside", "edge"}
    assert {hit["domain"] for hit in outside} == {"outside"}
    assert PEPTIDE in [hit["smiles"] for hit in outside]
    assert next(hit for hit in outside if hit["smiles"] == PEPTIDE)["herg_domain"] == "outside"
    assert "bace_domain" not in (hits + outside)[0]
    assert (hits + outside)[0]["nearest_id"] == ""
    summary = json.loads((tmp_path / "hits" / "summary.json").read_text())
    assert summary["rows"]["rejected"] == 1
    # The models that are loaded say the same.
    screen(
        Panel.load(["panel:bace,herg"], device="cpu"),
        tmp_path / "library.smi",
        output=tmp_path / "again",
        config=ScreenConfig(goal="bace", top=50, alerts=[]),
    )
    assert [hit["smiles"] for hit in rows(tmp_path / "again" / "hits.csv")] == [hit["smiles"] for hit in hits]
