"""Every column that a screen or a prediction writes is declared, of the declared type, and described."""

import csv
import re
from pathlib import Path

import pytest

from molgraph import Panel, ScreenConfig, predict_file, screen
from molgraph.prediction.output_columns import KEPT_COLUMN, PREDICT_COLUMNS
from molgraph.results.column_spec import ColumnSpec
from molgraph.screening.hit_columns import HIT_COLUMNS, column_reference

PROFILE = """
[[objective]]
task = "pIC50"
curve = "sigmoid"
low = 5
high = 8

[[objective]]
task = "herg"
curve = "reverse_sigmoid"
low = 0.2
high = 0.8
"""
CELLS = {
    "text": r".*",
    "integer": r"\d*",
    "number": r"(-?\d+(\.\d+)?(e[+-]\d+)?)?",
    "boolean": r"(true|false)?",
    "number or text": r"([<>]?-?\d+(\.\d+)?(e[+-]\d+)?)?",
}


def spec_of(name: str, tasks: list[str], kept: list[str], declared: tuple[ColumnSpec, ...]) -> ColumnSpec:
    """The one declared column that this is."""
    if name in kept:
        return KEPT_COLUMN
    task = "|".join(re.escape(task) for task in tasks)
    found = []
    for spec in declared:
        pattern = re.escape(spec.name).replace(re.escape("{task}"), f"({task})")
        if spec is not KEPT_COLUMN and re.fullmatch(pattern.replace(re.escape("{place}"), r"(_\d+)?"), name):
            found.append(spec)
    assert len(found) == 1, name
    return found[0]


def check(path: Path, tasks: list[str], kept: list[str], declared: tuple[ColumnSpec, ...]) -> set[str]:
    """Compares a file with what is declared; the names of the declared columns that it has."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    specs = [spec_of(name, tasks, kept, declared) for name in header]
    for row in rows:
        for cell, spec, name in zip(row, specs, header, strict=True):
            assert re.fullmatch(CELLS[spec.type], cell), (name, cell)
    places = [declared.index(spec) for spec in specs if "{" not in spec.name]
    assert places == sorted(places)
    return {spec.name for spec in specs}


@pytest.fixture(scope="module")
def library(assay, tmp_path_factory):
    path = tmp_path_factory.mktemp("columns") / "library.csv"
    rows = "".join(
        f"{text},cpd{row},{row},r{row}\n" for row, text in enumerate([*assay[0][30:90], "CCO", "OCC", "bad"])
    )
    path.write_text(f"smiles,id,price,rank\n{rows}")
    return path


def test_all_that_is_written_is_declared(model_folder, mixed_folder, library, tmp_path):
    (tmp_path / "profile.toml").write_text(PROFILE)
    screens = {
        "plain": (model_folder, {}),
        "hit": (model_folder, {"hit": "pIC50 >= 5.5", "fdr": 0.5, "diverse": 3, "nearest": 2, "domain": "ignore"}),
        "kept": (model_folder, {"keep_columns": ["price", "rank"], "alerts": ()}),
        "two": ([model_folder, "herg"], {"profile": tmp_path / "profile.toml"}),
        "classes": (mixed_folder, {"goal": "active"}),
    }
    seen: set[str] = set()
    for name, (model, options) in screens.items():
        panel = Panel.load(model if isinstance(model, list) else [model], device="cpu")
        tasks = [task.name for task in panel.tasks]
        result = screen(panel, library, output=tmp_path / name, config=ScreenConfig(top=20, **options))
        for table, file in (
            (result.hits, "hits"), (result.outside, "outside"), (result.selected, "selected"), (result.diverse, "diverse")
        ):  # fmt: skip
            path = tmp_path / name / f"{file}.csv"
            assert path.exists() == (file == "hits" or bool(table))
            if table:
                seen |= check(path, tasks, ["price", "input_rank"], HIT_COLUMNS)
                table.to_csv(tmp_path / "again.csv")
                assert (tmp_path / "again.csv").read_bytes() == path.read_bytes()
    assert seen == {spec.name for spec in HIT_COLUMNS} - {"{task}_std_log10"}  # no model here learned logarithms


def test_all_that_a_prediction_writes_is_declared(model_folder, library, tmp_path):
    predict_file([model_folder, "herg", "clearance_microsome"], library, tmp_path / "out.csv", device="cpu")
    tasks = ["pIC50", "herg", "clearance_microsome"]
    seen = check(tmp_path / "out.csv", tasks, ["price", "rank"], PREDICT_COLUMNS)
    assert seen == {spec.name for spec in PREDICT_COLUMNS}


def test_every_column_is_described():
    reference = column_reference()
    for spec in (*HIT_COLUMNS, *PREDICT_COLUMNS):
        assert len(spec.meaning) > 10
        assert "|" not in spec.meaning
        assert f"`{spec.of(task='T', column='C').name}`" in reference
    names = [spec.name for spec in HIT_COLUMNS]
    assert len(set(names)) == len(names)
