"""Pretraining: it learns, it says how well, it goes on where it stopped, and its card tells the truth."""

import dataclasses
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from molgraph import ModelConfig, PretrainConfig, pretrain
from molgraph.errors import InputError, TrainingError
from molgraph.model_folder.encoder_folder import load_encoder, load_encoder_card
from molgraph.models.precision import resolve_device
from molgraph.training.pretraining import pretraining_loop, shards
from molgraph.training.pretraining.pretraining_loop import train_pretrainer
from molgraph.training.pretraining.pretraining_targets import UNKNOWN, block_slices
from molgraph.training.pretraining.shards import load_shard, shard_corpus

CPU = torch.device("cpu")
SMALL = PretrainConfig(
    model=ModelConfig(hidden=32),
    decoder_hidden=32,
    epochs=4,
    batch_size=16,
    peak_lr=1e-3,
    held_out_fraction=0.1,
    device="cpu",
    precision="float32",
)


class StopError(Exception):
    """Stands for whatever ends a pretraining."""


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(shards, "SHARD_ROWS", 40)
    monkeypatch.setattr(pretraining_loop, "CHECKPOINT_SECONDS", 0.0)


@pytest.fixture(scope="module")
def library(assay, tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "library.smi"
    path.write_text("".join(f"{text}\n" for text in assay[0][:120]))
    return path


@pytest.fixture(scope="module")
def corpus(assay, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD_ROWS", 40)
        folder = tmp_path_factory.mktemp("shards")
        return shard_corpus(assay[0][:120], folder, held_out_fraction=0.1, identity={})


def stop_in(stage, at):
    seen = 0

    def listen(progress):
        nonlocal seen
        seen += progress.stage == stage
        if progress.stage == stage and seen == at:
            raise StopError

    return listen


def test_shards_hold_every_molecule_once_and_hold_some_out(corpus):
    assert list(corpus.train.values()) == [40, 40, 28]
    assert list(corpus.held_out.values()) == [12]
    for name, size in {**corpus.train, **corpus.held_out}.items():
        graphs, stored = load_shard(corpus.folder, name)
        assert len(graphs) == len(stored) == size
        assert (stored[:, block_slices()["properties"]] != UNKNOWN).any()


def test_it_learns_to_tell_what_is_computed(corpus):
    config = dataclasses.replace(SMALL, epochs=60, peak_lr=3e-3)
    model = train_pretrainer(corpus, config, device=CPU, dtype=torch.float32)
    r2 = pretraining_loop.held_out_r2(model, corpus, device=CPU, dtype=torch.float32)
    fresh = train_pretrainer(corpus, dataclasses.replace(config, peak_lr=0.0), device=CPU, dtype=torch.float32)
    before = pretraining_loop.held_out_r2(fresh, corpus, device=CPU, dtype=torch.float32)
    properties = block_slices()["properties"]
    assert np.nanmedian(before[properties]) < 0.1
    assert np.nanmedian(r2[properties]) > 0.6


def test_lanes_change_nothing_but_rounding(corpus, monkeypatch):
    states = []
    for n_lanes in (1, 3):
        monkeypatch.setattr(pretraining_loop, "default_processes", lambda n=n_lanes: n)
        model = train_pretrainer(corpus, SMALL, device=CPU, dtype=torch.float32)
        states.append(model.state_dict())
    for key, tensor in states[0].items():
        torch.testing.assert_close(states[1][key], tensor, rtol=1e-3, atol=1e-4)


def test_same_seed_same_encoder_and_the_card_counts(library, tmp_path):
    cards = [pretrain([library], output=tmp_path / name, config=SMALL) for name in ("one", "other")]
    weights = [load_file(tmp_path / name / "encoder.safetensors") for name in ("one", "other")]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    assert cards[0] == cards[1] == load_encoder_card(tmp_path / "one")
    card = cards[0]
    assert card.n_train + card.n_held_out == card.corpus[0].used == 120
    assert len(card.r2) == 217 + 43 + 1024 + 315
    assert set(card.median_r2) == {"descriptors", "properties", "ecfp_counts", "reduced_graph"}
    assert not (tmp_path / "one.pretraining").exists()
    assert load_encoder(tmp_path / "one").card == card


@pytest.mark.parametrize(("stage", "at"), [("describe", 2), ("train", 2), ("train", 7)])
def test_a_run_that_was_stopped_goes_on_to_the_same_encoder(library, tmp_path, stage, at):
    pretrain([library], output=tmp_path / "whole", config=SMALL)
    with pytest.raises(StopError):
        pretrain([library], output=tmp_path / "again", config=SMALL, on_progress=stop_in(stage, at))
    assert not (tmp_path / "again").exists()
    seen = []
    pretrain([library], output=tmp_path / "again", config=SMALL, resume=True, on_progress=seen.append)
    one, other = (load_file(tmp_path / name / "encoder.safetensors") for name in ("whole", "again"))
    assert all(torch.equal(one[key], other[key]) for key in one)
    n_trained = sum(step.stage == "train" for step in seen)
    assert n_trained == (12 if stage == "describe" else 13 - at)  # 3 pieces, 4 epochs; the piece at the stop is done


def test_targets_are_computed_once_for_encoders_of_several_shapes(library, tmp_path, assay):
    targets = tmp_path / "targets"
    pretrain([library], output=tmp_path / "first", config=SMALL, targets=targets)
    before = {path.name: path.read_bytes() for path in targets.iterdir()}
    wider = dataclasses.replace(SMALL, model=dataclasses.replace(SMALL.model, hidden=SMALL.model.hidden * 2))
    steps = []
    card = pretrain([library], output=tmp_path / "second", config=wider, targets=targets, on_progress=steps.append)
    assert [step.molecules_done for step in steps if step.stage == "describe"] == [120]
    assert {path.name: path.read_bytes() for path in targets.iterdir()} == before
    assert card.config.model.hidden == SMALL.model.hidden * 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "second", "targets"]
    pretrain([library], output=tmp_path / "alone", config=wider)
    one, other = (load_file(tmp_path / name / "encoder.safetensors") for name in ("second", "alone"))
    assert all(torch.equal(one[key], other[key]) for key in one)
    smaller = tmp_path / "smaller.smi"
    smaller.write_text("".join(f"{text}\n" for text in assay[0][:80]))
    with pytest.raises(TrainingError, match=r"structures was .* or name another folder of targets"):
        pretrain([smaller], output=tmp_path / "third", config=SMALL, targets=targets)


def test_a_folder_of_other_things_is_left_alone(library, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"own holds 'notes.txt' and no computed targets; name an empty folder"):
        pretrain([library], output=tmp_path / "a", config=SMALL, targets=own)
    assert [path.name for path in own.iterdir()] == ["notes.txt"]
    with pytest.raises(InputError, match=r"cannot make the folder .*notes.txt for computed targets"):
        pretrain([library], output=tmp_path / "a", config=SMALL, targets=own / "notes.txt")


def test_nothing_of_another_corpus_is_gone_on_with(library, tmp_path, assay):
    with pytest.raises(StopError):
        pretrain([library], output=tmp_path / "a", config=SMALL, on_progress=stop_in("train", 2))
    other = tmp_path / "other.smi"
    other.write_text("".join(f"{text}\n" for text in assay[0][120:200]))
    with pytest.raises(
        TrainingError, match=r"were made of another corpus: structures was .* begin without `resume=True`"
    ):
        pretrain([other], output=tmp_path / "a", config=SMALL, resume=True)
    settings = dataclasses.replace(SMALL, peak_lr=2e-3)
    with pytest.raises(TrainingError, match=r"setting peak_lr was 0\.001 and is 0\.002 now"):
        pretrain([library], output=tmp_path / "a", config=settings, resume=True)
    pretrain([other], output=tmp_path / "a", config=SMALL)  # without resume it begins anew


@pytest.mark.parametrize("name", ["train-00000", "scaling"])
def test_a_damaged_shard_is_one_error(library, tmp_path, name):
    with pytest.raises(StopError):
        pretrain([library], output=tmp_path / "a", config=SMALL, on_progress=stop_in("train", 1))
    path = tmp_path / "a.pretraining" / "targets" / f"{name}.safetensors"
    path.write_bytes(path.read_bytes()[:50])
    shutil.rmtree(tmp_path / "a.pretraining" / "state", ignore_errors=True)
    with pytest.raises(TrainingError, match=r"damaged .* begin again"):
        pretrain([library], output=tmp_path / "a", config=SMALL, resume=True)


def test_a_loss_that_is_no_number_is_an_error(library, tmp_path, monkeypatch):
    monkeypatch.setattr(pretraining_loop, "one_cycle", lambda _step, _total, _peak: float("inf"))
    with pytest.raises(
        TrainingError, match=r"the loss is nan in epoch 1; lower the learning rate \(peak_lr is 0.001\)"
    ):
        pretrain([library], output=tmp_path / "a", config=SMALL)


def test_bad_calls_are_refused_before_any_work(library, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="exists and is not empty"):
        pretrain([library], output=tmp_path / "full", config=SMALL)
    with pytest.raises(InputError, match=r"would delete notes\.txt"):
        pretrain([library], output=tmp_path / "full", config=SMALL, overwrite=True)
    (tmp_path / "a.pretraining").mkdir()
    (tmp_path / "a.pretraining" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"a\.pretraining: to replace the folder would delete notes\.txt"):
        pretrain([library], output=tmp_path / "a", config=SMALL)
    shutil.rmtree(tmp_path / "a.pretraining")
    with pytest.raises(InputError, match="no library is given"):
        pretrain([], output=tmp_path / "a")
    (tmp_path / "one.smi").write_text("CCO\n")
    with pytest.raises(InputError, match="1 structures are too few to learn from"):
        pretrain([tmp_path / "one.smi"], output=tmp_path / "a", config=SMALL)
    with pytest.raises(InputError, match=r"PretrainConfig.epochs is 0; it must lie between 1"):
        PretrainConfig(epochs=0)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_learns_the_same(corpus):
    device = resolve_device("cuda")
    config = dataclasses.replace(SMALL, epochs=60, peak_lr=3e-3)
    model = train_pretrainer(corpus, config, device=device, dtype=torch.float32)
    r2 = pretraining_loop.held_out_r2(model, corpus, device=device, dtype=torch.float32)
    assert np.nanmedian(r2[block_slices()["properties"]]) > 0.6
