"""Tables of assays as laboratories and databases export them: what is recognised, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph.datasets.tables import read_table
from molgraph.errors import InputError
from molgraph.quantities.names import named
from molgraph.quantities.units import P_UNIT

ALCOHOLS = ["C" * n + "O" for n in range(1, 81)]


@pytest.fixture
def table(tmp_path):
    """Writes columns beside alcohols."""

    def write(name="table.csv", sep=",", **columns):
        header = sep.join(["smiles", *columns])
        rows = [sep.join([smiles, *cells]) for smiles, *cells in zip(ALCOHOLS, *columns.values(), strict=False)]
        path = tmp_path / name
        path.write_text("\n".join([header, *rows]), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("column", "task", "direction"),
    [
        ("IC50 (nM)", "pIC50", "maximize"),
        ("ic50_nm", "pIC50", "maximize"),
        ("IC50, nM", "pIC50", "maximize"),
        ("IC50 in nM", "pIC50", "maximize"),
        ("IC50nM", "pIC50", "maximize"),
        ("BACE1 Ki [nM]", "BACE1 pKi", "maximize"),
        ("EC50_nM", "pEC50", "maximize"),
        ("MIC (nM)", "pMIC", "maximize"),
        ("CC50 (nM)", "pCC50", "minimize"),  # what kills cells is no good sign
        ("hERG IC50 (nM)", "hERG pIC50", "minimize"),
        ("CYP3A4 IC50 (nM)", "CYP3A4 pIC50", "minimize"),
    ],
)
def test_concentrations_are_learned_as_p_values(table, column, task, direction):
    read = read_table(table("t.tsv", "\t", **{column: ["1000", ">10000", "10", "<1"]}))
    (task_read,) = read.tasks
    assert (task_read.name, task_read.unit, task_read.direction) == (task, P_UNIT, direction)
    np.testing.assert_allclose(read.labels.values[:, 0], [6, np.nan, 8, np.nan])
    np.testing.assert_allclose(read.labels.task(0).bounds, [[np.nan, np.nan, np.nan, 9], [np.nan, 5, np.nan, np.nan]])
    (note,) = read.notes
    assert f"learned as {task} = -log10(mol/L)" in note
    as_is = read_table(table("t.tsv", "\t", **{column: ["1000", ">10000", "10", "<1"]}), as_is=True)
    assert (as_is.tasks[0].name, as_is.tasks[0].direction, as_is.notes) == (column, None, ())
    np.testing.assert_array_equal(as_is.labels.values[:, 0], [1000, np.nan, 10, np.nan])


@pytest.mark.parametrize(
    ("column", "unit", "direction", "highest"),
    [
        ("Papp (10^-6 cm/s)", "10^-6 cm/s", "maximize", None),
        ("half-life (h)", "h", None, None),
        ("CLint (uL/min/mg)", "uL/min/mg", "minimize", None),
        ("solubility_uM", "uM", "maximize", None),
        ("PPB (%)", "%", None, 100.0),
        ("% bioavailability", "%", "maximize", 100.0),
        ("MIC (ug/mL)", "ug/mL", "minimize", None),
    ],
)
def test_other_quantities_keep_their_numbers_and_have_a_range(table, column, unit, direction, highest):
    read = read_table(table(**{column: ["1", "20", "3"]}))
    (task_read,) = read.tasks
    assert (task_read.name, task_read.unit, task_read.direction) == (column, unit, direction)
    assert (task_read.lowest, task_read.highest) == (0.0, highest)
    assert read.labels.values[:, 0].tolist() == [1, 20, 3]


def test_a_range_is_confirmed_by_the_values(table):
    (task_read,) = read_table(table(**{"PPB (%)": ["1", "120", "3"]})).tasks
    assert (task_read.lowest, task_read.highest) == (0.0, None)
    (task_read,) = read_table(table(**{"inhibition (%)": ["-5", "20", "104"]})).tasks
    assert (task_read.lowest, task_read.highest) == (None, None)


@pytest.mark.parametrize("column", ["y", "mw", "Kinase", "logP", "expt", "NR-AR", "Kid", "F", "CL", "IC5000", "trace"])
def test_other_names_are_not_recognised(column):
    assert named(column) is None


def test_a_chembl_export(table):
    columns = {
        "Standard Type": ['"IC50"'] * 4,
        "Standard Relation": ["\"'='\"", "\"'>'\"", "\"'<'\"", '"None"'],
        "Standard Value": ["10.0", "10000.0", "1.0", "0.1"],
        "Standard Units": ["nM", "nM", "nM", "uM"],
        "pChEMBL Value": ["8.00", "", "", "7.00"],
        "Molecular Weight": ["300", "301", "302", "303"],
    }
    read = read_table(table(sep=";", **columns))
    assert [task.name for task in read.tasks] == ["pIC50"]
    np.testing.assert_allclose(read.labels.values[:, 0], [8, np.nan, np.nan, 7])
    np.testing.assert_allclose(read.labels.task(0).bounds, [[np.nan, np.nan, 9, np.nan], [np.nan, 5, np.nan, np.nan]])
    assert "2 of them censored by 'Standard Relation'" in " ".join(read.notes)
    named_so = read_table(table(sep=";", **columns), target_columns=["Standard Value"])
    assert named_so.fingerprint == read.fingerprint
    p_values = read_table(table(sep=";", **columns), target_columns=["pChEMBL Value"])
    assert (len(p_values), p_values.tasks[0].direction) == (2, "maximize")
    assert "`target_columns=['Standard Value']` learns them too" in " ".join(p_values.notes)


def test_a_pubchem_export(table):
    """Its own standard value is in uM, whatever the unit of the depositor's was."""
    columns = {
        "PUBCHEM_ACTIVITY_OUTCOME": ["Active", "Inactive", "Active"],
        "PubChem Standard Value": ["0.01", "10", "0.1"],
        "Standard Type": ["IC50"] * 3,
        "Standard Relation": ["=", ">", "="],
        "Standard Value": ["10", "10000", "100"],
        "Standard Units": ["nM"] * 3,
    }
    for target in (None, ["Standard Value"], ["PubChem Standard Value"]):
        read = read_table(table(**columns), target_columns=target)
        assert [task.name for task in read.tasks] == ["pIC50"]
        np.testing.assert_allclose(read.labels.values[:, 0], [8, np.nan, 7])
        assert read.labels.upper[1, 0] == pytest.approx(5)


