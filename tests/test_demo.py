import csv
import json
import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from molgraph import demo
from molgraph.datasets import embedded
from molgraph.datasets.embedded import embedded_assay, embedded_library
from molgraph.demo import TOXICITY, DemoReport, PotentAndSafe, Risk, run_demo, write_inputs
from molgraph.errors import InputError
from molgraph.rank.desirability import geometric_mean
from molgraph.rank.profile import read_profile
from molgraph.results.tasks import TaskSpec
from molgraph_cli.demo import _show


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def as_json(report):
    return json.loads(json.dumps(asdict(report)))


@pytest.fixture(scope="module")
def small_demo(tmp_path_factory):
    """A demonstration on every ninth compound of the assay and fifty of the library."""
    messages = []
    folder = tmp_path_factory.mktemp("demo") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "embedded_assay", lambda: embedded_assay()[::9])
        patch.setattr(demo, "embedded_library", lambda: embedded_library()[:50])
        report = run_demo(folder, epochs=2, device="cpu", tell=messages.append)
    return folder, report, messages


def test_what_is_embedded():
    assay, library = embedded_assay(), embedded_library()
    assert (len(assay), len(library)) == (1017, 4999)
    assert len({compound.id for compound in assay} | {compound.id for compound in library}) == 1017 + 4999
    assert all(math.isfinite(compound.value) for compound in assay)


def test_rdkit_without_its_data(monkeypatch, tmp_path):
    monkeypatch.setattr(embedded.RDConfig, "RDDataDir", str(tmp_path))
    monkeypatch.setattr(embedded.RDConfig, "RDContribDir", str(tmp_path))
    with pytest.raises(InputError, match=r"cannot read first_5K\.smi.*install rdkit with pip"):
        embedded_library()
    with pytest.raises(InputError, match=r"cannot read CHEMBL2321810_act\.csv"):
        embedded_assay()


def test_inputs_are_parted(tmp_path):
    training, hidden, n_library = write_inputs(tmp_path)
    assert (len(training), len(hidden), n_library) == (763, 254, 5253)
    names = {row["id"] for row in rows(tmp_path / "assay.csv")}, {row["id"] for row in rows(tmp_path / "hidden.csv")}
    assert names[0].isdisjoint(names[1])
    assert len(names[0] | names[1]) == 1017
    library = [line.split("\t") for line in (tmp_path / "library.smi").read_text().splitlines()]
    assert {name for _, name in library} >= names[1]
    places = [row for row, (_, name) in enumerate(library) if name in names[1]]
    assert max(places) - min(places) > 4000  # spread, not in a block
    again = tmp_path / "again"
    again.mkdir()
    write_inputs(again)
    assert (again / "library.smi").read_bytes() == (tmp_path / "library.smi").read_bytes()
    write_inputs(again, seed=1)
    assert (again / "library.smi").read_bytes() != (tmp_path / "library.smi").read_bytes()


def test_run_demo_writes_all_files(small_demo):
    folder, report, messages = small_demo
    names = {"assay.csv", "hidden.csv", "library.smi", "model", "hits", "profile.toml", "safe", "report.json"}
    assert {path.name for path in folder.iterdir()} == names
    assert json.loads((folder / "report.json").read_text()) == as_json(report)
    assert [line[:2] for line in messages] == ["1.", "2.", "3.", "4."]


def test_the_report_agrees_with_the_files(small_demo):
    folder, report, _ = small_demo
    hidden = {row["id"]: float(row["pIC50"]) for row in rows(folder / "hidden.csv")}
    hits = rows(folder / "hits" / "hits.csv")
    actives = {name for name, value in hidden.items() if value >= demo.ACTIVE_FROM}
    assert (report.trained_on, report.hidden) == (len(rows(folder / "assay.csv")), len(hidden))
    assert report.library_rows == len((folder / "library.smi").read_text().splitlines())
    assert (report.top, report.hidden_actives) == (len(hits), len(actives))
    assert report.actives_found == len(actives & {hit["id"] for hit in hits})
    outside = folder / "hits" / "outside.csv"
    assert report.set_aside == (len(rows(outside)) if outside.exists() else 0) > 0
    assert report.library_rejected == len(rows(folder / "hits" / "rejected.csv"))
    selected = rows(folder / "hits" / "selected.csv") if (folder / "hits" / "selected.csv").exists() else []
    known = [row["id"] for row in selected if row["id"] in hidden]
    assert (report.selected, report.selected_known) == (len(selected), len(known))
    assert report.selected_wrong == len(set(known) - actives)
    by_id = {hit["id"]: hit for hit in hits}
    known = [name for name in by_id if name in hidden]
    assert known
    share = report.actives_found / len(hits) / (len(actives) / report.library_rows)
    assert report.enrichment == pytest.approx(share)
    assert 0 <= report.enrichment <= report.best_enrichment
    assert {hit["domain"] for hit in hits} <= {"inside", "edge"}
    if len(known) == len(hidden):  # then the hits hold all hidden compounds
        error = [float(by_id[name]["pIC50_pred"]) - value for name, value in hidden.items()]
        assert report.hidden_rmse == pytest.approx(math.sqrt(sum(e * e for e in error) / len(error)), rel=0.02)


