"""`evaluate`: metrics of a trained model on a table of held-out compounds, and recalibration with them if asked."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molgraph.applicability.shift import shift_check
from molgraph.chem.fingerprints import morgan_fingerprints
from molgraph.chem.identity import canonical_smiles
from molgraph.config.level import DEFAULT_LEVEL, check_level
from molgraph.config.training import Device
from molgraph.datasets.dataset import Dataset
from molgraph.errors import InputError
from molgraph.evaluation.measured_table import TableOptions, other_scales, read_measured
from molgraph.evaluation.pictures import draw_task
from molgraph.evaluation.recalibrate import recalibrated_model
from molgraph.evaluation.report import CoverageVerdict, Evaluation, evaluation_values
from molgraph.evaluation.task_metrics import TaskRows, evaluate_task
from molgraph.evaluation.verdict import coverage_verdicts
from molgraph.features.featurize import featurize_molecules
from molgraph.files.frames import TableLike, readable
from molgraph.model_folder.folder import check_model_target, save_model
from molgraph.prediction.builtin_models import refuse_swapped
from molgraph.prediction.predictor import Predictor
from molgraph.rank.hit_rule import HitRule
from molgraph.rank.parse_hit import parse_hit
from molgraph.results.prediction import Prediction
from molgraph.storage.atomic import atomic_folder, check_folder

EVALUATION = "evaluation.json"

#: Nominal coverage that the observed one is tested against.
_TESTED_LEVEL = 0.9

#: All that an output folder may hold.
_FILES = (EVALUATION, "*.png", "*.svg")

#: Tasks that are drawn at most; the numbers are there for all.
_MOST_DRAWN = 20


def evaluate(
    model: Predictor | str | Path,
    table: TableLike,
    *,
    output: str | Path | None = None,
    recalibrate: str | Path | None = None,
    target_columns: Sequence[str] | None = None,
    smiles_column: str | None = None,
    id_column: str | None = None,
    missing: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
    other_scale: bool = False,
    hit: str | None = None,
    level: float = DEFAULT_LEVEL,
    seed: int = 0,
    device: Device = "auto",
    overwrite: bool = False,
) -> Evaluation:
    r"""Evaluate a model on measured compounds: accuracy, early enrichment, and calibration of its uncertainty.

    Compounds that the model was trained or calibrated on are left out and counted: metrics of them are too optimistic.
    With `recalibrate` they are refused, and the model is written to another folder with a calibration that was fitted
    to this table. The metrics returned are those of the model before that.

    Args:
        model: Model folder, or a `Predictor`.
        table: Structures and labels, in a file or a frame; see `molgraph.datasets.tables.read_table`.
        output: Folder for `evaluation.json` and pictures; None for none.
        recalibrate: Folder for the model with the new calibration; None for none.
        target_columns: Columns of labels, one for each task of the model in its order; by default those named as the
            tasks, and a table may lack some.
        smiles_column: Column of structures; found by name if left out.
        id_column: Column of identifiers; found by name if left out.
        missing: Cells that mean "not measured" besides the usual ones.
        where: Rows to take: the text that they must have in a column, e.g. `{"Standard Type": "IC50"}`.
        other_scale: Recalibrate also with values that are not on the scale of the training values.
        hit: What a hit is, for early enrichment (see `molgraph.rank.parse_hit.parse_hit`); class 1 of classes
            by default.
        level: Level of the intervals in the parity plot.
        seed: Seed of the bootstrap samples.
        device: Where to compute; ignored with a `Predictor`.
        overwrite: Replace the folders if they exist.

    Raises:
        InputError: The table cannot be used, holds no compound to evaluate on, or holds training compounds or values
            of another scale to recalibrate with.
        ModelError: The model folder cannot be used.

    Example:
        >>> import tempfile
        >>> from molgraph import TrainConfig, evaluate, train
        >>> folder = Path(tempfile.mkdtemp())
        >>> alcohols = [f"{'C' * n}O,{n}" for n in range(1, 31)]
        >>> _ = (folder / "train.csv").write_text("\n".join(["smiles,y", *alcohols[::2]]))
        >>> _ = (folder / "test.csv").write_text("\n".join(["smiles,y", *alcohols[1:]]))
        >>> model = train(folder / "train.csv", output=folder / "model", config=TrainConfig(folds=2, epochs=2))
        >>> evaluation = evaluate(model, folder / "test.csv")
        >>> evaluation.used, evaluation.in_training, evaluation.tasks[0].value("rmse") > 0
        (15, 14, True)
    """
    check_level(level)
    _refuse_taken(output, recalibrate, overwrite=overwrite)
    source = readable(table)
    refuse_swapped([] if isinstance(model, Predictor) else [model], source)
    predictor = model if isinstance(model, Predictor) else Predictor.load(model, device=device)
    whole = read_measured(
        predictor, source, TableOptions(target_columns, smiles_column, id_column, missing, where or {})
    )
    keys = [str(canonical_smiles(text)) for text in whole.smiles]
    in_training = predictor.in_training(keys)
    is_new = np.ones(len(whole), dtype=np.bool_) if in_training is None else ~np.array(in_training, dtype=np.bool_)
    if recalibrate is not None:
        _refuse_training_compounds(whole, in_training)
    if not is_new.any():
        raise InputError(f"all {len(whole):,} compounds of {source} were in the training set; give held-out compounds")
    dataset = whole.take(np.flatnonzero(is_new))
    molecules = featurize_molecules(dataset.smiles, ids=dataset.ids, standardizer="none")
    prediction = predictor.predict_molecules(molecules)
    scales = other_scales(predictor, dataset, prediction.mean)
    if recalibrate is not None and scales and not other_scale:
        advice = "`other_scale=True` recalibrates all the same"
        raise InputError(f"{source} does not recalibrate the model: {'; '.join(scales)}; {advice}")
    rule = None if hit is None else parse_hit(hit, predictor.tasks)
    neighbours = predictor.neighbours(dataset.smiles)
    similarity = None if neighbours is None else neighbours.similarity[:, 0]
    parts = [
        _task_rows(predictor, dataset, prediction, task=t, rule=rule, similarity=similarity)
        for t in range(len(predictor.tasks))
    ]
    parts = [part for part in parts if len(part.labels)]
    shift = None
    if predictor.structures is not None:
        shift = shift_check(predictor.structures.calibration_fingerprints, morgan_fingerprints(dataset.smiles))
    evaluation = Evaluation(
        model=predictor.digest,
        table=Path(source).name,
        rows_read=whole.rows_read,
        used=len(dataset),
        only_bounds=int((~dataset.labels.is_measured.any(axis=1)).sum()),
        in_training=None if in_training is None else int((~is_new).sum()),
        unlabelled=whole.n_unlabelled,
        merged_away=whole.merges.n_rows_removed,
        rejected=whole.rejected,
        tasks=tuple(evaluate_task(part, seed=seed) for part in parts),
        shift=shift,
        other_scales=scales,
        notes=whole.notes,
    )
    evaluation = replace(evaluation, verdicts=_verdicts(predictor, evaluation, parts))
    stored = None
    if recalibrate is not None:
        stored = recalibrated_model(predictor, dataset, predictor.member_outputs(molecules))
        by_chance = stored.calibration.no_better_than_chance
        evaluation = replace(evaluation, no_better_than_chance=tuple(predictor.tasks[t].name for t in by_chance))
    if output is not None:
        evaluation = _write(evaluation, parts, Path(output), level, overwrite=overwrite)
    if recalibrate is not None and stored is not None:
        save_model(recalibrate, stored, overwrite=overwrite)
    return evaluation


def _verdicts(predictor: Predictor, evaluation: Evaluation, parts: list[TaskRows]) -> tuple[CoverageVerdict, ...]:
    rows_of = predictor.calibration.rows_of
    return coverage_verdicts(evaluation.tasks, [rows_of[part.column] for part in parts], level=_TESTED_LEVEL)


def _refuse_taken(output: str | Path | None, recalibrate: str | Path | None, *, overwrite: bool) -> None:
    """Refuse, before any work, folders that could not be written after it."""
    if output is not None:
        check_folder(output, Path(output), _FILES if overwrite else None)
    if recalibrate is not None:
        check_model_target(recalibrate, overwrite=overwrite)
    if output is not None and recalibrate is not None and os.path.realpath(output) == os.path.realpath(recalibrate):
        raise InputError(f"output and recalibrate are both {output}; give the new model a folder of its own")


def _refuse_training_compounds(whole: Dataset, in_training: list[bool] | None) -> None:
    if in_training is None:
        raise InputError(
            "the model holds neither its training compounds nor hashes of them by this version of RDKit, so it is "
            "unknown whether it was trained on these; train with `keep_structures=True` to recalibrate"
        )
    if any(in_training):
        first = whole.ids[in_training.index(True)]
        raise InputError(
            f"{sum(in_training):,} of {len(in_training):,} compounds were in the training set of the model "
            f"(first: {first}), whose errors are not those of new compounds; take them out to recalibrate"
        )


def _class_rule(predictor: Predictor, task: int) -> HitRule | None:
    """Class 1, for a task of classes."""
    spec = predictor.tasks[task]
    return parse_hit(spec.name, predictor.tasks) if spec.kind == "classification" else None


def _task_rows(
    predictor: Predictor,
    dataset: Dataset,
    prediction: Prediction,
    *,
    task: int,
    rule: HitRule | None,
    similarity: NDArray[np.float64] | None,
) -> TaskRows:
    """The compounds that were measured in a task, and those with a known hit label.

    There is no enrichment if a measured compound has no hit label: the rule may name other tasks.
    """
    is_predicted = np.isfinite(prediction.mean[:, task])
    is_measured = is_predicted & np.isfinite(dataset.labels.values[:, task])
    rows = np.flatnonzero(is_measured)
    task_rule = rule if rule is not None else _class_rule(predictor, task)
    is_hit = score = None
    if task_rule is not None:
        hit_labels = task_rule.is_hit(dataset.labels)
        if np.isfinite(hit_labels[rows]).all():
            is_censored = is_predicted & dataset.labels.task(task).is_censored
            with_label = np.flatnonzero(is_measured | (is_censored & np.isfinite(hit_labels)))
            is_hit = hit_labels[with_label]
            calibration = predictor.calibration
            score = task_rule.score(prediction.mean[with_label], calibration.residual_std, calibration.is_log)
    return TaskRows(
        task=predictor.tasks[task],
        column=task,
        labels=dataset.labels.values[rows, task],
        prediction=prediction.take(rows),
        similarity=None if similarity is None else similarity[rows],
        is_hit=is_hit,
        hit_score=score,
    )


def _write(evaluation: Evaluation, parts: list[TaskRows], output: Path, level: float, *, overwrite: bool) -> Evaluation:
    with atomic_folder(output, replaces=_FILES if overwrite else None) as folder:
        pictures: list[str] = []
        for number, part in enumerate(parts[:_MOST_DRAWN]):
            prefix = "" if len(parts) == 1 else f"{number + 1}-"
            pictures += draw_task(folder, prefix, part, level)
        evaluation = replace(evaluation, pictures=tuple(pictures))
        text = json.dumps(evaluation_values(evaluation), indent=2, allow_nan=False) + "\n"
        (folder / EVALUATION).write_text(text, encoding="utf-8")
    return evaluation