def test_mixed_assays_are_refused_until_one_is_chosen(table):
    columns = {"Standard Type": ["IC50", "Ki", "IC50"], "Standard Value": ["1", "2", "3"], "Standard Units": ["nM"] * 3}
    with pytest.raises(InputError, match=r"holds IC50 \(2\), Ki \(1\).* `where=\{'Standard Type': 'IC50'\}`"):
        read_table(table(**columns))
    read = read_table(table(**columns), where={"Standard Type": "IC50"})
    assert (read.rows_read, len(read)) == (2, 2)
    assert "2 rows with Standard Type=IC50; 1 others are not taken" in read.notes
    with pytest.raises(InputError, match=r"no row has Standard Type=EC50"):
        read_table(table(**columns), where={"Standard Type": "EC50"})
    columns |= {"Standard Type": ["IC50"] * 3, "Standard Units": ["nM", "ug.mL-1", "nM"]}
    with pytest.raises(InputError, match=r"holds nM \(2\), ug.mL-1 \(1\).*`where=\{'Standard Units': 'nM'\}`"):
        read_table(table(**columns))


@pytest.mark.parametrize("relation", ["relation", "IC50 qualifier", "IC50 (nM) operator", "Relation", "modifier_IC50"])
def test_relations_beside_the_values(table, relation):
    read = read_table(table(**{"IC50 (nM)": ["1000", "10000", "10"], relation: ["=", ">", ""]}))
    np.testing.assert_allclose(read.labels.values[:, 0], [6, np.nan, 8])
    assert read.labels.upper[1, 0] == pytest.approx(5)


