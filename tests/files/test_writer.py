"""Tables that are written: numbers, formulas, stereo, and disks that are full."""

import csv
import gzip
import io
import math
import resource

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from molgraph.errors import InputError
from molgraph.files import open_records, open_table_writer
from molgraph.files.cell_text import quoter, safe_texts, texts


def write_table(path, *batches, **options):
    with open_table_writer(path, list(batches[0]), **options) as writer:
        for batch in batches:
            writer.write(batch)
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_values_are_compact(tmp_path):
    path = write_table(
        tmp_path / "x.csv",
        {"a": [1.23456789, 1e-9, 3.0], "b": np.array([1e6, math.nan, -math.inf]), "c": [None, True, "x"]},
        {"a": np.array([0.1], np.float32), "b": np.array([7]), "c": np.array([False])},
    )
    assert path.read_text() == "a,b,c\n1.23457,1e+06,\n1e-09,,true\n3,-inf,x\n0.1,7,false\n"


def test_text_survives_except_formulas(tmp_path):
    cells = [
        "a,b",
        'say "x"',
        "two\nlines",
        "",
        " ",
        "=1+1",
        "@SUM(A1)",
        "+x",
        "-x",
        "\tx",
        "-1.5e-3",
        "+7",
        "-",
        "[Na+]",
    ]
    path = write_table(tmp_path / "x.csv", {"note": cells})
    with path.open(newline="") as file:
        texts = [row[0] for row in csv.reader(file)]
    assert texts == ["note", *cells[:5], *[f"'{cell}" for cell in cells[5:10]], *cells[10:]]


def test_structures_never_look_like_formulas(data_dir):
    with open_records(data_dir / "moleculenet" / "tox21.csv") as reader:
        for batch in reader:
            assert safe_texts(batch.smiles) == batch.smiles


@given(st.lists(st.floats(width=64) | st.integers() | st.booleans() | st.none() | st.text(), max_size=5))
def test_every_value_has_a_text(values):
    for value, text in zip(values, texts(values), strict=True):
        if isinstance(value, float) and math.isfinite(value):
            assert math.isclose(float(text), value, rel_tol=1e-5)
        elif isinstance(value, str):
            assert text == value


@given(st.lists(st.text(), min_size=1), st.sampled_from(",\t"))
def test_quoted_cells_are_read_back_by_the_csv_module(cells, delimiter):
    quoted = quoter(delimiter)
    line = delimiter.join(quoted(cell) for cell in cells)
    assert (next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter), [""])) == cells


def test_tabs_and_gzip(tmp_path):
    path = write_table(tmp_path / "x.tsv.gz", {"id": ["a\tb", "c"], "x": [1, 2]})
    assert gzip.decompress(path.read_bytes()) == b'id\tx\n"a\tb"\t1\nc\t2\n'
    again = write_table(tmp_path / "y.tsv.gz", {"id": ["a\tb", "c"], "x": [1, 2]})
    assert again.read_bytes() == path.read_bytes()


def test_stdout(capsys):
    write_table("-", {"smiles": ["C"], "x": [0.5]})
    assert capsys.readouterr().out == "smiles,x\nC,0.5\n"


def test_parquet_keeps_types(tmp_path):
    path = write_table(
        tmp_path / "x.parquet",
        {"smiles": ["C", None], "x": np.array([0.1, math.nan]), "n": [1, 2], "none": [None, None], "is": [True, False]},
        {"smiles": ["CC"], "x": [None], "n": np.array([3]), "none": ["late"], "is": np.array([True])},
    )
    table = pq.read_table(path)
    assert [str(kind) for kind in table.schema.types] == ["string", "double", "int64", "string", "bool"]
    assert table.to_pydict() == {
        "smiles": ["C", None, "CC"],
        "x": [0.1, None, None],
        "n": [1, 2, 3],
        "none": [None, None, "late"],
        "is": [True, False, True],
    }
    with pytest.raises(InputError, match="the column 'x' began as int64; a later value does not fit"):
        write_table(tmp_path / "y.parquet", {"x": [1]}, {"x": ["text"]})
    assert names(tmp_path) == ["x.parquet"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".tsv.gz"])
