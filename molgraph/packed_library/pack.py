"""`pack_library`: parse and featurize a library once, so that it can be screened many times."""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from molgraph.chem.standardize import STANDARDIZERS, StandardizerName
from molgraph.errors import InputError
from molgraph.features.featurize import featurize
from molgraph.features.schema import SCHEMA
from molgraph.files.reader import open_records
from molgraph.files.records import RecordBatch
from molgraph.files.stream_progress import StreamProgress
from molgraph.files.unusable import nothing_usable
from molgraph.graphs import PackedGraphs
from molgraph.packed_library.index import (
    INDEX,
    SHARDS,
    LibraryIndex,
    ShardEntry,
    is_packed,
    read_index,
    shard_path,
    write_index,
)
from molgraph.packed_library.shard import SHARD_ROWS, graphs_of, joined, shard_bytes
from molgraph.parallel.cpu import default_processes
from molgraph.parallel.ordered_map import map_in_order
from molgraph.results.prediction import Rejected
from molgraph.storage.atomic import atomic_folder, atomic_path

#: Records that a worker process featurizes at a time.
_BATCH_SIZE = 1024

#: Rejected rows that a summary shows.
_SHOWN = 5


@dataclass(frozen=True)
class PackSummary:
    """Summary of `pack_library`.

    Attributes:
        rows_read: Records that were read.
        molecules: Records with a graph.
        rejected: Records without one; they stay in the library with the reason.
        n_bytes: Bytes that were written.
        total_rows: Records of the library, those of earlier calls included.
        seconds: Wall time.
        first_rejected: The first few rejected records.
    """

    rows_read: int
    molecules: int
    rejected: int
    n_bytes: int
    total_rows: int
    seconds: float
    first_rejected: tuple[Rejected, ...]


