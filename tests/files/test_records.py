"""What a batch holds of the records that cannot be read: their kept columns, in every format."""

import pandas as pd
import pytest
from rdkit import Chem

from molgraph.files import open_records

STRUCTURES = ["CCO", "", "CC", "", "N"]
PRICES = ["1.50", " 2", "", "four, each", "5"]
NOTES = ["a", "b", "c", "", 'with "quotes"']


def frame() -> pd.DataFrame:
    return pd.DataFrame({"price": PRICES, "smiles": STRUCTURES, "note": NOTES})


def write_sdf(path):
    blocks = [Chem.MolToMolBlock(Chem.MolFromSmiles(text)) for text in STRUCTURES]
    cells = zip(blocks, PRICES, NOTES, strict=True)
    path.write_text("".join(f"{b}>  <price>\n{p}\n\n>  <note>\n{n}\n\n$$$$\n" for b, p, n in cells))


WRITERS = {
    "x.csv": lambda path: frame().to_csv(path, index=False),
    "x.csv.gz": lambda path: frame().to_csv(path, index=False),
    "x.tsv": lambda path: frame().to_csv(path, index=False, sep="\t"),
    "x.sdf": write_sdf,
    "x.parquet": lambda path: frame().to_parquet(path),
}


def rejected_rows(path, **options) -> dict[int, dict[str, str]]:
    """The kept columns of each rejected record, by its row."""
    rejected = {}
    with open_records(path, keep_columns="all", **options) as reader:
        for batch in reader:
            for position, bad in enumerate(batch.rejected):
                rejected[bad.row] = {name: cells[position] for name, cells in batch.rejected_columns.items()}
    return rejected


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("batch_size", [1, 2, 3, 5])
def test_a_row_without_a_structure_keeps_its_other_cells(tmp_path, name, batch_size):
    WRITERS[name](tmp_path / name)
    assert rejected_rows(tmp_path / name, batch_size=batch_size) == {
        1: {"price": " 2", "note": "b"},
        3: {"price": "four, each", "note": ""},
    }


@pytest.mark.parametrize("name", WRITERS)
def test_only_the_columns_asked_for_are_kept(tmp_path, name):
    WRITERS[name](tmp_path / name)
    with open_records(tmp_path / name, keep_columns=["note"]) as reader:
        (batch,) = reader
    assert dict(batch.columns) == {"note": ["a", "c", 'with "quotes"']}
    assert dict(batch.rejected_columns) == {"note": ["b", ""]}
    with open_records(tmp_path / name) as reader:
        (batch,) = reader
    assert (len(batch.rejected), dict(batch.rejected_columns)) == (2, {})


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_a_ragged_row_keeps_the_cells_it_has(write, delimiter):
    rows = ["smiles,price,note", "C,1,a", "CC,2", "CCC", "CO,3,b,more", '"CN,4,c', "N\0,5,d", "O,6,e"]
    text = "\n".join(rows).replace(",", delimiter)
    assert rejected_rows(write("x.csv", text)) == {
        1: {"price": "2", "note": ""},
        2: {"price": "", "note": ""},
        3: {"price": "3", "note": "b"},
        4: {"price": "", "note": ""},  # the quote is never closed, so the ends of its cells are unknown
        5: {"price": "", "note": ""},
    }


def test_a_line_of_a_smiles_file_without_a_structure(write):
    text = "smiles\tname\tprice\nC\ta\t1\n\tb\t2\nC\0\tc\t3\n"
    assert rejected_rows(write("x.smi", text)) == {1: {"price": "2"}, 2: {"price": ""}}


def test_a_broken_mol_block_keeps_the_properties_that_can_be_read(write):
    block = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO"))
    data = ">  <price>\n{}\n\n>  <note>\ntwo\nlines\n\n$$$$\n"
    parts = [
        block + data.format(0),
        block.replace("  1  2  1  0", "  1  9  1  0") + data.format(1),
        block.partition("M  END")[0] + data.format(2),
        "no mol block\n" + data.format(3),
        block[:60] + "\n$$$$\n",
        block.replace("RDKit", "RD\0Kit") + data.format(5),
    ]
    assert rejected_rows(write("x.sdf", "".join(parts))) == {
        1: {"price": "1", "note": "two\nlines"},
        2: {"price": "2", "note": "two\nlines"},
        3: {"price": "3", "note": "two\nlines"},
        4: {"price": "", "note": ""},
        5: {"price": "", "note": ""},
    }


def test_a_batch_without_faults_has_no_rejected_columns(write):
    with open_records(write("x.csv", "smiles,price\nC,1\nCC,2\n"), keep_columns="all") as reader:
        (batch,) = reader
    assert (batch.rejected, dict(batch.rejected_columns)) == ((), {"price": []})
