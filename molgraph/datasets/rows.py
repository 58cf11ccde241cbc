"""Reads the rows of a table: structures, identifiers, and columns of numbers and of texts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from molgraph.datasets.companions import TextColumn, companion_names, find_companions
from molgraph.datasets.labels import FileLines, NumberColumn, Place, record_of
from molgraph.errors import InputError
from molgraph.files import RecordBatch, open_records
from molgraph.files.columns import position_of
from molgraph.files.frames import Readable
from molgraph.results.prediction import Rejected

_T = TypeVar("_T")

#: The target columns that mean all columns of numbers.
ALL_COLUMNS = "*"


@dataclass(frozen=True)
class TableRequest:
    """The columns and rows to read from a table.

    Attributes:
        smiles_column: Column of structures; found by name if None.
        id_column: Column of identifiers; found by name if None.
        target_columns: Columns of labels; None or `*` for all that hold numbers.
        weight_column: Column of weights.
        missing: Cells that mean "not measured", besides the usual ones.
        where: Texts that rows must have, by column; all rows if empty.
    """

    smiles_column: str | None = None
    id_column: str | None = None
    target_columns: tuple[str, ...] | None = None
    weight_column: str | None = None
    missing: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)

    @property
    def takes_all(self) -> bool:
        """Whether all columns are considered."""
        return self.target_columns is None or self.target_columns == (ALL_COLUMNS,)


@dataclass
class Rows:
    """A table while it is read, in columns.

    Attributes:
        smiles_column: Column of structures.
        column_names: All columns.
        lines: Lines of the rows in the file.
        has_lines: Whether messages name rows by line, not by record.
        notes: Which column was chosen where there were several.
        rows: Row numbers of each batch.
        ids: Identifiers.
        smiles: Structures.
        numbers: Columns of numbers, by name.
        texts: Companion columns (relations, units, types), by name.
        rejected: Records that could not be read.
        n_skipped: Rows that were filtered out.
    """

    smiles_column: str = ""
    column_names: tuple[str, ...] = ()
    lines: FileLines = field(default_factory=FileLines)
    has_lines: bool = True
    notes: tuple[str, ...] = ()
    rows: list[NDArray[np.int64]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    smiles: list[str] = field(default_factory=list)
    numbers: dict[str, NumberColumn] = field(default_factory=dict)
    texts: dict[str, TextColumn] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    n_skipped: int = 0

    @property
    def place(self) -> Place:
        """Gives the position of a row in the file, for messages."""
        return self.lines if self.has_lines else record_of

    @property
    def n_read(self) -> int:
        """Rows that passed the filter."""
        return len(self.smiles) + len(self.rejected)


def read_rows(
    source: Readable, request: TableRequest, choose_targets: Callable[[Sequence[str]], Sequence[str]] | None = None
) -> Rows:
    """Read all records; numbers of the target columns, or of all columns where no target is named.

    The source is opened once, but for SD files, whose properties are collected first.

    Args:
        source: The table.
        request: The columns and rows to read.
        choose_targets: Chooses the target columns from the names of all columns, in place of those of the request.

    Raises:
        InputError: A column is missing, or the file cannot be read.
    """

    def needed(names: Sequence[str]) -> tuple[str, ...]:
        nonlocal request
        if choose_targets is not None:
            request = replace(request, target_columns=tuple(choose_targets(names)))
            _check_targets(request)
        return _needed(request, names)

    _check_targets(request)
    table = Rows()
    with open_records(
        source,
        smiles_column=request.smiles_column,
        id_column=request.id_column,
        keep_columns="all" if choose_targets is None and request.takes_all else needed,
    ) as records:
        table.smiles_column, table.column_names = records.smiles_column, records.column_names
        table.has_lines = records.format != "sdf"
        table.notes = records.notes
        for name in (*request.where, *([request.weight_column] if request.weight_column else [])):
            position_of(name, records.column_names, str(source))
        for batch in records:
            _add(table, batch, request)
    if request.where and table.n_read == 0:
        chosen = ", ".join(f"{name}={text}" for name, text in request.where.items())
        raise InputError(f"{source}: no row has {chosen}; compare the spelling with that in the table")
    return table


def _check_targets(request: TableRequest) -> None:
    targets = request.target_columns
    if targets is not None and len(set(targets)) < max(len(targets), 1):
        raise InputError(f"target columns are {', '.join(targets) or 'none'}; name at least one, and each once")
    if targets is not None and len(targets) > 1 and ALL_COLUMNS in targets:
        raise InputError(f"target columns are {', '.join(targets)}; {ALL_COLUMNS} means all and stands alone")


def _needed(request: TableRequest, names: Sequence[str]) -> tuple[str, ...]:
    """The requested columns and their companions."""
    targets = request.target_columns or ()
    others = [name for name in companion_names(names) if name not in targets]
    companions: list[str] = []
    for target in targets:
        companions += find_companions(target, others, is_alone=len(targets) == 1).names
    weights = () if request.weight_column is None else (request.weight_column,)
    return tuple(dict.fromkeys((*targets, *weights, *request.where, *companions)))


def _add(table: Rows, batch: RecordBatch, request: TableRequest) -> None:
    """Add the rows of a batch that pass the filter."""
    chosen = _chosen(batch.columns, len(batch.rows), request.where)
    table.rows.append(batch.rows[chosen])
    if batch.lines is not None:
        table.lines.add(batch.rows, batch.lines)
    table.ids += _at(batch.ids, chosen)
    table.smiles += _at(batch.smiles, chosen)
    kept = _chosen(batch.rejected_columns, len(batch.rejected), request.where)
    table.rejected += _at(batch.rejected, kept)
    table.n_skipped += len(batch.rows) + len(batch.rejected) - len(chosen) - len(kept)
    texts = set(companion_names(tuple(batch.columns)))
    for column, all_cells in batch.columns.items():
        cells = _at(all_cells, chosen)
        if column in texts:
            table.texts.setdefault(column, TextColumn(column)).cells += cells
        is_number = request.takes_all or column in (*(request.target_columns or ()), request.weight_column)
        if is_number:
            if column not in table.numbers:
                missing = frozenset(text.strip().lower() for text in request.missing)
                table.numbers[column] = NumberColumn(column, missing, table.place)
            table.numbers[column].extend(cells, batch.rows[chosen])


def _chosen(columns: Mapping[str, Sequence[str]], n: int, where: Mapping[str, str]) -> NDArray[np.int64]:
    """Positions of the rows that pass the filter."""
    fits = np.ones(n, dtype=np.bool_)
    for name, text in where.items():
        fits &= np.array([cell.strip().strip("'\"").strip() == text for cell in columns[name]], dtype=np.bool_)
    return np.flatnonzero(fits)


def _at(cells: Sequence[_T], chosen: NDArray[np.int64]) -> list[_T]:
    return list(cells) if len(chosen) == len(cells) else [cells[i] for i in chosen.tolist()]
