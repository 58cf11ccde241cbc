"""Tuning: what is tried, what is kept, and that it goes on."""

import csv
import dataclasses
import sys

import pytest

from molgraph import EncoderConfig, ModelConfig, OptimizerConfig, TrainConfig, UncertaintyConfig, load_dataset
from molgraph.config.training import config_from_toml
from molgraph.errors import InputError
from molgraph.training.tune import SEARCH_SPACE, Range, to_toml, tune

pytest.importorskip("optuna")

BASE = TrainConfig(folds=2, epochs=8, device="cpu", precision="float32")


@pytest.fixture(scope="module")
def dataset(assay_table):
    return load_dataset(assay_table, target_columns=["pIC50", "active"])


@pytest.fixture(autouse=True)
def small_space(monkeypatch):
    small = {**SEARCH_SPACE, "model.hidden": Range(8, 32, 8), "model.depth": Range(2, 3, 1)}
    monkeypatch.setattr("molgraph.training.tune.SEARCH_SPACE", small)


def test_the_best_of_all_trials_is_written_and_can_be_trained_with(dataset, tmp_path):
    told = []
    result = tune(dataset, tmp_path / "study", n_trials=4, config=BASE, on_trial=told.append)
    assert [trial.number for trial in told] == [trial.number for trial in result.trials] == [0, 1, 2, 3]
    values = [trial.value for trial in result.trials if trial.value is not None]
    assert result.best.value == min(values)
    assert result.default_value == result.trials[0].value
    assert result.trials[0].settings["optimizer.peak_lr"] == pytest.approx(BASE.optimizer.peak_lr)
    config = config_from_toml(tmp_path / "study" / "best.toml")
    assert config == result.config
    assert config.learner == "network"
    assert (config.model.hidden, config.model.head_hidden) == (result.best.settings["model.hidden"],) * 2
    rates, before = config.optimizer, BASE.optimizer
    assert rates.initial_lr / rates.peak_lr == pytest.approx(before.initial_lr / before.peak_lr)
    with (tmp_path / "study" / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == ["0", "1", "2", "3"]
    assert set(SEARCH_SPACE) <= set(rows[0])


def test_a_study_goes_on(dataset, tmp_path):
    first = tune(dataset, tmp_path / "study", n_trials=2, config=BASE)
    second = tune(dataset, tmp_path / "study", n_trials=3, config=BASE)
    assert second.trials[:2] == first.trials
    assert len(second.trials) == 3
    assert second.trials[2].settings != second.trials[1].settings
    assert tune(dataset, tmp_path / "study", n_trials=3, config=BASE).trials == second.trials
    with pytest.raises(InputError, match="holds a study of other settings"):
        tune(dataset, tmp_path / "study", n_trials=4, config=dataclasses.replace(BASE, epochs=9))
    with pytest.raises(InputError, match="holds a study of other data"):
        tune(dataset.take(range(40)), tmp_path / "study", n_trials=4, config=BASE)


def test_hopeless_trials_are_ended(dataset, tmp_path, monkeypatch):
    import optuna

    monkeypatch.setattr(optuna.pruners.MedianPruner, "prune", lambda _self, _study, trial: trial.number == 1)
    result = tune(dataset, tmp_path / "study", n_trials=3, config=BASE)
    assert [trial.value is None for trial in result.trials] == [False, True, False]


def test_wrong_settings(dataset, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="n_trials is 0; it must be 1 or more"):
        tune(dataset, tmp_path, n_trials=0)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match=r"tuning needs Optuna: pip install 'molgraph-toolkit\[tune\]'"):
        tune(dataset, tmp_path)


def test_settings_survive_toml(tmp_path):
    config = TrainConfig(
        epochs=7,
        learner="network",
        balance_classes=True,
        model=ModelConfig(hidden=64),
        encoder=EncoderConfig(tuning="full"),
        optimizer=OptimizerConfig(peak_lr=5e-4),
        uncertainty=UncertaintyConfig("mve"),
    )
    (tmp_path / "best.toml").write_text(to_toml(config))
    assert config_from_toml(tmp_path / "best.toml") == config
    (tmp_path / "none.toml").write_text(to_toml(TrainConfig()))
    assert config_from_toml(tmp_path / "none.toml") == TrainConfig()
