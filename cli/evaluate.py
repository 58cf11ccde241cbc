"""`molgraph evaluate`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molgraph.config.level import DEFAULT_LEVEL

from . import completion
from .options import (
    SEED,
    AsJson,
    DeviceOption,
    Hit,
    IdColumn,
    Level,
    Model,
    Overwrite,
    Quiet,
    SmilesColumn,
    names,
    tell_no_better_than_chance,
    tell_notes,
    tell_rejected,
)
from .table_options import Missing, Where, rows_where
from .text import show_line, show_table, significant, tell

if TYPE_CHECKING:
    from molgraph.evaluation.report import Evaluation, TaskEvaluation

EXAMPLE = """\b
Examples:
  molgraph evaluate model measured.csv -o evaluation --hit 'pIC50 >= 7'
  molgraph evaluate model measured.csv --recalibrate model-2
"""

#: Tasks that are shown to people; all of them are in the JSON.
_SHOWN_TASKS = 12

_MEANINGS = {
    "rmse": "root mean squared error",
    "mae": "mean absolute error",
    "r2": "share of variance explained",
    "spearman": "rank correlation",
    "kendall": "rank correlation by pairs",
    "rmse_log10": "root mean squared error of decimal logarithms",
    "r2_log10": "share of the variance of decimal logarithms that is explained",
    "median_factor": "median fold error: half of the predictions are within this factor",
    "roc_auc": "0.5 is chance, 1 is best",
    "average_precision": "chance is the share of class 1",
    "mcc": "correlation of labels, 0 is chance",
    "balanced_accuracy": "0.5 is chance",
    "brier": "squared error of probabilities",
    "log_loss": "0 is best",
    "nll": "likelihood of the errors, smaller is better",
    "crps": "error less what the spread admits",
    "ence": "spread against error, 0 is perfect",
    "miscalibration_area": "errors against a Gaussian of that spread, 0 is perfect",
    "interval_miscalibration": "observed against nominal coverage of intervals, 0 is perfect",
    "calibration_error": "probability against share, 0 is perfect",
    "ef_1%": "times chance in the best 1%",
    "ef_5%": "times chance in the best 5%",
    "bedroc": "early recognition, 1 is best",
    "log_auc": "0.145 is chance, 1 is best",
}

#: Metrics that compare errors with spreads, besides those with a reference.
_OF_SPREADS = ("nll", "crps", "ence", "miscalibration_area")


def evaluate(
    model: Model,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Measured compounds that were not in the training.")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for evaluation.json and pictures (PNG and SVG).")
    ] = None,
    recalibrate: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write the model there, with a calibration fitted to this table."),
    ] = None,
    target_columns: Annotated[
        str | None,
        typer.Option(
            autocompletion=completion.columns,
            help="Columns of labels in the order of the model's tasks, joined by commas. [default: by name]",
        ),
    ] = None,
    smiles_column: SmilesColumn = None,
    id_column: IdColumn = None,
    missing: Missing = None,
    where: Where = None,
    other_scale: Annotated[
        bool,
        typer.Option("--other-scale", help="Recalibrate also with values that are not of the scale that was learned."),
    ] = False,
    hit: Hit = None,
    level: Level = DEFAULT_LEVEL,
    seed: Annotated[int, SEED] = 0,
    device: DeviceOption = "auto",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Evaluate a model on compounds that were not in its training: accuracy, enrichment, calibration."""
    from molgraph import evaluate as evaluate_model
    from molgraph.evaluation.report import evaluation_values

    found = evaluate_model(
        model,
        table,
        output=output,
        recalibrate=recalibrate,
        target_columns=None if target_columns is None else names(target_columns),
        smiles_column=smiles_column,
        id_column=id_column,
        missing=names(missing or ""),
        where=rows_where(where),
        other_scale=other_scale,
        hit=hit,
        level=level,
        seed=seed,
        device=device,
        overwrite=overwrite,
    )
    if as_json:
        typer.echo(json.dumps(evaluation_values(found), indent=2, allow_nan=False))
    elif not quiet:
        _tell_rows(found)
        for task in found.tasks[:_SHOWN_TASKS]:
            _show_task(task)
        if len(found.tasks) > _SHOWN_TASKS:
            show_line(f"... and {len(found.tasks) - _SHOWN_TASKS} more tasks (--json shows all)")
        # Of values on another scale no sentence about shifts is worth anything, and "as expected" least of all.
        shift = (
            []
            if found.shift is None or found.other_scales
            else found.shift.sentences(has_coverage=bool(found.verdicts))
        )
        for sentence in [*(f"WARNING: {scale}" for scale in found.other_scales), *shift]:
            tell(sentence)
        for verdict in found.verdicts[:_SHOWN_TASKS]:
            tell(verdict.sentence())
    if quiet or as_json:
        return
    if output is not None:
        tell(f"evaluation.json and {len(found.pictures)} pictures written to {output}")
    if recalibrate is not None:
        tell_no_better_than_chance(found.no_better_than_chance, "these compounds")
        tell(f"the model with the new calibration is in {recalibrate}; evaluate it with compounds of yet another table")


