"""A table of hits as other packages and people take it."""

import csv

import numpy as np
import pytest

from molgraph import ComputeConfig, ScreenConfig, screen
from molgraph.errors import InputError
from molgraph.screening.hit_columns import HIT_COLUMNS
from molgraph.screening.hit_table import HitTable

SPECS = {spec.name: spec for spec in HIT_COLUMNS if spec.name in {"rank", "id", "p_value", "selected"}}
SPECS["nearest_value"] = next(spec for spec in HIT_COLUMNS if spec.name == "nearest{place}_value")
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def table() -> HitTable:
    return HitTable(
        {
            "rank": [1, 2, 3],
            "id": [HOSTILE, "=1+1", "c"],
            "p_value": [0.125, None, np.nan],
            "selected": [True, False, None],
            "nearest_value": [6.5, ">10", None],
        },
        SPECS,
    )


def test_values(table):
    assert len(table) == 3
    assert table["p_value"].dtype == np.float64
    assert [row["p_value"] for row in table] == [0.125, None, None]
    assert [row["nearest_value"] for row in table] == [6.5, ">10", None]
    with pytest.raises(InputError, match="no column 'x'; choose of rank, id"):
        table["x"]
    empty = HitTable({name: [] for name in SPECS}, SPECS)
    assert (len(empty), [*empty], len(empty.to_pandas()), empty.to_arrow().num_rows) == (0, [], 0, 0)


def test_only_what_is_declared():
    with pytest.raises(InputError, match=r"the columns \['selected'\] are not"):
        HitTable({name: [] for name in SPECS if name != "selected"}, SPECS)
    with pytest.raises(InputError, match="different lengths"):
        HitTable({name: [1] if name == "rank" else [] for name in SPECS}, SPECS)


def test_pandas_and_arrow(table):
    frame = table.to_pandas()
    kinds = [str(kind).replace("str", "object") for kind in frame.dtypes]  # text is `str` from pandas 3 on
    assert kinds == ["Int64", "object", "float64", "boolean", "object"]
    assert frame["selected"].isna().tolist() == [False, False, True]
    arrow = table.to_arrow()
    assert [str(kind) for kind in arrow.schema.types] == ["int64", "string", "double", "bool", "string"]
    assert arrow["p_value"].null_count == 2
    assert arrow["nearest_value"].to_pylist() == ["6.5", ">10", None]


def test_text_for_people(table):
    assert repr(table) == "HitTable(3 rows; 5 columns: rank, id, p_value, selected, nearest_value)"
    shown = table._repr_html_()
    assert "<img" not in shown
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown


def test_files_are_safe(table, tmp_path):
    table.to_csv(tmp_path / "hits.csv")
    with (tmp_path / "hits.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [HOSTILE, "'=1+1", "c"]
    assert [row["selected"] for row in rows] == ["true", "false", ""]
    assert [row["nearest_value"] for row in rows] == ["6.5", ">10", ""]


def test_a_screen_gives_its_lists(model_folder, assay, tmp_path):
    (tmp_path / "library.smi").write_text("".join(f"{text} {HOSTILE}{row}\n" for row, text in enumerate(assay[0][:30])))
    config, compute = ScreenConfig(top=12, diverse=3), ComputeConfig(device="cpu")
    result = screen(model_folder, tmp_path / "library.smi", output=tmp_path / "hits", config=config, compute=compute)
    assert (len(result.hits), len(result.diverse), result.selected) == (12, 3, None)
    assert result.hits["score"].tolist() == sorted(result.hits["score"], reverse=True)
    assert repr(result).startswith("ScreenResult(30 rows: 30 scored, 0 rejected; 12 hits, 3 diverse, ")
    assert "<img" not in result.hits._repr_html_()
