"""What the readers of the formats hand on: columns of text, and which of their entries could not be read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from molgraph.graphs import PackedGraphs
from molgraph.results import Rejected

#: A record longer than this many bytes is rejected, so that a broken file cannot fill the memory.
MAX_RECORD_BYTES = 1_000_000


@dataclass(frozen=True)
class RecordBatch:
    """Records of the input in their order; n readable ones, and those that could not be read.

    Attributes:
        first_row: Position of the first record (readable or not) in the whole input, counted from 0.
        rows: `[n]` int64, position of each readable record in the whole input.
        ids: Identifier of each: the id column, the name in `.smi` and `.sdf`, else the row number as text.
        smiles: Structure of each, without surrounding blanks and without a CXSMILES block; not checked.
        columns: The kept columns as text, exactly as they came.
        rejected: The m records of this batch that could not be read.
        rejected_columns: The kept columns of those, `[m]` texts each; empty where a record has no such cell.
        graphs: Of the n readable records, in a packed library; None where they have yet to be made.
    """

    first_row: int
    rows: NDArray[np.int64]
    ids: list[str]
    smiles: list[str]
    columns: Mapping[str, list[str]]
    rejected: tuple[Rejected, ...]
    rejected_columns: Mapping[str, list[str]]
    graphs: PackedGraphs | None = None

    def __len__(self) -> int:
        """Number of readable records, n."""
        return len(self.rows)


@dataclass(frozen=True)
class Fault:
    """Why one record cannot be read, and how it begins."""

    text: str
    reason: str


@dataclass
class Chunk:
    """n records as they come from one file, in columns; growing while a batch is put together.

    Attributes:
        structures: `[n]` texts; anything at a fault.
        ids: `[n]` identifiers, empty where there is none.
        columns: The kept columns, `[n]` texts each; at a fault what the record has of them.
        faults: Position of each record that cannot be read.
    """

    structures: list[str]
    ids: list[str]
    columns: list[list[str]]
    faults: dict[int, Fault] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.structures)

    def extend(self, other: "Chunk") -> None:
        """Append the records of another chunk with the same columns."""
        for position, fault in other.faults.items():
            self.faults[len(self) + position] = fault
        self.structures += other.structures
        self.ids += other.ids
        for mine, theirs in zip(self.columns, other.columns, strict=True):
            mine.extend(theirs)

    def pop(self, n: int) -> "Chunk":
        """Remove and return the first n records (all of them where there are fewer)."""
        first = Chunk(self.structures[:n], self.ids[:n], [column[:n] for column in self.columns])
        first.faults = {position: fault for position, fault in self.faults.items() if position < n}
        self.faults = {position - n: fault for position, fault in self.faults.items() if position >= n}
        for cells in (self.structures, self.ids, *self.columns):
            del cells[:n]
        return first

    def batch(self, first_row: int, names: tuple[str, ...]) -> RecordBatch:
        """These records with row numbers; an empty structure is a record that cannot be read."""
        ids = [name or str(first_row + position) for position, name in enumerate(self.ids)]
        if "" in self.structures:
            for position, structure in enumerate(self.structures):
                if not structure:
                    self.faults.setdefault(position, Fault("", "the structure is empty"))
        faults = sorted(self.faults.items())
        rejected = tuple(
            Rejected(first_row + position, ids[position], fault.text[:200], "read", fault.reason)
            for position, fault in faults
        )
        rejected_columns = [[cells[position] for position, _ in faults] for cells in self.columns]
        rows = np.arange(first_row, first_row + len(self), dtype=np.int64)
        columns = [ids, self.structures, *self.columns]
        if rejected:
            good = [position for position in range(len(self)) if position not in self.faults]
            rows = rows[good]
            columns = [[cells[position] for position in good] for cells in columns]
        ids, structures, *kept = columns
        return RecordBatch(
            first_row=first_row,
            rows=rows,
            ids=ids,
            smiles=structures,
            columns=MappingProxyType(dict(zip(names, kept, strict=True))),
            rejected=rejected,
            rejected_columns=MappingProxyType(dict(zip(names, rejected_columns, strict=True))),
        )


@dataclass(frozen=True)
class Table:
    """One open file.

    Attributes:
        names: All column names, as in the file.
        smiles: Name of the structure column.
        id: Name of the identifier column; None where there is none.
        kept: Names of the columns that the chunks carry.
        chunks: The records.
    """

    names: tuple[str, ...]
    smiles: str
    id: str | None
    kept: tuple[str, ...]
    chunks: Iterator[Chunk]