def pack_library(
    source: str | Path,
    output: str | Path,
    *,
    smiles_column: str | None = None,
    id_column: str | None = None,
    keep_columns: Sequence[str] | Literal["all"] = (),
    standardizer: StandardizerName = "default",
    processes: int | None = 1,
    append: bool = False,
    overwrite: bool = False,
    on_progress: Callable[[StreamProgress], None] = lambda _progress: None,
) -> PackSummary:
    r"""Write a packed library: a folder of shards with the graphs, identifiers and structures of all records.

    Rejected records are kept with the reason, so that a screen of the packed library accounts for the same rows as
    one of the files, and gives the same numbers.

    Args:
        source: What to read; see `molgraph.files.reader.open_records`.
        output: Folder to write.
        smiles_column: Column of structures; found by name if left out.
        id_column: Column of identifiers; found by name if left out.
        keep_columns: Further columns to keep; `all` is all but those two.
        standardizer: Standardizer of the structures; a model needs the one that it was trained with.
        processes: Processes that share the work, None for one a core.
        append: Add to the library in `output`.
        overwrite: Replace `output` if it exists.
        on_progress: Called after each batch.

    Raises:
        InputError: The source or the output cannot be used, or does not match the library that it is added to.
        WorkerError: A worker process died.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "library.smi").write_text("CCO ethanol\nbad one\nCCN amine\n")
        >>> summary = pack_library(folder / "library.smi", folder / "packed")
        >>> summary.rows_read, summary.molecules, summary.rejected
        (3, 2, 1)
    """
    if processes is not None and processes < 1:
        raise InputError(f"processes is {processes}; it must be 1 or more")
    if standardizer not in STANDARDIZERS:
        raise InputError(f"standardizer is {standardizer!r}; choose one of {', '.join(STANDARDIZERS)}")
    if append and overwrite:
        raise InputError("append adds to a library and overwrite replaces it; give one of the two")
    if is_packed(source):
        raise InputError(f"{source} is a packed library already; give the files that it was made from")
    started = time.monotonic()
    with ExitStack() as stack:
        reader = stack.enter_context(
            open_records(
                source,
                smiles_column=smiles_column,
                id_column=id_column,
                keep_columns=keep_columns,
                batch_size=_BATCH_SIZE,
            )
        )
        names = reader.column_names if keep_columns == "all" else tuple(keep_columns)
        index = LibraryIndex(
            schema=SCHEMA.name,
            schema_hash=SCHEMA.schema_hash,
            standardizer=standardizer,
            smiles_column=reader.smiles_column,
            id_column=reader.id_column,
            columns=tuple(name for name in names if name not in (reader.smiles_column, reader.id_column)),
            sources=tuple(Path(name).name for name, _ in reader.files),
            shards=(),
        )
        if append:
            folder, index = Path(output), _extended(read_index(output), index)
        else:
            folder = stack.enter_context(atomic_folder(output, replaces=(INDEX, SHARDS) if overwrite else None))
            (folder / SHARDS).mkdir()
        run = _Run(folder, index)

        def report() -> None:
            on_progress(StreamProgress(run.rows_read, run.rejected, reader.bytes_of(run.rows_read), reader.bytes_total))

        batches = _featurized(reader, standardizer, processes or default_processes())
        stack.callback(batches.close)
        while part := list(islice(batches, SHARD_ROWS // _BATCH_SIZE)):
            run.write(part)
            report()
        if run.rejected == run.rows_read:
            raise nothing_usable(source, reader, run.first_rejected)
        write_index(folder, run.index)
    return PackSummary(
        rows_read=run.rows_read,
        molecules=run.rows_read - run.rejected,
        rejected=run.rejected,
        n_bytes=run.n_bytes,
        total_rows=run.index.n_records,
        seconds=time.monotonic() - started,
        first_rejected=tuple(run.first_rejected),
    )


class _Run:
    """A library being written."""

    def __init__(self, folder: Path, index: LibraryIndex) -> None:
        self.index = index
        self.rows_read = self.rejected = self.n_bytes = 0
        self.first_rejected: list[Rejected] = []
        self._folder = folder

    def write(self, part: Sequence[RecordBatch]) -> None:
        """Write the next shard."""
        batch = joined(part)
        batch = _moved(batch, self.index.n_records - batch.first_row)
        stored, graphs = shard_bytes(batch), graphs_of(batch)
        rejected = [*batch.rejected, *map(batch.placed, graphs.rejected)]
        entry = ShardEntry(
            file=f"{len(self.index.shards):06}.safetensors",
            sha256=hashlib.sha256(stored).hexdigest(),
            n_bytes=len(stored),
            first_row=batch.first_row,
            n_records=len(batch) + len(batch.rejected),
            n_molecules=len(graphs),
        )
        with atomic_path(shard_path(self._folder, entry)) as temporary:
            temporary.write_bytes(stored)
        self.index = replace(self.index, shards=(*self.index.shards, entry))
        self.rows_read += entry.n_records
        self.rejected += len(rejected)
        self.n_bytes += len(stored)
        self.first_rejected += sorted(rejected, key=lambda bad: bad.row)[: _SHOWN - len(self.first_rejected)]


def check_library(folder: str | Path) -> LibraryIndex:
    """Verify a packed library: read it to its end, and compare each shard with its hash.

    Raises:
        InputError: It is damaged, or a shard is missing.
    """
    from molgraph.packed_library.open_library import open_library

    index = read_index(folder)
    with open_library(folder, keep_columns="all") as reader:
        for _ in reader:
            pass
    return index


def _extended(old: LibraryIndex, new: LibraryIndex) -> LibraryIndex:
    """The index of a library to which records are added.

    Raises:
        InputError: The new records differ in schema, standardizer or columns.
    """
    for name in ("schema", "standardizer", "columns"):
        if getattr(old, name) != getattr(new, name):
            raise InputError(
                f"the library has {name} {getattr(old, name)!r}, and the new records have {getattr(new, name)!r}; "
                "pack both in the same way"
            )
    return replace(old, sources=(*old.sources, *new.sources))


def _moved(batch: RecordBatch, shift: int) -> RecordBatch:
    """The same records at later rows of a library."""
    return replace(
        batch,
        first_row=batch.first_row + shift,
        rows=batch.rows + shift,
        rejected=tuple(replace(bad, row=bad.row + shift) for bad in batch.rejected),
    )


def _featurized(
    batches: Iterable[RecordBatch], standardizer: StandardizerName, processes: int
) -> Generator[RecordBatch, None, None]:
    """Each batch with its graphs, in order; made by worker processes if there is more than one."""
    pending: deque[RecordBatch] = deque()

    def texts() -> Iterator[_Texts]:
        for batch in batches:
            pending.append(batch)
            yield _Texts(batch.smiles, batch.ids)

    for graphs in map_in_order(partial(_make_graphs, standardizer=standardizer), texts(), processes):
        yield replace(pending.popleft(), graphs=graphs)


class _Texts(NamedTuple):
    smiles: list[str]
    ids: list[str]


def _make_graphs(texts: _Texts, standardizer: StandardizerName) -> PackedGraphs:
    return featurize(texts.smiles, ids=texts.ids, standardizer=standardizer)
