"""Several models in one pass say what each says alone."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from molgraph import Predictor, predict_file, screen, train
from molgraph.config.compute import ComputeConfig
from molgraph.config.screening import ScreenConfig
from molgraph.errors import InputError, ModelError
from molgraph.model_folder.folder import load_model
from molgraph.prediction.panel import Panel

CPU = ComputeConfig(device="cpu")


@pytest.fixture(scope="module")
def potency(model_folder) -> Predictor:
    return Predictor.load(model_folder, device="cpu")


@pytest.fixture(scope="module")
def active_folder(assay_table, small_config, tmp_path_factory):
    """A model of classes, with another number of members."""
    folder = tmp_path_factory.mktemp("models") / "active"
    train(assay_table, target_columns=["active"], output=folder, config=replace(small_config, folds=3))
    return folder


@pytest.fixture
def library(assay, tmp_path):
    path = tmp_path / "library.smi"
    path.write_text("".join(f"{text} c{row}\n" for row, text in enumerate([*assay[0][:90], "C1CC", "oops"])))
    return path


def rows(path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_predictions_are_those_of_each_model(potency, active_folder, assay):
    active = Predictor.load(active_folder, device="cpu")
    panel = Panel([potency, active])
    assert [task.name for task in panel.tasks] == ["pIC50", "active"]
    texts = [*assay[0][:20], "bad", "CCO"]
    whole, parts = panel.predict(texts, domain=True), [one.predict(texts, domain=True) for one in (potency, active)]
    assert whole.members.shape == (3, 22, 2)
    for t, part in enumerate(parts):
        for name in ("mean", "epistemic_var", "aleatoric_var", "std"):
            assert np.array_equal(getattr(whole, name)[:, t], getattr(part, name)[:, 0], equal_nan=True), name
        for level in (0.5, 0.9):
            for end, own in zip(whole.interval(level), part.interval(level), strict=True):
                assert np.array_equal(end[:, t], own[:, 0], equal_nan=True)
            assert whole.calls(level)[:, t].tolist() == part.calls(level)[:, 0].tolist()
    assert np.isnan(whole.members[2, :, 0]).all()
    assert np.array_equal(whole.latent_distance, parts[0].latent_distance, equal_nan=True)
    assert [bad.row for bad in whole.rejected] == [20]
    # A part of it has intervals too.
    few = whole.take(np.array([3, 5]))
    assert np.array_equal(few.interval(0.9)[0], whole.interval(0.9)[0][[3, 5]], equal_nan=True)


def test_each_model_says_which_of_its_tasks_are_logarithms(potency, active_folder):
    stored = load_model(active_folder)
    for is_log in (False, True):
        own = replace(stored, calibration=replace(stored.calibration, is_log=(is_log,)))
        assert Panel([potency, Predictor(own, digest="", device="cpu")]).calibration.is_log == (False, is_log)


def test_one_model_is_itself(potency, assay):
    panel = Panel([potency])
    assert (panel.digest, panel.calibration) == (potency.digest, potency.calibration)
    assert np.array_equal(panel.predict(assay[0][:5]).mean, potency.predict(assay[0][:5]).mean)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_screen_with_two_models(model_folder, active_folder, library, tmp_path, processes):
    options = {"top": 60, "domain": "ignore"}
    compute = ComputeConfig(device="cpu", processes=processes)
    both = screen(
        [model_folder, active_folder],
        library,
        output=tmp_path / "both",
        config=ScreenConfig(goal="active", **options),
        compute=compute,
    )
    screen(active_folder, library, output=tmp_path / "one", config=ScreenConfig(**options), compute=compute)
    assert (both.rows_read, both.rejected, both.goal) == (92, 2, "maximize active")
    hits, alone = rows(tmp_path / "both" / "hits.csv"), rows(tmp_path / "one" / "hits.csv")
    assert [hit["id"] for hit in hits] == [hit["id"] for hit in alone]
    assert [hit["active_pred"] for hit in hits] == [hit["active_pred"] for hit in alone]
    assert [name for name in hits[0] if name.endswith("_pred")] == ["pIC50_pred", "active_pred"]
    assert {hit["nearest_value"] for hit in hits} == {""}  # not measured for the compounds of the first model
    models = json.loads((tmp_path / "both" / "summary.json").read_text())["models"]
    assert [[task["name"] for task in model["tasks"]] for model in models] == [["pIC50"], ["active"]]


def test_a_selection_is_that_of_the_first_model(model_folder, active_folder, library, tmp_path):
    options = {"hit": "pIC50 >= 6", "fdr": 0.5, "domain": "ignore", "top": 100}
    one = screen(model_folder, library, output=tmp_path / "one", config=ScreenConfig(**options), compute=CPU)
    both = screen(
        [model_folder, active_folder], library, output=tmp_path / "both", config=ScreenConfig(**options), compute=CPU
    )
    assert one.selection == both.selection
    p_values = [[hit["p_value"] for hit in rows(tmp_path / name / "hits.csv")] for name in ("one", "both")]
    assert p_values[0] == p_values[1]
    with pytest.raises(InputError, match="hit has 'active'"):
        screen(
            [model_folder, active_folder],
            library,
            output=tmp_path / "none",
            config=ScreenConfig(hit="active"),
            compute=CPU,
        )


def test_models_that_do_not_go_together(model_folder, mixed_folder, potency, library, tmp_path):
    with pytest.raises(InputError, match="two of the models have the task 'pIC50'"):
        screen([model_folder, mixed_folder], library, output=tmp_path / "hits", compute=CPU)
    other = Predictor.__new__(Predictor)
    other.__dict__.update(potency.__dict__)
    tasks = (replace(potency.tasks[0], name="other"),)
    other.card = replace(potency.card, standardizer="none", tasks=tasks)
    with pytest.raises(InputError, match="trained with the standardizer 'default' and 'none'"):
        Panel([potency, other])
    with pytest.raises(InputError, match="load all of them, or none"):
        screen([potency, model_folder], library, output=tmp_path / "hits")
    with pytest.raises(InputError, match="there is no model"):
        screen([], library, output=tmp_path / "hits")
    with pytest.raises(ModelError, match="does not exist"):
        screen([model_folder, tmp_path / "none"], library, output=tmp_path / "hits", compute=CPU)
    assert [path.name for path in tmp_path.iterdir()] == ["library.smi"]


PROFILE = """
rank_by = "mean"
require = ["pIC50 >= 5.5"]