def test_a_column_without_relations_is_ignored(table):
    read = read_table(table(**{"IC50 (nM)": ["1000", "10000", "10"], "relation": ["inhibits", ">", "="]}))
    assert read.n_bounds.tolist() == [0]


def test_units_in_cells_and_in_the_header(table):
    read = read_table(table(IC50=["5.7 uM", "12 nM", "1e-6 M", ">1 mM"]))
    assert read.tasks[0].name == "pIC50"
    np.testing.assert_allclose(read.labels.values[:, 0], [-np.log10(5.7e-6), -np.log10(12e-9), 6, np.nan])
    with pytest.raises(
        InputError, match=r"with a unit and 1 without, the first in line 3; write the unit in the header"
    ):
        read_table(table(IC50=["5.7 uM", "12", "1 uM"]))
    read = read_table(table(**{"IC50 (nM)": ["5.7 uM", "12", "1"]}))
    np.testing.assert_allclose(read.labels.values[:, 0], [-np.log10(5.7e-6), -np.log10(12e-9), 9])
    with pytest.raises(InputError, match=r"value in ug/mL in line 4, and others in nM, which cannot be converted"):
        read_table(table(**{"IC50 (nM)": ["5", "6 nM", "1 ug/mL"]}))


def test_a_zero_among_concentrations_is_below_the_smallest_measured(table):
    cells = [f"{10 ** (n / 20):.4g}" for n in range(79)]
    read = read_table(table(**{"IC50 (nM)": [*cells, "0"]}))
    assert np.isnan(read.labels.values[79, 0])
    assert read.labels.lower[79, 0] == pytest.approx(9)
    assert "'IC50 (nM)' is 0 in line 81: taken as less than 1, the smallest that was measured" in read.notes
    read = read_table(table(**{"solubility (uM)": [*cells, "0"]}))
    assert read.labels.upper[79, 0] == pytest.approx(1)
    assert read_table(table(**{"solubility (uM)": [*cells, "0"]}), as_is=True).labels.values[79, 0] == 0
    other = read_table(table(reading=[*cells, "0"]))
    assert other.labels.values[79, 0] == 0
    assert "'reading' is 0 in line 81, which has no logarithm" in " ".join(other.notes)


def test_many_zeros_and_negative_concentrations_are_refused(table):
    with pytest.raises(InputError, match=r"is 0 in 3 of 6 cells \(lines 2, 3, 4\).*`missing=\['0'\]`.*`as_is=True`"):
        read_table(table(**{"IC50 (nM)": ["0", "0", "0", "1", "2", "3"]}))
    with pytest.raises(InputError, match=r"has -7 in line 3 and 2 values below 0 in all.*logarithms"):
        read_table(table(**{"IC50 (nM)": ["1", "-7", "-8"]}))


def test_a_p_value_that_cannot_be_one(table):
    read = read_table(table(pIC50=["28", "1514", "8.7"]))
    assert (read.tasks[0].direction, read.tasks[0].unit) == (None, None)
    assert "2 of 3 values are out of range (8.7 to 1.51e+03); if they are concentrations, call" in " ".join(read.notes)
    assert read_table(table(pIC50=["7", "5", "8.7"])).tasks[0].direction == "maximize"


@pytest.mark.parametrize(("value", "n"), [("-999", 3), ("-99", 1), ("9999", 2), ("-9999", 1)])
def test_a_sentinel_far_from_all_others_is_refused(table, value, n):
    path = table(pIC50=[value] * n + [f"{5 + i / 10}" for i in range(12)])
    with pytest.raises(InputError, match=rf"holds {float(value):g} in {n} cells \(line.*may mean that nothing was"):
        read_table(path)
    read = read_table(path, missing=[value])
    assert (len(read), read.n_unlabelled) == (12, n)
    assert read_table(path, as_is=True).labels.values.shape == (12 + n, 1)


