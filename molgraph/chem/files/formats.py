"""The table of file formats, and which one a file name or the first bytes of a stream speak of."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

from molgraph.chem.files.columns import STRUCTURE_COLUMNS, plain
from molgraph.errors import InputError

FormatName = Literal["csv", "tsv", "smi", "sdf", "parquet"]
Compression = Literal["gz", "zst"]

FORMATS: Mapping[str, FormatName] = MappingProxyType(
    {
        ".csv": "csv",
        ".tsv": "tsv",
        ".tab": "tsv",
        ".smi": "smi",
        ".smiles": "smi",
        ".cxsmiles": "smi",
        ".sdf": "sdf",
        ".sd": "sdf",
        ".parquet": "parquet",
        ".pq": "parquet",
    }
)
COMPRESSIONS: Mapping[str, Compression] = MappingProxyType({".gz": "gz", ".zst": "zst"})

_UTF16 = 'is UTF-16 text; save it as UTF-8: in Excel as "CSV UTF-8", or with iconv -f UTF-16 -t UTF-8'

#: First bytes that no text file has, and the answer to them.
_FOREIGN: Mapping[bytes, str] = MappingProxyType(
    {
        b"PK\x03\x04": "is an Excel workbook or a zip archive; save the sheet as CSV, or unpack the archive",
        b"\xd0\xcf\x11\xe0": "is an old Excel workbook; save the sheet as CSV",
        b"\xff\xfe": _UTF16,
        b"\xfe\xff": _UTF16,
        b"BZh": "is bzip2 data; unpack it first, or use gzip",
        b"\xfd7zXZ": "is xz data; unpack it first, or use gzip",
        b"PAR1": "is a Parquet file; name it .parquet (it cannot be read from stdin)",
    }
)
_MOLBLOCK_COUNTS = re.compile(r"^[ \d]{6}.*V[23]000\s*$", re.MULTILINE)


def split_name(name: str) -> tuple[FormatName | None, Compression | None]:
    """Format and compression that the end of a file name stands for; None where it says nothing.

    Example:
        >>> split_name("library.smi.gz")
        ('smi', 'gz')
    """
    stem, compression = name.lower(), None
    for suffix, known in COMPRESSIONS.items():
        if stem.endswith(suffix):
            stem, compression = stem.removesuffix(suffix), known
    dot = stem.rfind(".")
    return (FORMATS.get(stem[dot:]) if dot >= 0 else None), compression


def checked_format(name: str) -> FormatName | None:
    """The format of the file `name`; None for `.txt`, where the content has to tell.

    Raises:
        InputError: The ending is not known, or not a readable one.
    """
    format_name, compression = split_name(name)
    if name.lower().endswith((".xlsx", ".xls", ".xlsm", ".ods")):
        raise InputError(f"{name} is a spreadsheet, which cannot be read; save the sheet as CSV")
    if format_name is None and ".txt" not in name.lower()[-8:]:
        raise InputError(
            f"{name}: the ending is none of {' '.join(FORMATS)} .txt (each also with .gz or .zst); "
            f"rename the file, or give the format ({', '.join(get_args(FormatName))})"
        )
    if format_name == "parquet" and compression:
        raise InputError(f"{name}: Parquet is compressed inside and cannot be read through .{compression}; unpack it")
    return format_name


def check_text(head: bytes, name: str) -> None:
    """Refuse a file that is not text.

    Raises:
        InputError: The first bytes are those of a workbook, an archive, UTF-16 text or other binary data.
    """
    for magic, answer in _FOREIGN.items():
        if head.startswith(magic):
            raise InputError(f"{name} {answer}")
    if b"\0" in re.split(rb"[\r\n]", head, maxsplit=1)[0]:
        raise InputError(f"{name} is binary, not text (NUL bytes in the first line); save it as UTF-8 text")


def sniff_format(block: str) -> FormatName:
    """The format of text that came without a name: `sdf`, `csv` where the first line is a header, else `smi`."""
    if _MOLBLOCK_COUNTS.search("\n".join(block.split("\n", 6)[:6])):
        return "sdf"
    first = next((line for line in block.split("\n") if line.strip()), "")
    cells = {plain(cell) for delimiter in ",;\t" for cell in first.split(delimiter)}
    return "csv" if cells & STRUCTURE_COLUMNS.keys() else "smi"
