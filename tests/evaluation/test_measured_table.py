"""Measured values of another unit or scale than that of the model."""

import csv
import io
from types import SimpleNamespace

import numpy as np
import pytest

from molgraph import Predictor, TrainConfig, evaluate, train
from molgraph.errors import InputError
from molgraph.evaluation.measured_table import is_p_value, scale_sentence
from molgraph.files.compression import CountedStream
from molgraph.results.tasks import TaskSpec

CONFIG = TrainConfig(learner="gp_tanimoto", folds=2)


def write(path, header, smiles, values):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["smiles", *header], *zip(smiles, *values, strict=True)])
    return path


@pytest.fixture(scope="module")
def potent(assay, tmp_path_factory):
    """A model of 60 compounds of which an IC50 in nM was measured."""
    folder = tmp_path_factory.mktemp("measured")
    nanomolar = [f"{10 ** (9 - value):.6g}" for value in assay[1][:60]]
    table = write(folder / "train.csv", ["IC50 (nM)"], assay[0][:60], [nanomolar])
    return train(table, output=folder / "model", config=CONFIG)


def test_any_unit_gives_the_same_evaluation(potent, assay, tmp_path):
    smiles, values = assay[0][60:120], np.asarray(assay[1][60:120])
    assert [task.name for task in potent.tasks] == ["pIC50"]
    logs = write(tmp_path / "logs.csv", ["pIC50"], smiles, [values])
    nano = write(tmp_path / "nano.csv", ["IC50_nM"], smiles, [10 ** (9 - values)])
    micro = write(tmp_path / "micro.csv", ["mine (uM)"], smiles, [10 ** (6 - values)])
    chembl = write(
        tmp_path / "chembl.csv",
        ["Standard Type", "Standard Value", "Standard Units"],
        smiles,
        [["IC50"] * 60, 10 ** (9 - values), ["nM"] * 60],
    )
    errors = [evaluate(potent, table).tasks[0].value("rmse") for table in (logs, nano, chembl)]
    assert errors == pytest.approx([errors[0]] * 3, rel=1e-6)
    named = write(tmp_path / "named.csv", ["IC50 mine (uM)"], smiles, [10 ** (6 - values)])
    found = evaluate(potent, named, target_columns=["IC50 mine (uM)"])
    assert found.tasks[0].value("rmse") == pytest.approx(errors[0], rel=1e-6)
    assert found.other_scales == ()
    assert any("learned as" in note for note in found.notes)
    with pytest.raises(InputError, match="no column of a task of the model"):
        evaluate(potent, micro)


def test_a_table_is_opened_once_so_it_may_be_standard_input(potent, assay, tmp_path, monkeypatch):
    table = write(tmp_path / "t.csv", ["note", "IC50 (nM)"], assay[0][60:120], [["x"] * 60, range(1, 61)])
    opened = []

    def counting(stream, *, is_owned):
        opened.append(stream)
        return CountedStream(stream, is_owned=is_owned)

    monkeypatch.setattr("molgraph.files.reader.CountedStream", counting)
    from_file = evaluate(potent, table, where={"note": "x"})
    assert len(opened) == 1
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(table.read_bytes())))
    from_stdin = evaluate(potent, "-", where={"note": "x"})
    assert from_stdin.rows_read == 60
    assert from_stdin.tasks[0].value("rmse") == from_file.tasks[0].value("rmse")
    with pytest.raises(InputError, match="has no column 'pKi'"):
        evaluate(potent, table, target_columns=["pKi"])


def test_values_of_another_scale_are_said_and_do_not_recalibrate(potent, assay, tmp_path):
    smiles, values = assay[0][60:120], np.asarray(assay[1][60:120])
    table = write(tmp_path / "wrong.csv", ["pIC50"], smiles, [10 ** (9 - values)])
    found = evaluate(potent, table)
    (sentence,) = found.other_scales
    assert "are not on the scale of the training values" in sentence
    assert "if they are in nM: rename the column, e.g. to IC50 (nM)" in sentence
    with pytest.raises(
        InputError, match=r"does not recalibrate the model.*`other_scale=True` recalibrates all the same"
    ):
        evaluate(potent, table, recalibrate=tmp_path / "new")
    assert not (tmp_path / "new").exists()
    evaluate(potent, table, recalibrate=tmp_path / "new", other_scale=True)
    assert Predictor.load(tmp_path / "new").card.recalibrated_on is not None


