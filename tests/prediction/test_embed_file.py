"""Vectors of structures: a row for each row, the same whatever the format, and nothing without a reason."""

import dataclasses

import numpy as np
import pyarrow.parquet as pq
import pytest

from molgraph import EncoderConfig, Predictor, embed_file, featurize, pack_library, train
from molgraph.errors import InputError, ModelError
from molgraph.model_folder.encoder_folder import load_encoder


@pytest.fixture
def library(assay, tmp_path):
    path = tmp_path / "library.csv"
    rows = [f"cpd-{row},{text}" for row, text in enumerate(assay[0][:30])]
    rows[3:3] = ["broken,C1CC"]
    path.write_text("\n".join(["name,smiles", *rows, "long," + "C" * 1_000_001, "last,CCO", ""]))
    return path


def test_rows_in_are_rows_out(library, encoder_folder, tmp_path):
    summary = embed_file(library, tmp_path / "out.npz", encoder=encoder_folder)
    assert (summary.rows_read, summary.embedded, summary.rejected, summary.n_columns) == (33, 31, 2, 32)
    assert [bad.row for bad in summary.first_rejected] == [3, 31]
    with np.load(tmp_path / "out.npz", allow_pickle=False) as out:
        assert out["ids"].tolist() == [*(f"cpd-{n}" for n in range(3)), "broken", *(f"cpd-{n}" for n in range(3, 30)),
                                       out["ids"][31], "last"]  # fmt: skip
        assert out["vectors"].shape == (33, 32)
        assert np.flatnonzero(np.isnan(out["vectors"]).any(axis=1)).tolist() == [3, 31]
        assert "unclosed ring" in out["reasons"][3]
        assert out["reasons"][0] == ""


def test_formats_agree_and_a_packed_library_gives_the_same(library, encoder_folder, tmp_path):
    embed_file(library, tmp_path / "out.npz", encoder=encoder_folder)
    embed_file(library, tmp_path / "out.parquet", encoder=encoder_folder)
    pack_library(library, tmp_path / "packed")
    embed_file(tmp_path / "packed", tmp_path / "packed.npz", encoder=encoder_folder)
    arrays = np.load(tmp_path / "out.npz")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names[:6] == ["id", "smiles", "status", "reason", "v000", "v001"]
    columns = np.stack([table[f"v{n:03}"].to_numpy(zero_copy_only=False) for n in range(32)], axis=1)
    np.testing.assert_array_equal(columns, arrays["vectors"])
    np.testing.assert_array_equal(np.load(tmp_path / "packed.npz")["vectors"], arrays["vectors"])


def test_a_models_own_encoder(library, assay_table, small_config, encoder_folder, tmp_path, assay):  # noqa: PLR0917
    config = dataclasses.replace(small_config, model=dataclasses.replace(small_config.model, hidden=32))
    config = dataclasses.replace(config, encoder=EncoderConfig(str(encoder_folder), tuning="full"))
    train(assay_table, target_columns=["pIC50"], output=tmp_path / "tuned", config=config)
    frozen = dataclasses.replace(config, encoder=EncoderConfig(str(encoder_folder), tuning="frozen"))
    train(assay_table, target_columns=["pIC50"], output=tmp_path / "frozen", config=frozen)
    found = {}
    for name, folder in (("encoder", encoder_folder), ("tuned", tmp_path / "tuned"), ("frozen", tmp_path / "frozen")):
        embed_file(library, tmp_path / f"{name}.npz", encoder=folder)
        found[name] = np.load(tmp_path / f"{name}.npz")["vectors"]
    np.testing.assert_array_equal(found["frozen"], found["encoder"])
    assert np.nanmax(abs(found["tuned"] - found["encoder"])) > 1e-3
    predictor = Predictor.load(tmp_path / "tuned")
    said = predictor.vectorizer.vectors(featurize(assay[0][:3]))
    np.testing.assert_allclose(found["tuned"][:3], said, rtol=1e-4, atol=1e-5)
    assert load_encoder(encoder_folder).card.config.model.hidden == said.shape[1]


def test_a_model_that_comes_along_has_the_encoder_that_does(library, tmp_path):
    for name in ("herg", "auto"):
        embed_file(library, tmp_path / f"{name}.npz", encoder=name)
    one, other = (np.load(tmp_path / f"{name}.npz")["vectors"] for name in ("herg", "auto"))
    np.testing.assert_array_equal(one, other)
    with pytest.raises(InputError, match="did you mean 'herg'"):
        embed_file(library, tmp_path / "out.npz", encoder="hrg")


def test_what_has_no_encoder_is_refused(library, assay_table, small_config, tmp_path):
    config = dataclasses.replace(small_config, learner="gp_tanimoto")
    train(assay_table, target_columns=["pIC50"], output=tmp_path / "model", config=config)
    with pytest.raises(InputError, match=r"has no network and no encoder \(its learners are gp_tanimoto\)"):
        embed_file(library, tmp_path / "out.npz", encoder=tmp_path / "model")
    with pytest.raises(ModelError, match="is not an encoder folder: it does not exist"):
        embed_file(library, tmp_path / "out.npz", encoder=tmp_path / "nowhere")
    assert not (tmp_path / "out.npz").exists()


def test_the_input_is_never_written_over(library, encoder_folder, tmp_path):
    before = library.read_bytes()
    (tmp_path / "link.csv").symlink_to(library)
    for output in (library, tmp_path / "link.csv"):
        with pytest.raises(InputError, match="this file is the input"):
            embed_file(library, output, encoder=encoder_folder)
    assert library.read_bytes() == before


def test_nothing_usable_and_unknown_formats(encoder_folder, tmp_path):
    (tmp_path / "bad.smi").write_text("C1CC\nnot\n")
    with pytest.raises(InputError, match="no row gives a molecule"):
        embed_file(tmp_path / "bad.smi", tmp_path / "out.npz", encoder=encoder_folder)
    assert not (tmp_path / "out.npz").exists()
    with pytest.raises(InputError, match="cannot write that format"):
        embed_file(tmp_path / "bad.smi", tmp_path / "out.txt", encoder=encoder_folder)
