"""`molgraph embed`: embeddings of structures."""

from typing import Annotated

import typer

from molgraph.config.training import WRITTEN_PRECISION

from .options import (
    AsJson,
    DeviceOption,
    IdColumn,
    MaxRejected,
    OverwriteFile,
    PrecisionOption,
    Progress,
    Quiet,
    SmilesColumn,
    check_rejected,
    tell_rejected,
    with_ending,
)
from .text import show_json, tell

EXAMPLE = """\b
Examples:
  molgraph embed compounds.csv -o vectors.parquet
  molgraph embed compounds.csv -o vectors.npz --encoder model
"""


def embed(
    source: Annotated[
        str, typer.Argument(metavar="INPUT", help="Structures: file, folder, glob, address, or - for stdin.")
    ],
    *,
    output: Annotated[
        str, typer.Option("--output", "-o", help=".parquet, .npz, .csv or .tsv (the last two also .gz).")
    ],
    encoder: Annotated[
        str,
        typer.Option(metavar="auto|FOLDER", help="Built-in encoder, or the folder of an encoder or model."),
    ] = "auto",
    smiles_column: SmilesColumn = None,
    id_column: IdColumn = None,
    precision: PrecisionOption = WRITTEN_PRECISION,
    device: DeviceOption = "auto",
    max_rejected: MaxRejected = None,
    overwrite: OverwriteFile = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Compute the embedding of each structure by a pretrained encoder, for models and maps of your own."""
    from molgraph import embed_file

    from .progress import stream_bar

    output = with_ending(output)

    with stream_bar("embed", quiet=quiet, style=progress) as listener:
        summary = embed_file(
            source,
            output,
            encoder=encoder,
            smiles_column=smiles_column,
            id_column=id_column,
            device=device,
            precision=precision,
            overwrite=overwrite,
            on_progress=listener,
        )
    if as_json:
        show_json(summary)
    elif not quiet and progress == "auto":
        tell(
            f"{summary.embedded:,} of {summary.rows_read:,} rows embedded in {summary.n_columns} dimensions, "
            f"written to {output}"
        )
        tell_rejected(summary.first_rejected, summary.rejected, "the output gives the reason for each")
    check_rejected(max_rejected, summary.rejected, summary.rows_read)
