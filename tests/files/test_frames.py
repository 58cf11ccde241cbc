"""Tables and structures in memory: frames, columns, molecules."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from molgraph.errors import InputError
from molgraph.files.frames import readable, structure_list
from molgraph.files.reader import open_records

ETHANOL, AMINE = Chem.MolFromSmiles("OCC"), Chem.MolFromSmiles("NCC")

FRAMES = {
    "dict": {"smiles": ["CCO", "CCN", None], "y": [1.5, None, 3.0]},
    "pandas": pd.DataFrame({"smiles": ["CCO", "CCN", None], "y": [1.5, np.nan, 3.0]}, index=[7, 3, 9]),
    "nullable": pd.DataFrame({"smiles": ["CCO", "CCN", None], "y": pd.array([1.5, None, 3.0], dtype="Float64")}),
    "molecules": pd.DataFrame({"smiles": [ETHANOL, AMINE, None], "y": [1.5, None, 3.0]}),
    "arrow": pa.table({"smiles": ["CCO", "CCN", None], "y": [1.5, None, 3.0]}),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_reads_like_its_file(name):
    with open_records(FRAMES[name], keep_columns="all", batch_size=10) as reader:
        (batch,) = reader
    assert (reader.smiles_column, reader.id_column) == ("smiles", None)
    assert (batch.smiles, batch.columns["y"]) == (["CCO", "CCN"], ["1.5", ""])
    (gap,) = batch.rejected
    assert (gap.row, gap.reason, gap.place) == (2, "the structure is empty", "row 2")


def test_a_frame_of_polars():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"smiles": ["CCO", "CCN"], "y": [2.5, None]})
    with open_records(frame, keep_columns="all") as reader:
        (batch,) = reader
    assert (batch.smiles, batch.columns) == (["CCO", "CCN"], {"y": ["2.5", ""]})
    assert structure_list(frame["smiles"]) == ["CCO", "CCN"]


def test_a_named_index_is_a_column():
    frame = pd.DataFrame({"smiles": ["CCO", "CCN"]}, index=pd.Index(["a", "b"], name="id"))
    with open_records(frame) as reader:
        (batch,) = reader
    assert (reader.id_column, batch.ids) == ("id", ["a", "b"])


@pytest.mark.parametrize(
    "structures",
    [["CCO", "CCN"], np.array(["CCO", "CCN"]), pd.Series(["CCO", "CCN"], index=[5, 2]), pa.array(["CCO", "CCN"]),
     pa.chunked_array([["CCO"], ["CCN"]]), (ETHANOL, AMINE), pd.Series([ETHANOL, "CCN"])],
)  # fmt: skip
def test_structures_of_any_column(structures):
    assert structure_list(structures) == ["CCO", "CCN"]
    with open_records(structures) as reader:
        (batch,) = reader
    assert batch.smiles == ["CCO", "CCN"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("CCO", "the single text 'CCO'; give a list"),
        (ETHANOL, "a single molecule; give a list"),
        (pd.DataFrame({"smiles": ["CCO"]}), r"a table \(DataFrame\); give its column"),
        ({"smiles": ["CCO"]}, r"a table \(dict\)"),
        (None, "smiles is None; give a list"),
        (np.array([["CCO", "CC"]]), "an array of 2 axes; give one column"),
        (np.array("CCO"), "an array of 0 axes"),
    ],
)
def test_invalid_lists_of_structures_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        structure_list(wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (3, "a table is int; give a file, a frame"),
        (ETHANOL, "one molecule where a table belongs"),
        ({"smiles": ["CCO"], "y": [1, 2]}, r"columns of \[1, 2\] rows"),
        ({}, "0 columns"),
        (np.array([["CCO", 1.5]]), "an array of 2 axes; give one column"),
        (pd.DataFrame({"y": [1]}, index=pd.Index(["CCO"], name="y")), "two columns of the DataFrame have one name"),
        (pd.DataFrame([["CCO", 1, 2]], columns=["smiles", "y", "y"]), "two columns of the DataFrame have one name"),
    ],
)
def test_invalid_tables_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        readable(wrong)


TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12)


@given(st.lists(st.tuples(TEXT, st.none() | st.floats(allow_nan=False) | TEXT), min_size=1, max_size=6))
def test_any_cells_survive_a_round_trip(rows):
    frame = {"smiles": ["CCO"] * len(rows), "first": [a for a, _ in rows], "second": [b for _, b in rows]}
    with open_records(frame, keep_columns="all", batch_size=100) as reader:
        (batch,) = reader
    assert not batch.rejected
    assert batch.columns["first"] == [a for a, _ in rows]
    assert batch.columns["second"] == ["" if b is None or b == "nan" else str(b) for _, b in rows]
