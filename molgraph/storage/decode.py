"""JSON and TOML to plain values: the one place where they are decoded.

Whatever a file holds, what comes back is a tree of plain values that the rest of the program can walk, compare and
write again, or an `InputError` in one line. Nesting, size and the range of numbers are bounded, a key comes once, and
every text can be encoded. The types of the values are for `molgraph.storage.decode_typed` to check.
"""

import json
import math
import os
import re
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from molgraph.errors import InputError

#: Deepest nesting of lists and tables. Files that molgraph writes have six levels.
MOST_DEPTH = 32

#: A TOML key of a hundred parts and more, each of which is a table: it is refused for its depth, but the decoder would
#: first need memory for the square of them.
_LONG_KEY = re.compile(rb"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}""")

#: Whole numbers that are read: those of 64 bits, signed or not.
LOWEST_INT, HIGHEST_INT = -(2**63), 2**64 - 1

#: Characters of the longest such number, with its sign.
_MOST_DIGITS = 20


def decode_json(content: bytes, *, allows_nonfinite: bool = False) -> Any:
    """The values of a JSON text.

    Args:
        content: The text as UTF-8.
        allows_nonfinite: Take `NaN`, `Infinity` and `-Infinity`, which JSON does not have, as Python writes them.

    Raises:
        InputError: It is no JSON, or beyond the bounds.

    >>> decode_json(b'{"a": [1, 2.5, null]}')
    {'a': [1, 2.5, None]}
    >>> decode_json(b'{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ...
    molgraph.errors.InputError: the key 'a' comes more than once in a table
    """
    try:
        value = json.loads(
            content.decode(),
            parse_int=_int,
            parse_float=_float,
            parse_constant=float if allows_nonfinite else _refuse_constant,
            object_pairs_hook=_table,
        )
    except UnicodeDecodeError as error:
        raise InputError(f"it is no UTF-8 text ({error.reason} at byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise InputError(f"it is no JSON ({error.msg} in line {error.lineno}, column {error.colno})") from error
    except RecursionError as error:
        raise _too_deep() from error
    _check_depth(value)
    # Only an escape gives half of a character: the bytes themselves have been decoded.
    if b"\\ud" in content or b"\\uD" in content:
        _check_texts(value)
    return value


def decode_toml(content: bytes) -> dict[str, Any]:
    """The values of a TOML text.

    Raises:
        InputError: It is no TOML, or beyond the bounds.

    >>> decode_toml(b"a = [1, 2]")
    {'a': [1, 2]}
    >>> decode_toml(b"a = 1e999")
    Traceback (most recent call last):
    ...
    molgraph.errors.InputError: the number 1e999 is too large
    """
    if _LONG_KEY.search(content):
        raise _too_deep()
    try:
        values = tomllib.loads(content.decode("utf-8-sig"), parse_float=_toml_float)
    except UnicodeDecodeError as error:
        raise InputError(f"it is no UTF-8 text ({error.reason} at byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(str(error)) from error
    except ValueError as error:  # a whole number of thousands of digits
        raise InputError("a whole number has more digits than are read") from error
    except RecursionError as error:
        raise _too_deep() from error
    _check_depth(values)
    for value in _leaves(values):
        if isinstance(value, int) and not LOWEST_INT <= value <= HIGHEST_INT:
            raise InputError(f"the whole number {_shortened(str(value))} has more than 64 bits")
    return values


def read_bounded(path: str | Path, most_bytes: int) -> bytes:
    """The bytes of a file that is to be decoded; nothing else than an ordinary file is opened.

    Raises:
        OSError: It is not there, or cannot be read.
        InputError: It is no ordinary file, or larger than that.
    """
    status = Path(path).stat()
    if not stat.S_ISREG(status.st_mode):
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(21, os.strerror(21), str(path))
        raise InputError(f"{path} is not an ordinary file")
    with Path(path).open("rb") as file:
        content = file.read(most_bytes + 1)  # it may grow while it is read
    if len(content) > most_bytes:
        raise InputError(f"{path} has more than {most_bytes:,} bytes")
    return content


def is_number(value: object) -> bool:
    """Whether a value is a number that is finite as a float; True and False are none.

    >>> is_number(2), is_number(True), is_number(10**400), is_number(float("nan"))
    (True, False, False, False)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _int(text: str) -> int:
    # The digits are counted first: Python takes quadratic time for many, or refuses them.
    if len(text) > _MOST_DIGITS or not LOWEST_INT <= int(text) <= HIGHEST_INT:
        raise InputError(f"the whole number {_shortened(text)} has more than 64 bits")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise InputError(f"the number {_shortened(text)} is too large")
    return value


def _toml_float(text: str) -> float:
    if text.lstrip("+-") in ("nan", "inf"):
        raise InputError(f"{text} is no number that can be used")
    return _float(text)


def _refuse_constant(text: str) -> float:
    raise InputError(f"it is no JSON ({text} is no value)")


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise InputError(f"the key {_shortened(twice)!r} comes more than once in a table")
    return table


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [item for node in level for item in _items(node) if isinstance(item, dict | list)]
        if not level:
            return
    raise _too_deep()


def _check_texts(value: object) -> None:
    for text in _leaves(value):
        if isinstance(text, str) and not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise InputError(r"a text has half of a character (\ud800 to \udfff)") from error


def _leaves(value: object) -> Iterator[object]:
    """All keys and values that hold nothing themselves; the depth has been checked."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield from node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
        else:
            yield node


def _items(node: object) -> Any:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def _too_deep() -> InputError:
    return InputError(f"lists and tables are nested more than {MOST_DEPTH} deep")


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_DIGITS * 2 else f"{text[: _MOST_DIGITS * 2]}..."
