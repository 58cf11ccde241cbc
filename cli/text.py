"""Output on the terminal: aligned tables, formatted numbers, and no control characters from files."""

import dataclasses
import json
import math
import shutil
import sys
import textwrap
from collections.abc import Collection, Sequence
from typing import Any

import typer

from .flags import with_flags

_GAP = "  "
_LEAST_WIDTH = 24

#: Powers of ten between which numbers are printed without one.
_LEAST_EXPONENT, _MOST_EXPONENT = 4, 6


def printable(text: object) -> str:
    r"""`text` in one line, with a `?` for each control character.

    >>> printable("a name\nwith \x1b[31mcolour")
    'a name with ?[31mcolour'
    """
    first, *others = str(text).splitlines() or [""]
    line = " ".join([first, *(part.strip() for part in others)])
    return "".join(c if c.isprintable() else "?" for c in line)


def tell(text: object) -> None:
    """Print a message on stderr; settings that it names are shown as flags."""
    typer.echo(printable(with_flags(str(text))), err=True)


def show_line(text: object = "") -> None:
    """Print a line of the result on stdout; settings that it names are shown as flags."""
    typer.echo(printable(with_flags(str(text))))


def show_table(rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> None:
    """Print rows on stdout in aligned columns; on a terminal the last column is wrapped to the width."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in aligned(rows, right=right, width=width):
        typer.echo(line)


def aligned(rows: Sequence[Sequence[str]], *, right: Collection[int] = (), width: int | None = None) -> list[str]:
    """Lines with the cells of each column below one another.

    Args:
        rows: Cells, the same number in each row.
        right: Columns that are aligned to the right, as numbers are.
        width: Where the last column is wrapped; None for never.

    >>> aligned([["task", "rmse"], ["pIC50", "0.61"]], right=[1])
    ['task   rmse', 'pIC50  0.61']
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    indent = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
    lines = []
    for row in cells:
        padded = [
            cell.rjust(size) if i in right else cell.ljust(size)
            for i, (cell, size) in enumerate(zip(row, widths, strict=True))
        ]
        line = _GAP.join(padded).rstrip()
        if width is None or len(line) <= width:
            lines.append(line)
            continue
        last = textwrap.wrap(row[-1], max(width - indent, _LEAST_WIDTH)) or [""]
        lines.append((line[:indent].ljust(indent) + last[0]).rstrip())
        lines += [" " * indent + part for part in last[1:]]
    return lines


def significant(value: float | None, digits: int = 3) -> str:
    """A number with so many significant digits, as metrics and labels are printed; `undefined` where there is none.

    A fixed number of decimals would print an error in mol/L as 0.000, and one in nM as 1777.149.

    >>> significant(0.6104), significant(0.00001234), significant(1777.149), significant(0.0), significant(None)
    ('0.610', '1.23e-05', '1777', '0', 'undefined')
    """
    if value is None or math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    exponent = math.floor(math.log10(abs(rounded)))
    if not -_LEAST_EXPONENT <= exponent <= _MOST_EXPONENT:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{max(digits - 1 - exponent, 0)}f}"


def show_json(value: Any) -> None:
    """Print JSON on stdout; numbers that are not finite become null."""
    typer.echo(json.dumps(_plain(value), indent=2, ensure_ascii=True, allow_nan=False))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
