"""Decodes bytes to blocks of whole lines: byte-order mark, line ends, encodings and overlong lines."""

import re
from collections.abc import Callable, Iterator

from molgraph.errors import InputError
from molgraph.files.compression import ByteSource
from molgraph.files.formats import check_text
from molgraph.files.records import MAX_RECORD_BYTES, Fault

_LINE_END = re.compile(rb"\r\n?|\n")


def text_blocks(source: ByteSource, name: str) -> Iterator[str]:
    """Blocks of whole lines joined by a newline, without a last newline; about 256 kB each.

    Text is UTF-8, with or without a byte-order mark; a line that is not UTF-8 is read as Latin-1. Lines end in LF,
    CR LF (the CR then stays in the block), or, if the first line of the file does so, in CR. Of a line longer than
    `MAX_RECORD_BYTES` only the beginning is kept, marked by a NUL at its end, which `line_fault` reports.

    Raises:
        InputError: The file is empty or not text.
    """
    chunk = source.read()
    check_text(chunk, name)
    chunk = chunk.removeprefix(b"\xef\xbb\xbf")
    if not chunk.strip():
        raise InputError(f"{name} is empty; give a file with at least one molecule")
    first_end = _LINE_END.search(chunk)
    is_mac = first_end is not None and first_end[0] == b"\r" and first_end.end() < len(chunk)
    unfinished = b""
    while chunk:
        if is_mac:
            chunk = chunk.replace(b"\r", b"\n")
        if len(unfinished) > MAX_RECORD_BYTES:  # an overlong line: drop all but its beginning
            unfinished = unfinished[:MAX_RECORD_BYTES] + b"\0"
            chunk = chunk[chunk.find(b"\n") :] if b"\n" in chunk else b""
        lines, newline, rest = chunk.rpartition(b"\n")
        if newline:
            yield _decoded(unfinished + lines)
            unfinished = rest
        else:
            unfinished += rest
        chunk = source.read()
    if unfinished:
        yield _decoded(unfinished)


def without_top(block: str, is_above: Callable[[str], bool]) -> tuple[str, int]:
    """The block without the leading lines that `is_above` matches (the last line is kept), and their number."""
    start = n_lines = 0
    while (end := block.find("\n", start)) >= 0 and is_above(block[start:end]):
        start, n_lines = end + 1, n_lines + 1
    return block[start:], n_lines


def needs_care(block: str) -> bool:
    """True if some line of the block may have a `line_fault`."""
    return "\0" in block or len(block) > MAX_RECORD_BYTES


def line_fault(line: str) -> Fault | None:
    """What makes a line unreadable in any format; None for nearly all."""
    # A character takes up to four bytes, so an overlong line that was cut has at least a quarter as many.
    if len(line) > MAX_RECORD_BYTES or (line.endswith("\0") and len(line) > MAX_RECORD_BYTES // 4):
        return Fault(line[:200], f"the line is longer than {MAX_RECORD_BYTES} bytes")
    return Fault(line[:200].replace("\0", ""), "the line holds NUL bytes") if "\0" in line else None


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "\n".join(decoded_line(line) for line in data.split(b"\n"))


def decoded_line(line: bytes) -> str:
    """The text of a line, or of a cell: UTF-8, or where it is not, Latin-1, which any bytes are."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
