"""`molgraph featurize`: packed libraries."""

from pathlib import Path
from typing import Annotated

import typer

from molgraph.config.training import DEFAULT_STANDARDIZER, StandardizerChoice

from . import completion
from .options import (
    STANDARDIZER,
    AsJson,
    IdColumn,
    MaxRejected,
    Overwrite,
    Processes,
    Progress,
    Quiet,
    SmilesColumn,
    check_rejected,
    names,
    tell_rejected,
)
from .text import show_json, tell

EXAMPLE = """\b
Examples:
  molgraph featurize library.smi.gz -o library
  molgraph screen model library -o hits
  molgraph featurize more.smi.gz -o library --append
  molgraph featurize --check library
"""


def featurize(
    source: Annotated[
        str | None, typer.Argument(metavar="[INPUT]", help="Structures: file, folder, glob, address, or - for stdin.")
    ] = None,
    *,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Packed library to write.")] = None,
    smiles_column: SmilesColumn = None,
    id_column: IdColumn = None,
    keep_columns: Annotated[
        str | None,
        typer.Option(
            help="Further columns to keep, joined by commas, or all. [default: none]", autocompletion=completion.columns
        ),
    ] = None,
    standardizer: Annotated[StandardizerChoice, STANDARDIZER] = DEFAULT_STANDARDIZER,
    append: Annotated[bool, typer.Option("--append", help="Append to an existing packed library.")] = False,
    check: Annotated[Path | None, typer.Option(metavar="LIBRARY", help="Check the hashes of a packed library.")] = None,
    processes: Processes = None,
    max_rejected: MaxRejected = None,
    overwrite: Overwrite = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Parse and featurize a library once, into a packed library that is screened without doing so again."""
    from molgraph import check_library, pack_library
    from molgraph.errors import InputError

    from .progress import stream_bar

    if check is not None:
        if source is not None or output is not None:
            raise InputError("--check reads a packed library and writes nothing; leave INPUT and --output out")
        index = check_library(check)
        if as_json:
            show_json({"rows": index.n_records, "molecules": index.n_molecules, "shards": len(index.shards)})
        else:
            tell(f"{check} is intact: {index.n_records:,} rows, {index.n_molecules:,} molecules")
        return
    if source is None or output is None:
        raise InputError("featurize needs INPUT and --output, or --check LIBRARY (help: molgraph featurize --help)")
    with stream_bar("featurize", quiet=quiet, style=progress) as listener:
        summary = pack_library(
            source,
            output,
            smiles_column=smiles_column,
            id_column=id_column,
            keep_columns="all" if keep_columns == "all" else names(keep_columns or ""),
            standardizer=standardizer,
            processes=processes,
            append=append,
            overwrite=overwrite,
            on_progress=listener,
        )
    if as_json:
        show_json(summary)
    elif not quiet and progress == "auto":
        tell(
            f"{summary.rows_read:,} rows: {summary.molecules:,} molecules, {summary.rejected:,} rejected; "
            f"{summary.rows_read / summary.seconds:,.0f} a second"
        )
        tell_rejected(summary.first_rejected, summary.rejected, "the packed library gives the reason for each")
        more = f", {summary.total_rows:,} rows in all" if append else ""
        tell(f"{output} written ({summary.n_bytes / 1e6:,.1f} MB{more}); screen it with molgraph screen MODEL {output}")
    check_rejected(max_rejected, summary.rejected, summary.rows_read)
