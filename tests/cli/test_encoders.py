"""Commands about encoders: pretrain one, look at it, embed with it, begin a training with it."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

SMALL = ("--hidden", 16, "--epochs", 1, "--device", "cpu", "--processes", 1)


@pytest.fixture
def folder(tmp_path, monkeypatch, assay, assay_table, encoder_folder):
    """A library with a bad row, a table, and an encoder, in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("library.smi").write_text("".join(f"{text} c{n}\n" for n, text in enumerate([*assay[0][:60], "C1CC"])))
    Path("test.csv").write_text("smiles\n" + "\n".join(assay[0][:10]) + "\n")
    Path("assay.csv").write_text(assay_table.read_text())
    Path("encoder").symlink_to(encoder_folder)
    return tmp_path


def test_pretrain_says_what_it_read_and_how_well_it_tells(molgraph, folder):
    ended = molgraph("pretrain", "library.smi", "-o", "new", "--keep-out", "test.csv", *SMALL)
    assert ended.code == 0
    told = ended.err.splitlines()
    assert told[0] == "library.smi: 50 of 61 records (1 unusable, 10 held out)"
    assert told[1] == "trained on 49 molecules, evaluated on 1 others"
    assert told[-1] == "Encoder written to new; use it with molgraph train --encoder new"
    shown = ended.out.splitlines()
    assert shown[0].split() == ["target", "R2", "on", "held-out", "molecules"]
    assert shown[1].startswith("descriptors (median)")
    assert any(line.startswith("properties.exactmw ") for line in shown)
    assert not Path("new.pretraining").exists()


def test_pretrain_as_json_and_quietly(molgraph, folder):
    ended = molgraph("pretrain", "library.smi", "-o", "new", "--json", "--quiet", *SMALL)
    card = json.loads(ended.out)
    assert (card["config"]["model"]["hidden"], card["corpus"][0]["used"], ended.err) == (16, 60, "")
    assert len(card["r2"]) == 1599


def test_settings_come_from_a_file_and_options_win(molgraph, folder):
    Path("settings.toml").write_text("epochs = 3\npeak_lr = 1e-3\n[model]\nhidden = 24\ndepth = 2\n")
    ended = molgraph(
        "pretrain", "library.smi", "-o", "new", "--config", "settings.toml", "--epochs", 1, "--json", "--processes", 1
    )
    config = json.loads(ended.out)["config"]
    assert (config["epochs"], config["peak_lr"], config["model"]["hidden"], config["model"]["depth"]) == (
        1,
        1e-3,
        24,
        2,
    )
    Path("settings.toml").write_text("folds = 3\n")
    ended = molgraph("pretrain", "library.smi", "-o", "other", "--config", "settings.toml")
    assert (ended.code, ended.error[:44]) == (2, "settings.toml: there is no setting 'folds'; ")


def test_show_tells_of_an_encoder_and_of_a_model_that_reads_one(molgraph, folder):
    shown = molgraph("models", "show", "encoder").out
    assert "dmpnn, 32 wide, 3 deep" in shown
    assert "R2 of properties" in shown
    assert json.loads(molgraph("models", "show", "encoder", "--json").out)["n_train"] == 135
    for tuning, words in (("frozen", ", frozen"), ("full", "fine-tuned by each member of the network")):
        options = ("--encoder", "encoder", "--encoder-tuning", tuning, "--learner", "network", "--folds", 2)
        ended = molgraph(
            "train", "assay.csv", "-o", tuning, "--target-columns", "pIC50", "--epochs", 1, "--device", "cpu", *options
        )
        assert ended.code == 0
        assert words in molgraph("models", "show", tuning).out


def test_embed(molgraph, folder):
    ended = molgraph("embed", "library.smi", "-o", "vectors.csv", "--encoder", "encoder", "--device", "cpu")
    assert ended.code == 0
    assert ended.err.splitlines()[0] == "60 of 61 rows embedded in 32 dimensions, written to vectors.csv"
    with Path("vectors.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert (len(rows), rows[60]["status"], rows[60]["v000"], rows[0]["reason"]) == (61, "rejected", "", "")
    ended = molgraph("embed", "library.smi", "-o", "v.npz", "--encoder", "encoder", "--json", "--max-rejected", 0)
    assert (json.loads(ended.out)["embedded"], ended.code) == (60, 1)
    vectors = np.load("v.npz")["vectors"]
    np.testing.assert_allclose(vectors[0, 3], float(rows[0]["v003"]), rtol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pretrain", "nowhere.smi", "-o", "new"), "nowhere.smi"),
        (("pretrain", "library.smi", "-o", "encoder"), "exists and is not empty; give another one, or --overwrite"),
        (
            ("embed", "library.smi", "-o", "v.npz", "--encoder", "nowhere"),
            "there is no folder 'nowhere', and no built-in model of that name",
        ),
        (("embed", "library.smi", "-o", "v.json", "--encoder", "encoder"), "cannot write that format"),
        (
            ("train", "assay.csv", "-o", "new", "--target-columns", "pIC50", "--encoder", "encoder", "--hidden", 64),
            "model.hidden is 64, and the encoder in encoder has 32; leave the setting out",
        ),
        (
            (
                "train",
                "assay.csv",
                "-o",
                "new",
                "--target-columns",
                "pIC50",
                "--encoder",
                "none",
                "--learner",
                "gp_embedding",
            ),
            "learner is 'gp_embedding', and there is no encoder",
        ),
        (("screen", "encoder", "library.smi", "-o", "hits"), "is a folder of the kind 'encoder', not a model folder"),
    ],
)
def test_what_cannot_be_done_is_one_line(molgraph, folder, arguments, words):
    ended = molgraph(*arguments)
    assert ended.code == 2
    assert words in ended.error
