"""Parquet tables."""

import io
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molgraph.errors import InputError
from molgraph.files import open_records


def table(**columns):
    return pa.table(columns)


def test_every_type_becomes_text(read, tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(
        table(
            ID=[7, 8, 9],
            smiles=["CCO |x|", " C ", None],
            value=[0.1, None, 3.0],
            flag=[True, False, None],
            group=pa.array(["a", "b", "a"]).dictionary_encode(),
            names=[["x"], [], None],
        ),
        path,
    )
    result = read(path, keep_columns="all")
    assert result.smiles == ["CCO", "C"]
    assert result.ids == ["7", "8"]
    assert result.columns["value"] == ["0.1", ""]
    assert result.columns["flag"] == ["true", "false"]
    assert result.columns["group"] == ["a", "b"]
    assert result.columns["names"] == ["['x']", "[]"]
    assert result.rejected == [(2, "", "the structure is empty")]


def test_many_row_groups_are_one_stream(read, tmp_path):
    path = tmp_path / "x.parquet"
    numbers = np.arange(20_000)
    pq.write_table(table(x=numbers, smiles=["C"] * 20_000), path, row_group_size=3_000)
    result = read(path, keep_columns=["x"], batch_size=777)
    assert result.columns["x"] == [str(number) for number in numbers]
    with open_records(path) as reader:
        next(reader)
        assert reader.bytes_read > 0
        assert reader.bytes_total == path.stat().st_size


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"smiles": pa.array([], pa.string())}, {}, "holds no molecules"),
        ({"a": ["x"]}, {}, "no column is called smiles"),
        ({"smiles": ["C"], "pIC50": [1.0]}, {"keep_columns": ["pIC5"]}, "did you mean 'pIC50'"),
    ],
)
def test_bad_tables_give_one_clear_line(read, tmp_path, columns, options, message):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table(columns), path)
    with pytest.raises(InputError, match=message):
        read(path, **options)


def test_damaged_files_give_one_clear_line(read, write, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="is not a Parquet file, or a damaged one"):
        read(write("x.parquet", "smiles\nC\n"))
    with pytest.raises(InputError, match="is not a Parquet file, or a damaged one"):
        read(write("x.parquet", b""))
    pq.write_table(table(smiles=["CCO" * 50] * 1000), tmp_path / "y.parquet")
    content = (tmp_path / "y.parquet").read_bytes()
    with pytest.raises(InputError, match="is not a Parquet file, or a damaged one") as caught:
        read(write("y.parquet", content[: len(content) // 2]))
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"is a Parquet file; name it .parquet"):
        read(write("x.csv", content))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    with pytest.raises(InputError, match="is a Parquet file"):
        open_records("-")
    write("y.parquet.gz", b"")
    with pytest.raises(InputError, match="Parquet is compressed inside"):
        open_records(tmp_path / "y.parquet.gz")


def not_utf_8(*cells):
    """Text as Arrow holds it, without a look at its bytes."""
    stored = pa.array(cells, pa.binary()).buffers()
    return pa.StringArray.from_buffers(len(cells), stored[1], stored[2], stored[0])


def test_text_that_is_not_utf_8_is_latin_1_cell_by_cell(read, tmp_path):
    path = tmp_path / "x.parquet"
    odd = not_utf_8(b"caf\xe9", "café".encode(), None)
    pq.write_table(table(smiles=["C", "CC", "CCC"], note=odd, many=pa.ListArray.from_arrays([0, 1, 2, 3], odd)), path)
    result = read(path, keep_columns="all")
    assert result.smiles == ["C", "CC", "CCC"]
    assert result.columns["note"] == ["café", "café", ""]
    assert result.columns["many"] == ["\N{REPLACEMENT CHARACTER}", "['café']", "[None]"]


def test_names_that_arrow_cannot_tell_apart(read, tmp_path):
    path = tmp_path / "x.parquet"
    fields = {"smiles": ["C", "CC"], "a": [{"b": 1}, {"b": 2}], "a.b": ["x", "y"], "smiles.1": [5, 6]}
    pq.write_table(table(**fields), path)
    assert read(path, keep_columns=["a.b", "smiles.1"]).columns == {"a.b": ["x", "y"], "smiles.1": ["5", "6"]}
