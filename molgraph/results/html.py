"""Tables for notebooks. Structures and identifiers come from files of others, so every cell is escaped."""

from collections.abc import Iterable, Sequence
from html import escape

#: Letters of a cell that are shown.
_MOST_LETTERS = 60


def html_table(title: str, names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """An HTML table below a line of text.

    Args:
        title: The line.
        names: Header.
        rows: Cells; None and NaN are shown as nothing, numbers with four significant digits.

    >>> html_table("1 row", ["smiles"], [["<script>"]])
    '<p>1 row</p><table><thead><tr><th>smiles</th></tr></thead><tbody><tr><td>&lt;script&gt;</td></tr></tbody></table>'
    """
    head = "".join(f"<th>{_cell(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>" for row in rows)
    return f"<p>{escape(title)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return escape(text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]}...")