[[objective]]
task = "pIC50"
curve = "sigmoid"
low = 5.5
high = 8
weight = 2

[[objective]]
task = "active"
curve = "reverse_sigmoid"
low = 0.3
high = 0.9
"""


def is_better(one, other) -> bool:
    """Whether a hit is nowhere worse and somewhere better."""
    ours, theirs = ((float(hit["pIC50_pred"]), -float(hit["active_pred"])) for hit in (one, other))
    return ours != theirs and all(a >= b for a, b in zip(ours, theirs, strict=True))


def test_a_profile_ranks_by_several_tasks(model_folder, active_folder, library, tmp_path):
    path = tmp_path / "good.toml"
    path.write_text(PROFILE)
    options = {"profile": path, "domain": "ignore", "top": 100}
    result = screen(
        [model_folder, active_folder], library, output=tmp_path / "hits", config=ScreenConfig(**options), compute=CPU
    )
    assert result.goal == "desirability of pIC50 (more is better), active (less is better)"
    hits = rows(tmp_path / "hits" / "hits.csv")
    for hit in hits:
        potent = 1 / (1 + 10 ** (-5 * (float(hit["pIC50_pred"]) - 6.75) / 2.5))
        harmless = 1 / (1 + 10 ** (5 * (float(hit["active_pred"]) - 0.6) / 0.6))
        assert float(hit["score"]) == pytest.approx((potent**2 * harmless) ** (1 / 3), rel=1e-3)
        assert float(hit["pIC50_pred"]) >= 5.5
        better = [other for other in hits if is_better(other, hit)]
        assert (hit["pareto_front"] == "1") == (not better)
    scores = [float(hit["score"]) for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert 0 < len(hits) <= 90
    path.write_text(PROFILE + '[filters]\nno_alerts_of = ["pains", "brenk"]\nmax_sa_score = 3.2\n')
    screen(
        [model_folder, active_folder], library, output=tmp_path / "clean", config=ScreenConfig(**options), compute=CPU
    )
    clean = rows(tmp_path / "clean" / "hits.csv")
    passing = [hit for hit in hits if not hit["alerts"] and float(hit["sa_score"]) <= 3.2]
    assert [hit["id"] for hit in clean] == [hit["id"] for hit in passing]
    assert 0 < len(clean) < len(hits)
    path.write_text(PROFILE.replace('"mean"', '"probability"\ncriteria = ["pIC50 >= 6", "not active"]'))
    screen(
        [model_folder, active_folder], library, output=tmp_path / "sure", config=ScreenConfig(**options), compute=CPU
    )
    for hit in rows(tmp_path / "sure" / "hits.csv"):
        assert 0 <= float(hit["score"]) <= 1 - float(hit["active_pred"]) + 1e-5
    with pytest.raises(InputError, match="goal and profile both say what ranks"):
        screen(model_folder, library, output=tmp_path / "none", config=ScreenConfig(profile=path, goal="pIC50"))


def test_a_table_with_the_predictions_of_both(model_folder, active_folder, library, tmp_path):
    predict_file([model_folder, active_folder], library, tmp_path / "both.csv", device="cpu")
    both = rows(tmp_path / "both.csv")
    for name, folder in (("pIC50", model_folder), ("active", active_folder)):
        predict_file(folder, library, tmp_path / f"{name}.csv", device="cpu")
        own = rows(tmp_path / f"{name}.csv")
        assert len(own) == len(both) == 92
        assert all(line.items() <= more.items() for line, more in zip(own, both, strict=True))
    with pytest.raises(InputError, match="there is no model"):
        predict_file([], library, tmp_path / "none.csv")
