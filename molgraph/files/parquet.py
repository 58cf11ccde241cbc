"""Parquet tables."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from molgraph.errors import InputError
from molgraph.files.columns import Choice, Request, choose_columns
from molgraph.files.records import MAX_RECORD_BYTES, Chunk, Fault, Table
from molgraph.files.text import decoded_line

_BATCH_ROWS = 8192


def read_parquet(file: BinaryIO, name: str, request: Request) -> Table:
    """A table of the columns that are read, every value as text: numbers as Arrow prints them, nulls as empty text.

    Raises:
        InputError: It is not a Parquet file or damaged, or a requested column is not in it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
        first = next(table.iter_batches(batch_size=20), None)
        names = table.schema_arrow.names
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(name, error) from error
    if len(set(names)) < len(names):
        raise InputError(f"{name}: two columns have one name; give every column its own name")
    rows = [] if first is None else list(zip(*(_texts(column) for column in first.columns), strict=True))
    choice = choose_columns(names, rows, request, name)
    return Table(
        names=choice.names,
        smiles=choice.names[choice.smiles],
        id=None if choice.id is None else choice.names[choice.id],
        kept=tuple(choice.names[position] for position in choice.kept),
        chunks=_chunks(table, name, choice),
        notes=choice.notes,
    )


def _chunks(table: Any, name: str, choice: Choice) -> Iterator[Chunk]:
    import pyarrow as pa

    stored = table.schema_arrow.names
    wanted = dict.fromkeys([choice.smiles, *([] if choice.id is None else [choice.id]), *choice.kept])
    # Arrow finds columns by name alone, and takes a dot for a field of a field.
    is_clear = len(set(stored)) == len(stored) and not any("." in stored[position] for position in wanted)
    sources = {position: stored[position] if is_clear else position for position in wanted}
    batches = table.iter_batches(batch_size=_BATCH_ROWS, columns=list(sources.values()) if is_clear else None)
    while True:
        try:
            batch = next(batches, None)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(name, error) from error
        if batch is None:
            return
        cells = {position: _texts(batch.column(source)) for position, source in sources.items()}
        yield Chunk(
            structures=[structure.partition(" |")[0].strip() for structure in cells[choice.smiles]],
            ids=[""] * len(batch) if choice.id is None else list(cells[choice.id]),
            columns=[list(cells[position]) for position in choice.kept],
            faults={
                position: Fault(structure[:200], f"the structure is longer than {MAX_RECORD_BYTES} characters")
                for position, structure in enumerate(cells[choice.smiles])
                if len(structure) > MAX_RECORD_BYTES
            },
        )


def _texts(column: Any) -> list[str]:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        texts = pc.cast(column, pa.string())
        return [text or "" for text in texts.to_pylist()]
    except (pa.ArrowException, UnicodeDecodeError):  # lists, structs, and text that is not UTF-8
        return [_text(value) for value in column]


def _text(value: Any) -> str:
    """The text of a value that Arrow cannot cast, or of text that is not UTF-8, which is decoded as in other files."""
    import pyarrow as pa

    if not value.is_valid:
        return ""
    if pa.types.is_string(value.type) or pa.types.is_large_string(value.type):
        return decoded_line(value.as_buffer().to_pybytes())
    try:
        return str(value.as_py())
    except (ValueError, OverflowError):  # it holds such a text, or a time that Python does not have
        return "\N{REPLACEMENT CHARACTER}"


def _unreadable(name: str, error: Exception) -> InputError:
    reason = str(error).partition("\n")[0]
    return InputError(f"{name} is not a Parquet file, or a damaged one ({reason}); write or copy it again")
