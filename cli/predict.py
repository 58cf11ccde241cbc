"""`molgraph predict`: predictions for every row of a table."""

from typing import Annotated

import typer

from molgraph.config.level import DEFAULT_LEVEL
from molgraph.config.training import WRITTEN_PRECISION

from .options import (
    AsJson,
    DeviceOption,
    IdColumn,
    Level,
    MaxRejected,
    Memory,
    Models,
    OverwriteFile,
    PrecisionOption,
    Processes,
    Progress,
    Quiet,
    SmilesColumn,
    check_rejected,
    tell_no_better_than_chance,
    tell_notes,
    tell_rejected,
    with_ending,
)
from .text import show_json, tell

EXAMPLE = """\b
Examples:
  molgraph predict model compounds.csv -o predictions.csv
  molgraph predict panel compounds.csv -o predictions.csv
  molgraph predict potency panel:herg,solubility compounds.csv -o predictions.csv
  cut -f 2 ids.tsv | molgraph predict model - -o - > predictions.csv
"""


def predict(
    models: Models,
    source: Annotated[
        str, typer.Argument(metavar="INPUT", help="Structures: file, folder, glob, address, or - for stdin.")
    ],
    *,
    output: Annotated[
        str, typer.Option("--output", "-o", help=".csv, .tsv, .sdf (each also .gz) or .parquet; - for stdout.")
    ],
    smiles_column: SmilesColumn = None,
    id_column: IdColumn = None,
    level: Level = DEFAULT_LEVEL,
    drop_extra_columns: Annotated[
        bool, typer.Option("--drop-extra-columns", help="Leave out the other columns of the input.")
    ] = False,
    precision: PrecisionOption = WRITTEN_PRECISION,
    device: DeviceOption = "auto",
    processes: Processes = None,
    memory: Memory = None,
    max_rejected: MaxRejected = None,
    overwrite: OverwriteFile = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Predict every row of a table: rows in = rows out, in the same order, with the reason where one was rejected."""
    from molgraph import predict_file
    from molgraph.errors import InputError

    from .progress import stream_bar

    output = with_ending(output)

    if as_json and output == "-":
        raise InputError("--json and --output - both write to stdout; give the predictions a file")
    with stream_bar("predict", quiet=quiet, style=progress) as listener:
        summary = predict_file(
            models,
            source,
            output,
            smiles_column=smiles_column,
            id_column=id_column,
            keep_extra_columns=not drop_extra_columns,
            level=level,
            device=device,
            precision=precision,
            processes=processes,
            memory=memory,
            overwrite=overwrite,
            on_progress=listener,
        )
    if as_json:
        show_json(summary)
    elif not quiet and progress == "auto":
        where = "stdout" if output == "-" else output
        tell_notes(summary.notes)
        tell(f"{summary.predicted:,} of {summary.rows_read:,} rows predicted, written to {where}")
        if summary.outside:
            tell(f"{summary.outside:,} of them are outside the applicability domain (column T_domain)")
        if summary.shift is not None and summary.shift.was_checked:
            for sentence in summary.shift.sentences():
                tell(sentence)
        tell_rejected(summary.first_rejected, summary.rejected, "the output gives the reason for each")
        tell_no_better_than_chance(summary.no_better_than_chance, "calibration compounds")
    check_rejected(max_rejected, summary.rejected, summary.rows_read)
