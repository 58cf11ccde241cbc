"""Measured values of another scale than that of the model, on the command line."""

import csv
import json

import numpy as np

from molgraph import TrainConfig, train

CONFIG = TrainConfig(learner="gp_tanimoto", folds=2)


def write(path, name, smiles, values):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["smiles", name], *zip(smiles, values, strict=True)])
    return path


def test_the_command_warns_and_says_no_word_of_a_shift(assay, tmp_path, molgraph):
    values = np.asarray(assay[1][60:120])
    table = write(tmp_path / "wrong.csv", "pIC50", assay[0][60:120], 10 ** (9 - values))
    folder = tmp_path / "model"
    train_table = write(tmp_path / "t.csv", "pIC50", assay[0][:60], assay[1][:60])
    train(train_table, output=folder, config=CONFIG)
    ended = molgraph("evaluate", folder, table)
    assert ended.code == 0
    assert "WARNING: pIC50: the values of the table" in ended.err
    assert "hift" not in ended.err
    ended = molgraph("evaluate", folder, table, "--recalibrate", tmp_path / "other")
    assert ended.code == 2
    assert json.loads(molgraph("evaluate", folder, table, "--json").out)["other_scales"]
