"""Interface of the readers of a library, packed or not."""

from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

from molgraph.files.records import RecordBatch


class LibraryReader(Protocol):
    """Reads a library; see `molgraph.files.reader.RecordReader` for the attributes."""

    smiles_column: str
    id_column: str | None
    bytes_total: int | None
    notes: tuple[str, ...]

    @property
    def format(self) -> str:
        """The format of the files, or `packed`."""

    @property
    def column_names(self) -> tuple[str, ...]:
        """Columns of the library."""

    @property
    def files(self) -> list[tuple[str, int | None]]:
        """Name and size of each file."""

    @property
    def bytes_read(self) -> int:
        """Bytes read so far."""

    def bytes_of(self, rows: int) -> int:
        """Approximate bytes that the first `rows` rows took."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __iter__(self) -> Iterator[RecordBatch]: ...

    def __next__(self) -> RecordBatch: ...
