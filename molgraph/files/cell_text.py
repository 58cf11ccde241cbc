"""Text of table cells: formatting, quoting, and protection from spreadsheet formulas."""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

_NEEDS_QUOTES = re.compile(r'["\r\n]')
_FORMULA_START = ("=", "+", "-", "@", "\t", "\r")


def texts(values: Sequence[object] | NDArray[Any]) -> list[str]:
    """Each value as compact text, the same on every machine: six significant digits, `true`, empty for NaN and None.

    Example:
        >>> texts([0.1 + 0.2, float("nan"), 3, True, None, "CCO"])
        ['0.3', '', '3', 'true', '', 'CCO']
    """
    if is_decimal(values):
        # All of one type, which need not be checked one by one: saves two fifths of the time.
        return [f"{value:.6g}" if value == value else "" for value in values.tolist()]  # noqa: PLR0124 - NaN
    plain = values.tolist() if isinstance(values, np.ndarray) else values
    return [value if type(value) is str else _text(value) for value in plain]


def is_decimal(values: Sequence[object] | NDArray[Any]) -> TypeGuard[NDArray[np.floating[Any]]]:
    """Whether these are an array of floats, whose texts are numbers or empty and so need no quotes."""
    return isinstance(values, np.ndarray) and values.dtype.kind == "f"


def _text(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN, NaT and the like
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    return str(value)


def safe_texts(values: Sequence[object] | NDArray[Any]) -> list[str]:
    """As `texts`, with an apostrophe before text that a spreadsheet would run as a formula.

    That is text which begins with `= + - @`, a tab or a carriage return, is longer than one character and is not a
    number. A file of unknown origin could otherwise run commands in the reader's spreadsheet. No valid SMILES begins
    like that, and names hardly ever do.

    Example:
        >>> safe_texts(["=HYPERLINK(0)", "-0.7", "-", "[Na+]", "(-)-nicotine"])
        ["'=HYPERLINK(0)", '-0.7', '-', '[Na+]', '(-)-nicotine']
    """
    return [
        f"'{text}" if text.startswith(_FORMULA_START) and len(text) > 1 and not _is_number(text) else text
        for text in texts(values)
    ]


def quoter(delimiter: str) -> Callable[[str], str]:
    """A function that quotes a cell where the delimiter, a quote or a line end makes it necessary."""
    needs_quotes = re.compile(f"{_NEEDS_QUOTES.pattern}|{re.escape(delimiter)}").search

    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if needs_quotes(text) else text

    return quoted


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text
