"""SMILES files as vendors and databases write them."""

import gzip
from pathlib import Path

import pytest
from rdkit import RDConfig

from molgraph.errors import InputError
from molgraph.files import open_records


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("CCO ethanol\nC methane\n", ["ethanol", "methane"]),
        ("CCO\tethanol\nC\tmethane\n", ["ethanol", "methane"]),
        ("CCO,ethanol\nC,methane\n", ["ethanol", "methane"]),
        ("CCO , ethanol\n  C   methane  \n", ["ethanol", "methane"]),
        ("CCO\r\nC\r\n", ["0", "1"]),
        ("CCO\rC methane\r", ["0", "methane"]),
        ("\ufeffCCO a\n\n \t \nC b", ["a", "b"]),
        ('CCO ethyl alcohol, 96 %\nC 2,2\'-"x"\n', ["ethyl alcohol, 96 %", '2,2\'-"x"']),
        ("CCO\tethyl alcohol\t46.07\nC\tmethane\n", ["ethyl alcohol", "methane"]),
        ('CCO,"ethyl, ""pure"""\nC,β-x\n', ['ethyl, "pure"', "β-x"]),
        ("CCO |$;;R1$,c:1| ethanol\nC\t|a b|\tmethane\n", ["ethanol", "methane"]),
        ("CCO |$;;R1$|\nC |x|y|\n", ["0", "|x|y|"]),
        ("smiles\nCCO\nC\n", ["0", "1"]),
        ("SMILES\nCCO a\nC b c\n", ["a", "b c"]),
        ("smiles zinc_id\nCCO ZINC1\nC ZINC2\n", ["ZINC1", "ZINC2"]),
        ("smiles\tIdNumber\nCCO\tZ1\nC\tZ2 x\n", ["Z1", "Z2 x"]),
        ("#SMILES idnumber\nCCO Z1\nC Z2\n", ["Z1", "Z2"]),
        ("canonical_smiles,name\nCCO,Z1\nC,\n", ["Z1", "1"]),
        ("zinc_id\tsmiles\nZ1\tCCO\nZ2\tC\textra\n", ["Z1", "Z2"]),
        ('smiles\tid\nCCO |$x$|\t"Z1\nC\t5"-x\n', ['"Z1', '5"-x']),
        ("smiles what mw\nCCO Z1 46\nC Z2 16\n", ["Z1", "Z2"]),
    ],
)
def test_layouts(read, write, content, names):
    assert read(write("library.smi", content))[:2] == (["CCO", "C"], names)


def test_columns_of_a_header_can_be_kept(read, write):
    content = "smiles\tidnumber\tMW\nCCO |x|\tZ1\t46.07\nC\tZ2\n"
    assert read(write("x.cxsmiles", content), keep_columns="all")[:3] == (
        ["CCO", "C"],
        ["Z1", "Z2"],
        {"MW": ["46.07", ""]},
    )
    content = "smiles id MW note\nCCO Z1 46.07 a b\nC Z2\n"
    assert read(write("x.smi", content), keep_columns="all").columns == {"MW": ["46.07", ""], "note": ["a b", ""]}
    with open_records(write("y.smi", "C a\n"), smiles_column="SMILES") as reader:
        assert reader.column_names == ("smiles", "name")
        assert (reader.smiles_column, reader.id_column) == ("smiles", "name")


def test_bytes_that_are_not_utf_8(read, write):
    assert read(write("x.smi", "C é\n".encode("latin-1") + "CC é\n".encode())).ids == ["é", "é"]


def test_bad_lines_are_rejected_alone(read, write):
    content = "C a\n,name only\nC\0C b\n" + "C" * 3_000_000 + "\nCC c\n"
    result = read(write("x.smi", content), batch_size=3)
    assert result[:2] == (["C", "CC"], ["a", "c"])
    assert [(row, reason) for row, _, reason in result.rejected] == [
        (1, "the structure is empty"),
        (2, "the line holds NUL bytes"),
        (3, "the line is longer than 1000000 bytes"),
    ]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, "x.smi is empty"),
        ("smiles id\n", {}, "x.smi holds no molecules below the header"),
        ("id smiles\na C\n", {}, "put the structure first, or separate the columns by tabs"),
        ("C a\n", {"smiles_column": "mol"}, "x.smi has no column 'mol'; the columns are 'smiles', 'name'"),
        ("C a\n", {"keep_columns": ["pIC50"]}, "x.smi has no column 'pIC50'"),
    ],
)
def test_bad_files_give_one_clear_line(read, write, content, options, message):
    with pytest.raises(InputError, match=message):
        read(write("x.smi", content), **options)


def test_text_files_are_recognised_by_their_content(write):
    for content, format_name in [("C a\nCC b\n", "smi"), ("id;smiles\na;C\n", "csv"), ("smiles\tid\nC\ta\n", "csv")]:
        with open_records(write("x.txt", content)) as reader:
            assert reader.format == format_name
            assert next(reader).smiles[0] == "C"


def test_a_library_of_rdkit(read):
    result = read(Path(RDConfig.RDDataDir, "NCI", "first_5K.smi"))
    assert len(result.smiles) == 4999
    assert result.ids[:2] == ["1", "2"]
    assert result.smiles[0] == "CC1=CC(=O)C=CC1=O"


def test_real_libraries_are_read_to_the_last_row(read, data_dir):
    result = read(data_dir / "libraries" / "zinc250k.smi.gz")
    assert (len(result.smiles), len(result.rejected)) == (249_455, 0)
    with gzip.open(data_dir / "libraries" / "zinc250k.smi.gz", "rt") as file:
        assert result.smiles == file.read().split()


def test_real_tables_have_the_rows_of_their_manifest(read, data_dir):
    for name, n_rows, n_columns in [
        ("BBBP.csv", 2050, 2),
        ("HIV.csv.gz", 41127, 2),
        ("tox21.csv", 7831, 12),
        ("SAMPL.csv", 642, 3),
        ("sider.csv", 1427, 27),
    ]:
        result = read(data_dir / "moleculenet" / name, keep_columns="all")
        assert (len(result.smiles), len(result.columns), result.rejected) == (n_rows, n_columns, [])
