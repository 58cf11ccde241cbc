"""A list of hits as columns, as `screen` returns it and writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgraph.errors import InputError
from molgraph.files.cell_text import texts
from molgraph.files.writer import open_table_writer
from molgraph.prediction.output_columns import Columns
from molgraph.results.column_spec import ColumnSpec
from molgraph.results.html import html_table
from molgraph.spelling import counted

#: Rows and columns that are shown of a table.
_SHOWN_ROWS, _SHOWN_COLUMNS = 10, 5


class HitTable:
    """Hits in their order, a row each, in the columns that `molgraph.screening.hit_columns` declares.

    Iterating gives a row at a time, as a dictionary. What is not known is NaN in a column of numbers, None in other
    columns and in rows.

    Args:
        columns: Values by name.
        specs: What the columns are, by name, in their order.

    Attributes:
        specs: The same.

    Raises:
        InputError: The columns are others than those declared, or of different lengths.

    Example:
        >>> from molgraph.screening.hit_columns import hit_columns
        >>> specs = {name: spec for name, spec in hit_columns([]).items() if name in {"rank", "id", "score"}}
        >>> hits = HitTable({"rank": [1, 2], "id": ["a", "b"], "score": [7.5, 6.25]}, specs)
        >>> hits
        HitTable(2 rows; 3 columns: rank, id, score)
        >>> hits["score"].tolist(), [hit["id"] for hit in hits]
        ([7.5, 6.25], ['a', 'b'])
    """

    def __init__(self, columns: Columns, specs: Mapping[str, ColumnSpec]) -> None:
        odd = sorted(columns.keys() ^ specs.keys())
        if odd:
            raise InputError(f"the columns {odd} are not those that were declared; see molgraph.screening.hit_columns")
        if len({len(values) for values in columns.values()}) > 1:
            raise InputError("the columns are of different lengths; give each a value for every hit")
        self.specs = dict(specs)
        self._columns = {name: _as_declared(columns[name], spec) for name, spec in specs.items()}

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), ()))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        columns = [values.tolist() if isinstance(values, np.ndarray) else values for values in self._columns.values()]
        for row in zip(*columns, strict=True):
            yield {
                name: None if isinstance(value, float) and np.isnan(value) else value
                for name, value in zip(self.specs, row, strict=True)
            }

    def __getitem__(self, name: str) -> Any:
        """The values of a column: an array of numbers, or a list.

        Raises:
            InputError: There is no such column.
        """
        if name not in self._columns:
            raise InputError(f"there is no column {name!r}; choose of {', '.join(self._columns)}")
        return self._columns[name]

    def __repr__(self) -> str:
        names = ", ".join([*self.specs][:_SHOWN_COLUMNS]) + (", ..." if len(self.specs) > _SHOWN_COLUMNS else "")
        return f"HitTable({counted(len(self), 'row')}; {counted(len(self.specs), 'column')}: {names})"

    def _repr_html_(self) -> str:
        """The first rows, for a notebook."""
        first = f"; the first {_SHOWN_ROWS}" if len(self) > _SHOWN_ROWS else ""
        rows = ([*row.values()] for row in islice(self, _SHOWN_ROWS))
        return html_table(f"{counted(len(self), 'hit')}{first}", [*self.specs], rows)

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` with these columns; what is not known is missing there."""
        import pandas as pd  # type: ignore[import-untyped]  # half a second

        kinds = {"integer": "Int64", "boolean": "boolean", "number": "float64"}
        return pd.DataFrame(
            {
                name: pd.array(self._columns[name], dtype=kinds[spec.type]) if spec.type in kinds else values
                for (name, spec), values in zip(self.specs.items(), self._columns.values(), strict=True)
            }
        )

    def to_arrow(self) -> Any:
        """A `pyarrow.Table` with these columns; a number or text is text there, and what is not known is null."""
        import pyarrow as pa

        kinds = {"integer": pa.int64(), "boolean": pa.bool_(), "number": pa.float64()}
        arrays = {}
        for name, spec in self.specs.items():
            values = self._columns[name]
            if spec.type == "number or text":
                values = [text or None for text in texts(values)]
            arrays[name] = pa.array(values, type=kinds.get(spec.type, pa.string()), from_pandas=True)
        return pa.table(arrays)

    def to_csv(self, path: str | Path) -> None:
        """Write the hits as `screen` does: numbers with six significant digits, formulas of spreadsheets disarmed.

        Args:
            path: Where to write: `.csv`, `.tsv`, `.sdf` (each also `.gz`) or `.parquet`. A file there is replaced.

        Raises:
            InputError: The ending is not known, or the file cannot be written.
        """
        with open_table_writer(path, [*self.specs]) as writer:
            writer.write(self._columns)


def _as_declared(values: Sequence[object] | NDArray[Any], spec: ColumnSpec) -> Sequence[object] | NDArray[Any]:
    """Numbers as an array of float64, with NaN for None; all else as a list."""
    if spec.type == "number":
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return values.tolist() if isinstance(values, np.ndarray) else [*values]
