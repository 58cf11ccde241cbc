"""Writes tables of results in batches, complete or not at all."""

import contextlib
import gzip
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from molgraph.errors import InputError
from molgraph.files.formats import FormatName, split_name
from molgraph.files.table_writers import DelimitedWriter, ParquetWriter, SdfWriter, TableWriter
from molgraph.storage.atomic import atomic_path


@contextmanager
def open_table_writer(
    path: str | Path, columns: Sequence[str], *, smiles_column: str = "smiles", id_column: str = "id"
) -> Iterator[TableWriter]:
    r"""A writer of `.csv`, `.tsv`, `.sdf` (each also `.gz`) or `.parquet`; `-` is CSV on stdout.

    The file appears under its name on a clean exit and not before; an existing one is then replaced. Text files hold
    numbers with six significant digits, and nothing for NaN and None; text that a spreadsheet would run as a formula
    gets an apostrophe in front (see `cells.safe_texts`). Parquet keeps the types of the first batch, NaN being null.

    Args:
        path: Where to write; the ending chooses the format.
        columns: Names of the columns, in order.
        smiles_column: Structures of an SD file; one that cannot be read becomes an empty mol block, so that no row is
            lost.
        id_column: Titles of an SD file, if there is such a column.

    Raises:
        InputError: The ending is unknown, column names are repeated, or the file cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "hits.csv"
        >>> with open_table_writer(path, ["smiles", "pIC50_pred"]) as writer:
        ...     writer.write({"smiles": ["CCO", "C"], "pIC50_pred": [6.5, float("nan")]})
        >>> path.read_text()
        'smiles,pIC50_pred\nCCO,6.5\nC,\n'
    """
    if len(set(columns)) != len(columns):
        raise InputError(f"{path}: the columns {list(columns)} have a name twice; give every column its own name")
    if str(path) == "-":
        yield DelimitedWriter(sys.stdout, columns, ",")
        sys.stdout.flush()
        return
    format_name, is_compressed = _checked_output(path)
    if format_name == "sdf" and smiles_column not in columns:
        raise InputError(f"{path}: an SD file needs a column {smiles_column!r} of structures; write .csv instead")
    with atomic_path(path) as temporary:
        if format_name == "parquet":
            with contextlib.closing(ParquetWriter(temporary, columns)) as parquet:
                yield parquet
            return
        with contextlib.ExitStack() as stack:
            file: Any = stack.enter_context(temporary.open("wb"))
            if is_compressed:  # neither name nor time go into the file, so equal tables give equal bytes
                file = stack.enter_context(gzip.GzipFile("", "wb", 6, file, mtime=0))
            text = stack.enter_context(io.TextIOWrapper(file, encoding="utf-8", newline=""))
            if format_name == "sdf":
                yield SdfWriter(text, columns, smiles_column, id_column)
            else:
                yield DelimitedWriter(text, columns, "," if format_name == "csv" else "\t")


def _checked_output(path: str | Path) -> tuple[FormatName, bool]:
    format_name, compression = split_name(str(path))
    is_unwritable = compression == "zst" or (format_name == "parquet" and compression is not None)
    if format_name is None and not Path(path).suffix:
        raise InputError(f"{path}: the name says no format; name it e.g. {path}.csv (or .tsv .sdf .parquet)")
    if format_name is None or format_name == "smi" or is_unwritable:
        raise InputError(f"{path}: cannot write that format; name it .csv .tsv .sdf (each also .gz) or .parquet")
    return format_name, compression == "gz"
