"""The encoder folder: what is saved comes back, any damage gives one `ModelError`, and training begins with it."""

import contextlib
import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save

from molgraph import EncoderConfig, ModelConfig, Predictor, TrainConfig, featurize, train
from molgraph.errors import InputError, ModelError
from molgraph.features.blocks import BLOCKS
from molgraph.model_folder.encoder_card import encoder_card_from_dict, encoder_card_to_dict
from molgraph.model_folder.encoder_folder import builtin_encoder_folder, encoder_for, load_encoder, load_encoder_card
from molgraph.model_folder.folder import load_card, load_model, save_model
from molgraph.models.batch import ResidentGraphs
from molgraph.models.frozen import FrozenEncoder
from molgraph.prediction.panel import Panel
from molgraph.storage.hashes import values_sha256


@pytest.fixture
def folder(encoder_folder, tmp_path) -> Path:
    """A copy of an encoder to damage."""
    return Path(shutil.copytree(encoder_folder, tmp_path / "encoder"))


def refused(folder) -> str:
    with pytest.raises(ModelError) as caught:
        load_encoder(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


def rewrite(folder, *, weights=None, **changes):
    """Change card or weights and seal them again, as one does who means harm."""
    card = json.loads((folder / "card.json").read_text())
    del card["card_sha256"]
    card |= changes
    if weights is not None:
        content = save(weights)
        (folder / "encoder.safetensors").write_bytes(content)
        card["files"] = {"encoder.safetensors": hashlib.sha256(content).hexdigest()}
    (folder / "card.json").write_text(json.dumps({**card, "card_sha256": values_sha256(card)}))


def test_the_card_comes_back(encoder_folder):
    card = load_encoder_card(encoder_folder)
    plain = json.loads(json.dumps(encoder_card_to_dict(card)))
    assert encoder_card_from_dict(plain, source="here") == card


def test_what_is_not_there_or_another_thing(folder, tmp_path, small_config):
    (tmp_path / "empty").mkdir()
    assert "is not an encoder folder: it does not exist; give a folder that molgraph pretrain" in refused(
        tmp_path / "x"
    )
    assert "is not a complete encoder folder: it has no card.json" in refused(tmp_path / "empty")
    assert "it is a file" in refused(folder / "card.json")
    (folder / "encoder.safetensors").unlink()
    assert "encoder.safetensors is missing; copy or pretrain the encoder again" in refused(folder)


def test_a_model_is_no_encoder(model_folder):
    assert "is a folder of the kind 'model', not an encoder folder; give a folder that molgraph pretrain" in refused(
        model_folder
    )


def test_an_encoder_is_no_model(encoder_folder):
    with pytest.raises(ModelError, match="is a folder of the kind 'encoder', not a model folder"):
        Predictor.load(encoder_folder)


def test_a_changed_card_is_noticed_and_so_are_changed_weights(folder):
    text = (folder / "card.json").read_text()
    (folder / "card.json").write_text(text.replace('"licence": "MIT"', '"licence": "none"'))
    assert "was damaged or changed" in refused(folder)
    (folder / "card.json").write_text(text)
    content = bytearray((folder / "encoder.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "encoder.safetensors").write_bytes(content)
    assert "is not the file that the card describes" in refused(folder)


def test_an_encoder_of_another_feature_schema_is_refused(folder):
    rewrite(folder, schema="atoms-9")
    assert "reads feature schema 'atoms-9', written by molgraph" in refused(folder)


def test_weights_that_do_not_fit_the_card_are_refused(folder):
    weights = {key: tensor.clone() for key, tensor in load_file(folder / "encoder.safetensors").items()}
    rewrite(folder, weights={**weights, "extra": torch.zeros(1)})
    assert "extra is torch.float32 (1,), not missing" in refused(folder)
    rewrite(folder, weights={key: tensor[..., :1].contiguous() for key, tensor in weights.items()})
    assert "does not fit together" in refused(folder)
    rewrite(folder, weights={**weights, "typical_atoms": torch.tensor([float("nan")])})
    assert "not finite" in refused(folder)


def test_files_that_do_not_belong_there_are_refused(folder):
    rewrite(folder, files={"../../secrets": "0" * 64})
    assert "names unknown files" in refused(folder)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_flipped_byte_is_an_error_or_changes_nothing(encoder_folder, tmp_path_factory, data):
    folder = Path(shutil.copytree(encoder_folder, tmp_path_factory.mktemp("flip") / "encoder"))
    path = folder / data.draw(st.sampled_from(["card.json", "encoder.safetensors"]))
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    found = None
    with contextlib.suppress(ModelError):
        found = load_encoder(folder)
    # Another blank between two fields says nothing else.
    assert found is None or found.card == load_encoder(encoder_folder).card


def with_encoder(config, **settings) -> TrainConfig:
    return dataclasses.replace(config, encoder=dataclasses.replace(config.encoder, **settings))


class TestTraining:
    """A network that begins with an encoder."""

    @pytest.fixture
    def config(self, small_config, encoder_folder):
        return dataclasses.replace(
            small_config,
            model=ModelConfig(head_hidden=32),
            encoder=EncoderConfig(pretrained=str(encoder_folder), tuning="full"),
        )

    def test_it_begins_with_these_weights_and_takes_their_shape(
        self, assay_table, config, encoder_folder, tmp_path, assay
    ):
        held = with_encoder(config, frozen_epochs=config.epochs)
        model = train(assay_table, target_columns=["pIC50"], output=tmp_path / "model", config=held)
        assert model.card.config.model.hidden == 32
        assert model.card.encoder == load_encoder(encoder_folder).digest
        state = load_file(tmp_path / "model" / "weights.safetensors")
        for key, tensor in load_encoder(encoder_folder).weights.state.items():
            assert torch.equal(state[f"encoder.{key}"], tensor.expand_as(state[f"encoder.{key}"])), key
        # The head reads vectors in a fifth of their deviations over the corpus; a frozen encoder gives the deviations.
        begun = load_encoder(encoder_folder)
        assert torch.equal(state["vector_mean"][1], begun.weights.mean)
        assert torch.equal(state["vector_scale"][1], begun.weights.scale)
        network, graphs = load_model(tmp_path / "model").learners.network.members(1, 2), featurize(assay[0][:20])
        batch = ResidentGraphs(graphs, torch.device("cpu")).batch(np.arange(20)[None])
        read = []
        network.hidden[0].register_forward_pre_hook(lambda _layer, inputs: read.append(inputs[0]))
        features = torch.zeros(1, 20, network.shape.n_features)
        with torch.inference_mode():
            network.read(network.encoder(batch, torch.float32), features, torch.float32)
        expected = begun.frozen(torch.device("cpu"), torch.float32).vectors(graphs)
        np.testing.assert_allclose(read[0][0, :, :32], 0.2 * np.clip(expected, -6, 6), atol=1e-4)

    def test_it_learns_on_at_its_own_rate(self, assay_table, config, encoder_folder, tmp_path):
        moved = []
        for share in (0.0, 0.1, 1.0):
            own = with_encoder(config, lr_factor=share)
            folder = tmp_path / f"{share}"
            train(assay_table, target_columns=["pIC50"], output=folder, config=own)
            state, begun = load_file(folder / "weights.safetensors"), load_encoder(encoder_folder).weights.state
            steps = [(state[f"encoder.{key}"] - begun[key]).abs().mean().item() for key in begun]
            moved.append(float(np.mean(steps)))
        assert moved[0] == 0.0
        assert 0.0 < 3 * moved[1] < moved[2]

    def test_another_shape_is_refused_by_name_and_let_go_by_auto(self, config, encoder_folder, monkeypatch):
        wide = dataclasses.replace(config, model=ModelConfig(hidden=64))
        with pytest.raises(
            InputError, match=r"model.hidden is 64, and the encoder in .* has 32; leave the setting out"
        ):
            encoder_for(wide, 60)
        monkeypatch.setattr("molgraph.model_folder.encoder_folder.builtin_encoder_folder", lambda: encoder_folder)
        assert encoder_for(with_encoder(wide, pretrained="auto"), 60) == (
            None,
            with_encoder(wide, pretrained="none", tuning="full"),
        )
        epochs = [
            encoder_for(TrainConfig(encoder=EncoderConfig(encoder, tuning), epochs=own), 60)[1].epochs
            for encoder, tuning, own in (
                ("none", "auto", None), ("auto", "frozen", None), ("auto", "full", None), ("auto", "full", 7)
            )
        ]  # fmt: skip
        assert epochs == [50, 50, 30, 7]
        found, shaped = encoder_for(TrainConfig(), 60)
        assert found is not None
        assert shaped.model.hidden == 32
        assert encoder_for(TrainConfig(encoder=EncoderConfig("none")), 60)[0] is None

    def test_a_frozen_encoder_is_a_block_of_columns(self, assay_table, config, encoder_folder, tmp_path, assay):
        frozen = with_encoder(dataclasses.replace(config, learner=None, preset="fast"), tuning="frozen")
        model = train(assay_table, target_columns=["pIC50", "active"], output=tmp_path / "model", config=frozen)
        state = load_file(tmp_path / "model" / "weights.safetensors")
        assert not any(key.startswith("encoder.") for key in state)
        weights = load_file(tmp_path / "model" / "encoder.safetensors")
        assert all(
            torch.equal(weights[key], tensor) for key, tensor in load_encoder(encoder_folder).weights.state.items()
        )
        texts = assay[0][100:120]
        first = model.predict(texts, domain=True)
        again = Predictor.load(tmp_path / "model").predict(texts, domain=True)
        np.testing.assert_array_equal(first.mean, again.mean)
        assert np.isfinite(first.latent_distance).all()
        # The network's head reads the vectors, standardized, and the codes; the others what they always read.
        assert state["feature_mean"].shape[1] == 32 + BLOCKS["codes"].n_columns
        vectors = model.encoder.vectors(featurize(assay[0][:60], standardizer="default"))
        assert abs(state["feature_mean"][:, :32].mean() - vectors.mean()) < 0.2

    def test_trees_read_the_frozen_encoder(self, assay_table, config, tmp_path):
        frozen = with_encoder(dataclasses.replace(config, learner="catboost_embedding"), tuning="frozen")
        model = train(assay_table, target_columns=["pIC50"], output=tmp_path / "model", config=frozen)
        assert model.card.learners == ("network", "catboost_embedding")
        assert np.isfinite(model.predict(["CCO"]).mean).all()

    def test_models_that_share_an_encoder_embed_once(self, assay_table, config, tmp_path, monkeypatch):
        frozen = with_encoder(config, tuning="frozen")
        for task in ("pIC50", "active"):
            train(assay_table, target_columns=[task], output=tmp_path / task, config=frozen)
        panel = Panel.load([tmp_path / "pIC50", tmp_path / "active"])
        calls = []
        vectors = FrozenEncoder.vectors
        monkeypatch.setattr(FrozenEncoder, "vectors", lambda self, graphs: calls.append(self) or vectors(self, graphs))
        together = panel.predict(["CCO", "c1ccccc1O"])
        assert len(calls) == 1
        alone = [predictor.predict(["CCO", "c1ccccc1O"]).mean for predictor in panel.predictors]
        np.testing.assert_array_equal(together.mean, np.hstack(alone))

    def test_a_model_without_its_encoder_needs_that_of_the_installation(
        self, assay_table, config, encoder_folder, tmp_path, monkeypatch
    ):
        frozen = with_encoder(config, tuning="frozen")
        own = train(assay_table, target_columns=["pIC50"], output=tmp_path / "own", config=frozen)
        save_model(tmp_path / "bare", load_model(tmp_path / "own"), with_encoder=False)
        with pytest.raises(ModelError, match=r"needs the built-in encoder of molgraph .* has another"):
            Predictor.load(tmp_path / "bare")
        monkeypatch.setattr("molgraph.model_folder.parts.builtin_encoder_folder", lambda: encoder_folder)
        bare = Predictor.load(tmp_path / "bare")
        np.testing.assert_array_equal(bare.predict(["CCO"]).mean, own.predict(["CCO"]).mean)

    def test_freezing_needs_an_encoder(self, assay_table, config, tmp_path):
        with pytest.raises(
            InputError, match=r"encoder\.tuning is 'frozen', and there is no encoder: encoder\.pretrained is 'none'"
        ):
            train(
                assay_table,
                target_columns=["pIC50"],
                output=tmp_path / "model",
                config=with_encoder(config, pretrained="none", tuning="frozen"),
            )

    def test_no_encoder_is_told_in_one_line(self, assay_table, config, tmp_path):
        with pytest.raises(ModelError, match="nowhere is not an encoder folder: it does not exist"):
            train(
                assay_table,
                target_columns=["pIC50"],
                output=tmp_path / "model",
                config=with_encoder(config, pretrained="nowhere"),
            )

    def test_the_model_is_complete_without_the_encoder(self, assay_table, config, encoder_folder, tmp_path):
        own = Path(shutil.copytree(encoder_folder, tmp_path / "encoder"))
        settings = with_encoder(config, pretrained=str(own))
        train(assay_table, target_columns=["pIC50"], output=tmp_path / "model", config=settings)
        shutil.rmtree(own)
        assert np.isfinite(Predictor.load(tmp_path / "model").predict(["CCO"]).mean).all()
        assert load_card(tmp_path / "model").encoder is not None


def test_the_builtin_encoder_is_whole():
    folder = builtin_encoder_folder()
    if folder is None:
        pytest.skip("no encoder comes with this installation")
    card = load_encoder(folder).card
    assert card.median_r2["descriptors"] >= 0.95
