"""The model folder: what is saved comes back, and any damage gives one `ModelError` of one line."""

import hashlib
import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from molgraph import Predictor, __version__, train
from molgraph.chem.identity import KnownCompounds
from molgraph.config.encoder import EncoderConfig
from molgraph.errors import InputError, ModelError
from molgraph.model_folder.folder import load_card, load_model, model_hash, none_if_undefined, save_model

SMILES = ["CCO", "c1ccccc1O", "CC(=O)Nc1ccc(O)cc1", "C"]
FILES = [
    "blend.safetensors",
    "calibration.safetensors",
    "card.json",
    "domain.safetensors",
    "fingerprints.safetensors",
    "out_of_fold.safetensors",
    "structures.json",
    "weights.safetensors",
]


@pytest.fixture
def folder(model_folder, tmp_path) -> Path:
    """A copy of a model to damage."""
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refused(folder) -> str:
    """The one line with which a folder is refused."""
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


def sealed(values) -> str:
    """The text of a card with a right hash of itself, as the format describes it."""
    values = {key: value for key, value in values.items() if key != "card_sha256"}
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    return json.dumps({**values, "card_sha256": digest})


def edit_card(folder, **changes) -> None:
    """Change fields of the card, and hide the traces."""
    card = folder / "card.json"
    card.write_text(sealed({**json.loads(card.read_text()), **changes}))


def replace_file(folder, name, content) -> None:
    """Replace a file, and hide the traces."""
    (folder / name).write_bytes(content)
    files = json.loads((folder / "card.json").read_text())["files"]
    edit_card(folder, files={**files, name: hashlib.sha256(content).hexdigest()})


# What is saved comes back.


def test_folder_holds_these_files(model_folder, mixed_folder):
    assert names(model_folder) == FILES
    assert names(mixed_folder) == sorted(
        set(FILES) - {"fingerprints.safetensors", "structures.json", "out_of_fold.safetensors"}
    )


def test_round_trip_predicts_the_same_bits(model_folder, tmp_path):
    model = load_model(model_folder)
    card = save_model(tmp_path / "copy", model)
    again = load_model(tmp_path / "copy")
    assert again.card == card == model.card
    for name in FILES:
        assert (tmp_path / "copy" / name).read_bytes() == (model_folder / name).read_bytes()
    first, second = (Predictor(m, digest="", device="cpu").predict(SMILES) for m in (model, again))
    assert np.array_equal(first.mean, second.mean)
    assert np.array_equal(first.var, second.var)
    assert np.array_equal(first.interval(), second.interval())


def test_card_tells_where_a_model_comes_from(model_folder, small_config):
    card = load_card(model_folder)
    assert card.molgraph_version == __version__
    # No encoder has that shape; what was decided is on the card.
    assert card.config == replace(small_config, encoder=EncoderConfig(pretrained="none", tuning="full"))
    assert card.encoder is None
    assert card.n_members == len(card.best_epochs) == 2
    assert card.data.name == "assay.csv"
    assert card.data.rows_read == card.data.rows_used == 60
    assert card.calibration_rows == (60,)
    assert {record.metric for record in card.metrics} >= {"rmse", "mae"}
    assert set(card.files) == set(FILES) - {"card.json"}
    for name, digest in card.files.items():
        assert hashlib.sha256((model_folder / name).read_bytes()).hexdigest() == digest
    assert model_hash(model_folder) == hashlib.sha256((model_folder / "card.json").read_bytes()).hexdigest()


def test_stored_rows_fit_together(model_folder):
    model = load_model(model_folder)
    assert model.labels.values.shape == model.out_of_fold.shape == (60, 1)
    assert set(model.fold.tolist()) == {0, 1}
    assert model.structures is not None
    assert len(set(model.structures.canonical)) == 60
    assert model.structures.fingerprints.shape == (60, 256)
    assert model.domain.calibration.shape == (60,)
    assert [record.degree for record in model.card.domain] == ["inside", "edge", "outside"]
    assert sum(record.n_rows for record in model.card.domain) == 60


def test_saving_is_all_or_nothing(model_folder, tmp_path, monkeypatch):
    model = load_model(model_folder)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        save_model(tmp_path / "taken", model)
    assert names(tmp_path / "taken") == ["notes.txt"]

    def full_disk(self, content):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full_disk)
        with pytest.raises(InputError, match="no space left"):
            save_model(tmp_path / "new", model)
    assert names(tmp_path) == ["taken"]
    with pytest.raises(InputError, match=r"would delete notes\.txt"):
        save_model(tmp_path / "taken", model, overwrite=True)
    (tmp_path / "taken" / "notes.txt").unlink()
    (tmp_path / "taken" / "card.json").write_text("an old one")
    save_model(tmp_path / "taken", model, overwrite=True)
    assert names(tmp_path / "taken") == FILES


