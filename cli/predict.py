"""`molgraph predict`."""

import dataclasses
import json
from typing import Annotated

import typer
from molgraph_cli.options import (
    AsJson,
    Device,
    IdColumn,
    Level,
    MaxRejected,
    ModelFolder,
    PrecisionName,
    Processes,
    Quiet,
    SmilesColumn,
    check_rejected,
)

EXAMPLE = "Example: molgraph predict model compounds.csv -o predictions.csv"


def predict(
    model: ModelFolder,
    source: Annotated[
        str, typer.Argument(metavar="INPUT", help="Structures: file, folder, glob, address, or - for stdin.")
    ],
    *,
    output: Annotated[
        str, typer.Option("--output", "-o", help=".csv, .tsv, .sdf (each also .gz) or .parquet; - for stdout.")
    ],
    smiles_column: SmilesColumn = None,
    id_column: IdColumn = None,
    level: Level = 0.9,
    drop_extra_columns: Annotated[
        bool, typer.Option("--drop-extra-columns", help="Leave out the other columns of the input.")
    ] = False,
    precision: Annotated[PrecisionName, typer.Option(help="Number format of the products.")] = "float32",
    device: Device = "auto",
    processes: Processes = None,
    max_rejected: MaxRejected = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Predict every row of a table: rows in = rows out, in the same order, with the reason where one was rejected."""
    from molgraph_cli.progress import stream_bar

    from molgraph import predict_file

    with stream_bar("predict", quiet=quiet) as listener:
        summary = predict_file(
            model,
            source,
            output,
            smiles_column=smiles_column,
            id_column=id_column,
            keep_extra_columns=not drop_extra_columns,
            level=level,
            device=device,
            precision=precision,
            processes=processes,
            on_progress=listener,
        )
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(summary), indent=2), err=output == "-")
    elif not quiet:
        typer.echo(f"{summary.predicted:,} of {summary.rows_read:,} rows predicted, written to {output}", err=True)
        for row in summary.first_rejected:
            typer.echo(f"  rejected: row {row.row} ({row.id}) {row.text!r}: {row.reason}", err=True)
        if summary.rejected > len(summary.first_rejected):
            typer.echo("  ... the others are in the output, with status and reason", err=True)
    check_rejected(max_rejected, summary.rejected, summary.rows_read)