def test_the_second_ranking_wants_potency_up_and_toxicity_down(small_demo):
    folder, report, _ = small_demo
    hits = rows(folder / "safe" / "hits.csv")
    assert [hit.id for hit in report.potent_and_safe] == [hit["id"] for hit in hits[:10]]
    first = report.potent_and_safe[0]
    assert [risk.endpoint for risk in first.risks] == list(TOXICITY)
    hidden = {row["id"]: float(row["pIC50"]) for row in rows(folder / "hidden.csv")}
    assert [hit.measured for hit in report.potent_and_safe] == [hidden.get(hit.id) for hit in report.potent_and_safe]
    for risk in first.risks:
        assert 0 <= risk.probability <= 1
        assert 0 <= risk.percentile <= 100
    # The score is the desirability of potency and of all three risks.
    tasks = [TaskSpec("pIC50", "regression"), *(TaskSpec(name, "classification") for name in TOXICITY)]
    profile = read_profile(folder / "profile.toml", tasks, level=0.9)
    values = np.array([[float(hit[f"{task.name}_pred"]) for task in tasks] for hit in hits])
    parts = [own.desirability(values[:, own.column]) for own in profile.objectives]
    expected = geometric_mean(parts, [own.weight for own in profile.objectives])
    assert [own.curve for own in profile.objectives] == ["sigmoid", *["reverse_sigmoid"] * 3]
    np.testing.assert_allclose([float(hit["score"]) for hit in hits], expected, rtol=1e-3)


def test_the_model_says_what_is_better(small_demo):
    card = json.loads((small_demo[0] / "model" / "card.json").read_text())
    assert card["tasks"][0]["direction"] == "maximize"


def test_a_folder_in_use_is_left_alone(small_demo):
    folder, _, _ = small_demo
    before = sorted(folder.rglob("*"))
    with pytest.raises(InputError, match="exists and is not empty; give another `output`, or `overwrite=True`"):
        run_demo(folder)
    assert sorted(folder.rglob("*")) == before


def test_only_a_demonstration_is_replaced(tmp_path):
    (tmp_path / "assay.csv").write_text("mine")
    with pytest.raises(InputError, match="is not the output of a demonstration"):
        run_demo(tmp_path, overwrite=True)
    assert (tmp_path / "assay.csv").read_text() == "mine"


@pytest.mark.parametrize("picked_known", [0, 55])
def test_the_table_fits_80_columns(capsys, picked_known):
    report = DemoReport(
        trained_on=763, library_rows=5253, library_rejected=1234, hidden=254, hidden_actives=108, top=100,
        set_aside=100, actives_found=100, enrichment=20.64, best_enrichment=20.64, picked=picked_known,
        picked_known=picked_known, picked_wrong=picked_known, false_discovery_rate=1.0 if picked_known else None,
        out_of_fold_rmse=10.55, hidden_rmse=10.53, level=0.9, coverage=1.0, mean_width=10.71,
        fdr=0.2, selected=picked_known, selected_known=picked_known, selected_wrong=picked_known // 2,
        selected_fdr=0.5 if picked_known else None, shift_fires=picked_known > 0,
        first_hits_active=151,
        first_hits_by_chance=140.25,
        screened_per_second=12345.6,
        potent_and_safe=(
            PotentAndSafe("NCI-123456", 10.55, -10.55, 10.55, 10.55 if picked_known else None,
                          tuple(Risk(name, 0.999, 100.0, domain="outside") for name in TOXICITY)),
        ),
    )  # fmt: skip
    _show(report, Path("molgraph-demo"))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "Model:    molgraph-demo/model" in lines
    last = "shift check: FIRES" if picked_known else "none; too few score well enough"
    assert any(last in line for line in lines)
    assert "?1.00 (100)" in lines[-3]
    assert lines[-1].endswith("unreliable.")
    assert ("  inactive: 27 of 55 measured (50%); active: 28 of 108 held out" in lines) == (picked_known > 0)
    assert any(line.startswith("Held-out actives among hits") and "100 of 108" in line for line in lines)


def test_the_command(small_demo, monkeypatch, capsys, tmp_path):
    from molgraph_cli import app

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["molgraph", "demo", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            app.main()
        return end.value.code, *capsys.readouterr()

    report = small_demo[1]
    monkeypatch.setattr(demo, "run_demo", lambda *_, **__: report)
    code, out, err = run("-o", tmp_path / "demo", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == as_json(report)
    assert run("-o", tmp_path / "demo", "--quiet") == (0, "", "")

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "run_demo", interrupted)
    code, out, err = run("-o", "demo")
    assert (code, out, err) == (130, "", "molgraph: interrupted; demo is not complete; start again with --overwrite\n")
