"""A training that was stopped and resumed gives the weights of one that was not."""

import dataclasses
import pickle
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from molgraph.config.optimizer import OptimizerConfig
from molgraph.config.training import config_to_dict
from molgraph.errors import InputError, TrainingError
from molgraph.training import loop
from molgraph.training.checkpoint import Checkpoint
from molgraph.training.ensemble import train_ensemble


class StopError(Exception):
    """Stands for whatever ends a training."""


@pytest.fixture(autouse=True)
def save_every_epoch(monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)


@pytest.fixture(scope="module")
def config(quick):
    return dataclasses.replace(quick, epochs=5, model=dataclasses.replace(quick.model, dropout=0.1))


@pytest.fixture(scope="module")
def uninterrupted(make_dataset, config):
    return train_ensemble(make_dataset(), config)


def assert_equal(one, other) -> None:
    state, other_state = one.learners.network.state_dict(), other.learners.network.state_dict()
    assert all(torch.equal(state[key], other_state[key]) for key in state)
    assert one.best_epochs == other.best_epochs
    assert np.array_equal(one.out_of_fold, other.out_of_fold)


def stop_at(member: int, epoch: int):
    def listen(progress):
        if (progress.members[0], progress.epoch) == (member, epoch):
            raise StopError

    return listen


@pytest.mark.parametrize("moment", [(0, 0), (0, 3), (1, 0), (2, 4)], ids=["at once", "inside", "between", "at the end"])
def test_resumed_after_an_exception(make_dataset, config, uninterrupted, tmp_path, moment):
    folder = tmp_path / "state"
    with pytest.raises(StopError):
        train_ensemble(make_dataset(), config, checkpoint_folder=folder, on_progress=stop_at(*moment))
    assert folder.exists() == (moment != (0, 0))
    epochs = []
    resumed = train_ensemble(
        make_dataset(),
        config,
        checkpoint_folder=folder,
        resume=True,
        on_progress=lambda p: epochs.append((p.members[0], p.epoch)),
    )
    assert_equal(resumed, uninterrupted)
    assert min(epochs) == moment  # nothing that was done is done again


def test_stopped_again_and_again(make_dataset, config, uninterrupted, tmp_path):
    for member in range(3):
        for epoch in (2, 4):
            with pytest.raises(StopError):
                train_ensemble(
                    make_dataset(),
                    config,
                    checkpoint_folder=tmp_path,
                    resume=True,
                    on_progress=stop_at(member, epoch),
                )
    assert_equal(train_ensemble(make_dataset(), config, checkpoint_folder=tmp_path, resume=True), uninterrupted)


@pytest.mark.parametrize("members_per_pass", [None, 3])
def test_resumed_with_early_stopping(make_dataset, quick, tmp_path, members_per_pass):
    config = dataclasses.replace(
        quick,
        epochs=12,
        patience=2,
        inner_fraction=0.3,
        optimizer=OptimizerConfig(warmup_epochs=1.0, peak_lr=2e-2),
        members_per_pass=members_per_pass,
    )
    expected = train_ensemble(make_dataset(), config)
    with pytest.raises(StopError):
        train_ensemble(make_dataset(), config, checkpoint_folder=tmp_path, on_progress=stop_at(0, 2))
    assert_equal(train_ensemble(make_dataset(), config, checkpoint_folder=tmp_path, resume=True), expected)


KILLED = """
    import dataclasses, os, pickle, signal, sys
    from pathlib import Path
    from molgraph.config.training import config_from_dict
    from molgraph.training import loop
    from molgraph.training.ensemble import train_ensemble

    loop.CHECKPOINT_SECONDS = 0.0
    dataset, config = pickle.loads(Path(sys.argv[1]).read_bytes())

    def kill(progress):
        if progress.members == (1,) and progress.epoch == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    train_ensemble(dataset, config_from_dict(config, source="test"), checkpoint_folder=Path(sys.argv[2]), on_progress=kill)
"""


@pytest.mark.parametrize("dropout", [0.1, 0.0], ids=["one after the other", "side by side"])
def test_resumed_after_a_kill(make_dataset, config, tmp_path, dropout):
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, dropout=dropout))
    (tmp_path / "input").write_bytes(pickle.dumps((make_dataset(), config_to_dict(config))))
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), tmp_path / "input", tmp_path / "state"],
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    names = {path.name for path in (tmp_path / "state").iterdir()}
    assert "members-1-to-1.safetensors" in names
    resumed = train_ensemble(make_dataset(), config, checkpoint_folder=tmp_path / "state", resume=True)
    assert_equal(resumed, train_ensemble(make_dataset(), config))


def test_without_resume_the_old_state_is_gone(make_dataset, config, uninterrupted, tmp_path):
    train_ensemble(make_dataset(40), config, checkpoint_folder=tmp_path / "state")
    assert_equal(train_ensemble(make_dataset(), config, checkpoint_folder=tmp_path / "state"), uninterrupted)


