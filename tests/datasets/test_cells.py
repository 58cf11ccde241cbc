"""Cells of columns of measured values, in the spellings of spreadsheets and exports."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph.datasets.cells import MISSING, advice_on, parse_cell
from molgraph.quantities.names import named, split_unit
from molgraph.quantities.units import unit_of

NAN = math.nan


@pytest.mark.parametrize(
    ("text", "kind", "value", "lower", "upper"),
    [
        ("5.7", "value", 5.7, NAN, NAN),
        ("=5.7", "value", 5.7, NAN, NAN),
        ("\u22121.5", "value", -1.5, NAN, NAN),
        ("1\u2009234.5", "value", 1234.5, NAN, NAN),
        ("1.2 x 10^-6", "value", 1.2e-6, NAN, NAN),
        ("'12'", "value", 12.0, NAN, NAN),
        ("~6.1", "approximate", 6.1, NAN, NAN),
        ("ca. 6.1", "approximate", 6.1, NAN, NAN),
        ("5.7 \u00b1 0.3", "spread", 5.7, NAN, NAN),
        ("5.7+/-0.3", "spread", 5.7, NAN, NAN),
        (">10", "bound", NAN, 10.0, NAN),
        ("\u2265 1,5", "bound", NAN, 1.5, NAN),
        ("<<0.1", "bound", NAN, NAN, 0.1),
        ("7-8", "range", NAN, 7.0, 8.0),
        ("7 \u2013 8", "range", NAN, 7.0, 8.0),
        ("-7 to -5", "range", NAN, -7.0, -5.0),
        ("1e-6-1e-5", "range", NAN, 1e-6, 1e-5),
        ("Inactive", "class", 0.0, NAN, NAN),
        ("<NA>", "gap", NAN, NAN, NAN),
        ("not tested", "gap", NAN, NAN, NAN),
        ("\u2013", "gap", NAN, NAN, NAN),
    ],
)
def test_parsed_cells(text, kind, value, lower, upper):
    cell = parse_cell(text)
    assert cell.kind == kind
    np.testing.assert_array_equal([cell.value, cell.lower, cell.upper], [value, lower, upper])


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("5.7 \u00b5M", 5.7, "uM"),
        ("5.7\u03bcM", 5.7, "uM"),
        ("1e-6 M", 1e-6, "M"),
        ("10 nm", 10, "nM"),
        ("2 mM", 2, "mM"),
        ("45%", 45, "%"),
        ("3 ug.mL-1", 3, "ug/mL"),
        ("12 \u00b5g/mL", 12, "ug/mL"),
    ],
)
def test_units_in_cells(text, value, unit):
    cell = parse_cell(text)
    assert (cell.value, cell.unit.name) == (value, unit)


@pytest.mark.parametrize(
    "text",
    ["weak", "8-7", "7-Aug", "2024-11-05", "1 000", "1_000", "inf", "1e999", "1e101", ">yes", ">", "~7-8", "--5", "1.2.3",
     "5 furlongs", "5m", "=A1+2", "\u0663", "1,234,567"],
)  # fmt: skip
def test_unparsable_cells(text):
    assert parse_cell(text) is None


def test_a_unit_of_another_case_is_another_unit():
    assert unit_of("mM").factor == 1e-3
    assert unit_of("M").factor == 1.0
    assert unit_of("m") is None
    assert unit_of("MM").factor == 1e-3  # nobody means megamolar


@given(st.text(max_size=30))
def test_any_text_is_a_cell_with_finite_numbers_or_nothing(text):
    cell = parse_cell(text)
    if cell is not None:
        assert not any(math.isinf(number) for number in (cell.value, cell.lower, cell.upper))
        assert (cell.kind == "gap") == (text.strip().lower() in MISSING or not text.strip())


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e6))
def test_ranges_and_bounds_come_back_as_written(low, width):
    high = low + width
    if not low < high:
        return
    cell = parse_cell(f"{low!r} to {high!r}")
    assert (cell.lower, cell.upper) == (low, high)
    assert parse_cell(f">{low!r}").lower == low
    assert parse_cell(f"<= {high!r}").upper == high


def test_a_page_of_text_in_a_cell_is_no_measurement():
    assert parse_cell("1" * 100_000) is None
    assert "remarks" in advice_on("1 " * 100_000)
    assert parse_cell(" " * 100_000 + "6.1").value == 6.1


def test_a_page_of_text_as_a_column_name_names_no_quantity():
    assert split_unit("(" * 100_000) == ("(" * 100_000, None)
    assert named("IC50 " + "-" * 100_000) is None
