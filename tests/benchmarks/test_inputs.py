import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inputs import ACCURACY_SETS, labelled_rows, library_smiles, random_parts, write_library, write_split_table


@given(st.integers(10, 500), st.integers(0, 10))
def test_parts_cover_every_row_in_the_right_shares(n_rows, seed):
    parts = random_parts(n_rows, seed)
    assert set(parts) == {"train", "val", "test"}
    for name, share in (("train", 0.8), ("val", 0.1), ("test", 0.1)):
        assert abs(np.sum(parts == name) - share * n_rows) <= 1
    assert (parts == random_parts(n_rows, seed)).all()


def test_seeds_give_different_parts():
    assert (random_parts(100, 0) != random_parts(100, 1)).any()


def test_rows_are_parsed_and_unique(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("smiles,y\nOCC,1\nCCO,2\nc1ccccc,3\n CCN ,4\nCCC,\n")
    rows = labelled_rows(table, "y")
    assert rows.smiles == ("CCO", "CCN")
    assert rows.labels.tolist() == [1.0, 4.0]
    write_split_table(rows, np.array(["train", "test"]), tmp_path / "split.csv")
    assert (tmp_path / "split.csv").read_text() == "smiles,label,split\nCCO,1.0,train\nCCN,4.0,test\n"


@pytest.mark.parametrize("name", ACCURACY_SETS)
def test_every_accuracy_set_can_be_read(data_dir, name):
    spec = ACCURACY_SETS[name]
    rows = labelled_rows(data_dir / spec.file, spec.target)
    assert len(rows.smiles) > 600
    assert len(set(rows.smiles)) == len(rows.smiles) == len(rows.labels)
    assert np.isfinite(rows.labels).all()
    if spec.kind == "classification":
        assert set(rows.labels) == {0.0, 1.0}
        assert all(len(set(rows.labels[random_parts(len(rows.smiles), seed) == "test"])) == 2 for seed in range(3))


def test_both_library_files_hold_the_same_molecules(data_dir, tmp_path):
    smiles = library_smiles(data_dir, 50)
    table, plain = write_library(smiles, tmp_path, "library")
    assert table.read_text().splitlines() == ["smiles", *smiles]
    assert [line.split()[0] for line in plain.read_text().splitlines()] == smiles
    assert len(smiles) == 50
