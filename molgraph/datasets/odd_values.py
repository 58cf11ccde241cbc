"""Sentinel values far from all others, such as -999 for a missing measurement."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from molgraph.datasets.labels import NumberColumn
from molgraph.errors import InputError, setting

#: Fewest distinct values for the check; distance of a sentinel in ranges of the others; and a magnitude that no
#: measurement has.
_LEAST_DISTINCT, _FAR, _HUGE = 5, 1.0, 1e20

#: Rows that a message shows.
_SHOWN_ROWS = 5


def refuse_sentinel(column: NumberColumn) -> None:
    """Refuse a value such as -999 that is far from all others, and may mean that nothing was measured.

    Raises:
        InputError: There is one.
    """
    values = column.values()
    measured = values[~np.isnan(values)]
    distinct = np.unique(measured)
    if len(distinct) < _LEAST_DISTINCT:
        return
    for value, others in ((distinct[0], distinct[1:]), (distinct[-1], distinct[:-1])):
        spread = float(others.max() - others.min())
        distance = float(np.abs(others - value).min())
        looks_like_sentinel = all(digit == "9" for digit in f"{abs(value):g}") or abs(value) >= _HUGE
        if looks_like_sentinel and distance > _FAR * spread and abs(value) > np.abs(others).max():
            rows = np.flatnonzero(values == value)
            raise InputError(
                f"column {column.name!r} holds {value:g} in {len(rows):,} cells "
                f"({places(column, column.rows()[rows])}), far from all others ({others.min():g} to "
                f"{others.max():g}), which may mean that nothing was measured; leave them out with "
                f"{setting('missing', [f'{value:g}'])}, or learn them as values with `as_is=True`"
            )


def places(column: NumberColumn, rows: Sequence[int] | NDArray[np.int64]) -> str:
    """Positions of some rows, the first of them and how many more."""
    noun = column.place(0).partition(" ")[0]
    numbers = [column.place(int(row)).removeprefix(f"{noun} ") for row in rows[:_SHOWN_ROWS]]
    shown = f"{noun}{'s' if len(rows) > 1 else ''} {', '.join(numbers)}"
    return shown + (f" and {len(rows) - _SHOWN_ROWS:,} more" if len(rows) > _SHOWN_ROWS else "")
