"""The page on columns: what each column of the tables that molgraph writes holds."""

from pathlib import Path

_INTRODUCTION = """\
# Columns

What the columns of `hits.csv` and of a table of predictions hold. `T` stands for the name of a task, for example
`T_pred` for `pIC50_pred`. How to work with them is explained in [Reading results](reading-results.md).
"""


def columns_page() -> str:
    """The introduction and the table."""
    return f"{_INTRODUCTION}\n{columns_table()}"


def columns_table() -> str:
    """The table of all columns in Markdown."""
    return (Path(__file__).parent / "columns_table.md").read_text(encoding="utf-8")
