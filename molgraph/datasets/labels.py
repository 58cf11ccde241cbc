"""Columns of measured values: cells to numbers, bounds and classes, with a record of all other cells."""

import bisect
import math
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from molgraph.config.training import KindChoice
from molgraph.datasets.cells import CLASS_NAMES, Cell, advice_on, parse_cell
from molgraph.errors import InputError
from molgraph.quantities.units import Unit
from molgraph.results.labels import Labels
from molgraph.results.tasks import TaskKind

#: Gives the position of a row in the file, for messages.
Place = Callable[[int], str]

#: Cells that a message shows; all are counted.
SHOWN_CELLS = 10

_SHOWN_LETTERS = 40

#: From so many values on, columns of two or three distinct whole numbers are refused: they may be classes.
_MANY = 20

_MOST_CLASSES = 3


def record_of(row: int) -> str:
    """Position of a row in a file without lines for rows, as an SD file."""
    return f"record {row + 1}"


@dataclass
class FileLines:
    """The line of each row in its file, with comments, blank lines and quoted line ends counted.

    >>> lines = FileLines()
    >>> lines.add(np.array([0, 1]), np.array([4, 6]))
    >>> lines(1), lines(2)
    ('line 6', 'record 3')
    """

    _first_rows: list[int] = field(default_factory=list)
    _rows: list[NDArray[np.int64]] = field(default_factory=list)
    _lines: list[NDArray[np.int64]] = field(default_factory=list)

    def add(self, rows: NDArray[np.int64], lines: NDArray[np.int64]) -> None:
        """Add `[n]` further rows, in ascending order, and their lines."""
        if not len(rows):
            return
        self._first_rows.append(int(rows[0]))
        self._rows.append(rows)
        self._lines.append(lines)

    def line(self, row: int) -> int | None:
        """The line of a row; None where it has none."""
        part = bisect.bisect_right(self._first_rows, row) - 1
        if part < 0:
            return None
        at = int(np.searchsorted(self._rows[part], row))
        is_there = at < len(self._rows[part]) and self._rows[part][at] == row
        return int(self._lines[part][at]) if is_there else None

    def __call__(self, row: int) -> str:
        """Position of a row, for messages."""
        line = self.line(row)
        return record_of(row) if line is None else f"line {line}"


@dataclass(frozen=True)
class BadCell:
    """A cell that cannot be learned."""

    row: int
    column: str
    text: str
    advice: str


