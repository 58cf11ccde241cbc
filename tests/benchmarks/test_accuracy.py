"""The accuracy comparison: every learner on a problem whose test labels are hidden, and the script around them."""

import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import accuracy
import accuracy_peers
import numpy as np
import pytest
from accuracy_peers import PEERS, ChempropLearner, DeepchemLearner, ForestPeer, MaplightPeer
from accuracy_single import SingleNetwork
from peers import Chemprop

from molgraph import EncoderConfig, TrainConfig
from molgraph.benchmark.protocol import Problem
from molgraph.benchmark.record import Record, read_records, write_record
from molgraph.config.training import ModelConfig
from molgraph.datasets.dataset import Dataset
from molgraph.datasets.duplicates import MergeReport
from molgraph.datasets.splits import random_split
from molgraph.results.labels import Labels
from molgraph.results.tasks import TaskSpec

#: Settings of one network that a few rows are enough for.
SINGLE = TrainConfig(folds=1, epochs=30, batch_size=16, device="cpu")

#: Takes the place of chemprop's program: it remembers the mean of each target over the rows that it may learn from.
FAKE_CHEMPROP = """#!{python}
import csv, json, pathlib, sys
words = sys.argv[2:]
options = dict(zip(words, words[1:]))
if sys.argv[1] == "train":
    with open(options["--data-path"]) as file:
        rows = list(csv.DictReader(file))
    targets = [name for name in rows[0] if name not in ("smiles", "split")]
    assert options["--splits-column"] == "split" and targets == words[words.index("--target-columns") + 1:][:len(targets)]
    known = {{t: [float(r[t]) for r in rows if r[t] and r["split"] == "train"] for t in targets}}
    folder = pathlib.Path(options["--output-dir"])
    folder.mkdir()
    (folder / "means.json").write_text(json.dumps({{t: sum(own) / len(own) for t, own in known.items()}}))
    (folder / "said.txt").write_text(" ".join(words))
else:
    means = json.loads(pathlib.Path(options["--model-paths"], "means.json").read_text())
    with open(options["--test-path"]) as file, open(options["--preds-path"], "w", newline="") as out:
        writer = csv.DictWriter(out, ["smiles", *means])
        writer.writeheader()
        for row in csv.DictReader(file):
            assert set(row) == {{"smiles"}}
            writer.writerow({{"smiles": row["smiles"], **means}})
"""


