"""Tables of delimited text: `.csv`, `.tsv`, and `.smi` with a header of several columns."""

import csv
import itertools
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from molgraph.errors import InputError
from molgraph.files.columns import (
    Choice,
    Request,
    choose_columns,
    is_structure,
    names_column,
    plain,
    structure_names,
)
from molgraph.files.records import MAX_RECORD_BYTES, Chunk, Fault, Table
from molgraph.files.text import line_fault, needs_care, without_top

_N_TITLE_LINES = 50
_MAX_HEADER_SNIFFED = 100_000
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)


@dataclass
class _Rows:
    """Records of some lines; an empty list where there is a fault."""

    cells: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    faults: dict[int, Fault] = field(default_factory=dict)

    def add(self, cells: list[str], line: int) -> None:
        self.cells.append(cells)
        self.lines.append(line)

    def add_fault(self, fault: Fault, line: int) -> None:
        self.faults[len(self.cells)] = fault
        self.add([], line)

    def without_first(self) -> "_Rows":
        faults = {position - 1: fault for position, fault in self.faults.items()}
        return _Rows(self.cells[1:], self.lines[1:], faults)


def read_delimited(
    blocks: Iterable[str],
    name: str,
    request: Request,
    *,
    delimiter: str = "",
    quotes: bool = True,
    ragged: bool = False,
    first_line: int = 1,
) -> Table:
    """A table of delimited text with a header, or of one column of SMILES without.

    Cells may be quoted by `"`, a quote inside doubled, and a quoted cell may hold newlines. Of a quote that is never
    closed only its own line is rejected. Lines of nothing but blanks are not records, nor are lines above the header
    that begin with `#` (the header may do so too).

    Args:
        blocks: Whole lines.
        name: Name of the file, for errors.
        request: The columns to read.
        delimiter: One character; found from the header where it is empty.
        quotes: Whether `"` has a meaning.
        ragged: Whether a row may have more or fewer cells than the header; else that is a fault.
        first_line: Number of the first line.

    Raises:
        InputError: There is no usable header, or a requested column is not in it.
    """
    blocks = iter(blocks)
    first, n_skipped = below_comments(next(blocks), request.smiles_column)
    if line := _SEPARATOR_LINE.fullmatch(first.partition("\n")[0]):  # Excel writes and reads such a first line
        delimiter, first = line[1], first.partition("\n")[2]
        n_skipped += 1
    delimiter = delimiter or sniff_delimiter(first, request.smiles_column)
    parts = _Splitter(
        itertools.chain([first], blocks), delimiter, quotes=quotes, first_line=first_line + n_skipped
    ).parts()
    rows = next((rows for rows in parts if rows.cells), _Rows())
    if not rows.cells or 0 in rows.faults:
        reason = rows.faults[0].reason if rows.faults else "it is empty"
        raise InputError(f"{name}: the header cannot be read ({reason}); the first line must name the columns")
    header = rows.cells[0]
    if request.smiles_column is None and len(header) == 1 and is_structure(header[0]):
        choice = choose_columns(["smiles"], [], request, name)
    else:
        try:
            choice = choose_columns(header, rows.cells[1:], request, name)
        except InputError as error:
            _refuse_title_lines(first, name, request, first_line + n_skipped, error)
            raise
        rows = rows.without_first()
    chunks = (_chunk(part, choice, delimiter, ragged=ragged) for part in itertools.chain([rows], parts))
    return Table(
        names=choice.names,
        smiles=choice.names[choice.smiles],
        id=None if choice.id is None else choice.names[choice.id],
        kept=tuple(choice.names[position] for position in choice.kept),
        chunks=chunks,
        notes=choice.notes,
    )


def below_comments(block: str, smiles_column: str | None) -> tuple[str, int]:
    """The block from its header on, without blank lines and comments above, and how many lines these are.

    A comment begins with `#`. One of them may be the header itself, which then names the column of structures, or is
    right above the first line of data and has as many cells.
    """
    wanted = structure_names(smiles_column)
    rest, n_skipped = without_top(
        block, lambda line: not line.strip(" \r") or (line.startswith("#") and not names_column(line, wanted))
    )
    line = rest.partition("\n")[0]
    above = block[: len(block) - len(rest)].rstrip("\r\n").rpartition("\n")[2]
    delimiter = next((character for character in "\t;," if character in above), None)
    if delimiter and above.count(delimiter) == line.count(delimiter) and any(map(is_structure, line.split(delimiter))):
        return f"{above}\n{rest}", n_skipped - 1
    return rest, n_skipped


def _refuse_title_lines(block: str, name: str, request: Request, first_line: int, error: InputError) -> None:
    """Refuse a header that is below title lines, and name its line."""
    lines = block.split("\n", _N_TITLE_LINES + 1)[1 : _N_TITLE_LINES + 1]
    wanted = structure_names(request.smiles_column)
    number = next((number for number, line in enumerate(lines, first_line + 1) if names_column(line, wanted)), None)
    if number is not None:
        raise InputError(
            f"{name}: the header seems to be line {number}; take out the lines above it, or begin them with #"
        ) from error


