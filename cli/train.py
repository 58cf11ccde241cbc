"""`molgraph train`."""

import dataclasses
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from molgraph.config import training as allowed
from molgraph.config.learners import LearnerName, Preset
from molgraph.config.training import KindChoice

from . import completion
from .domain_text import domain_lines
from .few_of_a_class import tell_few_of_a_class
from .new_series import new_series_lines, tell_worse_on_new_series
from .options import (
    SHOWN,
    AsJson,
    IdColumn,
    MaxRejected,
    Overwrite,
    Quiet,
    SmilesColumn,
    check_rejected,
    names,
    tell_no_better_than_chance,
    tell_notes,
    tell_rejected,
)
from .table_options import AsIs, Missing, Unit, ValueRange, Where, directions, ranges, rows_where, tell_many_tasks
from .text import show_json, show_line, show_table, significant, tell

if TYPE_CHECKING:
    from molgraph import Predictor, TrainConfig
    from molgraph.datasets.dataset import Dataset
    from molgraph.datasets.duplicates import MergedGroup

EXAMPLE = """\b
Examples:
  molgraph train assay.csv -o model --target-columns pIC50
  molgraph train assay.csv -o model --config settings.toml

\b
settings.toml may hold any setting of training, and of the network below [model]:
  folds = 5
  epochs = 80
  patience = 15
  peak_lr = 5e-4
  [model]
  hidden = 400
  dropout = 0.1
"""

#: Share of a learner in a blend that is told.
_LEAST_SHARE = 0.005

#: Tasks whose errors by applicability domain are shown; `molgraph models show` has more.
_SHOWN_DOMAINS = 12

Table = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="Table of structures and measurements (.csv .tsv .sdf .parquet ...), or a data set name.",
        autocompletion=completion.tables,
    ),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Model folder to write.")]
