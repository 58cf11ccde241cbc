"""Columns of a result: name, type, unit and meaning, declared once for files, for Python and for the documentation."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

#: What a cell holds; nothing where it is not known. `number or text` is a number, or a bound such as `>10`.
ColumnType = Literal["text", "integer", "number", "boolean", "number or text"]


@dataclass(frozen=True)
class ColumnSpec:
    """One column, or with `{task}`, `{place}` or `{column}` in its name one for each of several.

    Attributes:
        name: Name in the header. `{task}` stands for the name of a task, `{place}` for nothing, `_2`, `_3` and so on
            of the nearest compound, the second nearest and so on, `{column}` for a column of the library.
        type: What its cells hold.
        meaning: What that is, in one line of Markdown.
        origin: Package of molgraph that it comes from.
        unit: Unit of a number; `{unit}` stands for that of the task; None where it has none.
    """

    name: str
    type: ColumnType
    meaning: str
    origin: str
    unit: str | None = None

    def of(self, *, task: str = "", unit: str | None = None, place: str = "", column: str = "") -> "ColumnSpec":
        """The column of one task, place or column of the library.

        >>> ColumnSpec("{task}_pred", "number", "the value", "prediction", "{unit}").of(task="logS", unit="mol/L")
        ColumnSpec(name='logS_pred', type='number', meaning='the value', origin='prediction', unit='mol/L')
        """
        words = {"{task}": task, "{place}": place, "{column}": column}
        name = self.name
        for word, given in words.items():
            if word in name:
                name = name.replace(word, given)
                break  # the name of a task may look like another of these words
        return replace(self, name=name, unit=unit if self.unit == "{unit}" else self.unit)


def markdown_table(specs: Iterable[ColumnSpec]) -> str:
    """The columns as a Markdown table; those that follow each other and mean the same share a row.

    >>> print(markdown_table([ColumnSpec("{task}_std", "number", "how far off", "prediction", "{unit}")]))
    | column | type | unit | means |
    |---|---|---|---|
    | `T_std` | number | of the task | how far off |
    """
    lines = ["| column | type | unit | means |", "|---|---|---|---|"]
    for meaning, group in groupby(specs, key=lambda spec: spec.meaning):
        rows = [*group]
        shown = ", ".join(f"`{spec.of(task='T', column='C').name}`" for spec in rows)
        types = ", ".join(dict.fromkeys(spec.type for spec in rows))
        units = dict.fromkeys("of the task" if spec.unit == "{unit}" else spec.unit or "" for spec in rows)
        lines.append(f"| {shown} | {types} | {', '.join(unit for unit in units if unit)} | {meaning} |")
    return "\n".join(lines)
