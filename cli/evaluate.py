"""`molgraph evaluate`: metrics of a model on measured compounds, and recalibration."""

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

#: Tasks that are printed; all of them are in the JSON.
_SHOWN_TASKS = 12

_ENCE = "expected normalized calibration error"

#: Explanation of each metric, as it is printed.
_MEANINGS = {
    "rmse": "root mean squared error",
    "mae": "mean absolute error",
    "r2": "fraction of variance explained",
    "spearman": "rank correlation",
    "kendall": "rank correlation by concordant pairs",
    "rmse_log10": "root mean squared error of decimal logarithms",
    "r2_log10": "fraction of the variance of decimal logarithms explained",
    "median_factor": "median fold error: half of the predictions are within this factor",
    "roc_auc": "0.5 is chance, 1 is best",
    "average_precision": "chance is the fraction of class 1",
    "mcc": "Matthews correlation coefficient, 0 is chance",
    "balanced_accuracy": "0.5 is chance",
    "brier": "mean squared error of probabilities, 0 is best",
    "log_loss": "cross-entropy, 0 is best",
    "nll": "negative log-likelihood of the errors, smaller is better",
    "crps": "continuous ranked probability score, 0 is best",
    "ence": f"{_ENCE}, 0 is perfect",
    "miscalibration_area": "calibration of the Gaussian standard deviations, 0 is perfect",
    "interval_miscalibration": "observed against nominal coverage of the intervals, 0 is perfect",
    "calibration_error": "expected calibration error of the probabilities, 0 is perfect",
    "ef_1%": "enrichment factor in the top 1%",
    "ef_5%": "enrichment factor in the top 5%",
    "bedroc": "early recognition, 1 is best",
    "log_auc": "0.145 is chance, 1 is best",
}

#: Metrics that compare errors with predicted standard deviations, besides those with a reference.
_UNCERTAINTY_METRICS = ("nll", "crps", "ence", "miscalibration_area")


def evaluate(
    model: Model,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Measured compounds from outside the training set.")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for evaluation.json and plots (PNG and SVG).")
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
        typer.Option("--other-scale", help="Recalibrate even with values on another scale than in training."),
    ] = False,
    hit: Hit = None,
    level: Level = DEFAULT_LEVEL,
    seed: Annotated[int, SEED] = 0,
    device: DeviceOption = "auto",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Evaluate a model on compounds that were not in its training set: accuracy, enrichment, calibration."""
    from molgraph import evaluate as evaluate_model
    from molgraph.evaluation.report import evaluation_values

    evaluation = evaluate_model(
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
        typer.echo(json.dumps(evaluation_values(evaluation), indent=2, allow_nan=False))
    elif not quiet:
        _tell_rows(evaluation)
        for task in evaluation.tasks[:_SHOWN_TASKS]:
            _show_task(task)
        if len(evaluation.tasks) > _SHOWN_TASKS:
            show_line(f"... and {len(evaluation.tasks) - _SHOWN_TASKS} more tasks (--json shows all)")
        # With values on another scale the shift check would be misleading.
        shift = (
            []
            if evaluation.shift is None or evaluation.other_scales
            else evaluation.shift.sentences(has_coverage=bool(evaluation.verdicts))
        )
        for sentence in [*(f"WARNING: {scale}" for scale in evaluation.other_scales), *shift]:
            tell(sentence)
        for verdict in evaluation.verdicts[:_SHOWN_TASKS]:
            tell(verdict.sentence())
    if quiet or as_json:
        return
    if output is not None:
        tell(f"evaluation.json and {len(evaluation.pictures)} plots written to {output}")
    if recalibrate is not None:
        tell_no_better_than_chance(evaluation.no_better_than_chance, "these compounds")
        tell(f"recalibrated model written to {recalibrate}; evaluate it on other compounds than these")


def _tell_rows(evaluation: "Evaluation") -> None:
    rejected = evaluation.rejected
    bounds = f" ({evaluation.only_bounds:,} censored)" if evaluation.only_bounds else ""
    tell(
        f"{evaluation.table}: {evaluation.rows_read:,} rows, {evaluation.used:,} compounds evaluated{bounds}, "
        f"{len(rejected):,} rejected, {evaluation.unlabelled:,} without a label, {evaluation.merged_away:,} merged"
    )
    tell_notes(evaluation.notes)
    tell_rejected(rejected, len(rejected), "molgraph predict lists all with their reasons")
    if evaluation.in_training:
        tell(
            f"{evaluation.in_training:,} compounds of the training set were left out: their errors are smaller than "
            "those of new compounds"
        )
    if evaluation.in_training is None:
        tell(
            "WARNING: the model was stored without its training compounds, so any of them in this table were not left "
            "out, and the errors may be too small"
        )


def _show_task(task: "TaskEvaluation") -> None:
    bounds = f" and {task.n_bounds:,} censored (> or <)" if task.n_bounds else ""
    hits = "" if task.n_hits is None else f", {task.n_hits:,} hits"
    show_line()
    logs = ", learned as logarithms" if task.in_log10 else ""
    show_line(f"{task.task}{logs}: {task.n_rows:,} compounds{bounds}{hits}; value and 95% confidence interval")
    rows = []
    for estimate in task.estimates:
        meaning = _MEANINGS.get(estimate.metric, "")
        if estimate.reference is not None and estimate.metric.startswith("ef_"):
            meaning = f"{meaning}; the maximum is {significant(estimate.reference)}"
        elif estimate.reference is not None:
            what = "rank correlation of predicted uncertainty and error" if estimate.metric != "ence" else _ENCE
            meaning = f"{what}; {significant(estimate.reference)} if perfectly calibrated"
        if task.in_log10 and estimate.metric in {*_UNCERTAINTY_METRICS, "spread_spearman"}:
            meaning = f"of log10: {meaning}"
        rows.append(
            (
                f"  {estimate.metric}",
                significant(estimate.value),
                f"{significant(estimate.lower)} to {significant(estimate.upper)}",
                meaning,
            )
        )
    show_table(rows, right=[1])
    is_class = task.kind == "classification"
    show_line("  true class inside the prediction set" if is_class else "  measured value inside the interval")
    levels = sorted({row.level for row in task.coverage})
    table = [("  nominal", "", *(f"{level:.0%}" for level in levels))]
    for group in dict.fromkeys(row.group for row in task.coverage):
        by_level = {row.level: row for row in task.coverage if row.group == group}
        if by_level[levels[0]].n_rows:
            shares = [f"{by_level[level].coverage:.0%}" for level in levels]
            table.append((f"  {group}", f"{by_level[levels[0]].n_rows:,}", *shares))
    overall = {row.level: row for row in task.coverage if row.group == "all"}
    table.append(
        ("  mean set size" if is_class else "  median width", "", *(significant(overall[x].size) for x in levels))
    )
    show_table(table, right=range(1, 2 + len(levels)))
