import dataclasses
import gzip
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph.chem.identity import canonical_smiles
from molgraph.datasets.cells import MISSING
from molgraph.datasets.labels import NumberColumn
from molgraph.datasets.load import load_dataset
from molgraph.datasets.tables import read_table
from molgraph.errors import InputError
from molgraph.results.labels import Labels

GOOD = "smiles,id,y\nCCO,a,1.5\nc1ccccc1,b,2.5\nCC(=O)O,c,3.5\n"


@pytest.fixture
def table(tmp_path):
    def write(text, name="table.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_plain_table(table):
    dataset = read_table(table(GOOD), units={"y": "log10(mol/L)"}, directions={"y": "maximize"})
    assert dataset.name == "table.csv"
    assert dataset.smiles == ("CCO", "c1ccccc1", "CC(=O)O")
    assert dataset.ids == ("a", "b", "c")
    assert dataset.labels.values.tolist() == [[1.5], [2.5], [3.5]]
    assert dataset.labels.values.dtype == dataset.weights.dtype == np.float64
    assert dataset.weights.tolist() == [1.0, 1.0, 1.0]
    (task,) = dataset.tasks
    assert (task.name, task.kind, task.unit, task.direction) == ("y", "regression", "log10(mol/L)", "maximize")


@pytest.mark.parametrize("name", ["t.tsv", "t.csv.gz", "t.parquet"])
def test_other_formats_give_the_same_set(table, tmp_path, name):
    path = tmp_path / name
    if name.endswith(".tsv"):
        path.write_text(GOOD.replace(",", "\t"), encoding="utf-8")
    elif name.endswith(".gz"):
        path.write_bytes(gzip.compress(GOOD.encode()))
    else:
        import pandas as pd

        pd.read_csv(table(GOOD)).to_parquet(path)
    assert read_table(path).fingerprint == read_table(table(GOOD)).fingerprint


def test_every_row_is_accounted_for(table):
    text = (
        "smiles,name,y,c\n"
        "CCO,first,1.0,1\n"
        "OCC,second,3.0,1\n"  # the same as the first
        "C1CC,open ring,1.0,0\n"  # unusable
        "c1ccccc1,nothing measured,,\n"
        "CCN,half,NA,0\n"
        ",empty,1,0\n"  # unusable
        "CCC,whole,4.0,1\n"
        "CC[O-].[Na+],salt of the first,2.0,0\n"  # standardized to the first; the classes disagree
    )
    dataset = read_table(table(text), target_columns=["y", "c"])
    assert dataset.rows_read == 8
    assert [molecule.row for molecule in dataset.rejected] == [2, 5]
    assert dataset.rejected[0].id == "open ring"
    assert dataset.n_unlabelled == 1
    assert dataset.merges.n_rows_removed == 2
    assert dataset.rows_read == len(dataset) + len(dataset.rejected) + dataset.n_unlabelled + 2
    assert dataset.ids == ("first", "half", "whole")
    assert np.array_equal(dataset.labels.values, [[2.0, np.nan], [np.nan, 0.0], [4.0, 1.0]], equal_nan=True)
    assert dataset.merges.groups[0].ids == ("first", "second", "salt of the first")
    assert dataset.merges.groups[0].conflict


def test_standardizer_none_keeps_salts_apart(table):
    text = "smiles,y\nCCO,1.0\nCC[O-].[Na+],3.0\n"
    assert len(read_table(table(text), standardizer="none")) == 2
    with pytest.raises(InputError, match="no standardizer is called 'best'"):
        read_table(table(text), standardizer="best")


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["0", "1", "1"], "classification"),
        (["0.0", "1.0", ""], "classification"),
        (["True", "false", "NA"], "classification"),
        (["active", "Inactive", "-"], "classification"),
        (["yes", "no", "1"], "classification"),
        (["0", "1", "2"], "regression"),
        (["0.5", "1", "null"], "regression"),
    ],
)
def test_kinds_are_recognized(table, cells, kind):
    rows = "".join(f"{smiles},{cell}\n" for smiles, cell in zip(["CCO", "CCN", "CCC"], cells, strict=True))
    dataset = read_table(table("smiles,y\n" + rows))
    assert dataset.tasks[0].kind == kind
    assert read_table(table("smiles,y\n" + rows), task_kind=kind).labels.values.shape == dataset.labels.values.shape


