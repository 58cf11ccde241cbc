"""Experiments are run once, with the same rows for all learners; records are checked; reports test differences."""

import dataclasses
import json

import numpy as np
import pytest

from molgraph import TrainConfig, load_dataset
from molgraph.benchmark import run as run_module
from molgraph.benchmark.learner import OWN_LEARNERS, OwnLearner
from molgraph.benchmark.protocol import BENCHMARK_SPLITS, Experiment, make_experiments, make_problem
from molgraph.benchmark.record import Record, read_record, read_records, write_record
from molgraph.benchmark.report import compare, summary_table, to_markdown, write_report
from molgraph.benchmark.run import run_experiment, run_experiments
from molgraph.errors import InputError, WorkerError
from molgraph.results.labels import Labels


@dataclasses.dataclass(frozen=True)
class Noisy:
    """Predicts the labels with noise."""

    noise: float

    def settings(self):
        return {"noise": self.noise}

    def versions(self):
        return {"python": "3"}

    def predict_test(self, problem):
        labels = problem.dataset.labels.values[problem.split.test]
        return labels + self.noise * np.random.default_rng(problem.seed + int(1000 * self.noise)).normal(
            size=labels.shape
        )


LEARNERS = {"good": Noisy(0.1), "bad": Noisy(2.0), "fair": Noisy(0.11)}


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch, assay, tmp_path):
    """The assay in the place of every data set, and no processes."""
    table = tmp_path / "assay.csv"
    lines = [f"{text},{value}" for text, value in zip(assay[0][:200], assay[1][:200], strict=True)]
    table.write_text("smiles,y\n" + "\n".join(lines))
    dataset = load_dataset(table)
    monkeypatch.setattr(run_module, "load_dataset", lambda _name, standardizer: dataset)

    def run_here(experiment, learner, folder):
        record = run_experiment(experiment, learner)
        write_record(record, folder)
        return run_module.ExperimentOutcome(experiment, record)

    monkeypatch.setattr(run_module, "_run_in_process", run_here)
    return dataset


def run(folder, seeds=(0, 1, 2), learners=LEARNERS, data_sets=("esol", "freesolv"), splits=("random", "scaffold")):
    return run_experiments(make_experiments(data_sets, splits, seeds, [*learners], learners), learners, folder)


def test_every_experiment_is_run_once(tmp_path):
    first = run(tmp_path / "records", seeds=(0,))
    assert len(first) == 12
    assert not any(outcome.was_there for outcome in first)
    again = run(tmp_path / "records", seeds=(0, 1))
    assert [outcome.was_there for outcome in again] == [True] * 12 + [False] * 12
    records = read_records(tmp_path / "records")
    assert len(records) == 24
    for cell in {(r.data_set, r.split, r.seed) for r in records}:
        own = [r for r in records if (r.data_set, r.split, r.seed) == cell]
        assert len({r.problem_sha256 for r in own}) == 1
        assert {r.rows["test"] for r in own} == {20}
    good = next(r for r in records if r.name == "esol-random-0-good")
    assert good.value == pytest.approx(0.1, abs=0.05)
    assert (good.metric, [*good.tasks], good.settings) == ("rmse", ["y"], {"noise": 0.1})


@pytest.mark.parametrize("name", BENCHMARK_SPLITS)
def test_splits_part_all_rows(name, in_this_process):
    one, other = (make_problem(in_this_process, name, seed) for seed in (0, 1))
    rows = np.concatenate([one.split.train, one.split.valid, one.split.test])
    assert sorted(rows.tolist()) == list(range(len(in_this_process)))
    assert len(one.split.test) > 0
    assert (one.fingerprint != other.fingerprint) == BENCHMARK_SPLITS[name].is_drawn
    assert make_problem(in_this_process, name, 0).fingerprint == one.fingerprint


def test_our_learners_do_not_use_the_test_labels(in_this_process):
    learner = OwnLearner(TrainConfig(learner="gp_tanimoto", folds=2))
    problem = make_problem(in_this_process, "random", 0)
    labels = in_this_process.labels.values.copy()
    labels[problem.split.test] = 99.0
    other = dataclasses.replace(problem, dataset=dataclasses.replace(in_this_process, labels=Labels(labels)))
    np.testing.assert_array_equal(learner.predict_test(problem), learner.predict_test(other))


@pytest.mark.slow
@pytest.mark.parametrize("name", OWN_LEARNERS)
def test_all_our_learners_run(name):
    quick = dataclasses.replace(OWN_LEARNERS[name].config, epochs=2)
    record = run_experiment(Experiment("esol", "random", 0, name), OwnLearner(quick))
    assert 0 < record.value < 3
    assert record.peak_mb > 10


def test_an_unknown_learner_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no learner 'nobody'; choose from good, bad, fair"):
        run_experiments([Experiment("esol", "random", 0, "nobody")], LEARNERS, tmp_path)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (ZeroDivisionError("oh"), "ZeroDivisionError: oh"),
        (np.zeros((3, 1)), r"predictions are \(3, 1\) and must be \(20, 1\)"),
        (np.full((20, 1), np.nan), "all of them finite"),
    ],
)
def test_learners_that_do_not_do_it(answer, words):
    class Broken(Noisy):
        def predict_test(self, problem):
            if isinstance(answer, Exception):
                raise answer
            return answer

    with pytest.raises(WorkerError, match=words):
        run_experiment(Experiment("esol", "random", 0, "broken"), Broken(0.0))


