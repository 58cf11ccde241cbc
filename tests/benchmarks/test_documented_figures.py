"""Every figure of the tables in docs/benchmarks.md, and of the short one in the README, is what the records say."""

import re
from pathlib import Path

import numpy as np
import pytest
import uncertainty_cells
from accuracy import COMPARED
from records import RESULTS, read_record
from uncertainty import stored_records
from uncertainty_metrics import fixed_selection_entries, interval_entries, read_cell
from uncertainty_rows import SplitRows
from uncertainty_tables import tables, with_tables

from molgraph.benchmark.record import read_records
from molgraph.benchmark.report import compare, summary_table
from molgraph.config.encoder import EncoderConfig
from molgraph.config.training import TrainConfig
from molgraph.results.tasks import TaskSpec

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "benchmarks.md").read_text(encoding="utf-8")


def block(name):
    found = re.findall(rf"<!-- {name}: .*? -->\n(.*?)<!-- end of {name} -->", PAGE, re.DOTALL)
    assert len(found) == 1
    return found[0]


def test_the_table_on_accuracy():
    records = [record for record in read_records(RESULTS / "moleculenet") if record.learner in COMPARED]
    assert block("accuracy") == summary_table(compare(records))


#: The case of a record that each row of the tables on speed shows, and who is compared.
SPEED_ROWS = {
    "train Lipophilicity, 10 epochs, one model": ("speed", "train-1", "chemprop", "molgraph"),
    "train Lipophilicity, 10 epochs, five models": ("speed", "train-5", "chemprop", "molgraph"),
    "predict 20,000 compounds in float32, one model": ("speed", "predict-1", "chemprop", "molgraph predict"),
    "screen 20,000 compounds, one model": ("speed", "screen-1", "chemprop", "molgraph screen"),
    "predict 20,000 compounds in float32, five models": ("speed", "predict-5", "chemprop", "molgraph predict"),
    "screen 20,000 compounds, five models": ("speed", "screen-5", "chemprop", "molgraph screen"),
    "screen 100,000 compounds, one model": ("screening", "peer-1", "chemprop", "molgraph"),
    "screen 100,000 compounds, five models": ("screening", "peer-5", "chemprop", "molgraph"),
    "the same 100,000, packed, one model": ("screening", "packed-100000", None, "packed"),
    "show the help": ("speed", "startup", "chemprop", "molgraph"),
    "all ADMET endpoints of 20,000 compounds": ("panel", "panel", "ADMET-AI", "molgraph"),
}


def seconds(kind, case, side):
    """The median of the repeats."""
    values = read_record(RESULTS / f"{kind}-linux-x86_64.json")["cases"][case]["values"]
    return float(np.median(values[side]))


def shown(value):
    return f"{value:.3g} s"


def test_the_table_on_speed():
    found = {}
    for row in re.findall(r"^\| (.*) \|$", PAGE[: PAGE.index("## How accurate")], re.MULTILINE)[1:]:
        name, theirs, ours, ratio = (cell.strip() for cell in row.split("|"))
        found[name] = (theirs, ours, ratio)
    assert found.keys() == SPEED_ROWS.keys() - {"all ADMET endpoints of 20,000 compounds"}
    for name, cells in found.items():
        kind, case, peer, own = SPEED_ROWS[name]
        ours = seconds(kind, case, own)
        if peer is None:
            assert cells == ("", shown(ours), "")
        else:
            theirs = seconds(kind, case, peer)
            assert cells == (shown(theirs), shown(ours), f"{theirs / ours:.1f} times"), name


def test_the_table_of_the_readme():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.*?) \| (?:chemprop 2.3.1|ADMET-AI 2.0.1): (.*?) \| (.*?) \|$", readme, re.MULTILINE)
    times = {name: (theirs, ours) for name, theirs, ours in rows if name in SPEED_ROWS}
    assert len(times) == 3
    for name, cells in times.items():
        kind, case, peer, own = SPEED_ROWS[name]
        assert cells == (shown(seconds(kind, case, peer)), shown(seconds(kind, case, own)))
    records = [record for record in read_records(RESULTS / "moleculenet") if record.learner in COMPARED]
    found = compare(records)
    rank = dict(zip(found.learners, found.ranking.ranks, strict=False))
    n_learners = int(np.isfinite(found.ranking.ranks).sum())
    (named,) = [row for row in rows if row[0] not in SPEED_ROWS]
    assert named == (
        f"mean rank in accuracy of {n_learners} learners, {found.n_blocks} pairs of set and split",
        f"{rank['chemprop']:.2f}",
        f"`accurate` {rank['accurate']:.2f}, `fast` {rank['fast']:.2f}",
    )


def test_the_tables_on_uncertainty():
    records = stored_records()
    assert {record["kind"] for record in records} == {"presets"}  # of what is shipped, not of the network alone
    assert block("uncertainty") == tables(records)


def test_a_text_without_a_place_for_the_tables_is_refused():
    with pytest.raises(ValueError, match="0 places"):
        with_tables("no block", stored_records())


@pytest.mark.parametrize("method", ["gp_embedding", "ensemble"])
def test_a_cell_is_trained_and_judged(method, assay, tmp_path, monkeypatch):
    smiles, values = assay
    parts = np.array(["train"] * 80 + ["calibration"] * 30 + ["test"] * 30)
    rows = SplitRows(tuple(smiles[:140]), np.asarray(values[:140], dtype=float)[:, None], parts)
    monkeypatch.setattr(uncertainty_cells, "split_rows", lambda *_: rows)
    monkeypatch.setattr(uncertainty_cells, "data_folder", lambda: tmp_path)
    if method == "ensemble":
        quick = TrainConfig(
            learner="network", encoder=EncoderConfig(pretrained="none"), epochs=1, folds=2, device="cpu"
        )
        monkeypatch.setattr(uncertainty_cells, "_config", lambda *_: quick)
    uncertainty_cells.run_cell("esol", "random", 0, method, tmp_path / "cell.npz")
    cell = read_cell(dict(np.load(tmp_path / "cell.npz")), (TaskSpec("y", "regression"),), method)
    assert cell.outputs.epistemic_is_complete == (method == "gp_embedding")
    assert (cell.fold[parts != "train"] == -1).all()
    found = [entry for entry in interval_entries(cell) if entry["level"] == 0.9]
    assert {entry["rows"] for entry in found} == {"cross", "split"}
    assert all(entry["n"] == 30 and 0.6 < entry["coverage"] <= 1 and entry["width"] > 0 for entry in found)
    selections = [*fixed_selection_entries(cell, float(np.median(values)))]
    assert all(entry["selects"] in {0.0, 1.0} for entry in selections)
    assert all(entry["false_where_selected"] == entry["fdr"] for entry in selections)