def test_undefined_numbers_become_none():
    assert none_if_undefined(0.5) == 0.5
    assert none_if_undefined(float("nan")) is None
    assert none_if_undefined(float("inf")) is None


# What is no model folder.


def test_missing_folders_and_files(folder, tmp_path):
    assert "does not exist" in refused(tmp_path / "nothing")
    assert "it is a file" in refused(folder / "card.json")
    assert "card.json" in refused(tmp_path)
    assert "File name too long" in refused(tmp_path / ("a" * 300))
    for name in FILES:
        (folder / name).rename(tmp_path / "aside")
        assert f"{name}" in refused(folder)
        (tmp_path / "aside").rename(folder / name)
    load_model(folder)


def test_things_that_are_no_files(folder):
    (folder / "card.json").unlink()
    os.mkfifo(folder / "card.json")
    assert "not an ordinary file" in refused(folder)  # and nobody waits for a writer
    (folder / "card.json").unlink()
    (folder / "card.json").mkdir()
    assert "not an ordinary file" in refused(folder)


@pytest.mark.parametrize("name", FILES)
def test_damaged_files(folder, mixed_folder, name):
    path, content = folder / name, (folder / name).read_bytes()
    other = mixed_folder / (name if (mixed_folder / name).exists() else "weights.safetensors")
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    for damaged in (b"", content[:-2], content[: len(content) // 2], content + b"x", flipped, other.read_bytes()):
        path.write_bytes(damaged)
        assert name in refused(folder) or (name == "card.json" and damaged == other.read_bytes())


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_flipped_byte_passes(model_folder, tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "flipped"
    if not folder.exists():
        shutil.copytree(model_folder, folder)
    name = data.draw(st.sampled_from(FILES))
    content = bytearray((model_folder / name).read_bytes())
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3, unique=True)):
        content[position] ^= data.draw(st.integers(1, 255))
    try:
        (folder / name).write_bytes(content)
        if name == "card.json" and json_or_none(content) == json.loads((model_folder / name).read_text()):
            assert load_model(folder).card == load_card(model_folder)  # another kind of white space
        else:
            refused(folder)
    finally:
        shutil.copy(model_folder / name, folder / name)


def json_or_none(content):
    try:
        return json.loads(bytes(content))
    except (ValueError, RecursionError):
        return None


# What is no card of this format.


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "[]",
        "null",
        "7",
        '"card"',
        "{}",
        "[" * 100_000,
        "[" * 900 + "]" * 900,
        '{"a":' * 100_000,
        '{"format_version": 1}',
        '{"format_version": NaN}',
        '{"format_version": {"a": [1]}}',
        "\ufeff{}",
    ],
)
def test_texts_that_are_no_card(folder, text):
    (folder / "card.json").write_text(text, encoding="utf-8")
    assert "card.json" in refused(folder) or "has format" in refused(folder)


def test_bytes_that_are_no_text(folder):
    (folder / "card.json").write_bytes(b"\xff\xfe\x00\x01")
    assert "no model card" in refused(folder)


def test_newer_format_says_who_wrote_it(folder):
    values = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**values, "format_version": 4, "molgraph_version": "9.1.0"}))
    message = refused(folder)
    assert "format 4" in message
    assert "9.1.0" in message
    assert "upgrade molgraph" in message


def test_edited_card_is_noticed(folder):
    card = folder / "card.json"
    card.write_text(card.read_text().replace('"name": "pIC50"', '"name": "pKi"'))
    assert "damaged or changed" in refused(folder)


def test_laying_out_a_card_differently_changes_nothing(folder):
    card = folder / "card.json"
    before = load_card(folder)
    card.write_text(json.dumps(json.loads(card.read_text())))
    assert load_card(folder) == before


