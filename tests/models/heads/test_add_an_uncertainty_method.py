"""What adding an uncertainty method takes: one file and one row. The example of the documentation is added to a copy."""

import csv
import json

import pytest

from tests.docs.worked_examples import copy_with, run_copy

SMALL = (
    "--learner",
    "network",
    "--encoder",
    "none",
    "--hidden",
    32,
    "--folds",
    2,
    "--epochs",
    8,
    "--device",
    "cpu",
    "-q",
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The repository with a file and a row more."""
    return copy_with(
        "Add an uncertainty method",
        tmp_path_factory.mktemp("copy"),
        module="models/heads/laplace.py",
        table="config/uncertainty_methods.py",
    )


@pytest.fixture
def molgraph(copy, tmp_path):
    def run(*words):
        ended = run_copy(copy, tmp_path, *words)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return run


def test_one_file_and_one_row(molgraph, assay_table, tmp_path):
    method = ("--uncertainty", "laplace")
    molgraph("train", assay_table, "-o", "model", "--target-columns", "pIC50,active", *method, *SMALL)
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    assert card["learners"] == ["network"]
    assert card["config"]["uncertainty"]["method"] == "laplace"
    assert card["calibration"]["intervals"] == "normalised"
    assert "laplace" in molgraph("models", "show", "model")
    molgraph("predict", "model", assay_table, "-o", "out.csv", "-q")
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    measured = list(csv.DictReader(assay_table.read_text().splitlines()))
    errors = [abs(float(row["pIC50_pred"]) - float(own["pIC50"])) for row, own in zip(rows, measured, strict=True)]
    assert sum(errors) / len(errors) < 1.0
    assert all(float(row["pIC50_std"]) > 0 for row in rows)
    assert all(0 <= float(row["active_pred"]) <= 1 for row in rows)


def test_the_command_line_knows_it(molgraph):
    assert "laplace" in molgraph("train", "--help")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--loss", "absolute"), "loss is 'absolute', and uncertainty.method 'laplace' has a loss of its own"),
        (
            ("--target-columns", "active"),
            (
                "uncertainty.method is 'laplace', which is for measured values, and all tasks are classes; "
                "choose --uncertainty ensemble, --uncertainty evidential or --uncertainty dropout"
            ),
        ),
        (("--learner", "random_forest"), "uncertainty.method is 'laplace', which is of networks"),
    ],
)
def test_its_row_refuses_what_does_not_suit(copy, assay_table, tmp_path, words, message):
    if "--target-columns" not in words:
        words = (*words, "--target-columns", "pIC50")
    ended = run_copy(copy, tmp_path, "train", assay_table, "-o", "model", *SMALL, "--uncertainty", "laplace", *words)
    assert ended.returncode == 2
    assert message in " ".join(ended.stderr.split())
