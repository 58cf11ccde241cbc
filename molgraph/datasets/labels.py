"""Cells of a table to numbers, remembering the first cell that is none."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from molgraph.errors import InputError
from molgraph.tasks import TaskKind

KindChoice = Literal["auto", "regression", "classification"]

#: Spellings of "not measured", compared in lower case.
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "-", "--", "?", "missing", "nd", "n.d."})

#: Spellings of the two classes besides 0 and 1, compared in lower case.
CLASS_WORDS: Mapping[str, float] = MappingProxyType(
    {"false": 0.0, "inactive": 0.0, "no": 0.0, "true": 1.0, "active": 1.0, "yes": 1.0}
)

#: Signs before a number that say on which side of it the value lies: 0 above (a lower bound), 1 below.
_SIDES: Mapping[str, int] = MappingProxyType({">=": 0, "<=": 1, ">": 0, "<": 1, "≥": 0, "≤": 1})

#: A number with a comma, as spreadsheets of many countries write it; and one whose comma may part thousands.
_COMMA = re.compile(r"[+-]?\d+,\d+(e[+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)

_SHOWN_LETTERS = 40


@dataclass(frozen=True)
class _Cell:
    """One cell to show in a message. Rows are counted from 0."""

    row: int
    text: str

    def __str__(self) -> str:
        return f"{self.text[:_SHOWN_LETTERS]!r} in row {self.row} (rows of data count from 0)"


@dataclass
class NumberColumn:
    """A column of numbers that grows batch by batch.

    Attributes:
        name: Column name, for messages.
    """

    name: str
    _parts: list[NDArray[np.float64]] = field(default_factory=list)
    _bounds: list[NDArray[np.float64]] = field(default_factory=list)
    _first_bound: _Cell | None = None
    _first_text: _Cell | None = None
    _first_word: _Cell | None = None
    _first_other: _Cell | None = None
    _first_comma: _Cell | None = None
    _first_point: _Cell | None = None
    _has_decimal_comma: bool = False
    _n_numbers: int = 0
    _n_texts: int = 0

    def extend(self, cells: Sequence[str], rows: NDArray[np.int64]) -> None:
        """Append cells that stand in the given rows of the table."""
        sides = {text: _side(text) for text in set(cells)}
        numbers = {text: _number(text if side is None else _unsigned(text)) for text, side in sides.items()}
        numbers |= {
            text: None for text, side in sides.items() if side is not None and not _is_bound(numbers[text], text)
        }
        bounds = {text for text, side in sides.items() if side is not None and numbers[text] is not None}
        texts = {text for text, value in numbers.items() if value is None}
        words = {text for text in numbers if text.strip().lower() in CLASS_WORDS}
        others = {
            text
            for text, value in numbers.items()
            if text in bounds or (value is not None and not math.isnan(value) and value not in (0, 1))
        }
        commas = {text for text, value in numbers.items() if value is not None and "," in text}
        points = {text for text, value in numbers.items() if value is not None and "." in text and math.isfinite(value)}
        self._first_comma = self._first_comma or _first(cells, rows, commas)
        self._first_point = self._first_point or _first(cells, rows, points)
        self._has_decimal_comma |= any(_THOUSANDS.fullmatch(_unsigned(text).strip()) is None for text in commas)
        self._first_bound = self._first_bound or _first(cells, rows, bounds)
        self._first_text = self._first_text or _first(cells, rows, texts)
        self._first_word = self._first_word or _first(cells, rows, words)
        self._first_other = self._first_other or _first(cells, rows, others)
        values = np.array([numbers[text] for text in cells], dtype=np.float64)  # None becomes NaN
        self._n_numbers += int(np.isfinite(values).sum())
        self._n_texts += sum(text in texts for text in cells)
        self._bounds.append(np.full((2, len(cells)), np.nan))
        if bounds:
            for place, text in enumerate(cells):
                side = sides[text]
                if side is not None:
                    self._bounds[-1][side, place], values[place] = values[place], np.nan
        self._parts.append(values)

    @property
    def is_usable(self) -> bool:
        """True if the column holds nothing but numbers (or the two classes) and gaps, and at least one number."""
        return self._n_numbers > 0 and not self.problem

    @property
    def is_nearly_usable(self) -> bool:
        """True if something keeps the column from being numbers, though most of its cells are some."""
        return self._n_numbers > self._n_texts and bool(self.problem)

    @property
    def problem(self) -> str:
        """What keeps the column from being numbers, with a cell and what to do; empty if nothing does."""
        if self._first_text is not None:
            return f"{self._first_text}; {_advice(self._first_text.text)}"
        if self._first_word is not None and self._first_other is not None:
            return f"{self._first_word} and {self._first_other}; use numbers throughout, or two classes throughout"
        if self._first_comma is not None and self._first_point is not None:
            return f"{self._first_comma} and {self._first_point}; use one decimal sign throughout"
        if self._first_comma is not None and not self._has_decimal_comma:
            return (
                f"{self._first_comma}, whose comma may part thousands or decimals; write numbers with a decimal point, "
                "and thousands without a sign"
            )
        return ""

    @property
    def first_obstacle(self) -> str:
        """The first cell that keeps the column from being numbers, in a few words."""
        cell = self._first_text or self._first_word or self._first_comma
        return "nothing" if cell is None else repr(cell.text[:_SHOWN_LETTERS])

    def values(self) -> NDArray[np.float64]:
        """All numbers, NaN where there is none or only a bound.

        Raises:
            InputError: A cell holds text or an infinite number, or cells that do not go together: words for classes
                and other numbers, commas and points.
        """
        if self.problem:
            raise InputError(f"column {self.name!r} holds {self.problem}")
        return np.concatenate(self._parts) if self._parts else np.empty(0)

    def bounds(self) -> NDArray[np.float64] | None:
        """`[2, n]` numbers that a value lies above (`>10`) and below (`<0.1`), NaN for others; None if all are."""
        return None if self._first_bound is None else np.concatenate(self._bounds, axis=1)

    @property
    def first_bound(self) -> str | None:
        """The first bound with its row, for messages; None if there is none."""
        return None if self._first_bound is None else str(self._first_bound)

    def kind(self, choice: KindChoice) -> TaskKind:
        """The kind of task: as chosen, or classification where all numbers are 0 or 1.

        Raises:
            InputError: The column cannot be of the kind that was chosen.
        """
        if choice == "regression" and self._first_word is not None:
            raise InputError(f"column {self.name!r} holds {self._first_word}; regression needs numbers")
        if choice == "classification" and self._first_other is not None:
            raise InputError(f"column {self.name!r} holds {self._first_other}; classification needs 0 and 1")
        if choice == "auto":
            return "classification" if self._first_other is None else "regression"
        return choice


def _number(text: str) -> float | None:
    """The number in a cell, NaN for a gap, None for anything else, infinities too; a comma is taken for decimals."""
    plain = text.strip().lower()
    if _COMMA.fullmatch(plain):
        plain = plain.replace(",", ".")
    if plain in MISSING:
        return math.nan
    if plain in CLASS_WORDS:
        return CLASS_WORDS[plain]
    try:
        # Python would read the programmer's "1_000" and digits of other scripts as well.
        value = float(plain) if plain.isascii() and "_" not in plain else math.inf
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _side(text: str) -> int | None:
    """On which side of the number behind it a sign puts the value; None where there is no sign."""
    plain = text.strip()
    return _SIDES.get(plain[:2], _SIDES.get(plain[:1]))


def _unsigned(text: str) -> str:
    """Without the sign of a bound, if there is one."""
    plain = text.strip()
    return plain[2:] if plain[:2] in _SIDES else plain[1:] if plain[:1] in _SIDES else plain


def _is_bound(value: float | None, text: str) -> bool:
    return value is not None and not math.isnan(value) and _unsigned(text).strip().lower() not in CLASS_WORDS


def _first(cells: Sequence[str], rows: NDArray[np.int64], wanted: set[str]) -> _Cell | None:
    if not wanted:
        return None
    return next(_Cell(int(row), text) for text, row in zip(cells, rows, strict=True) if text in wanted)


def _advice(text: str) -> str:
    plain = text.strip().lower()
    if plain.startswith(tuple(_SIDES)):
        return "a bound needs a number behind its sign, as in >10"
    if plain.startswith("~"):
        return "give the number alone, or a bound with < or >"
    if "inf" in plain and plain.strip("+-") in {"inf", "infinity"}:
        return "an infinite value cannot be learned: leave the cell empty, or give a number"
    if "," in plain:
        return "write numbers with a decimal point, and thousands without a sign"
    return "numbers are needed; leave the cell empty where nothing was measured, or choose other target columns"
