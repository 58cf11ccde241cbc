"""`predict_file`: every row of the input with its prediction, in its place."""

import csv
import gzip
import io
import os
import sys

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from molgraph import Predictor, predict_file
from molgraph.errors import InputError, ModelError
from molgraph.files import open_table_writer
from molgraph.prediction import parallel_predict as stream
from molgraph.prediction import predict_file as module
from molgraph.prediction.panel import Panel

NAMES = ["plain", "with, comma", 'with "quotes"', "Grüße, 日本", "=1+1", "", "last"]
SMILES = ["CCO", "c1ccccc1O", "C1CC", "CC(=O)N", "", "not a molecule", "[Na+].CC(=O)[O-]"]
PRICES = ["1", "2.50", "", "4", "5", "six", "7"]
STATUS = ["ok", "ok", "rejected", "ok", "rejected", "rejected", "ok"]


@pytest.fixture(scope="module")
def predictor(model_folder) -> Predictor:
    return Predictor.load(model_folder, device="cpu")


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "compounds.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["price", "smiles", "name"])
        writer.writerows(zip(PRICES, SMILES, NAMES, strict=True))
    return path


def rows(path, delimiter=",") -> list[dict[str, str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_every_row_stays_in_its_place(predictor, model_folder, table, tmp_path):
    summary = predict_file(model_folder, table, tmp_path / "out.csv", device="cpu", level=0.8)
    assert (summary.rows_read, summary.predicted, summary.rejected) == (7, 4, 3)
    assert [rejected.row for rejected in summary.first_rejected] == [2, 4, 5]
    out = rows(tmp_path / "out.csv")
    assert list(out[0]) == [
        *("id", "smiles", "status", "reason", "price"),
        *("pIC50_pred", "pIC50_std", "pIC50_lower", "pIC50_upper", "pIC50_domain", "pIC50_measured"),
    ]
    assert [row["smiles"] for row in out] == SMILES
    assert [row["status"] for row in out] == STATUS
    assert [row["id"] for row in out] == [*NAMES[:4], "'=1+1", "5", "last"]  # no formulas; an empty name is the row
    assert [bool(row["reason"]) for row in out] == [status == "rejected" for status in STATUS]
    assert out[2]["reason"] == "parse: SMILES Parse Error: unclosed ring"
    assert out[4]["reason"] == "read: the structure is empty"
    expected = predictor.predict(SMILES, domain=True)
    assert [row["pIC50_domain"] for row in out if row["status"] == "ok"] == [
        shown for shown, status in zip(expected.domain[:, 0], STATUS, strict=True) if status == "ok"
    ]
    assert {row["pIC50_domain"] for row in out if row["status"] == "rejected"} == {""}
    lower, upper = expected.interval(0.8)
    for column, values in (("pred", expected.mean), ("std", expected.std), ("lower", lower), ("upper", upper)):
        shown = [row[f"pIC50_{column}"] for row in out]
        assert shown == ["" if np.isnan(value) else f"{value:.6g}" for value in values[:, 0]]


def test_other_columns_come_along_or_not(model_folder, table, tmp_path):
    predict_file(model_folder, table, tmp_path / "with.csv", device="cpu")
    assert [row["price"] for row in rows(tmp_path / "with.csv")] == PRICES  # also where there is no structure
    predict_file(model_folder, table, tmp_path / "without.csv", device="cpu", keep_extra_columns=False)
    assert "price" not in rows(tmp_path / "without.csv")[0]


def write_smi(path):
    path.write_text("".join(f"{text or '*('} name {row}\n" for row, text in enumerate(SMILES) if " " not in text))


def write_sdf(path):
    with Chem.SDWriter(str(path)) as writer:
        for row, text in enumerate(["CCO", "c1ccccc1O", "CC(=O)N"]):
            mol = Chem.MolFromSmiles(text)
            mol.SetProp("_Name", f"mol{row}")
            mol.SetProp("price", str(row))
            writer.write(mol)


def write_parquet(path):
    pd.DataFrame({"smiles": SMILES, "id": NAMES, "price": np.arange(7.0)}).to_parquet(path)


def write_tsv(path):
    path.write_text("smiles\tid\n" + "".join(f"{text}\tn{row}\n" for row, text in enumerate(SMILES)))


def write_gz(path):
    path.write_bytes(gzip.compress(("smiles,id\n" + "".join(f"{text},n\n" for text in SMILES)).encode()))


@pytest.mark.parametrize(
    "case",
    [
        ("in.smi", write_smi, 6),
        ("in.sdf", write_sdf, 3),
        ("in.parquet", write_parquet, 7),
        ("in.tsv", write_tsv, 7),
        ("in.csv.gz", write_gz, 7),
    ],
)
@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz", ".parquet", ".sdf"])
def test_rows_in_are_rows_out_in_every_format(model_folder, tmp_path, case, ending):
    name, write, n_rows = case
    write(tmp_path / name)
    output = tmp_path / f"out{ending}"
    summary = predict_file(model_folder, tmp_path / name, output, device="cpu")
    assert summary.rows_read == n_rows
    if ending == ".sdf":
        with Chem.SDMolSupplier(str(output)) as supplier:
            written = [mol.GetPropsAsDict() | {"id": mol.GetProp("_Name")} for mol in supplier]
        status = [properties["status"] for properties in written]
        predicted = ["pIC50_pred" in properties and properties["pIC50_pred"] != "" for properties in written]
    else:
        frame = read_frame(output)
        status, predicted = frame["status"].tolist(), frame["pIC50_pred"].notna().tolist()
    assert len(status) == n_rows
    assert predicted == [state == "ok" for state in status]
    assert status.count("ok") == summary.predicted


@pytest.mark.parametrize("name", ["in.csv", "in.tsv", "in.sdf", "in.parquet"])
def test_rows_that_cannot_be_read_keep_their_other_columns(model_folder, tmp_path, monkeypatch, name):
    """A table of our own with two empty structures, read again, across the borders of batches."""
    monkeypatch.setattr(module, "BATCH_SIZE", 3)
    columns = {"id": [f"n{row}" for row in range(7)], "smiles": [*SMILES[:5], "", "CC"], "price": PRICES}
    columns["note"] = ["a", "", "c", "d", "no structure", "=2", "g"]
    with open_table_writer(tmp_path / name, list(columns)) as writer:
        writer.write(columns)
    predict_file(model_folder, tmp_path / name, tmp_path / "out.parquet", device="cpu")
    out = pd.read_parquet(tmp_path / "out.parquet")
    assert out["status"].tolist() == STATUS
    assert out["id"].tolist() == columns["id"]
    assert out["price"].tolist() == PRICES
    escaped = name.endswith(("csv", "tsv"))
    assert out["note"].tolist() == [*columns["note"][:5], "'=2" if escaped else "=2", "g"]


def read_frame(path):
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",")


def test_parquet_keeps_numbers_whole(predictor, model_folder, table, tmp_path):
    predict_file(model_folder, table, tmp_path / "out.parquet", device="cpu")
    frame = pd.read_parquet(tmp_path / "out.parquet")
    np.testing.assert_array_equal(frame["pIC50_pred"].to_numpy(), predictor.predict(SMILES).mean[:, 0])
    assert frame["id"].tolist()[4] == "=1+1"  # nothing runs formulas here


def test_stdin_to_stdout(model_folder, table, tmp_path, monkeypatch, capsys):
    predict_file(model_folder, table, tmp_path / "out.csv", device="cpu")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(table.read_bytes())))
    predict_file(model_folder, "-", "-", device="cpu")
    assert capsys.readouterr().out == (tmp_path / "out.csv").read_text(encoding="utf-8")


