"""Reads a library, packed or not, as one stream of record batches."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from molgraph.errors import InputError, setting
from molgraph.files.frames import MemoryTable, TableLike
from molgraph.files.library_reader import LibraryReader
from molgraph.files.reader import open_records
from molgraph.files.records import RecordBatch
from molgraph.packed_library.index import INDEX, is_packed, read_index, shard_path
from molgraph.packed_library.shard import joined, parts, read_shard


def open_library(
    source: TableLike | MemoryTable,
    *,
    smiles_column: str | None = None,
    id_column: str | None = None,
    keep_columns: Sequence[str] | Literal["all"] = (),
    batch_size: int = 4096,
) -> LibraryReader:
    """A reader of a library: of a folder that `pack_library` wrote, or of anything that `open_records` takes.

    Args:
        source: What to read.
        smiles_column: Column of structures; found by name if None.
        id_column: Column of identifiers; found by name if None.
        keep_columns: Further columns to pass on; `all` is all but those two.
        batch_size: Records in a batch.

    Raises:
        InputError: The library cannot be read, or lacks a column.
    """
    if isinstance(source, str | Path) and is_packed(source):
        return PackedReader(
            source,
            smiles_column=smiles_column,
            id_column=id_column,
            keep_columns=keep_columns,
            batch_size=batch_size,
        )
    return open_records(
        source,
        smiles_column=smiles_column,
        id_column=id_column,
        keep_columns=keep_columns,
        batch_size=batch_size,
    )


def check_standardizer(reader: LibraryReader, standardizer: str) -> None:
    """Refuse a packed library whose standardizer is not that of the model.

    Raises:
        InputError: It is another one.
    """
    if isinstance(reader, PackedReader) and reader.standardizer != standardizer:
        raise InputError(
            f"{reader.name} was packed with the standardizer {reader.standardizer!r}, and the model was trained with "
            f"{standardizer!r}; pack it again with {setting('standardizer', standardizer)}"
        )


class PackedReader:
    """A context manager and iterator of `RecordBatch` with graphs; see `open_library`.

    Attributes:
        name: The folder.
        standardizer: Standardizer that was applied to the structures.
        column_names: Columns that the library has, those of structures and identifiers in front.
        smiles_column: Name of the structure column.
        id_column: Name of the identifier column.
        bytes_total: Size of all shards.
        bytes_read: Size of those read so far.
        notes: None: nothing was left to choose.
        format: `packed`.
    """

    format: str = "packed"
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        source: str | Path,
        *,
        smiles_column: str | None,
        id_column: str | None,
        keep_columns: Sequence[str] | Literal["all"],
        batch_size: int,
    ) -> None:
        self.name = str(source)
        self._folder = Path(source).expanduser()
        self._index = read_index(self._folder)
        self.standardizer = self._index.standardizer
        for asked, has in ((smiles_column, self._index.smiles_column), (id_column, self._index.id_column)):
            if asked is not None and asked != has:
                raise InputError(f"{source} was packed with the column {has!r}, not {asked!r}; leave the option out")
        self._keep = self._index.columns if keep_columns == "all" else tuple(keep_columns)
        missing = [name for name in self._keep if name not in self._index.columns]
        if missing:
            raise InputError(
                f"{source} was packed without the column {missing[0]!r}; it has "
                f"{', '.join(self._index.columns) or 'none'}; pack it again with `keep_columns`"
            )
        self.smiles_column = self._index.smiles_column
        self.id_column = self._index.id_column
        leading = [name for name in (self.smiles_column, self.id_column) if name is not None]
        self.column_names = (*leading, *self._index.columns)
        self.bytes_total: int | None = sum(entry.n_bytes for entry in self._index.shards)
        self.bytes_read = 0
        self._rows_read = 0
        self._batches = self._read(batch_size)

    @property
    def files(self) -> list[tuple[str, int | None]]:
        """The index, whose size distinguishes libraries, and all shards, each with its size."""
        return [(str(self._folder / INDEX), (self._folder / INDEX).stat().st_size), ("shards", self.bytes_total)]

    def bytes_of(self, rows: int) -> int:
        """Approximate bytes that the first `rows` rows took."""
        return self.bytes_read * min(rows, self._rows_read) // max(self._rows_read, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing stays open."""

    def __iter__(self) -> Iterator[RecordBatch]:
        return self

    def __next__(self) -> RecordBatch:
        return next(self._batches)

    def _read(self, batch_size: int) -> Iterator[RecordBatch]:
        """Batches of the same records as those of the files, since the last digits depend on the batches."""
        partial: RecordBatch | None = None
        for shard in self._shards():
            for part in parts(shard if partial is None else joined([partial, shard]), batch_size):
                partial = part
                if len(part) + len(part.rejected) == batch_size:
                    yield part
                    partial = None
        if partial is not None:
            yield partial

    def _shards(self) -> Iterator[RecordBatch]:
        for entry in self._index.shards:
            shard = read_shard(shard_path(self._folder, entry), self._keep, sha256=entry.sha256)
            n_records = len(shard) + len(shard.rejected)
            if (shard.first_row, n_records) != (entry.first_row, entry.n_records):
                path = shard_path(self._folder, entry)
                raise InputError(f"{path} is damaged: it holds other rows than {INDEX} says; pack the library again")
            self.bytes_read += entry.n_bytes
            self._rows_read += entry.n_records
            yield shard
