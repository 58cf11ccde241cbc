"""Commands about the built-in models."""

import csv
import json

import pytest

from molgraph.training.build_panel import endpoints

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def test_list_names_all_with_what_they_predict(molgraph):
    ended = molgraph("models", "list")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    for endpoint in endpoints():
        line = next(line for line in lines if line.startswith(f"  {endpoint.name} "))
        assert endpoint.about.title in line
    assert [line for line in lines if line in {"toxicity", "ADME", "physical chemistry", "efficacy"}] == [
        "toxicity",
        "ADME",
        "physical chemistry",
        "efficacy",
    ]
    assert max(map(len, lines)) <= 130
    cards = json.loads(molgraph("models", "list", "--json").out)
    assert set(cards) == {endpoint.name for endpoint in endpoints()}


def test_show_takes_a_name(molgraph):
    out = molgraph("models", "show", "herg").out
    assert "Blocks the hERG potassium channel" in out
    assert "not for" in out
    assert "CC BY 4.0" in out
    assert "roc_auc 0." in out
    assert ", 95%: 0." in out
    assert molgraph("models", "show", "hrg").error.startswith(
        "there is no folder 'hrg', and no built-in model of that name"
    )
    assert "means 27 models, and one is needed" in molgraph("models", "show", "panel").error


@pytest.mark.parametrize(("models", "count"), [(["panel"], 27), (["panel:herg,ames"], 2), (["herg"], 1)])
def test_predict_takes_names(molgraph, tmp_path, models, count):
    (tmp_path / "in.smi").write_text(f"{ASPIRIN} aspirin\n")
    ended = molgraph("predict", *models, tmp_path / "in.smi", "-o", tmp_path / "out.csv", "--processes", 1)
    assert ended.code == 0, ended.err
    with (tmp_path / "out.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    n_tasks = sum(name.endswith("_pred") for name in row)
    assert n_tasks == (38 if count == 27 else count)
    assert all(row[name] for name in row if name.endswith(("_pred", "_percentile", "_domain")))


def test_build_says_where_the_data_are_missing(molgraph, tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    ended = molgraph("models", "build", tmp_path / "models", "--data", tmp_path)
    assert "tdc_admet/herg/train_val.csv does not exist; check the name" in ended.error
    monkeypatch.delenv("MOLGRAPH_DATA", raising=False)
    assert "--data" in molgraph("models", "build", tmp_path / "models").err
