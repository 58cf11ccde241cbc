"""Every learner of the table is trained and predicts from the command line, without this file naming one."""

import csv
import json
import math

import pytest

from molgraph.config.benchmark import BENCHMARK_SETTINGS
from molgraph.config.learners import LEARNERS, PRESETS
from molgraph.learners import catboost


@pytest.fixture(autouse=True)
def few_trees(monkeypatch, tmp_path):
    monkeypatch.setattr(catboost, "_MOST_TREES", 20)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("learner", LEARNERS)
def test_it_is_trained_and_predicts(molgraph, assay_table, encoder_folder, tmp_path, learner):
    chosen = ("--learner", learner, "--encoder", encoder_folder, "--folds", 2, "--epochs", 2, "--device", "cpu")
    ended = molgraph("train", assay_table, "-o", "model", "--target-columns", "pIC50,active", "-q", *chosen)
    assert (ended.code, ended.err) == (0, "")
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    assert card["config"]["learner"] == learner
    assert learner in card["learners"]
    assert LEARNERS[learner].title in molgraph("models", "show", "model").out
    assert molgraph("predict", "model", assay_table, "-o", "out.csv", "-q").code == 0
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert len(rows) == 60
    assert all(math.isfinite(float(row["pIC50_pred"])) for row in rows)
    assert all(0 <= float(row["active_pred"]) <= 1 for row in rows)


def test_the_help_names_them_all(molgraph):
    train, benchmark = (molgraph(*words, "--help").out for words in (("train",), ("benchmark", "run")))
    assert [name for name in LEARNERS if name not in train] == []
    assert [name for name in (*LEARNERS, *PRESETS) if name not in benchmark or name not in BENCHMARK_SETTINGS] == []


def test_a_name_that_is_none_of_them_is_refused(molgraph, assay_table):
    ended = molgraph("train", assay_table, "-o", "model", "--learner", "catbost")
    assert ended.code == 2
    assert "'catbost' is not one of" in ended.error
    assert "did you mean 'catboost'" in ended.error
