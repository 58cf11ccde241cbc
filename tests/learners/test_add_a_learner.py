"""What adding a learner takes: one file and one row. The example of the documentation is added to a copy."""

import csv
import json

import pytest

from tests.docs.worked_examples import copy_with, run_copy


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The repository with a file and a row more."""
    return copy_with(
        "Add a learner",
        tmp_path_factory.mktemp("copy"),
        module="learners/ridge.py",
        table="config/learners.py",
    )


@pytest.fixture
def molgraph(copy, tmp_path):
    def run(*words):
        ended = run_copy(copy, tmp_path, *words)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return run


@pytest.mark.parametrize("choice", [("--learner", "ridge"), ("--preset", "lean")], ids=["alone", "blended"])
def test_one_file_and_one_row(molgraph, assay_table, encoder_folder, tmp_path, choice):
    small = ("--encoder", encoder_folder, "--folds", 2, "--epochs", 2, "--device", "cpu", "-q")
    molgraph("train", assay_table, "-o", "model", "--target-columns", "pIC50,active", *choice, *small)
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    assert card["learners"] == (["ridge"] if "ridge" in choice else ["network", "gp_embedding", "ridge"])
    assert "ridge.safetensors" in card["files"]
    assert "ridge regression" in molgraph("models", "show", "model")
    molgraph("predict", "model", assay_table, "-o", "out.csv", "-q")
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    measured = list(csv.DictReader(assay_table.read_text().splitlines()))
    errors = [abs(float(row["pIC50_pred"]) - float(own["pIC50"])) for row, own in zip(rows, measured, strict=True)]
    assert sum(errors) / len(errors) < 1.0
    assert all(0 <= float(row["active_pred"]) <= 1 for row in rows)


def test_the_command_line_knows_it(molgraph):
    assert "ridge" in molgraph("train", "--help")
    assert "ridge" in molgraph("benchmark", "run", "--help")
