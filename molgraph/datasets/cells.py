"""Parses a cell of measured values: a number, a bound, a range, a class, or a missing value."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from molgraph.quantities.units import Unit, unit_of

#: Spellings of "not measured", compared in lower case.
MISSING = frozenset(
    {
        *("", "na", "<na>", "n/a", "n.a.", "#n/a", "nan", "null", "none", "-", "--", "\u2013", "\u2014", ".", "?"),
        *("missing", "nd", "n.d.", "nt", "n.t.", "nr", "not tested", "not determined", "not measured", "not available"),
        *("not reported", "tbd", "pending", "#div/0!", "#value!", "#ref!", "#name?", "#null!", "#num!"),
    }
)

#: Spellings of the two classes besides 0 and 1, compared in lower case.
CLASS_NAMES: Mapping[str, float] = MappingProxyType(
    {
        **dict.fromkeys(("false", "inactive", "no", "negative", "n", "non-toxic", "nontoxic", "non-binder"), 0.0),
        **dict.fromkeys(("true", "active", "yes", "positive", "y", "toxic", "binder"), 1.0),
    }
)

#: Censoring signs before a number: 0 for a value above it (a lower bound), 1 for one below.
SIDES: Mapping[str, int] = MappingProxyType(
    {">=": 0, "=>": 0, ">>": 0, ">": 0, "≥": 0, "⩾": 0, "<=": 1, "=<": 1, "<<": 1, "<": 1, "≤": 1, "⩽": 1}
)

#: Signs of an approximate value.
APPROXIMATE = ("~=", "~", "≈", "≅", "ca.", "ca ", "approx.", "approx ", "about ")

_NUMBER = r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[+-]?\d+)?"
_ONE = re.compile(_NUMBER, re.ASCII)
_POWER = re.compile(r"([+-]?\d+(?:[.,]\d*)?)\s*[x*\u00d7]\s*10\s*\^?\s*([+-]?\d+)", re.ASCII)
_RANGE = re.compile(rf"({_NUMBER})\s*(?:-|to|\.\.\.?)\s*({_NUMBER})(?![\d.,])", re.ASCII)
_SPREAD = re.compile(rf"({_NUMBER})\s*(?:±|\+/-|\+-)\s*{_NUMBER}(?![\d.,])", re.ASCII)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3}){2,}(\.\d*)?", re.ASCII)

#: No measurement is longer, with its unit; on longer text regular expressions could backtrack for long.
_LONGEST = 200

#: No measurement is larger, and squares of larger numbers overflow.
_LARGEST = 1e100

#: Typographic blanks, which separate thousands; and signs that look like a minus.
_BLANKS = str.maketrans(dict.fromkeys("\u00a0\u2000\u2001\u2002\u2003\u2007\u2008\u2009\u200a\u202f", " "))
_THOUSANDS = re.compile(r"(?<=\d)[\u00a0\u2007\u2009\u202f](?=\d{3}(?!\d))")
_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u2014": "-", "\u2012": "-", "\ufe63": "-", "\uff0d": "-"})

CellKind = Literal["value", "approximate", "spread", "bound", "range", "class", "gap"]


@dataclass(frozen=True)
class Cell:
    """A parsed cell.

    Attributes:
        kind: A `value`, an `approximate` one (`~6.1`), one with its `spread` (`6.1 ± 0.2`), a `bound` (`>10`), a
            `range` (`7-8`), a `class` (`active`), or a `gap`: a missing value.
        value: The number, or 0 or 1 for a class; NaN for bounds, ranges and gaps.
        lower: Lower bound of the value; NaN where there is none.
        upper: Upper bound, likewise.
        unit: The unit behind the number; None where there is none.
        comma: Whether the number has a comma (`decimal`), perhaps between thousands (`thousands`).
        point: Whether it has a decimal point.
    """

    kind: CellKind
    value: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    unit: Unit | None = None
    comma: Literal["", "decimal", "thousands"] = ""
    point: bool = False


_GAP = Cell("gap")


def parse_cell(text: str) -> Cell | None:
    """Parses a cell; None where it holds nothing that can be learned.

    >>> parse_cell("~6.1").value, parse_cell(">10 µM").lower, parse_cell("=5.7").value
    (6.1, 10.0, 5.7)
    >>> cell = parse_cell("7-8")
    >>> cell.kind, cell.lower, cell.upper, parse_cell("weak")
    ('range', 7.0, 8.0, None)
    """
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    plain = _THOUSANDS.sub("", text).translate(_BLANKS).strip().lower()
    if plain in MISSING:
        return _GAP
    if plain in CLASS_NAMES:
        return Cell("class", CLASS_NAMES[plain])
    # From here on case matters, as in units: 1 mM is no 1 MM.
    plain = _THOUSANDS.sub("", text).translate(_BLANKS).translate(_MINUS).strip().strip("'\"").strip()
    sign = next((sign for sign in SIDES if plain.startswith(sign)), None)
    if sign is not None:
        return _bound(plain[len(sign) :], SIDES[sign])
    mark = next((mark for mark in APPROXIMATE if plain.lower().startswith(mark)), None)
    plain = plain.removeprefix("=").lstrip() if mark is None else plain[len(mark) :].lstrip()
    cell = _measured(plain)
    if mark is None or cell is None:
        return cell
    return replace(cell, kind="approximate") if cell.kind == "value" else None


def _bound(rest: str, side: int) -> Cell | None:
    limit = _measured(rest.strip())
    if limit is None or limit.kind != "value":
        return None
    lower, upper = (limit.value, math.nan) if side == 0 else (math.nan, limit.value)
    return Cell("bound", lower=lower, upper=upper, unit=limit.unit, comma=limit.comma, point=limit.point)


def _measured(plain: str) -> Cell | None:
    """A number, a range or a number with its spread, and the unit behind it."""
    lower = plain.lower()
    for kind, pattern in (("spread", _SPREAD), ("range", _RANGE), ("power", _POWER), ("value", _ONE)):
        match = pattern.match(lower)
        if match is None:
            continue
        rest = plain[match.end() :].strip()
        unit = unit_of(rest) if rest else None
        if rest and unit is None:
            continue
        if kind == "power":
            return _cell("value", [f"{match[1].replace(',', '.')}e{match[2]}"], unit)
        numbers = [match[1], match[2]] if kind == "range" else [match[1] if kind == "spread" else match[0]]
        return _cell("range" if kind == "range" else "spread" if kind == "spread" else "value", numbers, unit)
    return None


def _cell(kind: Literal["value", "spread", "range"], numbers: list[str], unit: Unit | None) -> Cell | None:
    values = [float(number.replace(",", ".")) for number in numbers]
    if not all(abs(value) <= _LARGEST for value in values):
        return None
    commas = [number for number in numbers if "," in number]
    has_thousands = all(re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", number, re.ASCII) for number in commas)
    comma: Literal["", "decimal", "thousands"] = "" if not commas else "thousands" if has_thousands else "decimal"
    point = any("." in number for number in numbers)
    if kind != "range":
        return Cell(kind, values[0], unit=unit, comma=comma, point=point)
    if not values[0] < values[1]:
        return None
    return Cell("range", lower=values[0], upper=values[1], unit=unit, comma=comma, point=point)


def advice_on(text: str) -> str:
    """Advice on a cell that cannot be learned."""
    plain = text.strip().lower()
    if plain.startswith(tuple(SIDES)):
        return "a bound needs a number behind its sign, as in >10"
    if plain.strip("+-") in {"inf", "infinity"}:
        return "an infinite value cannot be learned: leave the cell empty, or give a number"
    if len(plain) > _LONGEST:
        return f"no measurement has {len(plain):,} characters: is this column one of remarks?"
    if "," in plain or _GROUPED.fullmatch(plain):
        return "write numbers with a decimal point, and thousands without a sign"
    if re.fullmatch(_NUMBER, plain, re.ASCII):
        return f"no measurement is beyond {_LARGEST:g}: leave the cell empty, or give a number"
    return (
        "numbers are needed: a bound is written as >10, a range as 7-8, and an empty cell where nothing was measured; "
        "`missing` names further labels of missing values, or choose other target columns"
    )
