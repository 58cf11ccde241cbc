import sys
from pathlib import Path

import accuracy_check
import numpy as np
import pytest
from accuracy_report import report
from programs import ProgramError
from records import read_record


class TrainMean:
    """Predicts what is known without learning, plus a bias."""

    def __init__(self, bias):
        self.bias = bias
        self.calls = 0

    def versions(self):
        return {"mean": "1"}

    def predict_test(self, problem):
        self.calls += 1
        is_test = problem.parts == "test"
        return problem.rows.labels[is_test] * 0.5 + self.bias


class Broken(TrainMean):
    def predict_test(self, problem):
        raise ProgramError("out of luck")


@pytest.fixture
def learners(monkeypatch):
    found = {"chemprop": TrainMean(0.5), "molgraph": TrainMean(0.0)}
    monkeypatch.setattr(accuracy_check, "_learner", lambda name, _: found[name])
    return found


@pytest.fixture
def one_thread():
    """Steps this small only wait for each other on several threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(data_dir, folder, monkeypatch, *more):
    monkeypatch.setenv("MOLGRAPH_DATA", str(data_dir))
    return accuracy_check.main(["--data-set", "freesolv", "--records", str(folder / "accuracy"), *more])


def test_runs_once_and_reports(data_dir, tmp_path, monkeypatch, learners, capsys):
    assert run(data_dir, tmp_path, monkeypatch) == 0
    assert [learner.calls for learner in learners.values()] == [3, 3]
    printed = capsys.readouterr().out
    assert "| freesolv | rmse | 3 |" in printed
    assert "| pass |" in printed
    assert (tmp_path / "accuracy.md").read_text() == printed
    record = read_record(tmp_path / "accuracy" / "freesolv-seed1-molgraph.json")
    assert record["rows"] == {"train": 514, "val": 64, "test": 64}

    (tmp_path / "accuracy" / "freesolv-seed1-molgraph.json").unlink()
    assert run(data_dir, tmp_path, monkeypatch) == 0
    assert [learner.calls for learner in learners.values()] == [3, 4]
    assert read_record(tmp_path / "accuracy" / "freesolv-seed1-molgraph.json")["value"] == record["value"]


def test_a_learner_that_fails_leaves_no_record(data_dir, tmp_path, monkeypatch, learners, capsys):
    learners["molgraph"] = Broken(0.0)
    assert run(data_dir, tmp_path, monkeypatch) == 1
    assert "out of luck" in capsys.readouterr().err
    assert [path.name for path in sorted((tmp_path / "accuracy").iterdir())] == [
        f"freesolv-seed{seed}-chemprop.json" for seed in range(3)
    ]


def test_score():
    truth = np.array([0.0, 0.0, 1.0, 1.0])
    assert accuracy_check.score("rmse", truth, truth + np.array([1, -1, 1, -1])) == pytest.approx(1.0)
    assert accuracy_check.score("roc_auc", truth, np.array([0.1, 0.4, 0.35, 0.8])) == pytest.approx(0.75)


def records_of(metric, chemprop, molgraph):
    return [
        {
            "data_set": "s", "metric": metric, "learner": learner, "seed": seed, "value": value,
            "split_sha256": f"{seed}", "epochs": 30, "batch_size": 64,
        }
        for learner, values in (("chemprop", chemprop), ("molgraph", molgraph))
        for seed, value in enumerate(values)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "molgraph", "verdict", "worse"),
    [
        ("rmse", [1.0, 1.1, 1.2], "pass", "+0.000 (0.000)"),
        ("rmse", [1.3, 1.4, 1.5], "miss", "+0.300 (0.000)"),
        ("rmse", [0.7, 0.8, 0.9], "pass", "-0.300 (0.000)"),
        ("roc_auc", [0.7, 0.8, 0.9], "miss", "+0.300 (0.000)"),
        ("roc_auc", [1.3, 1.4, 1.5], "pass", "-0.300 (0.000)"),
    ],
)
def test_the_sign_follows_the_metric(metric, molgraph, verdict, worse):
    text = report(records_of(metric, [1.0, 1.1, 1.2], molgraph))
    assert f"| {worse} | 0.100 | {verdict} |" in text


def test_half_a_comparison_has_no_verdict():
    assert "not complete" in report(records_of("rmse", [1.0, 1.1, 1.2], []))


def test_different_splits_are_not_compared():
    records = records_of("rmse", [1.0, 1.1], [1.0, 1.1])
    records[-1]["split_sha256"] = "other"
    with pytest.raises(ValueError, match="seed 1: the learners' rows or settings differ"):
        report(records)


def test_chemprop_predictions_are_put_in_the_order_of_the_test_rows(data_dir, tmp_path):
    from inputs import LabelledRows
    from learners import ChempropLearner, Problem
    from peers import Chemprop

    program = tmp_path / "chemprop"
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys, csv, pathlib\n"
        "options = dict(zip(sys.argv[2::2], sys.argv[3::2]))\n"
        "rows = [row for row in csv.DictReader(open(options['--data-path'])) if row['split'] == 'test']\n"
        "folder = pathlib.Path(options['--output-dir'], 'model_0')\n"
        "folder.mkdir(parents=True)\n"
        "lines = [f\"{row['smiles']},{10 * float(row['label'])}\" for row in reversed(rows)]\n"
        "(folder / 'test_predictions.csv').write_text('\\n'.join(['smiles,label', *lines]))\n"
    )
    program.chmod(0o755)
    rows = LabelledRows(("C", "CC", "CCC", "CCCC"), np.array([1.0, 2.0, 3.0, 4.0]))
    problem = Problem(rows, np.array(["test", "train", "val", "test"]), "regression", 0, 3)
    assert ChempropLearner(Chemprop(Path(program))).predict_test(problem).tolist() == [10.0, 40.0]


def test_molgraph_learns_from_the_train_rows_alone(one_thread):
    from inputs import LabelledRows, random_parts
    from learners import MolgraphLearner, Problem

    smiles = tuple("C" * n + "O" for n in np.random.default_rng(0).permutation(50) + 1)
    size = np.array([float(len(text)) for text in smiles])
    parts = random_parts(len(smiles), 0)
    hidden = np.where(parts == "test", np.nan, size)
    prediction = MolgraphLearner().predict_test(
        Problem(LabelledRows(smiles, hidden), parts, "regression", seed=0, epochs=40)
    )
    assert np.corrcoef(prediction, size[parts == "test"])[0, 1] > 0.9
