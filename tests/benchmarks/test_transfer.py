"""The benchmark of the encoder: few rows are few, drawn by the seed, and the report says where it hurts."""

from dataclasses import dataclass

import numpy as np
import pytest
from transfer import CURVES, FewRows, write

from molgraph.benchmark.protocol import make_problem
from molgraph.benchmark.record import Record
from molgraph.datasets.dataset import Dataset
from molgraph.datasets.duplicates import MergeReport
from molgraph.results.labels import Labels
from molgraph.results.tasks import TaskSpec


@dataclass(frozen=True)
class Sees:
    """Predicts how many rows it was given."""

    def settings(self):
        return {"kind": "sees"}

    def versions(self):
        return {}

    def predict_test(self, problem):
        assert len(problem.split.valid) == 0
        assert not set(problem.split.train) & set(problem.split.test)
        return np.full((len(problem.split.test), 1), float(len(problem.split.train)))


@pytest.fixture
def problem(assay):
    labels = assay[1][:100, None]
    dataset = Dataset(
        name="assay",
        smiles=tuple(assay[0][:100]),
        ids=tuple(map(str, range(100))),
        labels=Labels(labels),
        weights=np.ones(100),
        tasks=(TaskSpec("pIC50", "regression"),),
        rows_read=100,
        rejected=(),
        merges=MergeReport(),
    )
    return make_problem(dataset, "random", 0)


def test_few_rows_are_few(problem):
    few = FewRows(Sees(), 20)
    assert few.predict_test(problem)[0, 0] == 20
    assert few.settings() == {"kind": "sees", "rows": 20}


def record(learner, value, data_set="esol", metric="rmse", seed=0):
    return Record(
        data_set=data_set, split="random", seed=seed, learner=learner, metric=metric, value=value, tasks={"a": value},
        rows={"train": 8, "valid": 1, "test": 1}, problem_sha256="a" * 64, data_sha256="b" * 64, settings={},
        versions={}, seconds=1.0, peak_mb=1.0, date="2026-11-21",
    )  # fmt: skip


def test_the_report_counts_wins_and_names_losses(tmp_path):
    records = [
        *(record("network_tuned", 0.8, seed=seed) for seed in (0, 1)),
        *(record("network_scratch", 1.0, seed=seed) for seed in (0, 1)),
        record("network_tuned", 9.0, seed=2),  # of a seed that the other has not
        record("network_tuned", 0.8, "bbbp", "roc_auc"),
        record("network_scratch", 0.9, "bbbp", "roc_auc"),
        *(record(f"{name}_50", 2.0 if name == "network_scratch" else 1.5) for name in CURVES),
    ]
    write(records, tmp_path / "transfer.md")
    text = (tmp_path / "transfer.md").read_text()
    assert "| network_tuned | network_scratch | 1 of 2 | 1.400 | bbbp random (2.00) |" in text
    assert "| 50 | " + " | ".join(["0.750 (1)"] * (len(CURVES) - 1)) + " |" in text
    assert "| 100 |" not in text
