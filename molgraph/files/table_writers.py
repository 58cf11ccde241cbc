"""Writers of tables as delimited text, SD files and Parquet, one batch of rows at a time."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from numpy.typing import NDArray
from rdkit import Chem

from molgraph.chem.parse import quiet_rdkit
from molgraph.errors import InputError
from molgraph.files.cell_text import is_decimal, quoter, safe_texts, texts

Column = Sequence[object] | NDArray[Any]


class TableWriter(ABC):
    """Takes the rows of a table, a batch at a time.

    Attributes:
        columns: Names of the columns, in order.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)

    def write(self, columns: Mapping[str, Column]) -> None:
        """Append rows: for each column of the table as many values.

        Raises:
            InputError: A column is missing, unknown or of another length.
        """
        if set(columns) != set(self.columns):
            raise InputError(f"the columns are {sorted(columns)}; this table has {sorted(self.columns)}")
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"the columns are of different lengths: {lengths}")
        self._append([columns[name] for name in self.columns])

    @abstractmethod
    def _append(self, columns: list[Column]) -> None: ...


class DelimitedWriter(TableWriter):
    """Rows of delimited text below a header."""

    def __init__(self, file: TextIO, columns: Sequence[str], delimiter: str) -> None:
        super().__init__(columns)
        self._file = file
        self._delimiter = delimiter
        self._quoted = quoter(delimiter)
        self._append([[name] for name in self.columns])

    def _append(self, columns: list[Column]) -> None:
        lines = map(self._delimiter.join, zip(*map(self._cells, columns), strict=True))
        # A blank line would not be read back as a row.
        self._file.writelines(f"{line}\n" if line.strip(" ") else f'"{line}"\n' for line in lines)

    def _cells(self, values: Column) -> list[str]:
        plain = texts(values)
        if is_decimal(values):
            return plain
        distinct = [*set(plain)]  # most columns of text repeat a few values
        cells = dict(zip(distinct, map(self._quoted, safe_texts(distinct)), strict=True))
        return [cells[text] for text in plain]


class SdfWriter(TableWriter):
    """Mol blocks with 2D coordinates, which carry the stereo; every other column is a property."""

    def __init__(self, file: TextIO, columns: Sequence[str], smiles_column: str, id_column: str) -> None:
        super().__init__(columns)
        self._file = file
        self._smiles_column = smiles_column
        self._id_column = id_column

    def _append(self, columns: list[Column]) -> None:
        names = [re.sub(r"[<>\s]+", " ", name).strip() for name in self.columns]
        for row in zip(*map(texts, columns), strict=True):
            cells = dict(zip(self.columns, map(_one_line, row), strict=True))
            self._file.write(_molblock(cells[self._smiles_column], cells.get(self._id_column, "")))
            for name, text in zip(names, cells.values(), strict=True):
                self._file.write(f">  <{name}>\n{text}\n\n" if text else f">  <{name}>\n\n")
            self._file.write("$$$$\n")


class ParquetWriter(TableWriter):
    """Rows of a Parquet table. The first batch fixes the types; a column without any value is text."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        super().__init__(columns)
        self._path = path
        self._schema: Any = None
        self._writer: Any = None

    def _append(self, columns: list[Column]) -> None:
        import pyarrow as pa

        if self._schema is None:
            first = [pa.array(values, from_pandas=True) for values in columns]
            types = [pa.string() if pa.types.is_null(array.type) else array.type for array in first]
            self._open(pa.schema(list(zip(self.columns, types, strict=True))))
        arrays = []
        for name, values, kind in zip(self.columns, columns, self._schema.types, strict=True):
            try:
                arrays.append(pa.array(values, type=kind, from_pandas=True))
            except pa.ArrowException as error:
                raise InputError(f"the column {name!r} began as {kind}; a later value does not fit: {error}") from error
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        """Finish the file; a table without rows gets columns of text."""
        import pyarrow as pa

        if self._schema is None:
            self._open(pa.schema([(name, pa.string()) for name in self.columns]))
        self._writer.close()

    def _open(self, schema: Any) -> None:
        import pyarrow.parquet as pq

        self._schema = schema
        self._writer = pq.ParquetWriter(self._path, schema)


def _one_line(text: str) -> str:
    """A property value as one line that cannot be mistaken for the end of the record."""
    text = " ".join(text.split("\n")).replace("\r", " ").strip()
    return f" {text}" if text.startswith(("$$$$", ">")) else text


def _molblock(smiles: str, title: str) -> str:
    with quiet_rdkit():
        try:
            mol = Chem.MolFromSmiles(smiles) or Chem.Mol()
            mol.SetProp("_Name", title)
            block: str = Chem.MolToMolBlock(mol)
        except (RuntimeError, ValueError):  # RDKit cannot draw or kekulize it
            mol = Chem.Mol()
            mol.SetProp("_Name", title)
            block = Chem.MolToMolBlock(mol)
    return block
