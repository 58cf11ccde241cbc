"""Every figure of the README's tables on accuracy and uncertainty is what the records say."""

import re
from pathlib import Path

import numpy as np
import pytest
import uncertainty_cells
from accuracy import COMPARED
from records import RESULTS
from uncertainty import stored_records
from uncertainty_judge import fixed_selection_entries, interval_entries, read_cell
from uncertainty_readme import tables, with_tables
from uncertainty_rows import SplitRows

from molgraph.benchmark.record import read_records
from molgraph.benchmark.report import compare, readme_table
from molgraph.config.training import TrainConfig
from molgraph.results.tasks import TaskSpec

README = Path(__file__).resolve().parents[2] / "README.md"


def block(name):
    found = re.findall(
        rf"<!-- {name}: .*? -->\n(.*?)<!-- end of {name} -->", README.read_text(encoding="utf-8"), re.DOTALL
    )
    assert len(found) == 1
    return found[0]


def test_the_table_on_accuracy():
    records = [record for record in read_records(RESULTS / "moleculenet") if record.learner in COMPARED]
    assert block("accuracy") == readme_table(compare(records))


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
        quick = TrainConfig(learner="network", encoder="none", epochs=1, folds=2, device="cpu")
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
