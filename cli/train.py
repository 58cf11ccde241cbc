"""`molgraph train`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from . import train_options as options
from .config_options import with_options
from .options import (
    AsJson,
    ConfigFile,
    IdColumn,
    MaxRejected,
    OutputFolder,
    Overwrite,
    Processes,
    Quiet,
    Resume,
    SmilesColumn,
    check_rejected,
    names,
)
from .table_options import (
    AsIs,
    Missing,
    Table,
    TargetColumns,
    TaskKind,
    Unit,
    ValueRange,
    Where,
    directions,
    ranges,
    rows_where,
    tell_many_tasks,
)
from .text import show_json, tell
from .train_results import result_values, show_metrics, tell_rows

if TYPE_CHECKING:
    from molgraph import Predictor, TrainConfig
    from molgraph.datasets.dataset import Dataset

EXAMPLE = """\b
Examples:
  molgraph train assay.csv -o model --target-columns pIC50
  molgraph train assay.csv -o model --config settings.toml

\b
settings.toml may hold any setting of a training, in tables for the network, the encoder, the optimizer and uncertainty:
  folds = 5
  epochs = 80
  patience = 15
  [model]
  hidden = 400
  dropout = 0.1
  [encoder]
  tuning = "full"
  [optimizer]
  peak_lr = 5e-4
  [uncertainty]
  calibration = "split"
"""


def train(
    ctx: typer.Context,
    table: Table,
    *,
    output: OutputFolder,
    smiles_column: SmilesColumn = None,
    id_column: IdColumn = None,
    target_columns: TargetColumns = None,
    weight_column: options.WeightColumn = None,
    task_kind: TaskKind = "auto",
    missing: Missing = None,
    where: Where = None,
    unit: Unit = None,
    as_is: AsIs = False,
    config: ConfigFile = None,
    preset: options.PresetName = None,
    learner: options.Learner = None,
    pretrained: options.Encoder = None,
    tuning: options.EncoderTuning = None,
    folds: options.Folds = None,
    split: options.Split = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    patience: options.Patience = None,
    hidden: options.Hidden = None,
    depth: options.Depth = None,
    dropout: options.Dropout = None,
    molecule_features: options.MoleculeFeaturesName = None,
    method: options.UncertaintyName = None,
    calibration: options.CalibrationName = None,
    class_calibration: options.ClassCalibrationName = None,
    loss: options.LossName = None,
    target_scaling: options.TargetScalingName = None,
    task_weights: options.TaskWeights = None,
    minimize: options.Minimize = None,
    maximize: options.Maximize = None,
    value_range: ValueRange = None,
    balance_classes: options.BalanceClasses = None,
    standardizer: options.Standardizer = None,
    precision: options.PrecisionChoice = None,
    device: options.DeviceChoice = None,
    seed: options.Seed = None,
    processes: Processes = None,
    resume: Resume = False,
    keep_structures: options.KeepStructures = True,
    max_rejected: MaxRejected = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train an ensemble on an assay table, and print how well it predicts in cross-validation."""
    from molgraph import load_dataset
    from molgraph.config.training import TrainConfig, config_from_toml

    settings = with_options(TrainConfig() if config is None else config_from_toml(config), ctx)
    dataset = load_dataset(
        table,
        smiles_column=smiles_column,
        id_column=id_column,
        target_columns=None if target_columns is None else names(target_columns),
        weight_column=weight_column,
        task_kind=task_kind,
        standardizer=settings.standardizer,
        directions=directions(names(minimize or ""), names(maximize or "")),
        missing=names(missing or ""),
        where=rows_where(where),
        units=unit,
        as_is=as_is,
    )
    dataset = dataset.with_ranges(ranges(value_range))
    if not quiet:
        tell_rows(dataset)
        tell_many_tasks(dataset, settings)
    model = _train(
        dataset,
        output,
        settings,
        resume=resume,
        keep_structures=keep_structures,
        processes=processes,
        overwrite=overwrite,
        quiet=quiet,
    )
    if as_json:
        show_json(result_values(model, dataset, output))
    elif not quiet:
        show_metrics(model, dataset, output)
    check_rejected(max_rejected, len(dataset.rejected), dataset.rows_read)


def _train(
    dataset: "Dataset",
    output: Path,
    settings: "TrainConfig",
    *,
    resume: bool,
    keep_structures: bool,
    processes: int | None,
    overwrite: bool,
    quiet: bool,
) -> "Predictor":
    """Train with a progress bar; where it is interrupted, say how to resume."""
    from molgraph import train as train_model
    from molgraph.errors import InputError
    from molgraph.parallel.cpu import default_processes

    from .progress import training_bar

    state = Path(f"{os.path.realpath(output)}.training")
    if state.is_dir() and not resume and not quiet:
        tell(f"{state} is the state of an interrupted training; starting from scratch (--resume continues it)")
    elif resume and not state.is_dir() and not quiet:
        tell(f"there is no {state} to resume; starting from scratch")
    try:
        with training_bar(quiet=quiet) as listener:
            return train_model(
                dataset,
                output=output,
                config=settings,
                resume=resume,
                overwrite=overwrite,
                keep_structures=keep_structures,
                processes=processes or default_processes(),
                on_progress=listener,
            )
    except (Exception, KeyboardInterrupt) as error:
        message = f"the state of the training is kept in {state}; the same command with --resume continues it"
        if state.is_dir() and isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(message) from error
        if state.is_dir() and not quiet and not isinstance(error, InputError):  # of a refusal nothing was learned
            tell(message)
        raise