TargetColumns = Annotated[
    str | None,
    typer.Option(
        help="Columns to learn, joined by commas; '*' for all of numbers. [default: the only one that can be meant]",
        autocompletion=completion.columns,
    ),
]
WeightColumn = Annotated[
    str | None, typer.Option(help="Column with the weight of each row.", autocompletion=completion.column)
]
TaskType = Annotated[
    KindChoice,
    typer.Option("--task-type", "-t", help="What the columns hold; auto looks at the values."),
]
ConfigFile = Annotated[Path | None, typer.Option(metavar="FILE.toml", help="File of settings; options given here win.")]
PresetName = Annotated[
    Preset | None,
    typer.Option(
        help="fast blends learners that screen at half of the network's rate, lean only the network and a Gaussian "
        "process on the encoder's embedding, accurate whatever helps. [default: fast]"
    ),
]
Learner = Annotated[
    LearnerName | None,
    typer.Option(help="One learner alone, in the place of a preset's."),
]
Encoder = Annotated[
    str | None,
    typer.Option(
        metavar="auto|none|FOLDER",
        help="What the network begins with: the built-in encoder, fresh weights, or one of your own. [default: auto]",
    ),
]
EncoderTuning = Annotated[
    allowed.EncoderTuning | None,
    typer.Option(
        help="What becomes of a pretrained encoder: it learns on, or stays as it is, which trains in seconds. "
        "[default: frozen up to 2,000 rows]"
    ),
]
Folds = Annotated[
    int | None,
    typer.Option(help="Models of the ensemble, each trained without one fold; 1 for a single one. [default: 5]"),
]
Split = Annotated[allowed.FoldSplit | None, typer.Option(help="How rows are put into folds. [default: random]")]
Epochs = Annotated[
    int | None,
    typer.Option(help="Passes over the rows, at most. [default: 50; 30 where a pretrained encoder learns on]"),
]
BatchSize = Annotated[int | None, typer.Option("--batch-size", "-b", help="Molecules a step. [default: 64]")]
Patience = Annotated[
    int | None, typer.Option(help="Stop a model after this many epochs without progress. [default: never]")
]
Hidden = Annotated[
    int | None, typer.Option("--message-hidden-dim", "--hidden", help="Width of the network. [default: 300]")
]
Depth = Annotated[int | None, typer.Option(help="Message-passing steps. [default: 3]")]
Dropout = Annotated[float | None, typer.Option(help="Share of hidden values dropped in training. [default: 0]")]
UncertaintyName = Annotated[
    allowed.Uncertainty | None,
    typer.Option(
        help="What gives the spread of a prediction beside the disagreement of the models. [default: ensemble]"
    ),
]
CalibrationName = Annotated[
    allowed.CalibrationRows | None,
    typer.Option(
        help="Calibrate with the out-of-fold predictions of all rows, or with a fifth that no model is trained on, for "
        "exact guarantees. [default: cross]"
    ),
]
ClassCalibrationName = Annotated[
    allowed.ClassCalibration | None,
    typer.Option(help="How probabilities are brought to the shares that were seen. [default: platt]"),
]
LossName = Annotated[
    allowed.Loss | None,
    typer.Option(help="Errors that are made small; absolute ones let wild labels count less. [default: squared]"),
]
TargetScalingName = Annotated[
    allowed.TargetScaling | None,
    typer.Option(
        help="What is learned in the place of the values: deviations (standard, robust), logarithms, or normal scores "
        "(quantile); auto looks at their distribution. [default: auto]"
    ),
]
MoleculeFeaturesName = Annotated[
    allowed.MoleculeFeatures | None,
    typer.Option(
        help="Columns that the network's head reads beside the graph: counts of atom and bond codes; RDKit's 43 "
        "properties and 217 descriptors make screening slower. [default: codes]"
    ),
]
Minimize = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMNS",
        autocompletion=completion.columns,
        help="Columns of which less is better, where that is not known: screens rank them so.",
    ),
]
Maximize = Annotated[
    str | None,
    typer.Option(metavar="COLUMNS", autocompletion=completion.columns, help="Columns of which more is better."),
]
TaskWeights = Annotated[
    str | None, typer.Option(metavar="NAME=W,...", help="How much tasks count in the loss. [default: 1 each]")
]
BalanceClasses = Annotated[
    bool | None,
    typer.Option("--class-balance/--no-class-balance", help="Weigh both classes of a task the same. [default: no]"),
]
Standardize = Annotated[
    allowed.StandardizerChoice | None,
    typer.Option(help="default: largest organic fragment, neutralised. [default: default]"),
]
PrecisionOption = Annotated[
    allowed.Precision | None, typer.Option(help="Number format of the products. [default: auto]")
]
DeviceOption = Annotated[
    allowed.Device | None,
    typer.Option(help="Where to compute; auto takes a CUDA device if there is one. [default: auto]"),
]
Seed = Annotated[int | None, typer.Option(help="Seed of folds, weights and batches. [default: 0]")]
Processes = Annotated[
    int | None,
    typer.Option(
        min=1, help="Processes that compute descriptors, if a learner reads them. [default: one a core, at most 8]"
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where a killed training stopped.")]
Structures = Annotated[
    bool,
    typer.Option(
        "--structures/--no-structures",
        help="Keep the training structures in the model, to show the neighbours of hits. Without them it keeps no row "
        "of a compound but its place in the domain: learners that hold rows are left out.",
    ),
]


def train(
    table: Table,
    *,
    output: Output,
    smiles_column: SmilesColumn = None,
    id_column: IdColumn = None,
    target_columns: TargetColumns = None,
    weight_column: WeightColumn = None,
    task_type: TaskType = "auto",
    missing: Missing = None,
    where: Where = None,
    unit: Unit = None,
    as_is: AsIs = False,
    config: ConfigFile = None,
    preset: PresetName = None,
    learner: Learner = None,
    encoder: Encoder = None,
    encoder_tuning: EncoderTuning = None,
    folds: Folds = None,
    split: Split = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    patience: Patience = None,
    hidden: Hidden = None,
    depth: Depth = None,
    dropout: Dropout = None,
    molecule_features: MoleculeFeaturesName = None,
    uncertainty: UncertaintyName = None,
    calibration: CalibrationName = None,
    class_calibration: ClassCalibrationName = None,
    loss: LossName = None,
    target_scaling: TargetScalingName = None,
    task_weights: TaskWeights = None,
    minimize: Minimize = None,
    maximize: Maximize = None,
    value_range: ValueRange = None,
    balance_classes: BalanceClasses = None,
    standardize: Standardize = None,
    precision: PrecisionOption = None,
    device: DeviceOption = None,
    seed: Seed = None,
    processes: Processes = None,
    resume: Resume = False,
    structures: Structures = True,
    max_rejected: MaxRejected = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train an ensemble on an assay table, and print how well it predicts in cross-validation."""
    settings = _settings(
        config,
        {"preset": preset, "learner": learner, "encoder": encoder, "encoder_tuning": encoder_tuning,
         "folds": folds, "split": split, "epochs": epochs, "batch_size": batch_size, "patience": patience,
         "uncertainty": uncertainty, "calibration": calibration, "class_calibration": class_calibration,
         "balance_classes": balance_classes, "loss": loss, "target_scaling": target_scaling,
         "task_weights": _weights(task_weights),
         "standardizer": standardize, "precision": precision, "seed": seed, "device": device},
        {"hidden": hidden, "depth": depth, "dropout": dropout, "molecule_features": molecule_features},
    )  # fmt: skip
    from molgraph import load_dataset

    dataset = load_dataset(
        table,
        smiles_column=smiles_column,
        id_column=id_column,
        target_columns=None if target_columns is None else names(target_columns),
        weight_column=weight_column,
        task_kind=task_type,
        standardizer=settings.standardizer,
        directions=directions(names(minimize or ""), names(maximize or "")),
        missing=names(missing or ""),
        where=rows_where(where),
        units=unit,
        as_is=as_is,
    )
    dataset = dataset.with_ranges(ranges(value_range))
    if not quiet:
        _tell_rows(dataset)
        tell_many_tasks(dataset, settings)
    model = _train(
        dataset,
        output,
        settings,
        resume=resume,
        structures=structures,
        processes=processes,
        overwrite=overwrite,
        quiet=quiet,
    )
    if as_json:
        show_json(_result(model, dataset, output))
    elif not quiet:
        _show_metrics(model, dataset, output)
    check_rejected(max_rejected, len(dataset.rejected), dataset.rows_read)


def _weights(given: str | None) -> dict[str, float] | None:
    """The weights in `a=2,b=0.5`."""
    if given is None:
        return None
    from molgraph.errors import InputError

    weights = {}
    for part in names(given):
        name, _, number = part.rpartition("=")
        try:
            weights[name] = float(number)
        except ValueError:
            name = ""
        if not name:
            raise InputError(f"--task-weights is {given!r}; it must be like pIC50=2,hERG=0.5")
    return weights


def _settings(config: Path | None, options: dict[str, Any], model_options: dict[str, Any]) -> "TrainConfig":
    """Settings of the file, with the options that were given in their place."""
    from molgraph.config.training import DEFAULT_DROPOUT, TrainConfig, config_from_toml

    settings = TrainConfig() if config is None else config_from_toml(config)
    given = {name: value for name, value in model_options.items() if value is not None}
    if options["uncertainty"] == "dropout" and settings.model.dropout == 0:
        given.setdefault("dropout", DEFAULT_DROPOUT)
    model = dataclasses.replace(settings.model, **given)
    given = {name: value for name, value in options.items() if value is not None}
    return dataclasses.replace(settings, model=model, **given)


def _train(
    dataset: "Dataset",
    output: Path,
    settings: "TrainConfig",
    *,
    resume: bool,
    structures: bool,
    processes: int | None,
    overwrite: bool,
    quiet: bool,
) -> "Predictor":
    """Train with a progress bar; what ends it says how to go on."""
    from molgraph import train as train_model
    from molgraph.errors import InputError
    from molgraph.parallel.cpu import default_processes

    from .progress import training_bar

    state = Path(f"{os.path.realpath(output)}.training")
    if state.is_dir() and not resume and not quiet:
        tell(f"{state} is left of a training that was stopped: this one starts afresh; --resume would have gone on")
    elif resume and not state.is_dir() and not quiet:
        tell(f"there is no {state} to go on from: training starts afresh")
    try:
        with training_bar(quiet=quiet) as listener:
            return train_model(
                dataset,
                output=output,
                config=settings,
                resume=resume,
                overwrite=overwrite,
                keep_structures=structures,
                processes=processes or default_processes(),
                on_progress=listener,
            )
    except (Exception, KeyboardInterrupt) as error:
        message = f"what was learned so far is in {state}; the same command with --resume goes on from there"
        if state.is_dir() and isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(message) from error
        if state.is_dir() and not quiet and not isinstance(error, InputError):  # of a refusal nothing was learned
            tell(message)
        raise


def _tell_rows(dataset: "Dataset") -> None:
    """Say what was read, the first rows that were left out, and the first duplicates that disagree."""
    for line in dataset.summary():
        tell(line)
    tell_notes(dataset.notes)
    tell_rejected(dataset.rejected, len(dataset.rejected), "--json lists all")
    conflicts = dataset.merges.conflicts
    task_names = [task.name for task in dataset.tasks]
    for group in conflicts[:SHOWN]:
        tell(f"  conflict: {group.smiles[:60]}: {_disagreement(group, task_names)}")
    if len(conflicts) > SHOWN:
        tell(f"  and {len(conflicts) - SHOWN:,} more; --json lists all")


def _disagreement(group: "MergedGroup", task_names: Sequence[str]) -> str:
    """The values of the tasks in which rows of one structure differ, and what became of them."""
    parts = []
    for t, name in enumerate(task_names):
        measured = [
            (row[t], label) for row, label in zip(group.values, group.ids, strict=True) if not math.isnan(row[t])
        ]
        if len({value for value, _ in measured}) > 1:
            values = ", ".join(f"{value:g} ({label[:20]})" for value, label in measured[:SHOWN])
            more = f" and {len(measured) - SHOWN} more" if len(measured) > SHOWN else ""
            is_vote = {value for value, _ in measured} == {0.0, 1.0}
            what = "the majority" if is_vote else "the median"
            outcome = "left out" if math.isnan(group.kept[t]) else f"{what} {group.kept[t]:g} is used"
            parts.append(f"{name} {values}{more}: {outcome}")
    return "; ".join(parts[:SHOWN])


def _show_metrics(model: "Predictor", dataset: "Dataset", output: Path) -> None:
    from molgraph.config.learners import LEARNERS
    from molgraph.uncertainty.coverage import coverage_lines

    n_folds = model.card.config.folds
    show_line(f"Cross-validation ({n_folds}-fold):" if n_folds > 1 else "On a held-out tenth:")
    rows = [("task", "metric", "value", "spread over folds" if n_folds > 1 else "standard error", "compounds")]
    for record in model.card.metrics:
        std = "" if record.std is None else f"± {significant(record.std)}"
        rows.append((record.task, record.metric, significant(record.mean), std, f"{record.n_rows:,}"))
    show_table(rows, right=(2, 3, 4))
    for line in new_series_lines(model.card):
        show_line(line)
    for record in model.card.metrics:
        if record.metric == "median_factor":
            show_line(
                f"{record.task}: learned as logarithms; half of the predictions are within that median fold error"
            )
    for line in domain_lines(model.card.domain)[:_SHOWN_DOMAINS]:
        show_line(f"By applicability domain, {line}")
    if len(model.card.learners) > 1:
        heaviest = sorted(model.shares.items(), key=lambda pair: -pair[1])
        shown = ", ".join(f"{LEARNERS[name].title} {share:.0%}" for name, share in heaviest if share >= _LEAST_SHARE)
        show_line(f"Model weights: {shown}" + (" (mean over the tasks)" if len(model.tasks) > 1 else ""))
    for line in coverage_lines(model.tasks, model.calibration.rows_of):
        show_line(line)
    tell_few_of_a_class(model.card, dataset)
    tell_worse_on_new_series(model.card)
    tell_no_better_than_chance(_no_better_than_chance(model), "held-out compounds")
    show_line(f"Model written to {output}")


def _no_better_than_chance(model: "Predictor") -> list[str]:
    return [model.tasks[t].name for t in model.calibration.no_better_than_chance]


def _result(model: "Predictor", dataset: "Dataset", output: Path) -> dict[str, Any]:
    return {
        "model": str(output),
        "model_sha256": model.digest,
        "metrics": [dataclasses.asdict(record) for record in model.card.metrics],
        "new_series": [dataclasses.asdict(record) for record in model.card.new_series],
        "new_series_unknown": model.card.new_series_unknown,
        "no_better_than_chance": _no_better_than_chance(model),
        "data": dataclasses.asdict(model.card.data),
        "rejected": [dataclasses.asdict(row) for row in dataset.rejected],
        "notes": dataset.notes,
        "merged": [dataclasses.asdict(group) for group in dataset.merges.groups],
    }
