"""`molgraph tune`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, ConfigFile, IdColumn, Quiet, SmilesColumn, names, tell_notes
from .table_options import AsIs, Missing, Table, TargetColumns, TaskKind, Unit, Where, rows_where
from .text import show_json, show_line, show_table, tell

if TYPE_CHECKING:
    from molgraph.training.tune import Trial

EXAMPLE = """\b
Examples:
  molgraph tune assay.csv -o study --target-columns pIC50 --trials 30
  molgraph train assay.csv -o model --target-columns pIC50 --config study/best.toml
"""


def tune(
    table: Table,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Study folder; an existing study is continued.")],
    smiles_column: SmilesColumn = None,
    id_column: IdColumn = None,
    target_columns: TargetColumns = None,
    task_kind: TaskKind = "auto",
    missing: Missing = None,
    where: Where = None,
    unit: Unit = None,
    as_is: AsIs = False,
    config: ConfigFile = None,
    trials: Annotated[int, typer.Option(min=1, help="Trials in all, those of earlier runs included.")] = 30,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Search settings of the network that predict best in cross-validation; the best go into best.toml."""
    from molgraph import TrainConfig, load_dataset
    from molgraph.config.training import config_from_toml
    from molgraph.training.tune import SEARCH_SPACE
    from molgraph.training.tune import tune as search

    settings = TrainConfig() if config is None else config_from_toml(config)
    dataset = load_dataset(
        table,
        smiles_column=smiles_column,
        id_column=id_column,
        target_columns=None if target_columns is None else names(target_columns),
        task_kind=task_kind,
        standardizer=settings.standardizer,
        missing=names(missing or ""),
        where=rows_where(where),
        units=unit,
        as_is=as_is,
    )
    if not quiet:
        tell_notes(dataset.notes)
    result = search(dataset, output, n_trials=trials, config=settings, on_trial=_ignore if quiet else _tell_trial)
    if as_json:
        show_json({"best": result.best, "default_loss": result.default_value, "trials": result.trials})
    elif not quiet:
        n_ended = sum(trial.value is None for trial in result.trials)
        show_line(
            f"{len(result.trials)} trials, {n_ended} of them pruned; the best is trial {result.best.number}: "
            f"loss {result.best.value:.4f} (default settings: {result.default_value:.4f})"
        )
        show_line(
            "This loss is optimistic: it is the best of many trials on the same folds, and training with best.toml and "
            "the same seed reports it again; evaluate with another --seed, or on held-out compounds"
        )
        show_table([("setting", "best"), *((name, f"{result.best.settings[name]}") for name in SEARCH_SPACE)])
        show_line(f"Settings written to {output / 'best.toml'}; all trials are in {output / 'trials.csv'}")


def _ignore(_trial: "Trial") -> None:
    """Print nothing."""


def _tell_trial(trial: "Trial") -> None:
    tell(f"trial {trial.number}: " + ("pruned" if trial.value is None else f"loss {trial.value:.4f}"))
