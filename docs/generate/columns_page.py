"""The page on columns: what each column of the tables that molgraph writes holds."""

from molgraph.screening.hit_columns import column_reference

_INTRODUCTION = """\
# Columns

What the columns of `hits.csv` and of a table of predictions hold. `T` stands for the name of a task, for example
`T_pred` for `pIC50_pred`. How to work with them is explained in [Reading results](reading-results.md).
"""


def columns_page() -> str:
    """The introduction and the table."""
    return f"{_INTRODUCTION}\n{column_reference()}"
