"""Record batches: columns of text, and the records that could not be read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.inchi import INCHI_PREFIX, smiles_of_inchi
from molgraph.graphs import PackedGraphs
from molgraph.results.prediction import Rejected

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
        columns: The kept columns as text, unchanged.
        rejected: The m records of this batch that could not be read.
        rejected_columns: The kept columns of those, `[m]` texts each; empty where a record has no such cell.
        graphs: Of the n readable records, in a packed library; None where they have yet to be made.
        lines: `[n]` int64, line of the file in which each readable record begins, counted from 1; None where there are
            no lines (Parquet, a packed library) or several files.
    """

    first_row: int
    rows: NDArray[np.int64]
    ids: list[str]
    smiles: list[str]
    columns: Mapping[str, list[str]]
    rejected: tuple[Rejected, ...]
    rejected_columns: Mapping[str, list[str]]
    graphs: PackedGraphs | None = None
    lines: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Number of readable records, n."""
        return len(self.rows)

    def placed(self, bad: Rejected) -> Rejected:
        """The same, with its row and line in the whole input instead of its position among the readable records."""
        line = None if self.lines is None else int(self.lines[bad.row])
        return replace(bad, row=int(self.rows[bad.row]), line=line)


# A formula or an apostrophe, by which spreadsheets mark text; no SMILES begins with either.
_MARKS = ("=", "'")


def _unmarked(text: str) -> str:
    """A structure without the mark of a spreadsheet in front of it.

    >>> _unmarked('="CCO"'), _unmarked("=CCO"), _unmarked("'[Na+]")
    ('CCO', 'CCO', '[Na+]')
    """
    bare = text.lstrip("=").strip() if text.startswith("=") else text.removeprefix("'")
    return bare[1:-1].strip() if len(bare) > 1 and bare[0] == bare[-1] == '"' else bare


@dataclass(frozen=True)
class Fault:
    """Why one record cannot be read, and how it begins."""

    text: str
    reason: str


@dataclass
class Chunk:
    """n records of one file, in columns; chunks are joined until they fill a batch.

    Attributes:
        structures: `[n]` texts; anything at a fault.
        ids: `[n]` identifiers, empty where there is none.
        columns: The kept columns, `[n]` texts each; at a fault those that the record has.
        faults: Position of each record that cannot be read.
        lines: `[n]` line in which each begins, counted from 1; empty where there are no lines.
    """

    structures: list[str]
    ids: list[str]
    columns: list[list[str]]
    faults: dict[int, Fault] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.structures)

    def extend(self, other: "Chunk") -> None:
        """Append the records of another chunk with the same columns."""
        for position, fault in other.faults.items():
            self.faults[len(self) + position] = fault
        self.structures += other.structures
        self.ids += other.ids
        self.lines += other.lines
        for cells, more_cells in zip(self.columns, other.columns, strict=True):
            cells.extend(more_cells)

    def pop(self, n: int) -> "Chunk":
        """Remove and return the first n records (all of them where there are fewer)."""
        first = Chunk(self.structures[:n], self.ids[:n], [column[:n] for column in self.columns], lines=self.lines[:n])
        first.faults = {position: fault for position, fault in self.faults.items() if position < n}
        self.faults = {position - n: fault for position, fault in self.faults.items() if position >= n}
        del self.lines[:n]
        for cells in (self.structures, self.ids, *self.columns):
            del cells[:n]
        return first

    def batch(self, first_row: int, names: tuple[str, ...]) -> RecordBatch:
        """These records with row numbers; an empty structure is rejected, and an InChI becomes SMILES."""
        self._normalize_structures()
        ids = [name or str(first_row + position) for position, name in enumerate(self.ids)]
        faults = sorted(self.faults.items())
        rejected = tuple(
            Rejected(
                first_row + position,
                ids[position],
                fault.text[:200],
                "read",
                fault.reason,
                self.lines[position] if self.lines else None,
            )
            for position, fault in faults
        )
        rejected_columns = [[cells[position] for position, _ in faults] for cells in self.columns]
        rows = np.arange(first_row, first_row + len(self), dtype=np.int64)
        lines = np.array(self.lines, dtype=np.int64) if self.lines else None
        columns = [ids, self.structures, *self.columns]
        if rejected:
            good = [position for position in range(len(self)) if position not in self.faults]
            rows = rows[good]
            lines = None if lines is None else lines[good]
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
            lines=lines,
        )

    def _normalize_structures(self) -> None:
        for position, text in enumerate(self.structures):
            if position in self.faults or not (text == "" or text.startswith((INCHI_PREFIX, *_MARKS))):
                continue
            bare = _unmarked(text)
            smiles = smiles_of_inchi(bare) if bare.startswith(INCHI_PREFIX) else bare
            self.structures[position] = smiles or ""
            if not smiles:
                reason = "RDKit cannot read this InChI" if bare else "the structure is empty"
                self.faults[position] = Fault(bare, reason)


@dataclass(frozen=True)
class Table:
    """One open file.

    Attributes:
        names: All column names, as in the file.
        smiles: Name of the structure column.
        id: Name of the identifier column; None where there is none.
        kept: Names of the columns that the chunks carry.
        chunks: The records.
        notes: Which column was chosen where there were several, for users.
    """

    names: tuple[str, ...]
    smiles: str
    id: str | None
    kept: tuple[str, ...]
    chunks: Iterator[Chunk]
    notes: tuple[str, ...] = ()
