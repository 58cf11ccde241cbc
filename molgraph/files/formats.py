"""File formats, and their detection by file name or by the first bytes."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from molgraph.errors import InputError
from molgraph.files.columns import is_structure, names_column, structure_names

FormatName = Literal["csv", "tsv", "smi", "sdf", "parquet"]
Compression = Literal["gz", "bz2", "zst"]

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
        ".mol": "sdf",
        ".parquet": "parquet",
        ".pq": "parquet",
    }
)
COMPRESSIONS: Mapping[str, Compression] = MappingProxyType({".gz": "gz", ".bz2": "bz2", ".zst": "zst"})

#: Endings of two parts that some programs write as one.
_JOINED_ENDINGS: Mapping[str, str] = MappingProxyType({".sdfgz": ".sdf.gz", ".sdgz": ".sdf.gz", ".smigz": ".smi.gz"})

#: Endings of text of any kind, whose format is detected from the content.
_TEXT_ENDINGS = frozenset({"", ".txt", ".text", ".dat", ".list", ".lst"})

_SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods")

_UTF16 = 'is UTF-16 text; save it as UTF-8: in Excel as "CSV UTF-8", or with iconv -f UTF-16 -t UTF-8'

#: Magic bytes of unsupported files, and what to do about them.
_FOREIGN: Mapping[bytes, str] = MappingProxyType(
    {
        b"PK\x03\x04": "is an Excel workbook or a zip archive; save the sheet as CSV, or unpack the archive",
        b"\xd0\xcf\x11\xe0": "is an old Excel workbook; save the sheet as CSV",
        b"\xff\xfe": _UTF16,
        b"\xfe\xff": _UTF16,
        b"\xfd7zXZ": "is xz data; unpack it first, or use gzip",
        b"PAR1": "is a Parquet file; name it .parquet (it cannot be read from stdin)",
    }
)
_N_LINES_SNIFFED = 100
_N_LINES_COMPARED = 5
_MOLBLOCK_COUNTS = re.compile(r"^[ \d]{6}.*V[23]000\s*$", re.MULTILINE)


def split_name(name: str) -> tuple[FormatName | None, Compression | None]:
    """Format and compression by the ending of a file name; None where it is unknown.

    Example:
        >>> split_name("library.smi.gz")
        ('smi', 'gz')
    """
    ending, compression = _endings(name)
    return FORMATS.get(ending), compression


def _endings(name: str) -> tuple[str, Compression | None]:
    """The ending of a name without that of a compression, and the compression."""
    stem, compression = re.split(r"[/\\]", name.lower())[-1], None
    for joined, apart in _JOINED_ENDINGS.items():
        if stem.endswith(joined):
            stem = stem.removesuffix(joined) + apart
    for suffix, kind in COMPRESSIONS.items():
        if stem.endswith(suffix):
            stem, compression = stem.removesuffix(suffix), kind
    dot = stem.rfind(".")
    return (stem[dot:] if dot > 0 else ""), compression


def checked_format(name: str) -> FormatName | None:
    """The format of the file `name`; None for `.txt` and a name without an ending, whose content decides.

    Raises:
        InputError: The ending is unknown, or not a readable one.
    """
    format_name, compression = split_name(name)
    if name.lower().endswith(_SPREADSHEETS):
        raise InputError(f"{name} is a spreadsheet, which cannot be read; save the sheet as CSV")
    if format_name is None and _endings(name)[0] not in _TEXT_ENDINGS:
        raise InputError(
            f"{name}: the ending is none of {' '.join(FORMATS)} .txt (each also with {' '.join(COMPRESSIONS)}); rename "
            "the file if it is of one of these formats, or leave the ending out to have it found from the content"
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


def sniff_format(block: str, smiles_column: str | None = None) -> FormatName:
    """Detect the format of text without a name: `sdf`, `csv` where it has a header, else `smi`.

    Args:
        block: The first lines.
        smiles_column: A column of structures that was asked for, which a header then has.
    """
    if _MOLBLOCK_COUNTS.search("\n".join(block.split("\n", 6)[:6])):
        return "sdf"
    lines = [line.rstrip("\r") for line in block.split("\n", _N_LINES_SNIFFED)[:_N_LINES_SNIFFED] if line.strip()]
    wanted = structure_names(smiles_column)
    top = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if any(names_column(line, wanted) for line in lines[: top + 1]):
        return "csv"
    return "csv" if _is_table(lines[top:]) else "smi"


def _is_table(lines: Sequence[str]) -> bool:
    """Whether the first line has no structure, and the lines below have as many cells, one of them a structure."""
    return any(
        len({line.count(delimiter) for line in lines[:_N_LINES_COMPARED]}) == 1
        and not any(map(is_structure, lines[0].split(delimiter)))
        and any(map(is_structure, lines[1].split(delimiter)))
        for delimiter in "\t;,"
        if len(lines) > 1 and delimiter in lines[0]
    )
