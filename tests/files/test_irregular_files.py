"""Irregular files, as other programs and people write them."""

import bz2
import gzip

import pytest
from rdkit import Chem

from molgraph.errors import InputError
from molgraph.files import open_records


def _record(smiles, title="", properties=()):
    block = Chem.MolToMolBlock(Chem.MolFromSmiles(smiles))
    lines = "".join(f">  <{name}>\n{value}\n\n" for name, value in properties)
    return f"{title}{block}{lines}$$$$\n"


def test_of_two_structure_columns_the_one_with_stereo_is_read_and_noted(write):
    path = write("x.csv", "CanonicalSMILES,IsomericSMILES\nCC(N)C(=O)O,C[C@H](N)C(=O)O\n")
    with open_records(path) as reader:
        assert reader.smiles_column == "IsomericSMILES"
        assert reader.notes == (
            "structures are read from 'IsomericSMILES', not from 'CanonicalSMILES' (choose with `smiles_column`)",
        )
        assert next(reader).smiles == ["C[C@H](N)C(=O)O"]
    with open_records(path, smiles_column="CanonicalSMILES") as reader:
        assert reader.notes == ()
        assert next(reader).smiles == ["CC(N)C(=O)O"]


@pytest.mark.parametrize("keep", [["late"], "all"])
def test_a_property_that_only_late_records_have_is_a_column(read, write, keep):
    text = "".join(_record("CCO", f"m{i}", [("late", "7.5")] if i == 299 else []) for i in range(300))
    path = write("x.sdf", text)
    assert read(path, keep_columns=keep).columns == {"late": [""] * 299 + ["7.5"]}
    with open_records(path) as reader:
        assert reader.column_names == ("late",)


def test_a_header_that_repeats_names_is_refused_only_where_they_are_asked_for(read, write):
    path = write("x.tsv", "Ligand SMILES\tChain\tKi (nM)\tChain\nCCO\tA\t>30\tB\n")
    options = {"smiles_column": "Ligand SMILES"}
    assert read(path, keep_columns=["Ki (nM)"], **options).columns == {"Ki (nM)": [">30"]}
    assert read(path, keep_columns="all", **options).columns == {"Chain": ["A"], "Ki (nM)": [">30"], "Chain (2)": ["B"]}
    with pytest.raises(InputError, match="the header has 'Chain' more than once"):
        open_records(path, keep_columns=["Chain"], **options)


def test_a_smi_file_may_have_the_name_in_front(read, write):
    result = read(write("x.smi", "101\tCCO\n102\tc1ccccc1\n103\tCC(=O)N\n"))
    assert result[:2] == (["CCO", "c1ccccc1", "CC(=O)N"], ["101", "102", "103"])
    ordinary = read(write("y.smi", "CCO 101\nnonsense 102\nCC(=O)N C\n"))
    assert ordinary.smiles[0] == "CCO"
    assert ordinary.ids[0] == "101"


@pytest.mark.parametrize("name", ["x.csv", "x.txt", "x"])
def test_comments_above_the_header_do_not_count_and_lines_are_those_of_the_file(write, name):
    path = write(name, "# from an assay\n# in nM; twice\nsmiles,y\nCCO,1\n\nCCN,2\n")
    with open_records(path, keep_columns=["y"]) as reader:
        batch = next(reader)
    assert batch.smiles == ["CCO", "CCN"]
    assert batch.columns["y"] == ["1", "2"]
    assert batch.lines.tolist() == [4, 6]


def test_a_rejected_record_has_its_line(write):
    with open_records(write("x.csv", "smiles,y\nCCO,1\n,2\n")) as reader:
        (rejected,) = next(reader).rejected
    assert (rejected.row, rejected.line, rejected.place) == (1, 3, "line 3")


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("x.csv.bz2", bz2.compress),
        ("x.csv.gz", gzip.compress),
        ("x.txt", bytes),
        ("x", bytes),
    ],
)
def test_tables_are_read_under_many_endings(read, write, name, packed):
    assert read(write(name, packed(b"id,smiles\na,CCO\nb,C\n")))[:2] == (["CCO", "C"], ["a", "b"])


def test_damaged_bzip2_data_are_one_clear_line(read, write):
    text = "smiles,id\n" + "".join(f"{'C' * (i % 50 + 1)},m{i * 7919}\n" for i in range(3000))
    whole = bz2.compress(text.encode())
    for broken in (whole[: len(whole) // 2], whole[:100] + b"\0" * 50 + whole[150:]):
        with pytest.raises(InputError, match=r"x\.csv\.bz2"):
            read(write("x.csv.bz2", broken))


@pytest.mark.parametrize(
    ("name", "packed"), [("x.mol", bytes), ("x.sdfgz", gzip.compress), ("x.sdf.bz2", bz2.compress), ("x", bytes)]
)
def test_mol_blocks_are_read_under_many_endings(read, write, name, packed):
    block = _record("CCO", "ethanol").removesuffix("$$$$\n")
    assert read(write(name, packed(block.encode())))[:2] == (["CCO"], ["ethanol"])


def test_inchi_become_smiles_and_broken_ones_are_rejected(read, write):
    text = 'InChI,id\n"InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3",a\n"InChI=1S/CH4O/c1-9",b\n'
    result = read(write("x.csv", text))
    assert result[:2] == (["CCO"], ["a"])
    assert result.rejected == [(1, "InChI=1S/CH4O/c1-9", "RDKit cannot read this InChI")]
    rows = read(write("x.smi", "InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3 a\nC b\n"))
    assert rows[:2] == (["CCO", "C"], ["a", "b"])


def test_a_broken_mol_block_has_the_message_of_rdkit(read, write):
    block = _record("CCO", "named")
    group, cut = block.replace(" O  ", " Boc", 1), block.replace(" O   0  0  0  0  0  0  0  0  0  0  0  0", "", 1)
    result = read(write("x.sdf", group + cut + block))
    assert result.smiles == ["CCO"]
    (_, first_text, first), (_, second_text, second) = result.rejected
    assert (first_text, second_text) == ("", "")  # a title is no structure
    assert "Element 'Boc' not found" in first
    assert "Atom line too short" in second