def sniff_delimiter(block: str, smiles_column: str | None = None) -> str:
    """The one of comma, tab and semicolon that sets a structure column apart in the header, else the most frequent.

    Example:
        >>> sniff_delimiter("smiles;IC50 (nM, mean)")
        ';'
    """
    header = block.lstrip().partition("\n")[0].rstrip("\r")[:_MAX_HEADER_SNIFFED]
    wanted = structure_names(smiles_column)

    def score(delimiter: str) -> tuple[bool, int]:
        try:
            cells = next(csv.reader([header], delimiter=delimiter), [])
        except csv.Error:  # a carriage return within a cell
            cells = header.split(delimiter)
        return len(cells) > 1 and any(plain(cell) in wanted for cell in cells), len(cells)

    return max(",\t;", key=score)


class _UnclosedQuoteError(Exception):
    """A quote is not closed within the bounds of a record."""


class _Splitter:
    """Splits blocks of lines into the cells of records."""

    def __init__(self, blocks: Iterator[str], delimiter: str, *, quotes: bool, first_line: int) -> None:
        self._blocks = blocks
        self._line = first_line  # number of the line that comes next
        self._delimiter = delimiter
        self._quotes = quotes
        self._width = 0  # cells of the header, once it is known

    def parts(self) -> Iterator[_Rows]:
        """The records of each block; on a fast path where every line is a record, as nearly always."""
        for block in self._blocks:
            rows = None if needs_care(block) else self._split_lines(block)
            if rows is None:
                rows = self._split_with_care(block)
            else:
                self._line += block.count("\n") + 1
            if not self._width and rows.cells:
                self._width = len(rows.cells[0])
            yield rows

    def _split_lines(self, block: str) -> _Rows | None:
        """The cells of each line that is not blank; None if some record has more than one line, or faulty quotes."""
        lines = block.split("\n")
        if "\r" in block:
            lines = [line.rstrip("\r") for line in lines]
        numbers = [number for number, line in enumerate(lines, self._line) if line and line.strip(" \r")]
        if len(numbers) < len(lines):
            lines = [lines[number - self._line] for number in numbers]
        if not (self._quotes and '"' in block):
            return _Rows([line.split(self._delimiter) for line in lines], numbers)
        try:
            cells = list(csv.reader(lines, delimiter=self._delimiter, strict=True))
        except csv.Error:
            return None
        return _Rows(cells, numbers) if len(cells) == len(lines) else None

    def _split_with_care(self, block: str) -> _Rows:
        """The records of a block, and of as many more as a cell with newlines reaches into."""
        lines = deque(block.split("\n"))
        rows = _Rows()
        while lines:
            line = lines.popleft()
            self._line += 1
            if not line.strip(" \r"):
                continue
            if fault := line_fault(line):
                rows.add_fault(fault, self._line - 1)
            elif not (self._quotes and '"' in line):
                rows.add(line.rstrip("\r").split(self._delimiter), self._line - 1)
            else:
                self._add_quoted(line, lines, rows)
            self._width = self._width or len(rows.cells[0])
        return rows

    def _add_quoted(self, line: str, lines: deque[str], rows: _Rows) -> None:
        """The record that begins with `line`; where its quotes are faulty, only that line is rejected."""
        taken: list[str] = []
        try:
            cells = next(csv.reader(self._quoted_lines(line, lines, taken), delimiter=self._delimiter))
            if taken:
                self._check_many_lines(cells, [line, *taken])
        except (csv.Error, _UnclosedQuoteError) as error:
            lines.extendleft(reversed(taken))
            is_open = bool(taken) or isinstance(error, _UnclosedQuoteError)
            reason = "a quote is opened and not closed" if is_open else str(error).partition(" - ")[0]
            rows.add_fault(Fault(line[:200], reason), self._line - 1)
        else:
            rows.add(cells, self._line - 1)
            self._line += len(taken)

    def _check_many_lines(self, cells: list[str], lines: list[str]) -> None:
        """Refuse a stray quote that was closed by the next quote further down, with good records in between."""
        next(csv.reader([line + "\n" for line in lines], delimiter=self._delimiter, strict=True))
        if self._width and len(cells) != self._width:
            raise _UnclosedQuoteError

    def _quoted_lines(self, first: str, lines: deque[str], taken: list[str]) -> Iterator[str]:
        """The lines of one record, as many as the csv module asks for; `taken` lists those after the first."""
        yield first + "\n"
        n_characters = len(first)
        while n_characters <= MAX_RECORD_BYTES:
            if not lines:
                block = next(self._blocks, None)
                if block is None:
                    break
                lines.extend(block.split("\n"))
            taken.append(lines.popleft())
            if line_fault(taken[-1]):
                break
            n_characters += len(taken[-1]) + 1
            yield taken[-1] + "\n"
        raise _UnclosedQuoteError


def _chunk(rows: _Rows, choice: Choice, delimiter: str, *, ragged: bool) -> Chunk:
    n = len(choice.names)
    for position, row in enumerate(rows.cells):
        if len(row) == n:
            continue
        if position not in rows.faults and not ragged and (len(row) < n or any(row[n:])):
            text = delimiter.join(row)
            rows.faults[position] = Fault(text[:200], f"the row has {len(row)} cells and the header {n}")
        rows.cells[position] = (row + [""] * n)[:n]
    cells = rows.cells
    return Chunk(
        structures=[_structure(row[choice.smiles]) for row in cells],
        ids=[""] * len(cells) if choice.id is None else [row[choice.id] for row in cells],
        columns=[[row[position] for row in cells] for position in choice.kept],
        faults=rows.faults,
        lines=rows.lines,
    )


def _structure(cell: str) -> str:
    """The SMILES of a cell, without a CXSMILES block; a name behind it stays, as RDKit reads it."""
    return cell.partition(" |")[0].strip()
