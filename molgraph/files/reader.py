"""Reads any supported input as one stream of record batches in constant memory."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from types import TracebackType
from typing import BinaryIO, Self, cast

from molgraph.errors import InputError
from molgraph.files.columns import KeepColumns, Request
from molgraph.files.compression import ByteSource, CountedStream
from molgraph.files.delimited import read_delimited
from molgraph.files.formats import FormatName, checked_format, sniff_format, split_name
from molgraph.files.frames import MemoryTable, TableLike, readable
from molgraph.files.parquet import read_parquet
from molgraph.files.records import Chunk, RecordBatch, Table
from molgraph.files.sdf import property_names, read_sdf
from molgraph.files.smi import read_smi
from molgraph.files.sources import Source, find_sources
from molgraph.files.text import text_blocks


def open_records(
    source: TableLike | MemoryTable,
    *,
    smiles_column: str | None = None,
    id_column: str | None = None,
    keep_columns: KeepColumns = (),
    batch_size: int = 4096,
    format: FormatName | None = None,  # noqa: A002
) -> "RecordReader":
    r"""A reader of the molecules in a file, a folder, a glob, stdin (`-`) or an address such as `s3://...`.

    Formats: `.csv .tsv .smi .smiles .cxsmiles .txt .sdf .mol .parquet`; those of text also as `.gz`, `.bz2` and `.zst`.
    The format of `.txt`, stdin and names without an ending is detected. A structure may also be an InChI, which becomes
    SMILES. Several files are one stream, in sorted order. Every record of the input is in a batch or among its rejected
    ones; blank lines, and lines on top that begin with `#`, are not records. A record of more than 1,000,000 bytes is
    rejected, and so is one with a quoted cell of more than 131,072 characters.

    Args:
        source: What to read; a frame, a mapping of columns or a list of structures also does.
        smiles_column: Column of structures; found by name if None (see `columns.STRUCTURE_COLUMNS`).
        id_column: Column of identifiers; found by name if None (see `columns.ID_COLUMNS`).
        keep_columns: Further columns to pass on; `all` is all but those two. Or a function that chooses them from the
            names of all columns.
        batch_size: Records in a batch, rejected ones included; the last batch may be shorter.
        format: Format of the input, for stdin and for names without a known ending.

    Raises:
        InputError: The input cannot be read, or lacks a column. Reading on may also raise it, where data are damaged or
            cut short.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "library.smi"
        >>> _ = path.write_text("CCO ethanol\nc1ccccc1 benzene\n")
        >>> with open_records(path) as reader:
        ...     for batch in reader:
        ...         print(batch.smiles, batch.ids)
        ['CCO', 'c1ccccc1'] ['ethanol', 'benzene']
    """
    if batch_size < 1:
        raise InputError(f"batch_size is {batch_size}; it must be at least 1")
    if isinstance(keep_columns, str) and keep_columns != "all":
        raise InputError(f"keep_columns is {keep_columns!r}; it must be a list of names, or 'all'")
    keep = keep_columns if isinstance(keep_columns, str) or callable(keep_columns) else tuple(keep_columns)
    return RecordReader(find_sources(readable(source)), Request(smiles_column, id_column, keep), batch_size, format)


class RecordReader:
    """A context manager and iterator of `RecordBatch`; see `open_records`.

    Attributes:
        format: Format of the first file.
        smiles_column: Name of its structure column.
        id_column: Name of its identifier column; None where identifiers are titles or row numbers.
        notes: Which column was chosen where there were several, for users.
        bytes_total: Size of all files as stored; None where unknown.
    """

    def __init__(
        self, sources: Sequence[Source], request: Request, batch_size: int, format_name: FormatName | None
    ) -> None:
        self._sources = sources
        self._request = request
        self._batch_size = batch_size
        self._stream: CountedStream | None = None
        self._bytes_done = 0
        self._rows_parsed = 0
        sizes = [source.n_bytes for source in sources]
        self.bytes_total = None if None in sizes else sum(size or 0 for size in sizes)
        self.format, first = self._open(sources[0], format_name or sources[0].format or _common_format(sources))
        self._first = first
        self.notes = first.notes
        self.smiles_column = first.smiles
        self.id_column = first.id
        self._batches = self._read(first)

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Columns of the first file, as in the file; of SD files the properties of all records, which are all read."""
        return self._properties if self.format == "sdf" and self._can_reopen else self._first.names

    @property
    def _can_reopen(self) -> bool:
        return None not in [source.n_bytes for source in self._sources]

    @cached_property
    def _properties(self) -> tuple[str, ...]:
        """The properties of all records of SD files, which are opened anew for it."""
        names: dict[str, None] = {}
        for source in self._sources:
            with CountedStream(source.open(), is_owned=source.is_owned) as stream:
                blocks = text_blocks(ByteSource(stream, source.name, split_name(source.name)[1]), source.name)
                names |= dict.fromkeys(property_names(blocks, source.name))
        return tuple(names)

    @property
    def files(self) -> list[tuple[str, int | None]]:
        """Name and size as stored of each file; None where the size is not known."""
        return [(source.name, source.n_bytes) for source in self._sources]

    @property
    def bytes_read(self) -> int:
        """Bytes read so far, as stored; of a Parquet file only the columns in use are read."""
        return self._bytes_done + (self._stream.n_bytes if self._stream else 0)

    def bytes_of(self, rows: int) -> int:
        """Approximate bytes, as stored, that the first `rows` rows took: reading runs ahead of the rows in use."""
        return self.bytes_read * min(rows, self._rows_parsed) // max(self._rows_parsed, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> RecordBatch:
        return next(self._batches)

    def close(self) -> None:
        """Close the file that is open; stdin is left open."""
        if self._stream is not None:
            self._stream.close()
            self._bytes_done += self._stream.n_bytes
            self._stream = None

    def _read(self, first: Table) -> Iterator[RecordBatch]:
        waiting = Chunk([], [], [[] for _ in first.kept])
        row = 0
        for table in self._tables(first):
            for chunk in table.chunks:
                if len(self._sources) > 1 or self._sources[0].format:
                    chunk.lines = []  # ambiguous for several files; an in-memory table has none
                waiting.extend(chunk)
                self._rows_parsed += len(chunk)
                while len(waiting) >= self._batch_size:
                    yield waiting.pop(self._batch_size).batch(row, first.kept)
                    row += self._batch_size
        if waiting:
            yield waiting.batch(row, first.kept)
        elif row == 0:
            name = self._sources[0].name if len(self._sources) == 1 else f"none of {len(self._sources)} files"
            raise InputError(f"{name} holds no molecules below the header; give a file with at least one")

    def _tables(self, first: Table) -> Iterator[Table]:
        yield first
        # Later files must have the columns that the first one gave.
        self._request = dataclasses.replace(self._request, keep_columns=first.kept)
        for source in self._sources[1:]:
            self.close()
            yield self._open(source, self.format)[1]
        self.close()

    def _open(self, source: Source, format_name: FormatName | None) -> tuple[FormatName, Table]:
        self._stream = CountedStream(source.open(), is_owned=source.is_owned)
        try:
            all_properties = (lambda: self._properties) if self._can_reopen else None
            return _open_table(self._stream, source.name, format_name, self._request, all_properties)
        except BaseException:
            self.close()
            raise


def _common_format(sources: Sequence[Source]) -> FormatName | None:
    """The format of all files by their names; None where the content decides."""
    formats = {checked_format(source.name) for source in sources if source.is_owned}
    if len(formats) > 1:
        listed = ", ".join(sorted(str(name or "text") for name in formats))
        raise InputError(
            f"{sources[0].name} and the other files are of different formats ({listed}); read one at a time"
        )
    return next(iter(formats), None)


def _open_table(
    stream: CountedStream,
    name: str,
    format_name: FormatName | None,
    request: Request,
    all_properties: Callable[[], tuple[str, ...]] | None,
) -> tuple[FormatName, Table]:
    if format_name == "parquet":
        return format_name, read_parquet(cast("BinaryIO", stream), name, request)
    blocks = text_blocks(ByteSource(stream, name, split_name(name)[1]), name)
    if format_name is None:
        first = next(blocks)
        format_name = sniff_format(first, request.smiles_column)
        blocks = itertools.chain([first], blocks)
    if format_name == "smi":
        return format_name, read_smi(blocks, name, request)
    if format_name == "sdf":
        return format_name, read_sdf(blocks, name, request, all_properties=all_properties)
    return format_name, read_delimited(blocks, name, request)