@pytest.mark.parametrize(
    ("learned", "measured", "is_log", "says"),
    [
        (np.linspace(4, 9, 50), np.linspace(3, 10, 30), False, ""),  # more and less potent than all before
        (np.linspace(4, 9, 50), np.linspace(8, 11, 30), False, ""),
        (np.linspace(4, 9, 50), np.geomspace(1, 1e5, 30), False, "in nM"),
        (np.linspace(4, 9, 50), np.geomspace(1e-3, 1e2, 30), False, "in uM"),
        (np.linspace(4, 9, 50), np.linspace(-5, 0, 30), False, "another unit, or logarithms?"),
        (np.geomspace(1, 1e5, 50), np.geomspace(0.1, 1e6, 30), True, ""),
        (np.geomspace(1, 1e5, 50), np.geomspace(1e7, 1e13, 30), True, "another unit"),
        (np.geomspace(1, 1e5, 50), np.linspace(-1, 5, 30), True, "values of 0 or less"),
        (np.linspace(4, 9, 5), np.geomspace(1, 1e5, 30), False, ""),  # too few to tell
    ],
)
def test_what_is_said_of_a_scale(learned, measured, is_log, says):
    task = TaskSpec("y", "regression")
    mean = np.full(len(measured), np.median(learned))
    found = scale_sentence(task, learned, measured, mean, is_log=is_log)
    assert says in found
    assert bool(found) == bool(says)


def test_a_shift_by_a_unit_is_seen_against_the_predictions():
    """Values from 4 to 9 reach into those of another unit; predictions of the same compounds do not."""
    mean = np.linspace(5, 8, 40)
    task = TaskSpec("pKi", "regression")
    assert "off by a factor of 1e+03" in scale_sentence(task, np.linspace(4, 9, 50), mean - 3, mean, is_log=False)
    assert not scale_sentence(task, np.linspace(4, 9, 50), mean - 1.5, mean, is_log=False)
    assert not scale_sentence(TaskSpec("logP", "regression"), np.linspace(-9, 9, 50), mean - 3, mean, is_log=False)


def test_p_values_by_unit_or_name():
    assert is_p_value(TaskSpec("pKi", "regression"))
    assert is_p_value(TaskSpec("x", "regression", unit="-log10(mol/L)"))
    assert not is_p_value(TaskSpec("Ki (nM)", "regression"))


def test_a_unit_is_converted_to_that_of_the_model(assay, tmp_path):
    values = np.asarray(assay[1])
    table = write(tmp_path / "t.csv", ["solubility (uM)"], assay[0][:60], [10 ** values[:60]])
    model = train(table, output=tmp_path / "model", config=CONFIG)
    same = write(tmp_path / "same.csv", ["solubility (uM)"], assay[0][60:120], [10 ** values[60:120]])
    other = write(tmp_path / "other.csv", ["solubility (mM)"], assay[0][60:120], [10 ** (values[60:120] - 3)])
    mass = write(tmp_path / "mass.csv", ["solubility (mg/L)"], assay[0][60:120], [10 ** values[60:120]])
    errors = [
        evaluate(model, same).tasks[0].value("rmse"),
        evaluate(model, other, target_columns=["solubility (mM)"]).tasks[0].value("rmse"),
    ]
    assert errors[0] == pytest.approx(errors[1], rel=1e-4)
    with pytest.raises(InputError, match=r"is in ug/mL, and the model learned 'solubility \(uM\)' in uM"):
        evaluate(model, mass, target_columns=["solubility (mg/L)"])
