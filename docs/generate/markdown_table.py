"""Markdown of tables."""

import re
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown already, on one line each.

    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = [head, *rows]
    shown = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([shown[0], "|" + "---|" * len(head), *shown[1:]])


def cell(text: str) -> str:
    r"""Running text, with code in backticks, for the cell of a table.

    >>> cell("rows of `x|y`, and" + chr(10) + "  <ids> of 2 * 3")
    'rows of `x\\|y`, and &lt;ids> of 2 \\* 3'
    """
    text = " ".join(text.split()).replace("|", "\\|")
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;").replace("*", "\\*") for part in parts)


def code(text: str) -> str:
    r"""Text in a fixed font, for the cell of a table.

    >>> code("a|b")
    '`a\\|b`'
    """
    return f"`{text}`".replace("|", "\\|")
