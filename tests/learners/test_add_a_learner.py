"""What adding a learner takes: one file and one row. The example of the documentation is added to a copy."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

PAGE = REPOSITORY / "docs" / "contributing.md"


#: The row goes behind the last one.
END_OF_TABLE = """
        )
    }
)

# The names are those of the rows"""


def example(language: str) -> str:
    """The code of the section on learners."""
    section = PAGE.read_text(encoding="utf-8").partition("## Add a learner")[2].partition("\n## ")[0]
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    return block


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The repository with a file and a row more."""
    folder = tmp_path_factory.mktemp("copy")
    for name, package in (("molgraph", "molgraph"), ("cli", "molgraph_cli")):
        shutil.copytree(REPOSITORY / name, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "molgraph_data").symlink_to(REPOSITORY / "data")
    (folder / "molgraph" / "learners" / "ridge.py").write_text(example("python"))
    table = folder / "molgraph" / "config" / "learners.py"
    text = table.read_text()
    assert text.count(END_OF_TABLE) == 1
    table.write_text(text.replace(END_OF_TABLE, "\n" + example("py").rstrip() + END_OF_TABLE))
    return folder


@pytest.fixture
def molgraph(copy, tmp_path):
    def run(*words):
        code = "from molgraph_cli.start import run; run()"
        environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONSAFEPATH": "1", "COLUMNS": "200"}
        ended = subprocess.run(
            [sys.executable, "-c", code, *map(str, words)],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
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
