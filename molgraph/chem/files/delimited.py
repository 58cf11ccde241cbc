"""Tables of delimited text: `.csv`, `.tsv`, and `.smi` with a header of several columns."""

import csv
import itertools
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from molgraph.chem.files.columns import STRUCTURE_COLUMNS, Choice, Request, choose_columns, is_smiles, plain
from molgraph.chem.files.records import MAX_RECORD_BYTES, Chunk, Fault, Table
from molgraph.chem.files.text import line_fault, needs_care
from molgraph.errors import InputError

_MAX_HEADER_SNIFFED = 100_000
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)


@dataclass
class _Rows:
    """Records of some lines; an empty list where there is a fault."""

    cells: list[list[str]] = field(default_factory=list)
    faults: dict[int, Fault] = field(default_factory=dict)

    def add_fault(self, fault: Fault) -> None:
        self.faults[len(self.cells)] = fault
        self.cells.append([])


def read_delimited(
    blocks: Iterable[str],
    name: str,
    request: Request,
    *,
    delimiter: str = "",
    quotes: bool = True,
    ragged: bool = False,
) -> Table:
    """A table of delimited text with a header, or of one column of SMILES without.

    Cells may be quoted by `"`, a quote inside doubled, and a quoted cell may hold newlines. A quote that is never
    closed costs its own line and no other. Lines of nothing but blanks are not records.

    Args:
        blocks: Whole lines.
        name: Name of the file, for errors.
        request: The columns to read.
        delimiter: One character; found from the header where it is empty.
        quotes: Whether `"` has a meaning.
        ragged: Whether a row may have more or fewer cells than the header; else that is a fault.

    Raises:
        InputError: There is no usable header, or a column that was asked for is not in it.
    """
    blocks = iter(blocks)
    first = next(blocks).lstrip("\r\n")
    if line := _SEPARATOR_LINE.fullmatch(first.partition("\n")[0]):  # Excel writes and reads such a first line
        delimiter, first = line[1], first.partition("\n")[2]
    delimiter = delimiter or sniff_delimiter(first, request.smiles_column)
    parts = _Splitter(itertools.chain([first], blocks), delimiter, quotes=quotes).parts()
    rows = next((rows for rows in parts if rows.cells), _Rows())
    if not rows.cells or 0 in rows.faults:
        reason = rows.faults[0].reason if rows.faults else "it is empty"
        raise InputError(f"{name}: the header cannot be read ({reason}); the first line must name the columns")
    header = rows.cells[0]
    if request.smiles_column is None and len(header) == 1 and is_smiles(header[0]):
        choice = choose_columns(["smiles"], [], request, name)
    else:
        choice = choose_columns(header, rows.cells[1:], request, name)
        rows = _Rows(rows.cells[1:], {position - 1: fault for position, fault in rows.faults.items()})
    chunks = (_chunk(part, choice, delimiter, ragged=ragged) for part in itertools.chain([rows], parts))
    return Table(
        names=choice.names,
        smiles=choice.names[choice.smiles],
        id=None if choice.id is None else choice.names[choice.id],
        kept=tuple(choice.names[position] for position in choice.kept),
        chunks=chunks,
    )


def sniff_delimiter(block: str, smiles_column: str | None = None) -> str:
    """The one of comma, tab and semicolon that sets a structure column apart in the header, else the most frequent.

    Example:
        >>> sniff_delimiter("smiles;IC50 (nM, mean)")
        ';'
    """
    header = block.lstrip().partition("\n")[0].rstrip("\r")[:_MAX_HEADER_SNIFFED]
    wanted = {plain(smiles_column)} if smiles_column else STRUCTURE_COLUMNS.keys()

    def score(delimiter: str) -> tuple[bool, int]:
        try:
            cells = next(csv.reader([header], delimiter=delimiter), [])
        except csv.Error:  # a carriage return within a cell
            cells = header.split(delimiter)
        return len(cells) > 1 and any(plain(cell) in wanted for cell in cells), len(cells)

    return max(",\t;", key=score)


class _UnclosedQuoteError(Exception):
    """A quote is opened and not closed within the bounds of a record."""


class _Splitter:
    """Splits blocks of lines into the cells of records."""

    def __init__(self, blocks: Iterator[str], delimiter: str, *, quotes: bool) -> None:
        self._blocks = blocks
        self._delimiter = delimiter
        self._quotes = quotes
        self._width = 0  # cells of the header, once it is known

    def parts(self) -> Iterator[_Rows]:
        """The records of each block; where every line is a record, which is nearly always, by the fastest way."""
        for block in self._blocks:
            cells = None if needs_care(block) else self._split_lines(block)
            rows = self._split_with_care(block) if cells is None else _Rows(cells)
            if not self._width and rows.cells:
                self._width = len(rows.cells[0])
            yield rows

    def _split_lines(self, block: str) -> list[list[str]] | None:
        """The cells of each line that is not blank; None if some record has more than one line, or faulty quotes."""
        lines = block.split("\n")
        if "\r" in block:
            lines = [line.rstrip("\r") for line in lines]
        lines = [line for line in lines if line and line.strip(" \r")]
        if not (self._quotes and '"' in block):
            return [line.split(self._delimiter) for line in lines]
        try:
            cells = list(csv.reader(lines, delimiter=self._delimiter, strict=True))
        except csv.Error:
            return None
        return cells if len(cells) == len(lines) else None

    def _split_with_care(self, block: str) -> _Rows:
        """The records of a block, and of as many more as a cell with newlines reaches into."""
        lines = deque(block.split("\n"))
        rows = _Rows()
        while lines:
            line = lines.popleft()
            if not line.strip(" \r"):
                continue
            if fault := line_fault(line):
                rows.add_fault(fault)
            elif not (self._quotes and '"' in line):
                rows.cells.append(line.rstrip("\r").split(self._delimiter))
            else:
                self._add_quoted(line, lines, rows)
            self._width = self._width or len(rows.cells[0])
        return rows

    def _add_quoted(self, line: str, lines: deque[str], rows: _Rows) -> None:
        """The record that begins with `line`; where its quotes go wrong, only that line is given up."""
        taken: list[str] = []
        try:
            cells = next(csv.reader(self._quoted_lines(line, lines, taken), delimiter=self._delimiter))
            if taken:
                self._check_many_lines(cells, [line, *taken])
        except (csv.Error, _UnclosedQuoteError) as error:
            lines.extendleft(reversed(taken))
            is_open = bool(taken) or isinstance(error, _UnclosedQuoteError)
            reason = "a quote is opened and not closed" if is_open else str(error).partition(" - ")[0]
            rows.add_fault(Fault(line[:200], reason))
        else:
            rows.cells.append(cells)

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
    )


def _structure(cell: str) -> str:
    """The SMILES of a cell, without a CXSMILES block; a name behind it stays, as RDKit reads it."""
    return cell.partition(" |")[0].strip()
