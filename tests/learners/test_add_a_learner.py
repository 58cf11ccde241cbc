"""What adding a learner takes: one file and one row. It is added to a copy of the library, and nothing else changes."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

MODULE = '''
"""Ridge regression on the columns; of a class, on 0 and 1."""

from dataclasses import dataclass

import numpy as np

from molgraph.learners.base import TabularLearner
from molgraph.storage.arrays import ArraySpec, checked_arrays

_ARRAYS = {"slope": ArraySpec(np.float64, "MTF"), "level": ArraySpec(np.float64, "MT")}


@dataclass(frozen=True)
class Ridge:
    slope: np.ndarray
    level: np.ndarray
    kinds: tuple

    @property
    def n_members(self):
        return len(self.level)

    def fits(self, n_columns):
        return self.slope.shape[2] == n_columns

    def predict(self, columns):
        values = np.einsum("bf,mtf->mbt", columns.astype(np.float64), self.slope) + self.level[:, None]
        is_class = np.array([kind == "classification" for kind in self.kinds])
        return np.where(is_class, np.clip(values, 0.0, 1.0), values)

    def predict_with_variance(self, columns):
        return self.predict(columns), None

    def to_arrays(self):
        return {"slope": self.slope, "level": self.level}


def fit(data, plan, seed, limits):
    n_tasks, n_columns = data.labels.shape[1], data.columns.shape[1]
    slope, level = np.zeros((1, n_tasks, n_columns)), np.zeros((1, n_tasks))
    for t in range(n_tasks):
        rows = plan.seen_rows[~np.isnan(data.labels[plan.seen_rows, t])]
        columns, labels = data.columns[rows].astype(np.float64), data.labels[rows, t]
        centre = columns.mean(axis=0)
        apart = columns - centre
        level[0, t] = labels.mean()
        slope[0, t] = apart.T @ np.linalg.solve(apart @ apart.T + 10 * np.eye(len(rows)), labels - level[0, t])
        level[0, t] -= centre @ slope[0, t]
        limits.on_share(1 / n_tasks)
    return Ridge(slope, level, data.kinds)


def from_arrays(arrays, kinds, n_members):
    return Ridge(**checked_arrays(arrays, _ARRAYS, {"M": n_members, "T": len(kinds)}), kinds=kinds)


def join(parts):
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS}
    return Ridge(**arrays, kinds=parts[0].kinds)


LEARNER = TabularLearner(fit=fit, from_arrays=from_arrays, join=join)
'''

ROW = """
            LearnerSpec(
                name="ridge",
                title="ridge regression",
                description="ridge regression on ECFP counts",
                module="molgraph.learners.ridge",
                presets=("lean",),
                blocks=("ecfp_counts",),
                seconds=FitSeconds(start=0.01),
            ),
"""

#: The row goes behind the last one.
END_OF_TABLE = """
        )
    }
)

# The names are those of the rows"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The repository with a file and a row more."""
    folder = tmp_path_factory.mktemp("copy")
    for name, package in (("molgraph", "molgraph"), ("cli", "molgraph_cli")):
        shutil.copytree(REPOSITORY / name, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "molgraph_data").symlink_to(REPOSITORY / "data")
    (folder / "molgraph" / "learners" / "ridge.py").write_text(MODULE)
    table = folder / "molgraph" / "config" / "learners.py"
    text = table.read_text()
    assert text.count(END_OF_TABLE) == 1
    table.write_text(text.replace(END_OF_TABLE, ROW.rstrip() + END_OF_TABLE))
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