@pytest.fixture(autouse=True)
def one_thread():
    """Steps this small only wait for each other on several threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


#: Groups, and what each of them adds to the value of a molecule.
GROUPS = {"F": 1.0, "C(=O)O": -2.0, "N": 3.0, "c1ccccc1": 0.5, "S(C)(=O)=O": -1.0, "C#N": 2.0}


def make_problem(kind="regression", n=150):
    """Chains with random groups, and the sum of what these add, or whether it is high; test labels are hidden."""
    rng = np.random.default_rng(0)
    picks = [rng.choice(list(GROUPS), size=rng.integers(2, 5)) for _ in range(n)]
    smiles = tuple("C" * int(rng.integers(1, 9)) + "".join(f"C({group})" for group in pick) + "C" for pick in picks)
    size = np.array([sum(GROUPS[group] for group in pick) for pick in picks])
    labels = size if kind == "regression" else (size > np.median(size)).astype(float)
    split = random_split(n, seed=0)
    hidden = labels.copy()
    hidden[split.test] = np.nan
    dataset = Dataset(
        name="groups", smiles=smiles, ids=tuple(map(str, range(n))), labels=Labels(np.stack([hidden, hidden], axis=1)),
        weights=np.ones(n), tasks=(TaskSpec("a", kind), TaskSpec("b", kind)), rejected=(), merges=MergeReport(),
        rows_read=n,
    )  # fmt: skip
    return Problem(dataset, split, seed=0), labels[split.test]


@pytest.fixture
def chemprop(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "chemprop"
    program.parent.mkdir()
    program.write_text(FAKE_CHEMPROP.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setattr(accuracy_peers, "install_chemprop", lambda: Chemprop(program))
    return program


@pytest.mark.parametrize("kind", ["regression", "classification"])
@pytest.mark.parametrize(
    "learner",
    [
        ForestPeer(),
        MaplightPeer(),
        DeepchemLearner("fcn"),
        pytest.param(DeepchemLearner("dmpnn"), marks=pytest.mark.slow),
        SingleNetwork(
            replace(SINGLE, encoder=EncoderConfig(pretrained="none"), model=ModelConfig(hidden=32, head_hidden=32))
        ),
        SingleNetwork(replace(SINGLE, encoder=EncoderConfig(tuning="frozen"))),
        pytest.param(
            SingleNetwork(replace(SINGLE, epochs=10, encoder=EncoderConfig(tuning="full"))), marks=pytest.mark.slow
        ),
    ],
    ids=["rf", "maplight", "deepchem fcn", "deepchem dmpnn", "dmpnn", "dmpnn frozen", "dmpnn tuned"],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_it_learns_from_the_rows_that_it_may_see(learner, kind, monkeypatch):
    monkeypatch.setattr(accuracy_peers, "EPOCHS", 20)
    monkeypatch.setattr(accuracy_peers, "MAPLIGHT_TREES", 100)
    problem, truth = make_problem(kind)
    said = learner.predict_test(problem)
    assert said.shape == (len(truth), 2)
    for column in said.T:
        if kind == "classification":
            assert ((column >= 0) & (column <= 1)).all()
        assert np.corrcoef(column, truth)[0, 1] > 0.5
    assert learner.settings()
    assert all(isinstance(version, str) for version in learner.versions().values())


def test_chemprop_gets_the_rows_with_their_parts_and_no_label_of_the_test(chemprop):
    problem, _ = make_problem()
    said = ChempropLearner(5).predict_test(problem)
    expected = problem.dataset.labels.values[problem.split.train].mean(axis=0)
    np.testing.assert_allclose(said, np.broadcast_to(expected, said.shape))
    command = ChempropLearner(5)._train(Chemprop(chemprop), Path("folder"), ["t0", "t1"], "regression", 3)
    options = dict(pairwise(command))
    assert (options["--ensemble-size"], options["--pytorch-seed"], options["--epochs"]) == ("5", "3", "50")


class Guess:
    """Says the mean of what it may see, and a bias."""

    def __init__(self, bias):
        self.bias = bias

    def settings(self):
        return {"bias": self.bias}

    def versions(self):
        return {"guess": "1"}

    def predict_test(self, problem):
        means = np.nanmean(problem.dataset.labels.values[problem.split.train], axis=0)
        noise = np.random.default_rng(problem.seed).normal(size=(len(problem.split.test), len(means)))
        return means + self.bias * noise


def test_the_script_runs_once_and_reports(tmp_path, monkeypatch, capsys, data_dir):
    monkeypatch.setenv("MOLGRAPH_DATA", str(data_dir))
    learners = {"accurate": Guess(0.0), "fast": Guess(1.0)}
    monkeypatch.setattr(accuracy, "LEARNERS", learners)
    monkeypatch.setattr(accuracy, "COMPARED", tuple(learners))
    records = tmp_path / "moleculenet"
    command = ["--data-set", "freesolv", "esol", "--split", "random", "--seeds", "0", "1", "--records", str(records)]
    assert accuracy.main(["run", *command, "--learner", "accurate", "fast"]) == 0
    assert "freesolv-random-0-accurate\n  rmse" in capsys.readouterr().out
    assert len(read_records(records)) == 8
    assert accuracy.main(["run", *command, "--learner", "accurate", "fast"]) == 0
    assert capsys.readouterr().out == ""
    page = tmp_path / "benchmarks.md"
    page.write_text(
        "before\n<!-- accuracy: benchmarks/accuracy.py writes this -->\nprevious table\n<!-- end of accuracy -->\nafter"
    )
    assert accuracy.main(["report", "--records", str(records), "--page", str(page)]) == 0
    text = page.read_text()
    assert "previous table" not in text
    assert text.startswith("before\n<!-- accuracy")
    assert "| esol | random | rmse |" in text
    assert "mean ranks" in records.with_suffix(".md").read_text()
    page.write_text("no place")
    with pytest.raises(ValueError, match="0 places for the table"):
        accuracy.main(["report", "--records", str(records), "--page", str(page)])


def test_names_are_known():
    assert set(accuracy.COMPARED) <= accuracy.LEARNERS.keys()
    assert PEERS.keys() < accuracy.LEARNERS.keys()


def test_a_learner_stands_beside_its_peers(tmp_path):
    records = tmp_path / "records"
    records.mkdir()
    for learner, values in {"accurate": (0.5, 0.6, 0.5), "rf": (0.7, 0.8, 0.7), "chemprop": (0.1, 0.2, 0.1)}.items():
        for seed, value in enumerate(values):
            own = Record(
                data_set="esol", split="random", seed=seed, learner=learner, metric="rmse", value=value,
                tasks={"a": value}, rows={"test": 1}, problem_sha256=str(seed) * 64, data_sha256="b" * 64, settings={},
                versions={"a": "1"}, seconds=1.0, peak_mb=1.0, date="2026-11-21",
            )  # fmt: skip
            write_record(own, records)
    assert accuracy.main(["report", "--records", str(records)]) == 0
    text = records.with_suffix(".md").read_text()
    section = text[text.index("### accurate beside its peers") :]
    assert "| chemprop | 1.00 |" in section
    assert "of 1 that could be tested: esol random." in section
    assert "### fast beside" not in text