def test_what_is_no_record(tmp_path):
    run(tmp_path, seeds=(0,), data_sets=("esol",), splits=("random",))
    path = tmp_path / "esol-random-0-good.json"
    good = json.loads(path.read_text())
    for change, words in [
        ({"value": "low"}, "value is 'low'; it must be a number"),
        ({"surprise": 1}, "there is no field 'surprise'"),
        ({"format_version": 2}, "no record of format 1"),
        ({"seed": 1}, "give it that name"),
        ({"tasks": {"y": float("nan")}}, "NaN is no value"),
    ]:
        path.write_text(json.dumps({**good, **change}))
        with pytest.raises(InputError, match=words):
            read_record(path)
    path.write_text("{")
    with pytest.raises(InputError, match="is no record of a benchmark"):
        run(tmp_path, seeds=(0,), data_sets=("esol",), splits=("random",))
    with pytest.raises(InputError, match="holds no records"):
        read_records(tmp_path / "none")


def test_names_that_are_not_known():
    for arguments, words in [
        ((["esol"], ["random"], [0], ["nobody"]), "there is no learner 'nobody'"),
        ((["esol"], ["random"], [0], ["goood"]), r"there is no learner 'goood'; did you mean good\?"),
        ((["delaney"], ["random"], [0], ["good"]), r"there is no data set 'delaney'; did you mean esol\?"),
        ((["esol"], ["sorted"], [0], ["good"]), "there is no split 'sorted'"),
        ((["elso"], ["random"], [0], ["good"]), "there is no data set 'elso'"),
        (([], ["random"], [0], ["good"]), "no data set was named"),
    ]:
        with pytest.raises(InputError, match=words):
            make_experiments(*arguments, LEARNERS)


def test_a_report_marks_what_does_not_differ(tmp_path, margins):
    run(tmp_path / "records")
    records = read_records(tmp_path / "records")
    comparison = compare(records)
    assert comparison.learners[2] == "bad"
    assert comparison.n_blocks == 4
    assert comparison.missing == ()
    for (_, split), block in comparison.blocks.items():
        assert {*block.tied} == ({"good", "fair"} if split == "random" else set())
        assert block.seeds_of["bad"] == (0, 1, 2)
    text = to_markdown(comparison, records)
    assert "**" not in text
    assert "not significantly worse than the best" in text
    assert "the rows are fixed" in text
    assert "Not run" not in text
    assert "one test set: not tested" in text  # seeds of weights alone allow no inference about other rows
    assert summary_table(comparison).count("\n") == 9
    written = write_report(comparison, records, tmp_path / "report.md")
    assert [path.name for path in written] == ["report.md", "report.png"]
    assert margins(written[1]) == {"top", "bottom", "left", "right"}
    assert "![mean ranks](report.png)" in written[0].read_text()


def test_missing_experiments_are_listed(tmp_path):
    run(tmp_path / "records")
    for path in (tmp_path / "records").glob("*-[12]-bad.json"):
        path.unlink()
    records = read_records(tmp_path / "records")
    comparison = compare(records)
    assert comparison.n_blocks == 4
    assert len(comparison.missing) == 8
    assert "Not run: bad, 8 experiments." in to_markdown(comparison, records)
    assert "(too few seeds: bad)" in to_markdown(comparison, records)
    assert comparison.apart == ("bad",)  # it does not take the others' seeds away
    assert comparison.learners[-1] == "bad"
    assert "Not ranked, since others have more seeds: bad." in to_markdown(comparison, records)
    assert "(seed 0) |" in summary_table(comparison)
    block = comparison.blocks["esol", "random"]
    assert block.means["good"] == pytest.approx(block.values["good"].mean())
    assert "(1 seed)" in to_markdown(comparison, records)


def test_learners_that_got_other_rows_are_refused(tmp_path):
    run(tmp_path / "records", seeds=(0,))
    records = read_records(tmp_path / "records")
    wrong = dataclasses.replace(records[0], problem_sha256="0" * 64)
    with pytest.raises(InputError, match="did not get the same rows"):
        compare([wrong, *records[1:]])
    with pytest.raises(InputError, match="no records to compare"):
        compare([])


def test_larger_can_be_better(tmp_path):
    def record(learner, seed, value):
        return Record("bbbp", "random", seed, learner, "roc_auc", value, {"y": value}, {"test": 1}, "p", "d", {}, {}, 1.0,
                      1.0, "2026-01-01")  # fmt: skip

    values = {"high": [0.9, 0.91, 0.92], "low": [0.7, 0.71, 0.72]}
    records = [record(name, seed, value) for name, own in values.items() for seed, value in enumerate(own)]
    comparison = compare(records)
    assert comparison.learners == ("high", "low")
    assert comparison.blocks["bbbp", "random"].tied == ("high",)
    assert comparison.lost("low") == (("bbbp", "random"),)
    assert comparison.lost("high") == ()


def test_means_stand_beside_each_other_on_the_same_rows_only():
    def record(split, learner, seed, value):
        return Record("esol", split, seed, learner, "rmse", value, {"y": value}, {"test": 1}, f"{split}{seed}", "d", {},
                      {}, 1.0, 1.0, "2026-01-01")  # fmt: skip

    records = [
        record(split, "one", seed, value) for split in ("random", "scaffold") for seed, value in ((0, 1), (1, 3))
    ]
    records += [record(split, "other", 1, 2.0) for split in ("random", "scaffold")]
    comparison = compare(records)
    assert comparison.blocks["esol", "random"].means == {"one": 3.0, "other": 2.0}  # the seed draws the rows
    assert comparison.blocks["esol", "scaffold"].means == {"one": 2.0, "other": 2.0}
    assert comparison.ranking.ranks.tolist() == [1.25, 1.75]
    apart = compare([own for own in records if own.seed == (0 if own.learner == "one" else 1)])
    assert apart.blocks["esol", "random"].means == {}
    assert apart.n_blocks == 1