def test_a_kind_can_be_asked_for(table):
    path = table("smiles,y\nCCO,0\nCCN,1\n")
    assert read_table(path, task_kind="regression").tasks[0].kind == "regression"
    with pytest.raises(InputError, match=r"'y' holds '1.5' in line 2.*; classification needs 0 and 1"):
        read_table(table(GOOD), task_kind="classification")
    with pytest.raises(InputError, match=r"'y' holds 'yes' in line 3.*; regression needs numbers"):
        read_table(table("smiles,y\nCCO,0\nCCN,yes\n"), task_kind="regression")


def test_weights(table):
    dataset = read_table(table("smiles,y,w\nCCO,1,0.5\nCCN,5,0\nOCC,3,1.5\n"), weight_column="w")
    assert dataset.weights.tolist() == pytest.approx([4 / 3, 0.0])  # 1, times what two measurements are worth
    for cells, message in {
        ("1", "-2"): "'w' holds -2 in line 3",
        ("1", ""): "'w' holds nothing in line 3",
        ("0", "0"): "nothing but 0",
        ("1", "heavy"): "'w' holds 'heavy' in line 3",
        ("1", "inf"): "'w' holds 'inf' in line 3",
    }.items():
        path = table(f"smiles,y,w\nCCO,1,{cells[0]}\nCCN,2,{cells[1]}\n")
        with pytest.raises(InputError, match=message):
            read_table(path, target_columns=["y"], weight_column="w")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "empty"),
        ("smiles,y\n", {}, "no molecules below the header"),
        (GOOD, {"target_columns": ["pIC50"]}, r"no column 'pIC50'.*'smiles', 'id', 'y'"),
        (GOOD, {"target_columns": ["Y"]}, r"did you mean 'y'"),
        (GOOD, {"smiles_column": "mol"}, r"no column 'mol'"),
        (GOOD, {"weight_column": "w"}, r"no column 'w'"),
        (GOOD, {"target_columns": ["y"], "weight_column": "w"}, r"no column 'w'"),
        (GOOD, {"target_columns": []}, "name at least one"),
        (GOOD, {"target_columns": ["y", "y"]}, "each once"),
        ("smiles,y,y\nCCO,1,2\n", {"target_columns": ["y"]}, r"'y' more than once"),
        (
            "smiles,a,b\nCCO,1,2\nCCN,2,3\n",
            {},
            r"which column is to be predicted\? .*'a', 'b'; name .*`target_columns`",
        ),
        ("smiles,id,note\nCCO,1,x\nCCN,2,z\n", {}, "column 'note' holds 'x' in line 2"),
        ("smiles,note,who\nCCO,x,u\nCCN,z,v\n", {}, r"no column of numbers .*'note' holds 'x', 'who' holds 'u'; write"),
        ("smiles,id\nCCO,1\nCCN,2\n", {}, "no column of numbers .* there is no other column"),
        ("smiles,y\nCCO,1\nCCN,high\n", {}, r"'y' holds 'high' in line 3; numbers"),
        ("smiles,y\nCCO,1\nCCN,>\n", {}, r"'y' holds '>' in line 3.*a bound needs a number behind its sign"),
        ("smiles,y\nCCO,1\nCCN,>yes\n", {}, r"'y' holds '>yes' in line 3.*a bound needs a number"),
        ("smiles,y\nCCO,1\nCCN,~low\n", {}, r"'y' holds '~low' in line 3.*a bound is written as >10, a range as 7-8"),
        (
            "smiles,y\nCCO,1\nCCN,>0\n",
            {"task_kind": "classification"},
            r"'y' holds '>0' in line 3.*classification needs 0 and 1",
        ),
        (
            "smiles,y,w\nCCO,1,1\nCCN,2,<1\n",
            {"target_columns": ["y"], "weight_column": "w"},
            r"weight column 'w' holds '<1' in line 3.*a weight is a number",
        ),
        ("smiles;y\nCCO;1,500\nCCN;2\n", {}, r"'1,500' in line 2.*may separate thousands or decimals; write .*point"),
        ("smiles;y\nCCO;1,5\nCCN;2.5\n", {}, r"'1,5' in line 2.* and '2.5' in line 3.*one decimal sign"),
        ("smiles;y\nCCO;1,234,567\nCCN;2\n", {}, r"'1,234,567' in line 2.*thousands without a sign"),
        ("smiles;y;z\nCCO;1,500;a\nCCN;;\n", {}, r"'y' holds '1,500' in line 2.*thousands without a sign"),
        (
            "smiles,IC50,mw,note\nCCO,120,46,x\nCCN,weak,45,3\nCCC,>10,44,z\n",
            {},
            r"which column is to be predicted\? .*'mw', and in 'IC50' but for 'weak'; name .*`target_columns`",
        ),
        ("smiles,IC50,note\nCCO,120,x\nCCN,weak,3\nCCC,7,z\n", {}, r"column 'IC50' holds 'weak' in line 3"),
        ("smiles,y\nCCO,1\nCCN,-inf\n", {}, r"'-inf' in line 3.*infinite"),
        ("smiles,y\nCCO,1\nCCN,1e999\n", {}, r"'1e999' in line 3"),
        ("smiles,y\nCCO,1_000\nCCN,1\n", {}, r"'1_000' in line 2"),
        ("smiles,y\nCCO,yes\nCCN,2.5\n", {}, r"'yes' in line 2.*such as '2.5' in line 3"),
        ("smiles,y\nC1,1\nC(C,2\n", {"smiles_column": "smiles"}, r"none of the 2 rows .*unclosed ring.*'smiles'"),
        ("smiles,y\nCCO,1\nCCN,1\nCCC,1\n", {}, "only class 1 in 3 usable rows"),
        ("smiles,y\nCCO,5.5\nCCN,5.5\n", {}, "only the value 5.5 in 2 usable rows"),
        ("smiles,y\nCCO,5.5\n", {}, "only the value 5.5 in 1 usable rows"),
        ("smiles,y,z\nCCO,1.5,\nCCN,2,\n", {"target_columns": ["y", "z"]}, "'z' has no value"),
        ("smiles,c\nCCO,1\nOCC,0\nCCN,1\n", {}, "only class 1 in 1 usable rows"),  # the conflict took the other class
    ],
)
def test_bad_input_is_one_clear_line(table, text, options, message):
    with pytest.raises(InputError, match=message) as caught:
        read_table(table(text), **options)
    assert "\n" not in str(caught.value)