def test_a_table_without_rows_has_a_header(tmp_path, suffix):
    with open_table_writer(tmp_path / f"x{suffix}", ["smiles", "x"]):
        pass
    with open_records(tmp_path / f"x{suffix}") as reader:
        assert reader.column_names == ("smiles", "x")
        with pytest.raises(InputError, match="holds no molecules"):
            next(reader)


@pytest.mark.parametrize("suffix", [".sdf", ".sdf.gz"])
def test_sdf_keeps_every_row_and_its_stereo(read, tmp_path, suffix):
    smiles = ["C[C@H](N)C(=O)O", "C/C=C\\C", "not a structure", "", "[Na+].[Cl-]"]
    notes = ["two\nlines", "$$$$", "> <x>", "é", ""]
    path = write_table(
        tmp_path / f"x{suffix}",
        {"id": list("abcde"), "smiles": smiles, "pred": [0.5, math.nan, 1, 2, 3], "odd <name>": notes},
    )
    result = read(path, keep_columns=["pred", "odd name", "smiles"])
    assert [Chem.CanonSmiles(s) for s in result.smiles] == [Chem.CanonSmiles(s) for s in (*smiles[:2], smiles[4])]
    assert result.ids == ["a", "b", "e"]
    assert result.columns["pred"] == ["0.5", "", "3"]
    assert result.columns["odd name"] == ["two lines", " $$$$", ""]
    assert [row for row, _, _ in result.rejected] == [2, 3]
    if suffix == ".sdf":
        mols = list(Chem.SDMolSupplier(str(path)))
        assert [mol.GetProp("_Name") for mol in mols] == list("abcde")


def test_nothing_appears_before_the_end_or_after_an_error(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("old")
    for error in (ValueError, KeyboardInterrupt):
        context = open_table_writer(path, ["x"])
        context.__enter__().write({"x": [1]})
        assert path.read_text() == "old"
        assert context.__exit__(error, error(), None) is False
    assert path.read_text() == "old"
    assert names(tmp_path) == ["x.csv"]


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"x": [1]}, r"the columns are \['x'\]; this table has \['x', 'y'\]"),
        ({"x": [1], "y": []}, "different lengths"),
    ],
)
def test_a_batch_must_fit(tmp_path, batch, message):
    with pytest.raises(InputError, match=message), open_table_writer(tmp_path / "x.csv", ["x", "y"]) as writer:
        writer.write(batch)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "columns", "message"),
    [
        ("x.xlsx", ["x"], r"x.xlsx: cannot write that format; name it .csv .tsv .sdf \(each also .gz\) or .parquet"),
        ("x.smi", ["x"], "cannot write that format"),
        ("x.csv.zst", ["x"], "cannot write that format"),
        ("x.parquet.gz", ["x"], "cannot write that format"),
        ("x.csv", ["x", "x"], "have a name twice"),
        ("x.sdf", ["x"], "an SD file needs a column 'smiles' of structures"),
        ("nowhere/x.csv", ["x"], "nowhere does not exist; make it first"),
    ],
)
def test_impossible_tables_are_refused_at_once(tmp_path, name, columns, message):
    with pytest.raises(InputError, match=message):
        open_table_writer(tmp_path / name, columns).__enter__()
    assert names(tmp_path) == []


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".sdf", ".parquet"])
def test_a_full_disk_is_one_clear_line(tmp_path, suffix):
    rng = np.random.default_rng(0)
    batches = [{"smiles": ["CCCO"] * 1000, "x": rng.random(1000)} for _ in range(10)]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(InputError, match=r"there is no space left in .*; free some, or write elsewhere$"):
            write_table(tmp_path / f"x{suffix}", *batches)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == []
