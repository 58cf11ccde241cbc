"""`molgraph train`."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from molgraph_cli.options import AsJson, Device, IdColumn, Overwrite, PrecisionName, Quiet, SmilesColumn

if TYPE_CHECKING:
    from molgraph import Predictor, TrainConfig
    from molgraph.datasets.dataset import Dataset

EXAMPLE = "Example: molgraph train assay.csv -o model --target-columns pIC50"

Table = Annotated[
    str, typer.Argument(help="Table of structures and measurements (.csv .tsv .sdf .parquet ...), or a data set name.")
]


def train(
    table: Table,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Model folder to write.")],
    smiles_column: SmilesColumn = None,
    id_column: IdColumn = None,
    target_columns: Annotated[
        str | None, typer.Option(help="Columns to learn, joined by commas. [default: the only one that can be meant]")
    ] = None,
    weight_column: Annotated[str | None, typer.Option(help="Column with the weight of each row.")] = None,
    task_type: Annotated[
        Literal["auto", "regression", "classification"],
        typer.Option("--task-type", "-t", help="What the columns hold; auto looks at the values."),
    ] = "auto",
    config: Annotated[Path | None, typer.Option(help="TOML file of settings; options given here win.")] = None,
    folds: Annotated[
        int | None,
        typer.Option(help="Members of the ensemble, each blind to its fold; 1 for a single model. [default: 5]"),
    ] = None,
    split: Annotated[
        Literal["random", "scaffold"] | None, typer.Option(help="How rows are put into folds. [default: random]")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the rows, at most. [default: 50]")] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", "-b", help="Molecules a step. [default: 64]")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(help="Stop a member after this many epochs without progress. [default: never]")
    ] = None,
    hidden: Annotated[
        int | None, typer.Option("--message-hidden-dim", "--hidden", help="Width of the network. [default: 300]")
    ] = None,
    depth: Annotated[int | None, typer.Option(help="Message-passing steps. [default: 3]")] = None,
    dropout: Annotated[
        float | None, typer.Option(help="Share of hidden values dropped in training. [default: 0]")
    ] = None,
    balance_classes: Annotated[
        bool | None,
        typer.Option("--class-balance/--no-class-balance", help="Weigh both classes of a task the same. [default: no]"),
    ] = None,
    standardize: Annotated[
        Literal["default", "none"] | None,
        typer.Option(help="default: largest organic fragment, neutralised. [default: default]"),
    ] = None,
    precision: Annotated[
        PrecisionName | None, typer.Option(help="Number format of the products. [default: auto]")
    ] = None,
    device: Device = "auto",
    seed: Annotated[int | None, typer.Option(help="Seed of folds, weights and batches. [default: 0]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a killed training stopped.")] = False,
    structures: Annotated[
        bool,
        typer.Option(
            "--structures/--no-structures",
            help="Keep the training structures in the model, to show the neighbours of hits.",
        ),
    ] = True,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train an ensemble on an assay table, and print how well it predicts compounds that it has not seen."""
    from molgraph_cli.progress import training_bar

    from molgraph import load_dataset
    from molgraph import train as train_model

    settings = _settings(
        config,
        {"folds": folds, "split": split, "epochs": epochs, "batch_size": batch_size, "patience": patience,
         "balance_classes": balance_classes, "standardizer": standardize, "precision": precision, "seed": seed,
         "device": device},
        {"hidden": hidden, "depth": depth, "dropout": dropout},
    )  # fmt: skip
    dataset = load_dataset(
        table,
        smiles_column=smiles_column,
        id_column=id_column,
        target_columns=None if target_columns is None else [name.strip() for name in target_columns.split(",")],
        weight_column=weight_column,
        task_kind=task_type,
        standardizer=settings.standardizer,
    )
    if not quiet:
        _tell_rows(dataset)
    with training_bar(quiet=quiet) as listener:
        model = train_model(
            dataset,
            output=output,
            config=settings,
            resume=resume,
            overwrite=overwrite,
            keep_structures=structures,
            on_progress=listener,
        )
    if as_json:
        typer.echo(json.dumps(_result(model, dataset, output), indent=2))
    else:
        _print_metrics(model, output)


def _settings(config: Path | None, options: dict[str, Any], model_options: dict[str, Any]) -> "TrainConfig":
    """Settings of the file, with the options that were given in their place."""
    from molgraph.config import TrainConfig, config_from_toml

    settings = TrainConfig() if config is None else config_from_toml(config)
    given = {name: value for name, value in model_options.items() if value is not None}
    model = dataclasses.replace(settings.model, **given)
    given = {name: value for name, value in options.items() if value is not None}
    return dataclasses.replace(settings, model=model, **given)


def _tell_rows(dataset: "Dataset") -> None:
    for line in dataset.summary():
        typer.echo(line, err=True)


def _print_metrics(model: "Predictor", output: Path) -> None:
    from rich.console import Console
    from rich.table import Table as RichTable

    n_folds = model.card.config.folds
    how = f"{n_folds} folds, each predicted by a member that never saw it" if n_folds > 1 else "a held-out tenth"
    shown = RichTable("task", "metric", box=None, pad_edge=False)
    shown.add_column("value", justify="right")
    shown.add_column("spread over folds" if n_folds > 1 else "", justify="right")
    shown.add_column("compounds", justify="right")
    for record in model.card.metrics:
        mean = "undefined" if record.mean is None else f"{record.mean:.3f}"
        std = "" if record.std is None else f"± {record.std:.3f}"
        shown.add_row(record.task, record.metric, mean, std, f"{record.n_rows:,}")
    console = Console(markup=False, highlight=False)
    console.print(f"On compounds that it had not seen ({how}):")
    console.print(shown)
    console.print(f"Model written to {output}", soft_wrap=True)


def _result(model: "Predictor", dataset: "Dataset", output: Path) -> dict[str, Any]:
    return {
        "model": str(output),
        "model_sha256": model.digest,
        "metrics": [dataclasses.asdict(record) for record in model.card.metrics],
        "data": dataclasses.asdict(model.card.data),
        "rejected": [dataclasses.asdict(row) for row in dataset.rejected],
        "merged": [
            {"smiles": group.smiles, "ids": list(group.ids), "conflict": group.conflict, "dropped": group.dropped}
            for group in dataset.merges.groups
        ],
    }