def test_not_a_number_is_no_json(folder):
    card = folder / "card.json"
    values = json.loads(card.read_text())
    values["metrics"][0]["mean"] = float("nan")
    card.write_text(sealed(values))
    assert "no model card" in refused(folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_members": "2"}, "n_members"),
        ({"tasks": None}, "tasks"),
        ({"schema": "atoms-99"}, "upgrade molgraph"),
        ({"schema_hash": "0" * 64}, "upgrade molgraph"),
        ({"standardizer_version": 99}, "standardizer 'default' version 99"),
        ({"standardizer": "mine"}, "standardizer"),
        ({"files": {}}, "names no"),
        ({"files": {"../x": "0" * 64}}, "unknown files"),
        ({"files": {"/etc/hostname": "0" * 64}}, "unknown files"),
        ({"files": {"card.json": "0" * 64}}, "unknown files"),
        ({"files": {"weights.pkl": "0" * 64}}, "unknown files"),
        ({"surprise": 1}, "surprise"),
        ({"n_members": 1000}, "not fit together"),
        ({"n_members": 1}, "not fit together"),
    ],
)
def test_cards_that_lie(folder, changes, words):
    edit_card(folder, **changes)
    assert words in refused(folder)


def test_card_cannot_ask_for_more_memory_than_its_weights(folder):
    values = json.loads((folder / "card.json").read_text())
    giant = {**values["config"], "model": {**values["config"]["model"], "hidden": 10_000, "head_hidden": 10_000}}
    edit_card(folder, config=giant, n_members=1000)  # 400 GB of weights, and more
    assert "not fit together" in refused(folder)


def test_card_asks_for_structures_that_are_not_there(folder):
    files = json.loads((folder / "card.json").read_text())["files"]
    edit_card(folder, files={key: value for key, value in files.items() if key != "structures.json"})
    assert "structures.json" in refused(folder)


# Files with a right hash and a wrong content.


@pytest.mark.parametrize(
    ("name", "key", "array"),
    [
        ("out_of_fold.safetensors", "fold", np.zeros(59, dtype=np.int64)),
        ("out_of_fold.safetensors", "fold", np.zeros(60, dtype=np.float32)),
        ("out_of_fold.safetensors", "fold", np.full(60, -3)),
        ("out_of_fold.safetensors", "fold", np.full(60, 99)),
        ("out_of_fold.safetensors", "labels", np.full((60, 1), np.inf)),
        ("out_of_fold.safetensors", "labels", np.zeros((60, 2))),
        ("out_of_fold.safetensors", "labels", None),
        ("out_of_fold.safetensors", "out_of_fold", np.zeros((1, 1))),
        ("calibration.safetensors", "model", np.full(60, 7)),
        ("calibration.safetensors", "model", np.zeros(60, dtype=np.float32)),
        ("calibration.safetensors", "model", np.array(1)),
        ("calibration.safetensors", "labels", np.zeros((59, 1))),
        ("calibration.safetensors", "mean", np.zeros((60, 1), dtype=np.float32)),
        ("calibration.safetensors", "quantiles", np.zeros((60, 1, 3))),
        ("calibration.safetensors", "epistemic_var", None),
        ("calibration.safetensors", "scaling.0", np.zeros(2)),
        ("calibration.safetensors", "scaling.0", None),
        ("fingerprints.safetensors", "fingerprints", np.zeros((60, 128), dtype=np.uint8)),
        ("fingerprints.safetensors", "fingerprints", np.zeros((3, 256), dtype=np.uint8)),
        ("weights.safetensors", "output.bias", np.zeros((2, 7), dtype=np.float32)),
        ("weights.safetensors", "output.bias", np.zeros((2, 1))),
        ("weights.safetensors", "output.bias", None),
        ("weights.safetensors", "surprise", np.zeros(1, dtype=np.float32)),
    ],
)
def test_wrong_shapes_with_a_right_hash(folder, name, key, array):
    arrays = safetensors.numpy.load((folder / name).read_bytes())
    arrays = {k: v for k, v in {**arrays, key: array}.items() if v is not None}
    replace_file(folder, name, safetensors.numpy.save(arrays))
    assert "not fit together" in refused(folder)


@pytest.fixture(scope="module")
def class_folder(assay_table, small_config, tmp_path_factory) -> Path:
    """A model of one task of classes, with its training rows."""
    folder = tmp_path_factory.mktemp("models") / "class"
    train(assay_table, target_columns=["active"], output=folder, config=replace(small_config, learner="gp_tanimoto"))
    return folder


@pytest.mark.parametrize("name", ["calibration.safetensors", "out_of_fold.safetensors"])
@pytest.mark.parametrize("label", [2.0, 1e29, -1.0, 0.5])
def test_labels_of_a_class_are_0_and_1(class_folder, tmp_path, name, label):
    folder = Path(shutil.copytree(class_folder, tmp_path / "model"))
    arrays = safetensors.numpy.load((folder / name).read_bytes())
    labels = arrays["labels"].copy()
    labels[:3] = label
    replace_file(folder, name, safetensors.numpy.save({**arrays, "labels": labels}))
    assert "a class has labels other than 0 and 1" in refused(folder)