def test_columns_that_are_called_like_ours(model_folder, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("smiles,status,pIC50,pIC50_pred,input_status,reason\nCCO,sold,5.5,9,x,why\nbad one,open,6,8,y,z\n")
    predict_file(model_folder, path, tmp_path / "out.csv", device="cpu")
    first, second = rows(tmp_path / "out.csv")
    assert (first["status"], first["pIC50"], first["input_pIC50_pred"], first["input_reason"]) == (
        *("ok", "5.5", "9"),
        "why",
    )
    assert sorted(value for name, value in first.items() if name.startswith("input_")) == ["9", "sold", "why", "x"]
    assert float(first["pIC50_pred"]) != 9
    assert (second["status"], second["pIC50"], second["pIC50_pred"]) == ("rejected", "6", "")


def test_ragged_rows_keep_their_place(model_folder, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("smiles,price\nCCO,1\nCCC,2,3,4\nCCN\nCCF,5\n")
    summary = predict_file(model_folder, path, tmp_path / "out.csv", device="cpu")
    out = rows(tmp_path / "out.csv")
    assert len(out) == summary.rows_read == 4
    assert [row["status"] for row in out][::3] == ["ok", "ok"]
    assert out[1]["status"] == "rejected"
    assert out[1]["reason"].startswith("read: ")
    assert (out[3]["smiles"], out[3]["price"]) == ("CCF", "5")
    assert [row["price"] for row in out] == ["1", "2", "", "5"]


def test_all_rows_bad(model_folder, tmp_path):
    (tmp_path / "in.csv").write_text("smiles\nbad\nworse\n")
    with pytest.raises(
        InputError,
        match=r"no row gives a molecule .'bad': cannot read the structure.*SMILES Parse Error: .*; is 'smiles' the",
    ):
        predict_file(model_folder, tmp_path / "in.csv", tmp_path / "out.csv", device="cpu")
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_several_tasks(mixed_folder, table, tmp_path):
    predict_file(mixed_folder, table, tmp_path / "out.csv", device="cpu")
    out = rows(tmp_path / "out.csv")
    assert list(out[0])[-9:] == [
        *("pIC50_pred", "pIC50_std", "pIC50_lower", "pIC50_upper", "pIC50_domain"),
        *("active_pred", "active_std", "active_call", "active_domain"),
    ]
    for row in out:
        assert (row["active_call"] in {"active", "inactive", "uncertain", "atypical"}) == (row["status"] == "ok")


@pytest.fixture
def library(assay, tmp_path):
    """200 rows in batches of 16, some of them bad."""
    path = tmp_path / "library.csv"
    lines = [f"{'C1CC' if row % 17 == 3 else text},n{row}" for row, text in enumerate(assay[0][:200])]
    path.write_text("\n".join(["smiles,id", *lines, ",empty"]) + "\n")
    return path


def test_batches_do_not_show(model_folder, library, tmp_path, monkeypatch):
    predict_file(model_folder, library, tmp_path / "one.csv", device="cpu")
    monkeypatch.setattr(module, "BATCH_SIZE", 16)
    seen = []
    predict_file(model_folder, library, tmp_path / "many.csv", device="cpu", on_progress=seen.append)
    one, many = rows(tmp_path / "one.csv"), rows(tmp_path / "many.csv")
    assert [row["id"] for row in one] == [*(f"n{row}" for row in range(200)), "empty"]
    for left, right in zip(one, many, strict=True):
        assert left["reason"] == right["reason"]
        if left["status"] == "ok":
            # Sums of float32 may round differently in a batch of another composition.
            assert float(left["pIC50_pred"]) == pytest.approx(float(right["pIC50_pred"]), rel=1e-5)
    assert [progress.rows for progress in seen] == [*range(16, 201, 16), 201]
    assert seen[-1].rejected == 13
    assert seen[-1].bytes_read == seen[-1].bytes_total == library.stat().st_size


def test_processes_do_not_show(model_folder, library, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_SIZE", 16)
    monkeypatch.setattr(stream.Workers, "n_ready", 1)  # or all would be done before the worker process is there
    calls = []
    whole = Panel.predict_texts

    def counted(self, smiles, **options):
        calls.append(len(smiles))
        return whole(self, smiles, **options)

    monkeypatch.setattr(Panel, "predict_texts", counted)
    predict_file(model_folder, library, tmp_path / "one.parquet", device="cpu", processes=1)
    assert len(calls) == 13
    predict_file(model_folder, library, tmp_path / "two.parquet", device="cpu", processes=2)
    assert len(calls) < 26  # the worker process has done the others
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


# Failures leave nothing.


def test_truncated_input_leaves_nothing(model_folder, assay, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_SIZE", 16)
    text = "smiles\n" + "\n".join(assay[0])
    whole = gzip.compress(text.encode())
    (tmp_path / "in.csv.gz").write_bytes(whole[: len(whole) * 2 // 3])
    seen = []
    with pytest.raises(InputError, match=r"in\.csv\.gz"):
        predict_file(model_folder, tmp_path / "in.csv.gz", tmp_path / "o.csv", device="cpu", on_progress=seen.append)
    assert names(tmp_path) == ["in.csv.gz"]


def test_an_old_output_survives_a_failure(model_folder, library, tmp_path):
    def stop(progress):
        raise KeyboardInterrupt

    (tmp_path / "out.csv").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        predict_file(model_folder, library, tmp_path / "out.csv", device="cpu", overwrite=True, on_progress=stop)
    assert names(tmp_path) == ["library.csv", "out.csv"]
    assert (tmp_path / "out.csv").read_text() == "old"


@pytest.mark.parametrize(
    "case",
    [
        ("out.xlsx", {}, r"out\.xlsx: cannot write that format"),
        ("no/out.csv", {}, "does not exist"),
        ("out.csv", {"level": 0.0}, "level is 0.0"),
        ("out.csv", {"level": 90}, "level is 90"),
        ("out.csv", {"smiles_column": "structure"}, "structure"),
        ("out.csv", {"processes": 0}, "processes is 0"),
    ],
)
def test_wrong_options(model_folder, table, tmp_path, case):
    output, options, words = case
    with pytest.raises(InputError, match=words):
        predict_file(model_folder, table, tmp_path / output, device="cpu", **options)
    assert names(tmp_path) == ["compounds.csv"]


def test_the_input_is_never_written_over(model_folder, table, tmp_path):
    before = table.read_bytes()
    (tmp_path / "link.csv").symlink_to(table)
    os.link(table, tmp_path / "hard.csv")
    for output in (table, tmp_path / "link.csv", tmp_path / "hard.csv"):
        with pytest.raises(InputError, match="this file is the input"):
            predict_file(model_folder, table, output)
    assert table.read_bytes() == before


def test_wrong_inputs(model_folder, table, tmp_path):
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("smiles\n")
    for name in ("missing.csv", "empty.csv", "header.csv"):
        with pytest.raises(InputError, match=name):
            predict_file(model_folder, tmp_path / name, tmp_path / "out.csv", device="cpu")
    with pytest.raises(ModelError, match="not a model folder"):
        predict_file(tmp_path / "model", table, tmp_path / "out.csv", device="cpu")
    assert "out.csv" not in names(tmp_path)
