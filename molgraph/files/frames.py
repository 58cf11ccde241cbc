"""In-memory tables and structures: frames, columns and molecules of other Python packages.

None of these packages is imported: a frame of pandas, polars or Arrow is recognised by its interface.
"""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rdkit import Chem

from molgraph.errors import InputError

#: Name of the column of structures where structures alone are given.
_STRUCTURES = "smiles"


class Frame(Protocol):
    """Interface of a frame of pandas or polars."""

    @property
    def columns(self) -> Iterable[Any]:
        """Names of the columns."""
        ...

    def __getitem__(self, name: Any, /) -> Iterable[Any]: ...


#: Structures of any kind: SMILES and molecules in a list, an array or a column of a frame.
Structures = Iterable[str | Chem.Mol | None]

#: Readable as a table: a file, folder, glob or address; a frame, a mapping of columns, a list of structures.
TableLike = str | Path | Frame | Mapping[str, Iterable[Any]] | Sequence[Any]


@dataclass(frozen=True)
class MemoryTable:
    """An in-memory table, which is read like a file of that name.

    Attributes:
        name: As shown in errors and reports.
        content: Its rows as CSV.
    """

    name: str
    content: bytes

    def __str__(self) -> str:
        return self.name

    def __fspath__(self) -> str:
        return self.name


#: Anything that is read like a file.
Readable = str | Path | MemoryTable


def readable(table: TableLike | MemoryTable) -> Readable:
    r"""A path unchanged, and an in-memory table as a `MemoryTable`, which is read like a file.

    RDKit molecules become SMILES; None, NaN and other gaps become empty cells. An index of pandas is a column if it has
    a name. A list, an array or a series is a column of structures.

    Raises:
        InputError: It is no table.

    Example:
        >>> str(readable({"smiles": ["CCO", "CCN"], "y": [1.0, None]}))
        'dict'
        >>> readable({"smiles": ["CCO", "CCN"], "y": [1.0, None]}).content
        b'sep=,\r\nsmiles,y\r\nCCO,1.0\r\nCCN,\r\n'
    """
    if isinstance(table, str | Path | MemoryTable):
        return table
    name = type(table).__name__
    if isinstance(table, Chem.Mol):
        raise InputError("this is one molecule where a table belongs; give a list of molecules, or a table")
    pairs = list(_columns(table))
    columns = dict(pairs)
    if len(columns) < len(pairs):
        raise InputError(f"two columns of the {name} have one name; give every column its own name")
    lengths = {len(cells) for cells in columns.values()}
    if len(lengths) != 1:
        raise InputError(f"{name} has {len(columns)} columns of {sorted(lengths)} rows; give columns of one length")
    text = io.StringIO(newline="")
    text.write("sep=,\r\n")  # so that nothing has to be guessed
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return MemoryTable(name, text.getvalue().encode("utf-8", errors="replace"))


def structure_list(structures: Structures) -> list[Any]:
    """The structures of a list, an array or a series: SMILES as they are, and molecules as SMILES.

    Other values are kept, to be rejected as missing structures.

    Args:
        structures: Texts and RDKit molecules.

    Raises:
        InputError: It is one structure, a whole table, or an array of several axes.

    Example:
        >>> structure_list(["OCC", Chem.MolFromSmiles("OCC"), None])
        ['OCC', 'CCO', None]
    """
    if isinstance(structures, str):
        raise InputError(f"smiles is the single text {structures[:40]!r}; give a list, e.g. [{structures[:40]!r}]")
    if isinstance(structures, Chem.Mol):
        raise InputError("smiles is a single molecule; give a list of molecules")
    if isinstance(structures, Mapping) or _is_frame(structures):
        kind = type(structures).__name__
        raise InputError(f"smiles is a table ({kind}); give its column of structures, e.g. table['smiles']")
    if not isinstance(structures, Iterable):
        raise InputError(f"smiles is {structures!r}; give a list of SMILES or molecules")
    _refuse_axes(structures)
    return [_plain(value) for value in _values(structures)]


def _columns(table: Any) -> Iterator[tuple[str, list[str]]]:
    if isinstance(table, Mapping):
        for name, column in table.items():
            yield str(name), _cells(column)
    elif _is_frame(table):
        index: Any = getattr(table, "index", None)
        if getattr(index, "name", None) is not None:
            yield str(index.name), _cells(index)
        names = list(getattr(table, "column_names", None) or table.columns)
        for name in names:
            yield str(name), _cells(table[name])
    elif isinstance(table, Iterable):
        _refuse_axes(table)
        yield _STRUCTURES, _cells(table)
    else:
        raise InputError(
            f"a table is {type(table).__name__}; give a file, a frame of pandas or polars, or a mapping of columns"
        )


def _refuse_axes(values: Iterable[Any]) -> None:
    """Refuse an array of several axes: the meaning of its columns is unknown."""
    axes: Any = getattr(values, "ndim", 1)
    if axes != 1:
        raise InputError(
            f"this is an array of {axes} axes; give one column of structures, or a table whose columns have names, "
            "e.g. {'smiles': values[:, 0]}"
        )


def _is_frame(value: Any) -> bool:
    return hasattr(value, "columns") and hasattr(value, "__getitem__")


def _values(column: Iterable[Any]) -> Iterable[Any]:
    arrow: Any = getattr(column, "to_pylist", None)
    return column if arrow is None else arrow()


def _plain(value: Any) -> Any:
    return Chem.MolToSmiles(value) if isinstance(value, Chem.Mol) else value


def _cells(column: Iterable[Any]) -> list[str]:
    return [_cell(value) for value in _values(column)]


def _cell(value: Any) -> str:
    """The text of a value as in a file."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return value
    text = str(_plain(value))
    return "" if text in {"<NA>", "NaT", "nan"} else text