@pytest.mark.parametrize("width", [1, 1023, 1025])
def test_references_of_another_width(assay_table, small_config, tmp_path, width):
    config = replace(small_config, learner="gp_tanimoto")
    train(assay_table, target_columns=["pIC50"], output=tmp_path / "model", config=config)
    arrays = safetensors.numpy.load((tmp_path / "model" / "gp_tanimoto.safetensors").read_bytes())
    arrays["references"] = np.zeros((len(arrays["references"]), width), dtype=np.uint8)
    replace_file(tmp_path / "model", "gp_tanimoto.safetensors", safetensors.numpy.save(arrays))
    assert "gp_tanimoto was made for other columns than the 1024 that it is to read" in refused(tmp_path / "model")


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".safetensors")])
@pytest.mark.parametrize("content", [b"", b"\x00" * 8, b"\xff" * 64, b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_no_safetensors_with_a_right_hash(folder, name, content):
    replace_file(folder, name, content)
    assert "not fit together" in refused(folder)


def test_bfloat16_where_float64_belongs(folder):
    content = safetensors.torch.save({"residual_var": torch.zeros(1, dtype=torch.bfloat16)})
    replace_file(folder, "calibration.safetensors", content)
    assert "not fit together" in refused(folder)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b"{}", b'{"ids": 1, "smiles": 2, "canonical": 3}', b"[" * 100_000, b"\xff\xfe"],
)
def test_no_structures_with_a_right_hash(folder, content):
    replace_file(folder, "structures.json", content)
    assert "not fit together" in refused(folder)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_nothing_but_model_errors_comes_of_any_content(model_folder, tmp_path_factory, data):
    """Random bytes behind a right hash: refused, or a model of the same shapes."""
    folder = tmp_path_factory.getbasetemp() / "forged"
    if not folder.exists():
        shutil.copytree(model_folder, folder)
    name = data.draw(st.sampled_from([name for name in FILES if name != "card.json"]))
    content = bytearray((model_folder / name).read_bytes())
    # Mostly in the first bytes, where safetensors has its header.
    position = data.draw(st.integers(0, min(len(content), data.draw(st.sampled_from([16, 400, len(content)]))) - 1))
    new = data.draw(st.binary(min_size=1, max_size=8))
    content[position : position + len(new)] = new
    try:
        replace_file(folder, name, bytes(content))
        try:
            model = load_model(folder)
        except ModelError:
            return
        assert model.labels.values.shape == (60, 1)
    finally:
        shutil.copy(model_folder / name, folder / name)
        shutil.copy(model_folder / "card.json", folder / "card.json")


def test_loading_never_unpickles(model_folder, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("something is unpickled")

    for module, name in (("pickle", "load"), ("pickle", "loads"), ("pickle", "Unpickler"), ("torch", "load")):
        monkeypatch.setattr(sys.modules[module], name, refuse)
    assert load_model(model_folder).card.n_members == 2


_HASHES = np.array([1, 5, 2**64 - 1], dtype=np.uint64)


@pytest.mark.parametrize(
    "stored",
    [
        {"exact": np.zeros(3), "stereo_free": _HASHES},
        {"exact": np.zeros((3, 1), dtype=np.uint64), "stereo_free": _HASHES},
        {"exact": _HASHES, "stereo_free": _HASHES[::-1]},
        {"exact": _HASHES},
        {"others": _HASHES},
    ],
)
def test_hashes_that_are_none(mixed_folder, tmp_path, stored):
    known = KnownCompounds(_HASHES, _HASHES[:2])
    save_model(tmp_path / "model", replace(load_model(mixed_folder), known=known))
    loaded = load_model(tmp_path / "model").known
    np.testing.assert_array_equal(loaded.exact, known.exact)
    np.testing.assert_array_equal(loaded.stereo_free, known.stereo_free)
    arrays = {name: np.ascontiguousarray(array) for name, array in stored.items()}
    replace_file(tmp_path / "model", "training_hashes.safetensors", safetensors.numpy.save(arrays))
    assert "not fit together" in refused(tmp_path / "model")


def test_model_without_structures(mixed_folder):
    model = load_model(mixed_folder)
    assert model.structures is None
    assert not model.card.has_structures
    assert model.domain.measured is None
    assert replace(model.card, files={}).task_names == ("pIC50", "active")
