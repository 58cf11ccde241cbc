"""SD files, whole and broken."""

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdkit import Chem, RDConfig
from rdkit.Chem import AllChem

from molgraph.errors import InputError
from molgraph.files import open_records

SHIPPED = Path(RDConfig.RDDataDir, "NCI", "first_200.props.sdf")


def record(smiles, title="", properties=(), *, v3000=False, is_3d=False):
    mol = Chem.MolFromSmiles(smiles)
    if is_3d:
        mol = Chem.AddHs(mol)
        AllChem.EmbedMolecule(mol, randomSeed=1)
    mol.SetProp("_Name", title)
    data = "".join(f">  <{name}>\n{value}\n\n" for name, value in properties)
    return Chem.MolToMolBlock(mol, forceV3000=v3000) + data + "$$$$\n"


def test_a_file_of_rdkit(read):
    result = read(SHIPPED, keep_columns="all")
    expected = [mol for mol in Chem.SDMolSupplier(str(SHIPPED)) if mol is not None]
    assert result.smiles == [Chem.MolToSmiles(mol) for mol in expected]
    assert len(result.smiles) + len(result.rejected) == 200
    for name, cells in result.columns.items():
        assert cells == [mol.GetProp(name) if mol.HasProp(name) else "" for mol in expected]


def test_names_columns_and_identifiers(read, write):
    path = write(
        "x.sdf",
        record("CCO", "ethanol", [("ID", "Z1"), ("note", "two\nlines")])
        + record("C", "", [("ID", "Z2"), ("MW", "16")]),
    )
    result = read(path, keep_columns="all")
    assert result[:3] == (
        ["CCO", "C"],
        ["ethanol", "Z2"],
        {"ID": ["Z1", "Z2"], "note": ["two\nlines", ""], "MW": ["", "16"]},
    )
    assert read(path, id_column="ID", keep_columns=["MW"])[1:3] == (["Z1", "Z2"], {"MW": ["", "16"]})
    with open_records(path) as reader:
        assert reader.column_names == ("ID", "note", "MW")
        assert (reader.smiles_column, reader.id_column, reader.format) == ("smiles", None, "sdf")


@pytest.mark.parametrize(
    "smiles", ["C[C@H](N)C(=O)O", "C/C=C\\C", "C[C@@H]1CC[C@H](O)CC1", "[Na+].CC(=O)[O-]", "[13CH4]"]
)
@pytest.mark.parametrize("options", [{}, {"v3000": True}, {"is_3d": True}], ids=str)
def test_stereo_charges_and_isotopes_are_kept(read, write, smiles, options):
    (read_smiles,) = read(write("x.sdf", record(smiles, **options))).smiles
    assert Chem.CanonSmiles(read_smiles) == Chem.CanonSmiles(smiles)


def test_line_ends_and_compression(read, write):
    text = record("CCO", "a", [("x", "1")]) + record("C", "b")
    for name, content in [
        ("x.sdf", text.replace("\n", "\r\n")),
        ("y.sdf", text.replace("\n", "\r")),
        ("z.sdf", "\ufeff" + text),
        ("last.sdf", text.removesuffix("$$$$\n")),
        ("blank.sdf", text + "\n\n"),
        ("x.sdf.gz", gzip.compress(text.encode())),
    ]:
        assert read(write(name, content), keep_columns="all")[:3] == (["CCO", "C"], ["a", "b"], {"x": ["1", ""]})


def test_broken_records_are_rejected_alone(read, write, capfd):
    good = record("CCO", "good")
    whole = record("c1ccccc1", "whole")
    broken = [
        record("CC", "bond").replace("  1  2  1  0", "  1  9  1  0"),
        record("CCO", "atoms").replace("  3  2  0", " 99  2  0"),
        whole.partition("M  END")[0] + "$$$$\n",
        "not a mol block\n$$$$\n",
        "$$$$\n",
        record("", "no atoms"),
        whole.replace("  0  0\n", "  0 \0 0\n", 1).replace("RDKit", "RD\0Kit"),
        "long\n" + "x" * 3_000_000 + "\n" * 5 + "$$$$\n",
        "long\n" + "123456789\n" * 300_000 + "M  END\n$$$$\n",
    ]
    path = write("x.sdf", good + good.join(broken) + good)
    result = read(path, batch_size=4)
    assert result.smiles == ["CCO"] * (len(broken) + 1)
    assert result.ids == ["good"] * (len(broken) + 1)
    assert [row for row, _, _ in result.rejected] == list(range(1, 2 * len(broken), 2))
    reasons = [reason for _, _, reason in result.rejected]
    assert "M  END" in reasons[2]
    assert reasons[5:] == [
        "the mol block has no atoms",
        "the line holds NUL bytes",
        "the record is longer than 1000000 bytes",
        "the record is longer than 1000000 bytes",
    ]
    assert all(reason and "\n" not in reason and not reason.startswith("[") for reason in reasons)
    assert capfd.readouterr() == ("", "")