def test_an_unambiguous_decimal_comma_is_read(table):
    read = read_table(table("smiles;y;w\nCCO;1,5;0,5\nCCN;-2,125;1\nCCC;>7,25;1\nCCCl;3e1;1\n"), target_columns=["y"])
    np.testing.assert_array_equal(read.labels.values, [[1.5], [-2.125], [np.nan], [30.0]])
    assert read.labels.lower is not None
    assert read.labels.lower[2, 0] == 7.25
    weighed = read_table(table("smiles;y;w\nCCO;1,5;0,5\nCCN;2,5;1\n"), target_columns=["y"], weight_column="w")
    assert weighed.weights.tolist() == [0.5, 1.0]
    alone = read_table(table("smiles;y;note\nCCO;0,125;x\nCCN;1,500;u\n"))
    assert alone.labels.values[:, 0].tolist() == [0.125, 1.5]  # that of the first row is no thousand


@given(st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=20))
def test_numbers_with_a_comma_are_those_with_a_point(values):
    texts = [f"{value:.4f}" for value in values]
    columns = NumberColumn("y"), NumberColumn("y")
    columns[0].extend(texts, np.arange(len(texts)))
    columns[1].extend([text.replace(".", ",") for text in texts], np.arange(len(texts)))
    np.testing.assert_array_equal(columns[0].values(), columns[1].values())


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.csv"):
        read_table(tmp_path / "nothing.csv")


def test_row_numbers_survive_unreadable_rows_and_batches(table):
    rows = ["smiles,y", *("C" * (i % 50 + 1) + f",{i}" for i in range(9000)), "CCO,many"]
    rows[10] = ",1"
    with pytest.raises(InputError, match="'many' in line 9002"):
        read_table(table("\n".join(rows) + "\n"))


@given(
    cells=st.lists(
        st.one_of(
            st.sampled_from(sorted(MISSING)),
            st.floats(-1e100, 1e100).map(repr),
            st.integers(-(10**9), 10**9).map(str),
        ),
        min_size=1,
        max_size=40,
    ),
    cut=st.integers(0, 40),
)
def test_numbers_come_back_as_written(cells, cut):
    column = NumberColumn("y")
    rows = np.arange(len(cells))
    column.extend(cells[:cut], rows[:cut])
    column.extend(cells[cut:], rows[cut:])
    expected = [float("nan") if cell in MISSING else float(cell) for cell in cells]
    assert np.array_equal(column.values(), expected, equal_nan=True)
    is_class = all(value in {0.0, 1.0} or np.isnan(value) for value in expected)
    assert column.kind("auto") == ("classification" if is_class else "regression")
    assert column.is_usable == (not np.isnan(expected).all())