def test_resuming_from_nothing_is_starting(make_dataset, config, uninterrupted, tmp_path):
    assert_equal(
        train_ensemble(make_dataset(), config, checkpoint_folder=tmp_path / "none", resume=True), uninterrupted
    )


@pytest.fixture
def half_done(make_dataset, quick, tmp_path) -> Path:
    with pytest.raises(StopError):
        train_ensemble(make_dataset(), quick, checkpoint_folder=tmp_path / "state", on_progress=stop_at(0, 2))
    return tmp_path / "state"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 9}, "setting epochs was 4 and is 9 now"),
        (
            {"optimizer": OptimizerConfig(warmup_epochs=1.0, peak_lr=0.1)},
            "setting optimizer.peak_lr was 0.001 and is 0.1 now",
        ),
        ({"seed": 3}, "setting seed was 0 and is 3 now"),
        ({"precision": "bfloat16"}, "precision was torch.float32 and is torch.bfloat16 now"),
    ],
)
def test_other_settings_are_refused(make_dataset, quick, half_done, change, message):
    with pytest.raises(TrainingError) as caught:
        train_ensemble(make_dataset(), dataclasses.replace(quick, **change), checkpoint_folder=half_done, resume=True)
    assert message in str(caught.value)
    assert "or train without `resume=True`" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_data_are_refused(make_dataset, quick, half_done):
    dataset = make_dataset()
    other = dataclasses.replace(dataset, labels=dataset.labels.map(lambda values: values + 1))
    with pytest.raises(TrainingError, match=r"data was .* and is .* now"):
        train_ensemble(other, quick, checkpoint_folder=half_done, resume=True)


def test_what_another_rdkit_computed_is_refused(make_dataset, quick, half_done, monkeypatch):
    monkeypatch.setattr("molgraph.training.prepare.version", lambda _: "2031.09.1")
    with pytest.raises(TrainingError, match=r"rdkit was \S+ and is 2031\.09\.1 now"):
        train_ensemble(make_dataset(), quick, checkpoint_folder=half_done, resume=True)


def damage_truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def damage_empty(path: Path) -> None:
    path.write_bytes(b"")


def damage_text(path: Path) -> None:
    path.write_text("this is no checkpoint, but it is longer than eight bytes")


def damage_foreign(path: Path) -> None:
    save_file(load_file(path), path)  # tensors without any metadata


def damage_other_metadata(path: Path) -> None:
    save_file(load_file(path), path, {"molgraph": "[1, 2]"})


@pytest.mark.parametrize("damage", [damage_truncated, damage_empty, damage_text, damage_foreign, damage_other_metadata])
def test_damaged_state_is_refused(make_dataset, quick, half_done, damage):
    damage(half_done / "members-0-to-0.safetensors")
    with pytest.raises(TrainingError, match=r"is damaged .*; delete .* or train without `resume=True`") as caught:
        train_ensemble(make_dataset(), quick, checkpoint_folder=half_done, resume=True)
    assert "\n" not in str(caught.value)


class TestCheckpoint:
    def test_round_trip(self, tmp_path):
        checkpoint = Checkpoint(tmp_path / "state", {"data": "x"})
        assert checkpoint.load("a") is None
        tensors = {"w": torch.arange(6.0).view(2, 3).t(), "step": torch.tensor(3.0)}
        checkpoint.save("a", tensors, {"epoch": 2, "losses": [0.5, float("inf"), float("nan")]})
        loaded, state = checkpoint.load("a")
        assert all(torch.equal(loaded[key], tensors[key]) for key in tensors)
        assert state["epoch"] == 2
        assert np.array_equal(state["losses"], [0.5, np.inf, np.nan], equal_nan=True)
        assert [path.name for path in (tmp_path / "state").iterdir()] == ["a.safetensors"]
        checkpoint.clear()
        assert not (tmp_path / "state").exists()
        checkpoint.clear()

    def test_failed_save_leaves_the_old_one(self, tmp_path, monkeypatch):
        checkpoint = Checkpoint(tmp_path, {})
        checkpoint.save("a", {"w": torch.zeros(1)}, {"epoch": 1})

        def full(_path, _content):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(InputError, match="no space left"):
            checkpoint.save("a", {"w": torch.ones(1)}, {"epoch": 2})
        assert checkpoint.load("a")[1] == {"epoch": 1}
        assert len(list(tmp_path.iterdir())) == 1

    def test_a_first_save_that_failed_leaves_nothing(self, tmp_path, monkeypatch):
        def full(_path, _content):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(InputError, match="no space left"):
            Checkpoint(tmp_path / "state", {}).save("a", {"w": torch.ones(1)}, {"epoch": 2})
        assert not (tmp_path / "state").exists()

    def test_folder_that_cannot_be_made(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(InputError, match=r"cannot make the folder .* for the state of training"):
            Checkpoint(tmp_path / "file" / "state", {}).save("a", {}, {})