def test_an_impossible_valence_has_the_message_of_rdkit(read, write):
    block = record("CC(C)(C)C", "penta").replace("  5  4  0", "  5  4  0", 1)
    block = block.replace(" C   0", " N   0")
    assert read(write("x.sdf", record("C") + block)).rejected[0][2].startswith("Explicit valence for atom #")


def test_a_missing_end_of_record_loses_only_that_mark(read, write):
    text = record("CCO", "a", [("x", "1")]).removesuffix("$$$$\n") + record("C", "b") + record("N", "c")
    assert read(write("x.sdf", text), keep_columns=["x"])[:3] == (
        ["CCO", "C", "N"],
        ["a", "b", "c"],
        {"x": ["1", "", ""]},
    )
    cut = record("c1ccccc1", "cut")
    text = cut[: cut.index("M  END") - 30] + "\n" + record("C", "b")
    result = read(write("y.sdf", text))
    assert result[:2] == (["C"], ["b"])
    assert [(row, text) for row, text, _ in result.rejected] == [(0, "")]


def test_a_mol_block_as_a_property_stays_one(read, write):
    block = record("CC", "title").replace("\n\n", "\nx\n").partition("$$$$")[0].strip()
    text = record("CCO", "a", [("reagent", block)]) + record("C", "b")
    assert read(write("x.sdf", text))[:2] == (["CCO", "C"], ["a", "b"])


def test_a_structure_column_is_refused(write):
    with pytest.raises(InputError, match="leave `smiles_column` out"):
        open_records(write("x.sdf", record("C")), smiles_column="smiles")
    with pytest.raises(InputError, match="has no column 'pic'; did you mean 'pIC50'"):
        open_records(write("x.sdf", record("C", "", [("pIC50", "1")])), keep_columns=["pic"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 60)), max_size=3))
def test_damage_never_affects_a_later_record(read, write, cuts):
    """Bytes are lost anywhere in the first records; those after the next mark are whole."""
    damaged = record("CCO", "a", [("x", "1")]) + record("CCN", "b")
    for start, length in cuts:
        first = start % len(damaged)
        damaged = damaged[:first] + damaged[first + length :]
    result = read(write("x.sdf", damaged + "\n$$$$\n" + record("CCCC", "c") + record("CCCCC", "d")))
    assert result.smiles[-2:] == ["CCCC", "CCCCC"]
    assert result.ids[-2:] == ["c", "d"]


def test_files_of_a_folder_may_have_other_properties(tmp_path):
    for name, properties in (("a", {"ID": "one", "price": "3"}), ("b", {"ID": "two", "stock": "5"})):
        tags = "".join(f"> <{key}>\n{value}\n\n" for key, value in properties.items())
        (tmp_path / f"{name}.sdf").write_text(Chem.MolToMolBlock(Chem.MolFromSmiles("CCO")) + tags + "$$$$\n")
    for keep in ("all", ["price", "stock"]):
        with open_records(tmp_path, keep_columns=keep) as reader:
            (batch,) = reader
        assert (batch.columns["price"], batch.columns["stock"]) == (["3", ""], ["", "5"])
    with pytest.raises(InputError, match="no column 'colour'"):
        open_records(tmp_path, keep_columns=["colour"])


def test_a_reason_that_rdkit_cuts_within_a_character(tmp_path):
    """RDKit quotes the three bytes in which it looks for a number, whatever character they end in."""
    block = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO")).replace("  1  2  1", " aÿÿ2  1")
    (tmp_path / "a.sdf").write_text(f"{block}$$$$\n{Chem.MolToMolBlock(Chem.MolFromSmiles('CCN'))}$$$$\n")
    with open_records(tmp_path / "a.sdf") as reader:
        (batch,) = reader
    assert batch.smiles == ["CCN"]
    assert batch.rejected[0].reason == "the mol block cannot be read"