@given(st.text(max_size=12))
def test_any_text_is_a_number_a_gap_or_named_in_the_error(text):
    column = NumberColumn("y")
    column.extend(["1.0", text], np.array([0, 7]))
    if column.is_usable:
        assert not np.isinf(column.values()[1])
    else:
        with pytest.raises(InputError, match="record 8"):
            column.values()


def test_row_counts_add_up_on_real_tables(data_dir):
    for name, target in (("BBBP", "p_np"), ("clintox", None)):
        path = data_dir / "moleculenet" / f"{name}.csv"
        dataset = load_dataset(path, target_columns=[target] if target else ["FDA_APPROVED", "CT_TOX"])
        left_out = len(dataset.rejected) + dataset.n_unlabelled + dataset.merges.n_rows_removed
        assert dataset.rows_read == len(dataset) + left_out
        assert len(dataset.rejected) > 0
        keys = Counter(canonical_smiles(smiles) for smiles in dataset.smiles)
        assert keys.most_common(1)[0][1] == 1


def test_names_and_paths(table, data_dir, monkeypatch):
    monkeypatch.setenv("MOLGRAPH_DATA", str(data_dir))
    esol = load_dataset("ESOL")
    assert esol.name == "esol"
    assert esol.rows_read == 1128
    assert esol.tasks[0].unit == "log10(mol/L)"
    assert load_dataset(table(GOOD)).name == "table.csv"
    assert load_dataset(str(table(GOOD))).name == "table.csv"
    tox = load_dataset("tox21", target_columns=["SR-p53", "NR-AR"])
    assert [task.name for task in tox.tasks] == ["SR-p53", "NR-AR"]
    with pytest.raises(InputError, match=r"no data set 'esoll'; did you mean esol\?"):
        load_dataset("esoll")
    with pytest.raises(InputError, match="tox21 has no task 'p53'; its tasks are NR-AR"):
        load_dataset("tox21", target_columns=["p53"])


def test_the_published_bace_file_names_its_structures_mol(data_dir, monkeypatch, tmp_path):
    published = tmp_path / "moleculenet" / "bace.csv"
    published.parent.mkdir()
    text = (data_dir / "moleculenet" / "bace.csv").read_text(encoding="utf-8")
    published.write_text(text.replace("smiles,", "mol,", 1), encoding="utf-8")
    monkeypatch.setenv("MOLGRAPH_DATA", str(tmp_path))
    other = load_dataset("bace_regression")
    monkeypatch.setenv("MOLGRAPH_DATA", str(data_dir))
    assert other.fingerprint == load_dataset("bace_regression").fingerprint


def test_bounds_are_read_beside_measured_values(tmp_path):
    rows = ["CCO,5.5,1", "CCN,>10,2", "CCC,<= 0.1,3", "CCCl,≥7,", "CCBr,,4", "CCF,,", "CCI,6.5,<2"]
    (tmp_path / "assay.csv").write_text("smiles,y,z\n" + "\n".join(rows), encoding="utf-8")
    dataset = read_table(tmp_path / "assay.csv", target_columns=["y", "z"])
    nan = np.nan
    assert [task.kind for task in dataset.tasks] == ["regression", "regression"]
    np.testing.assert_array_equal(dataset.labels.values[:, 0], [5.5, nan, nan, nan, nan, 6.5])
    np.testing.assert_array_equal(dataset.labels.lower[:, 0], [nan, 10, nan, 7, nan, nan])
    np.testing.assert_array_equal(dataset.labels.upper[:, 0], [nan, nan, 0.1, nan, nan, nan])
    np.testing.assert_array_equal(dataset.labels.upper[:, 1], [nan, nan, nan, nan, nan, 2])
    assert dataset.n_unlabelled == 1
    assert dataset.n_bounds.tolist() == [3, 1]
    assert dataset.account().bounds == 4
    assert "y: 2 measured values, 3 censored (> or <), 5.5 to 6.5" in "\n".join(dataset.summary())
    assert dataset.take([1]).labels.lower[0, 0] == 10
    without = dataclasses.replace(dataset, labels=Labels(dataset.labels.values))
    assert without.fingerprint != dataset.fingerprint
