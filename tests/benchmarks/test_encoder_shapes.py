"""The benchmark of encoder shapes: trained once, judged out of fold, timed in turns, and gone on with."""

import gzip
import json

import encoder_shapes
import pytest
from records import read_record

from molgraph.training.build_panel import endpoints


@pytest.fixture
def data(assay, tmp_path, monkeypatch):
    """A data folder with one library, one set to keep out, and the table of one endpoint."""
    folder = tmp_path / "data"
    caco2 = next(endpoint for endpoint in endpoints() if endpoint.name == "caco2")
    for name in ("moleculenet", "libraries"):
        (folder / name).mkdir(parents=True)
    with gzip.open(folder / "libraries/zinc250k.smi.gz", "wt") as file:
        file.write("".join(f"{text}\n" for text in assay[0][:60]))
    (folder / "moleculenet/tox21.csv").write_text("smiles\n" + "".join(f"{text}\n" for text in assay[0][:10]))
    table = folder / caco2.file
    table.parent.mkdir(parents=True)
    rows = "".join(f"{text},{value}\n" for text, value in zip(assay[0][60:120], assay[1][60:120], strict=True))
    table.write_text(f"{caco2.smiles_column},{caco2.tasks[0].column}\n{rows}")
    monkeypatch.setenv("MOLGRAPH_DATA", str(folder))
    for name, value in {
        "SHAPES": ((16, 2), (8, 1)),
        "JUDGES": {"caco2": "rmse"},
        "KEPT_OUT": ("tox21.csv",),
        "LIBRARIES": ("libraries/zinc250k.smi.gz",),
        "N_RATE": 20,
        "TURNS": 2,
        "RUNS": tmp_path / "runs",
        "RESULTS": tmp_path,
    }.items():
        monkeypatch.setattr(encoder_shapes, name, value)
    return folder


@pytest.mark.slow
def test_shapes_are_trained_alike_and_judged_once(data, tmp_path, capsys, monkeypatch):
    assert encoder_shapes.main(["--per-library", "60", "--epochs", "1"]) == 0
    record = read_record(tmp_path / "encoder_shapes.json")
    assert [(own["hidden"], own["depth"]) for own in record["encoders"]] == [(16, 2), (8, 1)]
    assert all(len(own["rates"]) == 2 and min(own["rates"]) > 0 for own in record["encoders"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| width x depth | rate | R2 | caco2 |"
    assert lines[2].startswith("| 16 x 2 | 1.00 | ")
    card = json.loads((tmp_path / "runs/60-records-1-epochs/16x2/card.json").read_text())
    assert card["keep_out_files"] == ["tox21.csv", "train_val.csv"]
    assert card["corpus"][0]["kept_out"] >= 10

    def fail(*_arguments, **_settings):
        raise AssertionError("what is there is computed again")

    monkeypatch.setattr(encoder_shapes, "pretrain", fail)
    monkeypatch.setattr(encoder_shapes, "train_ensemble", fail)
    assert encoder_shapes.main(["--per-library", "60", "--epochs", "1"]) == 0
    again = read_record(tmp_path / "encoder_shapes.json")
    assert [own["scores"] for own in again["encoders"]] == [own["scores"] for own in record["encoders"]]