def test_limits_of_an_assay_are_no_sentinels(table):
    cells = [f"{10 ** (i / 3):.4g}" for i in range(12)] + ["100000"] * 5
    assert len(read_table(table(**{"IC50 (nM)": cells}))) == 17


def test_classes_in_other_spellings(table):
    for cells in (["-1", "1"] * 4, ["inactive", "active"] * 4, ["No", "yes"] * 4):
        read = read_table(table(y=cells))
        assert read.tasks[0].kind == "classification"
        assert read.labels.values[:, 0].tolist() == [0, 1] * 4
    assert read_table(table(y=["inactive", "active"])).tasks[0].class_names == ("inactive", "active")
    assert read_table(table(y=["1", "0"])).tasks[0].class_names is None
    assert read_table(table(y=["-1", "1"]), task_kind="classification").labels.values[:, 0].tolist() == [0, 1]
    assert read_table(table(y=["-1", "1"]), task_kind="regression").labels.values[:, 0].tolist() == [-1, 1]


@pytest.mark.parametrize("values", ["12", "012"])
def test_other_whole_numbers_may_be_classes(table, values):
    path = table(y=list(values * 20))
    with pytest.raises(InputError, match=rf"holds nothing but {', '.join(values)}: a task has two classes"):
        read_table(path)
    with pytest.raises(InputError, match="a task has two classes"):
        read_table(path, task_kind="classification")
    assert read_table(path, task_kind="regression").tasks[0].kind == "regression"


def test_all_bad_cells_of_a_table_in_one_message(table):
    cells = ["weak", "1", "2", "strong", *["3", "4"] * 10, *["odd"] * 12]
    path = table(a=cells, b=["x", *["1", "2", "5", "6"] * 8, "1", "2", "inactive"])
    with pytest.raises(InputError) as caught:
        read_table(path, target_columns=["a", "b"])
    message = str(caught.value)
    assert "'weak' in line 2 of 'a', 'x' in line 2 of 'b', 'strong' in line 5 of 'a'" in message
    assert "and 6 more such cells" in message
    assert read_table(
        path, target_columns=["a", "b"], missing=["weak", "strong", "odd", "x", "inactive"]
    ).labels.values.shape


def test_what_is_missing_or_odd_is_counted(table):
    read = read_table(table(y=["~6.1", "7-8", "ND", "", "n.d.", "5", "ND", "4.2 ± 0.1"]))
    assert read.notes == (
        (
            "'y': 1 cell like ~6.1, taken without the sign, 1 cell like 6.1 ± 0.2, taken without the spread, 1 cell like "
            "7-8, taken as two bounds, 4 without a value (2 'ND', 1 'n.d.')"
        ),
    )
    assert [side[1, 0] for side in read.labels.bounds] == [7, 8]


def test_all_other_columns(table):
    columns = {
        "a": ["1", "2.5", "3"],
        "note": ["x", "u", "z"],
        "same": ["1", "1", "1"],
        "c": ["0", "1", ""],
        "none": ["", "", ""],
        "nearly": ["4.5", "x", "5"],
        "flat": ["2", "2", ""],
    }
    read = read_table(table(**columns), target_columns=["*"])
    assert [task.name for task in read.tasks] == ["a", "c"]
    assert (
        "columns that are not taken: 'nearly' holds numbers but for 'x'; 2 columns without numbers: 'note', 'none'"
        in read.notes
    )
    assert "2 columns are left out (2 of one value): targets 'same', 'flat'" in read.notes
    with pytest.raises(InputError, match=r"targets 'same', 'flat' have the same value in all usable rows"):
        read_table(table(**columns), target_columns=["a", "same", "c", "flat"])
    with pytest.raises(InputError, match="stands alone"):
        read_table(table(**columns), target_columns=["*", "a"])


