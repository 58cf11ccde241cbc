"""`train`: refuses early, writes all or nothing, and gives the same folder for the same data and seed."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from molgraph import Predictor, train
from molgraph.config.learners import PRESETS, chosen_learners
from molgraph.config.uncertainty import UncertaintyConfig
from molgraph.datasets.tables import read_table
from molgraph.errors import InputError, TrainingError
from molgraph.learners.member_rows import HELD_OUT
from molgraph.model_folder.folder import load_model
from molgraph.training import loop


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Killed(Exception):  # noqa: N818
    """Stands for whatever ends a training."""


def kill_after(n_steps):
    steps = iter(range(n_steps))

    def listener(progress):
        if next(steps, None) is None:
            raise Killed

    return listener


def test_same_data_and_seed_give_the_same_bytes(assay_table, model_folder, small_config, tmp_path):
    train(assay_table, target_columns=["pIC50"], output=tmp_path / "again", config=small_config)
    assert contents(tmp_path / "again") == contents(model_folder)
    other_seed = dataclasses.replace(small_config, seed=1)
    train(assay_table, target_columns=["pIC50"], output=tmp_path / "other", config=other_seed)
    weights = "weights.safetensors"
    assert contents(tmp_path / "other")[weights] != contents(model_folder)[weights]
    assert names(tmp_path) == ["again", "other"]


def test_predictor_comes_back_and_equals_the_loaded_one(assay_table, small_config, tmp_path):
    predictor = train(assay_table, target_columns=["pIC50"], output=tmp_path / "model", config=small_config)
    loaded = Predictor.load(tmp_path / "model", device="cpu")
    assert predictor.digest == loaded.digest
    assert np.array_equal(predictor.predict(["CCO"]).mean, loaded.predict(["CCO"]).mean)


def test_tasks_carry_units_and_directions(assay_table, small_config, tmp_path):
    predictor = train(
        assay_table,
        target_columns=["active", "pIC50"],
        units={"pIC50": "log10(mol/L)"},
        directions={"pIC50": "maximize"},
        output=tmp_path / "model",
        config=small_config,
    )
    active, pic50 = predictor.tasks
    assert (active.kind, active.unit, active.direction) == ("classification", None, None)
    assert (pic50.kind, pic50.unit, pic50.direction) == ("regression", "log10(mol/L)", "maximize")
    assert predictor.card.calibration_rows == (51, 60)


def test_rows_are_accounted_for(assay_table, small_config, tmp_path):
    lines = assay_table.read_text().splitlines()
    rows = [line.rsplit(",", 1)[0] for line in lines]
    extra = [rows[1], "twin,C1CC,5.0", "gap,CCO,", 'salt,"[Na+].CC(=O)[O-]",5.5']
    table = tmp_path / "table.csv"
    table.write_text("\n".join(rows + extra) + "\n")
    data = train(table, output=tmp_path / "model", config=small_config).card.data
    assert (data.rows_read, data.rows_used, data.rejected, data.unlabelled) == (64, 61, 1, 1)
    assert (data.merged_away, data.merged_groups, data.conflicting_groups) == (1, 1, 0)
    assert data.rows_read == data.rows_used + data.rejected + data.unlabelled + data.merged_away


def test_a_dataset_is_as_good_as_its_table(assay_table, model_folder, small_config, tmp_path):
    dataset = read_table(assay_table, target_columns=["pIC50"])
    train(dataset, output=tmp_path / "model", config=small_config)
    assert contents(tmp_path / "model") == contents(model_folder)
    with pytest.raises(InputError, match="table is a Dataset"):
        train(dataset, target_columns=["pIC50"], output=tmp_path / "other", config=small_config)


def test_without_structures_only_they_are_missing(assay_table, model_folder, small_config, tmp_path):
    train(assay_table, target_columns=["pIC50"], output=tmp_path / "m", config=small_config, keep_structures=False)
    secret, whole = contents(tmp_path / "m"), contents(model_folder)
    assert whole.keys() - secret.keys() == {"structures.json", "fingerprints.safetensors", "out_of_fold.safetensors"}
    assert secret.keys() <= whole.keys()
    assert secret["weights.safetensors"] == whole["weights.safetensors"]
    first = load_model(model_folder).structures.smiles[0]
    assert not any(first.encode() in content for content in secret.values())


def test_without_structures_nothing_stands_in_the_order_of_the_table(
    assay_table, model_folder, small_config, tmp_path, assay
):
    train(assay_table, target_columns=["pIC50"], output=tmp_path / "m", config=small_config, keep_structures=False)
    whole, secret = load_model(model_folder), load_model(tmp_path / "m")
    assert len(secret.labels) == len(secret.fold) == len(secret.out_of_fold) == 0
    before, after = whole.calibration.data, secret.calibration.data
    assert not np.array_equal(before.labels.values, after.labels.values, equal_nan=True)
    pairs = [
        np.column_stack([data.model, data.labels.values, data.mean, data.epistemic_var, model.domain.calibration])
        for data, model in ((before, whole), (after, secret))
    ]
    places = [model.domain.latent.reference for model in (whole, secret)]
    assert not np.array_equal(*places)
    assert sorted(map(tuple, places[0].tolist())) == sorted(map(tuple, places[1].tolist()))
    assert sorted(map(tuple, pairs[0].tolist())) == sorted(map(tuple, pairs[1].tolist()))
    assert np.all(np.diff(after.model) >= 0)
    one, other = (Predictor.load(folder).predict(assay[0][:20]) for folder in (model_folder, tmp_path / "m"))
    assert np.array_equal(one.interval(0.9), other.interval(0.9))


def test_a_model_that_held_rows_out_is_read_again(assay_table, small_config, tmp_path):
    config = dataclasses.replace(small_config, uncertainty=UncertaintyConfig(calibration="split"))
    train(assay_table, target_columns=["pIC50"], output=tmp_path / "m", config=config)
    assert set(load_model(tmp_path / "m").fold.tolist()) >= {HELD_OUT, 0}


def test_learners_that_hold_rows_are_left_out_or_refused(assay_table, small_config, tmp_path):
    config = dataclasses.replace(small_config, learner="gp_tanimoto")
    with pytest.raises(InputError, match="'gp_tanimoto' holds a row of numbers for each training compound"):
        train(assay_table, target_columns=["pIC50"], output=tmp_path / "m", config=config, keep_structures=False)
    assert not list(tmp_path.iterdir())
    every = [
        name for preset in PRESETS for name in chosen_learners(preset, None, 50, has_encoder=True, keeps_rows=False)
    ]
    assert set(every) == {"network", "catboost", "maplight", "random_forest"}


# Refusals: before any work, and with nothing left behind.


def test_existing_folders_are_refused_first(tmp_path, small_config):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for output, words in (
        (tmp_path / "model", "not empty"),
        (tmp_path / "file", "a file of that name exists"),
        (tmp_path / "no" / "model", "does not exist; make it first"),
        (tmp_path / ("a" * 300), "File name too long"),
        (Path("/proc/model"), "cannot write"),
    ):
        with pytest.raises(InputError, match=words):
            train("no such table.csv", output=output, config=small_config)
    with pytest.raises(InputError, match=r"would delete notes\.txt"):
        train("no such table.csv", output=tmp_path / "model", config=small_config, overwrite=True)
    assert names(tmp_path) == ["file", "model"]


def test_an_empty_folder_may_be_filled_and_a_full_one_replaced(assay_table, small_config, tmp_path):
    output = tmp_path / "model"
    output.mkdir()
    train(assay_table, target_columns=["pIC50"], output=output, config=small_config)
    first = contents(output)
    train(
        assay_table,
        target_columns=["pIC50"],
        output=output,
        config=dataclasses.replace(small_config, seed=7),
        overwrite=True,
    )
    assert first.keys() == contents(output).keys()
    assert first != contents(output)
    assert names(tmp_path) == ["model"]


def test_the_working_folder_can_be_the_output(assay_table, small_config, tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path / "model")
    train(assay_table, target_columns=["pIC50"], output=".", config=small_config)
    assert "card.json" in os.listdir(tmp_path / "model")  # noqa: PTH208
    assert names(tmp_path) == ["model"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target_columns": ["potency"]}, "potency"),
        ({"target_columns": ["pIC50"], "smiles_column": "structure"}, "structure"),
        ({}, "`target_columns`"),
        ({"target_columns": ["smiles"]}, "smiles"),
    ],
)
def test_bad_tables_leave_nothing(assay_table, small_config, tmp_path, options, words):
    with pytest.raises(InputError, match=words):
        train(assay_table, output=tmp_path / "model", config=small_config, **options)
    assert names(tmp_path) == []


def test_fewer_rows_than_folds(small_config, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("smiles,y\nCCO,1\nCCC,2\nCCN,3\n")
    with pytest.raises(InputError, match="fold"):
        train(table, output=tmp_path / "model", config=dataclasses.replace(small_config, folds=5))
    assert names(tmp_path) == ["table.csv"]


# Interruptions.


def test_an_interrupted_training_leaves_no_model_and_is_resumed(
    assay_table, model_folder, small_config, tmp_path, monkeypatch
):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    output = tmp_path / "model"
    with pytest.raises(Killed):
        train(
            assay_table,
            target_columns=["pIC50"],
            output=output,
            config=small_config,
            on_progress=kill_after(8),
        )
    assert names(tmp_path) == ["model.training"]
    train(assay_table, target_columns=["pIC50"], output=output, config=small_config, resume=True)
    assert names(tmp_path) == ["model"]
    assert contents(output) == contents(model_folder)


def test_resuming_with_other_settings_is_refused(assay_table, small_config, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    options = {"target_columns": ["pIC50"], "output": tmp_path / "model"}
    with pytest.raises(Killed):
        train(assay_table, config=small_config, on_progress=kill_after(8), **options)
    other = dataclasses.replace(small_config, epochs=4)
    with pytest.raises(TrainingError, match="epochs was 3 and is 4 now"):
        train(assay_table, config=other, resume=True, **options)
    train(assay_table, config=other, **options)  # from the start: what was there is of no use
    assert names(tmp_path) == ["model"]


def test_an_old_model_survives_a_failed_replacement(assay_table, model_folder, small_config, tmp_path):
    output = tmp_path / "model"
    options = {"target_columns": ["pIC50"], "output": output, "config": small_config}
    train(assay_table, **options)
    with pytest.raises(Killed):
        train(assay_table, overwrite=True, on_progress=kill_after(2), **options)
    assert contents(output) == contents(model_folder)


def test_progress_ends_at_the_total(assay_table, small_config, tmp_path):
    seen = []
    train(assay_table, target_columns=["pIC50"], output=tmp_path / "m", config=small_config, on_progress=seen.append)
    done = [progress.molecules_done for progress in seen]
    assert done == sorted(done)
    assert done[-1] == seen[-1].molecules_total