def _tell_rows(found: "Evaluation") -> None:
    bounds = f" ({found.only_bounds:,} censored)" if found.only_bounds else ""
    tell(
        f"{found.table}: {found.rows_read:,} rows, {found.used:,} compounds evaluated{bounds}, "
        f"{len(found.rejected):,} rejected, {found.unlabelled:,} without a label, {found.merged_away:,} merged"
    )
    tell_notes(found.notes)
    tell_rejected(found.rejected, len(found.rejected), "molgraph predict lists all with their reasons")
    if found.in_training:
        tell(f"{found.in_training:,} compounds of the training were left out: they would flatter the model")
    if found.in_training is None:
        tell("the model holds no training compounds to compare with, so that those among these cannot be left out")


def _show_task(task: "TaskEvaluation") -> None:
    bounds = f" and {task.n_bounds:,} censored (> or <)" if task.n_bounds else ""
    hits = "" if task.n_hits is None else f", {task.n_hits:,} hits"
    show_line()
    logs = ", learned as logarithms" if task.in_log10 else ""
    show_line(f"{task.task}{logs}: {task.n_rows:,} compounds{bounds}{hits}; value and 95% interval")
    rows = []
    for found in task.estimates:
        meaning = _MEANINGS.get(found.metric, "")
        if found.reference is not None and found.metric.startswith("ef_"):
            meaning = f"{meaning}; {significant(found.reference)} at most with so many hits"
        elif found.reference is not None:
            meaning = f"spread against error; {significant(found.reference)} if the spread were exactly right"
        if task.in_log10 and found.metric in {*_OF_SPREADS, "spread_spearman"}:
            meaning = f"of log10: {meaning}"
        rows.append(
            (
                f"  {found.metric}",
                significant(found.value),
                f"{significant(found.lower)} to {significant(found.upper)}",
                meaning,
            )
        )
    show_table(rows, right=[1])
    is_class = task.kind == "classification"
    show_line("  true classes that the calls leave" if is_class else "  measured values inside the intervals")
    levels = sorted({found.level for found in task.coverage})
    table = [("  nominal", "", *(f"{level:.0%}" for level in levels))]
    for group in dict.fromkeys(found.group for found in task.coverage):
        own = {found.level: found for found in task.coverage if found.group == group}
        if own[levels[0]].n_rows:
            shares = [f"{own[level].coverage:.0%}" for level in levels]
            table.append((f"  {group}", f"{own[levels[0]].n_rows:,}", *shares))
    every = {found.level: found for found in task.coverage if found.group == "all"}
    table.append(
        ("  labels in a set" if is_class else "  median width", "", *(significant(every[x].size) for x in levels))
    )
    show_table(table, right=range(1, 2 + len(levels)))