def test_two_columns_of_one_task_are_refused(table):
    path = table(**{"IC50 (nM)": ["10", "100", "1"], "pIC50": ["8", "7", "9"]})
    with pytest.raises(InputError, match=r"'IC50 \(nM\)', 'pIC50' would all be learned as 'pIC50'"):
        read_table(path, target_columns=["IC50 (nM)", "pIC50"])
    with pytest.raises(InputError, match="which column is to be predicted"):
        read_table(path)


def test_a_recognised_column_goes_before_others(table):
    path = table(**{"mw": ["10", "100", "1"], "IC50 (nM)": ["8", "7", "9"], "logP": ["1", "2", "3"]})
    assert [task.name for task in read_table(path).tasks] == ["pIC50"]
    path = table(**{"active": ["1", "0", "1"], "IC50 (nM)": ["8", "7", "9"]})
    with pytest.raises(InputError, match="which column is to be predicted"):
        read_table(path)


def test_directions_of_the_caller_take_precedence(table):
    path = table(**{"IC50 (nM)": ["10", "100", "1"]})
    assert read_table(path, directions={"IC50 (nM)": "minimize"}).tasks[0].direction == "maximize"
    assert read_table(path, directions={"IC50 (nM)": "maximize"}).tasks[0].direction == "minimize"
    assert read_table(path, directions={"pIC50": "minimize"}).tasks[0].direction == "minimize"
    with pytest.raises(InputError, match="is given for 'Ki', which is no target; the targets are pIC50"):
        read_table(path, directions={"Ki": "minimize"})


@given(
    st.lists(st.tuples(st.floats(1e-3, 1e9), st.sampled_from(["nM", "uM", "mM", "M", "pM"])), min_size=3, max_size=9)
)
def test_p_values_do_not_depend_on_the_unit(tmp_path_factory, values):
    factors = {"M": 1.0, "mM": 1e-3, "uM": 1e-6, "nM": 1e-9, "pM": 1e-12}
    path = tmp_path_factory.mktemp("units") / "t.csv"
    rows = [f"{'C' * n}O,{value!r} {unit}" for n, (value, unit) in enumerate(values, start=1)]
    path.write_text("\n".join(["smiles,Ki", *rows]))
    expected = [-np.log10(value * factors[unit]) for value, unit in values]
    np.testing.assert_allclose(read_table(path, to_learn=False).labels.values[:, 0], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("unit", ["nM", "umol/L", None])
def test_a_unit_of_concentrations_that_no_column_names(table, unit):
    columns = {"Ki": ["1", "10", ">100"], "EC50 (uM)": ["1", "10", "100"], "logD": ["1", "2.5", "3"]}
    read = read_table(table(**columns), target_columns=["Ki", "EC50 (uM)", "logD"], units=unit)
    first, *others = zip(read.tasks, read.labels.values.T.tolist(), strict=True)
    assert [(task.name, task.unit, labels[:2]) for task, labels in others] == [
        ("pEC50", P_UNIT, [6.0, 5.0]),
        ("logD", None, [1.0, 2.5]),
    ]
    if unit is None:
        assert (first[0].name, first[1][:2]) == ("Ki", [1.0, 10.0])
    else:
        expected = [9.0, 8.0] if unit == "nM" else [6.0, 5.0]
        assert (first[0].name, first[0].unit, first[1][:2]) == ("pKi", P_UNIT, expected)


@pytest.mark.parametrize("unit", ["mg/L", "furlong"])
def test_a_unit_that_is_none_of_concentrations(table, unit):
    with pytest.raises(InputError, match=f"the unit of concentrations is '{unit}'; give one such as nM"):
        read_table(table(Ki=["1", "2", "3"]), units=unit)


def test_a_number_with_a_unit_is_no_class(table):
    read = read_table(table(Ki=["1 nM", "1 nM", "0 nM"]), to_learn=False)
    assert [(task.name, task.kind) for task in read.tasks] == [("pKi", "regression")]
    with pytest.raises(InputError, match="holds only the value 9 in 3 usable rows"):
        read_table(table(Ki=["1 nM", "1 nM", "1 nM"]))
