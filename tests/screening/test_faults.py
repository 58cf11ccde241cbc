"""Screens on bad days: hostile libraries, full and read-only disks. Every row is accounted for, nothing is lost."""

import csv
import json
import random
import shutil
import subprocess

import pytest

from molgraph import Predictor, screen
from molgraph.chem.parse import MAX_ATOMS
from molgraph.config.compute import ComputeConfig
from molgraph.config.screening import ScreenConfig
from molgraph.errors import InputError
from molgraph.files.records import MAX_RECORD_BYTES
from molgraph.screening import read_library
from molgraph.screening import screen as module

CONFIG = ScreenConfig(top=40, domain="ignore", keep_columns=["note"])


@pytest.fixture(scope="module")
def predictor(model_folder) -> Predictor:
    return Predictor.load(model_folder, device="cpu")


@pytest.fixture(scope="module")
def hostile(assay, tmp_path_factory):
    """Compounds, each of them twice; one row in ten is garbage; giants; names and notes that mean mischief."""
    rng = random.Random(0)
    names = [
        "=cmd()",
        "+1+1",
        "@sum(a1)",
        "a\ttab",
        "two\nlines",
        'say "x"',
        "\x1b[31mred",
        "bell\x07",
        "",
        "Ünïcode ⌬",
    ]
    good = [[text, names[row % len(names)], f"-{row}+1"] for row, text in enumerate(assay[0][:160])]
    rows = [*good, *good]  # a duplicate of every row
    rng.shuffle(rows)
    garbage = ["oops", "C1CC", "c1ccc1", "", " ", "C(C)(C)(C)(C)C", "[U+99]", "C" + "(" * 5000, "=1+1", "🧪", "CC\x00O"]
    for place in range(0, len(rows) * 10 // 9, 10):
        rows.insert(place, [rng.choice(garbage), rng.choice(names), "bad"])
    giants = [
        ["C" * MAX_ATOMS, "large", "600 atoms"],
        ["C" * 5000, "polymer", "5,000"],
        ["C" * 1_000_000, "megabyte", "1 MB"],
    ]
    rows[50:50] = [*giants, ["C1" * MAX_RECORD_BYTES, "endless", "longer than any row may be"]]
    path = tmp_path_factory.mktemp("hostile") / "library.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["smiles", "name", "note"], *rows])
    return path, len(rows)


def table(path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "timing.json"}


@pytest.mark.parametrize("processes", [1, 2])
def test_a_hostile_library_is_accounted_for_to_the_last_row(predictor, model_folder, hostile, tmp_path, processes):
    path, n_rows = hostile
    model = predictor if processes == 1 else model_folder
    result = screen(
        model,
        path,
        output=tmp_path / "hits",
        config=CONFIG,
        compute=ComputeConfig(device="cpu", precision="float32", processes=processes),
    )
    rows = json.loads((tmp_path / "hits" / "summary.json").read_text())["rows"]
    assert (rows["read"], rows["read"]) == (n_rows, rows["scored"] + rows["rejected"] + rows["duplicates"])
    assert rows["duplicates"] >= 160
    files = {name: table(tmp_path / "hits" / name) for name in ("hits.csv", "rejected.csv", "duplicates.csv")}
    assert [len(files["rejected.csv"]), len(files["duplicates.csv"])] == [rows["rejected"], rows["duplicates"]]
    reasons = {int(row["row"]): row["reason"] for row in files["rejected.csv"]}
    assert 50 not in reasons  # 600 atoms are many, and scored
    assert "at most 600 are read" in reasons[51]
    assert all("longer than" in reasons[row] for row in (52, 53))
    assert max(len(row["smiles"]) for row in files["rejected.csv"]) < 1000
    for name, lines in files.items():
        for cell in (cell for line in lines for cell in (line["id"], line.get("note", ""))):
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), name
    assert any(hit["duplicate_ids"] for hit in files["hits.csv"])
    assert len({hit["smiles"] for hit in files["hits.csv"]}) == len(result.hits) == 40


@pytest.fixture
def disk(tmp_path):
    """A disk of its own that can be made small, large and read-only: gives its folder, and what changes it."""
    if shutil.which("mount") is None:
        pytest.skip("there is no program to mount a disk with")
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "molgraph-test", folder]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("to mount a disk takes a permission that is not there")
    try:
        yield folder, lambda options: subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.fixture
def library(assay, tmp_path):
    path = tmp_path / "library.smi"
    path.write_text("".join(f"{text} cpd{row}\n" for row, text in enumerate(assay[0][:300])))
    return path


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(module, "BATCH_SIZE", 8)
    for place in (module, read_library):
        monkeypatch.setattr(place, "CHUNK_BATCHES", 3)


@pytest.mark.usefixtures("small_shards")
def test_a_disk_that_is_full_and_then_is_not(predictor, library, disk, tmp_path):
    folder, remount = disk
    screen(predictor, library, output=tmp_path / "whole", config=ScreenConfig(top=25))
    remount("size=64k")
    with pytest.raises(InputError, match=r"[Nn]o space left.*; what is done is kept in .*; go on with `resume=True`"):
        screen(predictor, library, output=folder / "hits", config=ScreenConfig(top=25))
    assert not (folder / "hits").exists()
    assert [*(folder / "hits.partial" / "chunks").glob("*.json")]
    with pytest.raises(InputError, match=r"[Nn]o space left"):
        screen(predictor, library, output=folder / "hits", config=ScreenConfig(top=25), resume=True)
    remount("size=16m")
    result = screen(predictor, library, output=folder / "hits", config=ScreenConfig(top=25), resume=True)
    assert result.rows_before > 0
    assert contents(folder / "hits") == contents(tmp_path / "whole")


def test_a_disk_that_cannot_be_written(predictor, library, disk):
    folder, remount = disk
    remount("ro")
    with pytest.raises(InputError, match=r"hits.*[Rr]ead-only"):
        screen(predictor, library, output=folder / "hits")
    remount("rw")
