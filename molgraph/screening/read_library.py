"""Reads a library in chunks, and drops duplicates."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from molgraph.errors import InputError
from molgraph.files.deduplicate import DuplicateFilter
from molgraph.files.library_reader import LibraryReader
from molgraph.files.records import RecordBatch
from molgraph.files.table_writers import TableWriter
from molgraph.files.writer import open_table_writer
from molgraph.screening.chunk import ChunkContent

#: Batches of a chunk. What is found in one is written to the disk at once, and what comes after the last is lost when
#: the run is stopped: some seconds of work, and some milliseconds of writing.
CHUNK_BATCHES = 32


class LibraryChunks:
    """Reads a library, leaves out the rows whose structure was spelled the same in an earlier row, and counts them.

    Args:
        reader: The library.
        repeats: Where the rows that are left out are written.
        on_unreadable: Called before the error, if the library cannot be read to its end.
    """

    def __init__(self, reader: LibraryReader, repeats: "DuplicatesFile", on_unreadable: Callable[[], None]) -> None:
        self.seen = DuplicateFilter()
        self.n_duplicates = 0
        self._batches = self._numbered(reader, on_unreadable)
        self._duplicates = repeats
        self._contents: dict[int, ChunkContent] = {}

    def skip_chunk(self, index: int) -> ChunkContent:
        """Skip over a chunk that was done before, which must be the next one."""
        for _ in islice(self._batches, CHUNK_BATCHES):
            pass
        return self.pop_content(index)

    def batches(self) -> Iterator[RecordBatch]:
        """The batches that come next, without repeats."""
        return self._batches

    def pop_content(self, index: int) -> ChunkContent:
        """What a chunk holds, once all of its batches have come."""
        return self._contents.pop(index, None) or ChunkContent(first_row=0)

    def _numbered(self, reader: LibraryReader, on_unreadable: Callable[[], None]) -> Iterator[RecordBatch]:
        number = 0
        while True:
            try:
                batch = next(reader)
            except StopIteration:
                return
            except InputError:
                on_unreadable()
                raise
            index = number // CHUNK_BATCHES
            self._contents.setdefault(index, ChunkContent(first_row=batch.first_row)).add(batch)
            yield self._without_repeats(batch)
            number += 1

    def _without_repeats(self, batch: RecordBatch) -> RecordBatch:
        is_duplicate = self.seen.repeats(batch.smiles)
        if not is_duplicate.any():
            return batch
        repeats = np.flatnonzero(is_duplicate).tolist()
        self.n_duplicates += len(repeats)
        self._duplicates.write(
            {
                "row": [int(batch.rows[i]) for i in repeats],
                "line": [None if batch.lines is None else int(batch.lines[i]) for i in repeats],
                "id": [batch.ids[i] for i in repeats],
                "smiles": [batch.smiles[i] for i in repeats],
            }
        )
        kept = np.flatnonzero(~is_duplicate)
        return replace(
            batch,
            rows=batch.rows[kept],
            lines=None if batch.lines is None else batch.lines[kept],
            ids=[batch.ids[i] for i in kept],
            smiles=[batch.smiles[i] for i in kept],
            columns={name: [cells[i] for i in kept] for name, cells in batch.columns.items()},
            graphs=None if batch.graphs is None else batch.graphs.take_rows(kept),
        )


class DuplicatesFile:
    """A table that is made with its first row.

    Args:
        path: Where.
        stack: Closes it.
    """

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self._path = path
        self._stack = stack
        self._writer: TableWriter | None = None

    def write(self, columns: Mapping[str, Sequence[object]]) -> None:
        """Append rows."""
        if self._writer is None:
            self._writer = self._stack.enter_context(open_table_writer(self._path, list(columns)))
        self._writer.write(columns)