@dataclass
class NumberColumn:
    """A column of numbers that grows batch by batch.

    Attributes:
        name: Column name, for messages.
        missing: Further cells that mean "not measured", in lower case.
        place: Gives the position of a row in the file.
        gaps: Count of each spelling of "not measured".
        n_of: Count of cells of each other kind (`molgraph.datasets.cells.CellKind`).
        units: The units in cells.
    """

    name: str
    missing: Collection[str] = ()
    place: Place = record_of
    gaps: Counter[str] = field(default_factory=Counter)
    n_of: Counter[str] = field(default_factory=Counter)
    units: list[Unit] = field(default_factory=list)
    _parts: list[NDArray[np.float64]] = field(default_factory=list)
    _row_parts: list[NDArray[np.int64]] = field(default_factory=list)
    _unit_parts: list[NDArray[np.int64]] = field(default_factory=list)
    _texts: dict[int, str] = field(default_factory=dict)
    _n_texts: int = 0
    _class_labels: dict[str, tuple[int, str]] = field(default_factory=dict)
    _class_rows: list[tuple[int, str]] = field(default_factory=list)
    _first_other: tuple[int, str] | None = None
    _first_comma: tuple[int, str] | None = None
    _first_point: tuple[int, str] | None = None
    _has_decimal_comma: bool = False
    _distinct: set[float] = field(default_factory=set)

    def extend(self, cells: Sequence[str], rows: NDArray[np.int64]) -> None:
        """Append the cells of the given rows of the table."""
        parsed = {text: self._parse(text) for text in set(cells)}
        numbers = np.full((3, len(cells)), np.nan)
        units = np.full(len(cells), -1, dtype=np.int64)
        for position, (text, row) in enumerate(zip(cells, rows.tolist(), strict=True)):
            cell = parsed[text]
            if cell is None:
                self._n_texts += 1
                if len(self._texts) < SHOWN_CELLS:
                    self._texts[row] = text
            elif cell.kind == "gap":
                self.gaps[text.strip()] += 1
            else:
                numbers[:, position] = cell.value, cell.lower, cell.upper
                if cell.unit is not None:
                    units[position] = self._unit_index(cell.unit)
                self._record(cell, text, row)
        self._parts.append(numbers)
        self._row_parts.append(rows)
        self._unit_parts.append(units)

    def _parse(self, text: str) -> Cell | None:
        if text.strip().lower() in self.missing:
            return Cell("gap")
        cell = parse_cell(text)
        is_named = cell is not None and cell.kind == "value" and any(_is_number(m, cell.value) for m in self.missing)
        return Cell("gap") if is_named else cell

    def _unit_index(self, unit: Unit) -> int:
        if unit not in self.units:
            self.units.append(unit)
        return self.units.index(unit)

    def _record(self, cell: Cell, text: str, row: int) -> None:
        """Record what decides on the interpretation of the whole column."""
        self.n_of[cell.kind] += 1
        if cell.kind == "class":
            self._class_labels.setdefault(text.strip().lower(), (row, text))
            if len(self._class_rows) < SHOWN_CELLS:
                self._class_rows.append((row, text))
            return
        if cell.kind != "value" or cell.value not in (0, 1):
            self._first_other = self._first_other or (row, text)
        if len(self._distinct) <= _MOST_CLASSES:
            self._distinct.add(cell.value)
        if cell.comma:
            self._first_comma = self._first_comma or (row, text)
            self._has_decimal_comma |= cell.comma == "decimal"
        if cell.point:
            self._first_point = self._first_point or (row, text)

    @property
    def n_numbers(self) -> int:
        """Cells that hold something to learn."""
        return sum(self.n_of.values())

    @property
    def is_usable(self) -> bool:
        """True if the column holds nothing but numbers (or the two classes) and gaps, and at least one of these."""
        return self.n_numbers > self.n_of["bound"] and not self.problem

    @property
    def is_nearly_usable(self) -> bool:
        """True if most cells are numbers and some others keep the column from being used."""
        return self.n_numbers > self._n_texts and bool(self.problem)

    @property
    def n_bad(self) -> int:
        """Cells that cannot be learned: texts, and class labels among other numbers."""
        return self._n_texts + (self.n_of["class"] if self._first_other is not None else 0)

    def bad_cells(self) -> list[BadCell]:
        """The first of them, in the order of rows."""
        cells = [BadCell(row, self.name, text, advice_on(text)) for row, text in self._texts.items()]
        if self._first_other is not None:
            other = self._shown(self._first_other)
            advice = (
                f"other cells hold numbers, such as {other}: `missing` leaves text out, or give the bound that was "
                "tested, as in >10"
            )
            cells += [BadCell(row, self.name, text, advice) for row, text in self._class_rows]
        return sorted(cells, key=lambda cell: cell.row)[:SHOWN_CELLS]

    @property
    def problem(self) -> str:
        """Why the column is not usable as numbers, with cells and what to do; empty if it is."""
        if self.n_bad:
            return describe_bad_cells(self.bad_cells(), self.n_bad, self.place, columns=False)
        if self._first_comma is not None and self._first_point is not None:
            both = f"{self._shown(self._first_comma)} and {self._shown(self._first_point)}"
            return f"{both}; use one decimal sign throughout"
        if self._first_comma is not None and not self._has_decimal_comma:
            return (
                f"{self._shown(self._first_comma)}, whose comma may separate thousands or decimals; write numbers with "
                "a decimal point, and thousands without a sign"
            )
        return ""

    def _shown(self, cell: tuple[int, str]) -> str:
        return f"{cell[1][:_SHOWN_LETTERS]!r} in {self.place(cell[0])}"

    @property
    def first_obstacle(self) -> str:
        """The first cell that keeps the column from being used."""
        bad = self.bad_cells()
        text = bad[0].text if bad else self._first_comma[1] if self._first_comma else ""
        return repr(text[:_SHOWN_LETTERS]) if text else "nothing"

    def values(self) -> NDArray[np.float64]:
        """All numbers, NaN where there is none or only a bound.

        Raises:
            InputError: Cells hold text or an infinite number, or are inconsistent: class labels and other numbers,
                commas and points.
        """
        if self.problem:
            raise InputError(f"column {self.name!r} holds {self.problem}")
        return np.asarray(self._numbers()[0])

    def labels(self) -> Labels:
        """`[n]` numbers, and lower (`>10`) and upper (`<0.1`) bounds of others.

        Raises:
            InputError: As for `values`.
        """
        values = self.values()
        return Labels(values, *self._numbers()[1:]) if self._has_bound else Labels(values)

    @property
    def _has_bound(self) -> bool:
        return bool(self.n_of["bound"] or self.n_of["range"])

    def unit_index(self) -> NDArray[np.int64]:
        """`[n]` index into `units` of the unit of each cell; -1 where there is none."""
        return np.concatenate(self._unit_parts) if self._unit_parts else np.empty(0, dtype=np.int64)

    def rows(self) -> NDArray[np.int64]:
        """`[n]` row of the table of each cell."""
        return np.concatenate(self._row_parts) if self._row_parts else np.empty(0, dtype=np.int64)

    def _numbers(self) -> NDArray[np.float64]:
        return np.concatenate(self._parts, axis=1) if self._parts else np.empty((3, 0))

    @property
    def first_bound(self) -> str | None:
        """The first cell that is no plain number, with its position, for messages; None if there is none."""
        if not self._has_bound or self._first_other is None:
            return None
        return self._shown(self._first_other)

    @property
    def is_signed_class(self) -> bool:
        """True if all numbers are -1 or 1, and both occur."""
        return self._distinct == {-1.0, 1.0} and not self.n_of["class"] and self.n_of["value"] == self.n_numbers

    @property
    def has_two_classes(self) -> bool:
        """True if the column holds nothing but the two classes."""
        return self.n_numbers > 0 and (self._first_other is None or self.is_signed_class)

    @property
    def class_names(self) -> tuple[str, str] | None:
        """The labels of the classes 0 and 1, where each has only one."""
        names: list[list[str]] = [[], []]
        for name in self._class_labels:
            names[int(CLASS_NAMES[name])].append(name)
        is_unique = len(names[0]) == len(names[1]) == 1 and self.n_of["class"] == self.n_numbers
        return (names[0][0], names[1][0]) if is_unique else None

    def kind(self, choice: KindChoice) -> TaskKind:
        """The kind of task: as chosen, or classification where all numbers are 0 or 1, or -1 or 1.

        Raises:
            InputError: The column cannot be of the chosen kind, or is ambiguous.
        """
        if choice == "regression":
            if self._class_rows:
                raise InputError(
                    f"column {self.name!r} holds {self._shown(self._class_rows[0])}; regression needs numbers"
                )
            return choice
        if choice == "auto" and self.units and not self._class_rows:  # `1 nM` is no class
            return "regression"
        if self._first_other is None or self.is_signed_class:  # also where there is no value at all
            return "classification"
        classes = sorted(self._distinct)
        few = (
            1 < len(classes) <= _MOST_CLASSES
            and self.n_of["value"] == self.n_numbers >= _MANY
            and all(value == round(value) for value in classes)
        )
        listed = ", ".join(f"{value:g}" for value in classes)
        if few:
            raise InputError(
                f"column {self.name!r} holds nothing but {listed}: a task has two classes, as 0 and 1, -1 and 1 or "
                "active and inactive; make a column of 0 and 1 of each class, or learn the numbers as they are with "
                "`task_kind='regression'`"
            )
        if choice == "classification":
            raise InputError(
                f"column {self.name!r} holds {self._shown(self._first_other)}; classification needs 0 and 1"
            )
        return "regression"

    def special_cells(self) -> str:
        """How cells that are no plain numbers were interpreted; empty if there are none."""
        parts = [
            f"{count:,} cells {what}" if count > 1 else f"1 cell {what}"
            for kind, what in _SPECIAL_CELLS.items()
            if (count := self.n_of[kind])
        ]
        n_gaps = self.gaps.total()
        spellings = [f"{count:,} {text!r}" for text, count in self.gaps.most_common(_SHOWN_GAPS) if text]
        if n_gaps:
            parts.append(f"{n_gaps:,} without a value" + (f" ({', '.join(spellings)})" if spellings else ""))
        return ", ".join(parts)


#: Spellings of missing values that a note shows.
_SHOWN_GAPS = 4

#: How cells of these kinds are interpreted.
_SPECIAL_CELLS = {
    "approximate": "like ~6.1, taken without the sign",
    "spread": "like 6.1 ± 0.2, taken without the spread",
    "range": "like 7-8, taken as two bounds",
}


def describe_bad_cells(cells: Sequence[BadCell], n_bad: int, place: Place, *, columns: bool) -> str:
    """Message on cells that cannot be learned: the first ones, their number, and what to do about the first."""
    shown = [
        f"{cell.text[:_SHOWN_LETTERS]!r} in {place(cell.row)}" + (f" of {cell.column!r}" if columns else "")
        for cell in cells[:SHOWN_CELLS]
    ]
    more = f" and {n_bad - len(shown):,} more such cells" if n_bad > len(shown) else ""
    return f"{', '.join(shown)}{more}; {cells[0].advice}"


def _is_number(text: str, value: float) -> bool:
    try:
        return math.isclose(float(text), value, rel_tol=1e-12)
    except ValueError:
        return False
