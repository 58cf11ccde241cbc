"""Options of the commands that read measured values, and what is said of what was read."""

from typing import TYPE_CHECKING, Annotated

import typer

from .text import tell

if TYPE_CHECKING:
    from molgraph.datasets.dataset import Dataset
    from molgraph.tasks import Direction

Missing = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT,...", help="Cells that mean 'not measured', besides NA, n.d., - and the like: -999,inactive."
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN=TEXT", help="Take only rows with that text, as 'Standard Type=IC50'; may be repeated."
    ),
]
AsIs = Annotated[
    bool,
    typer.Option(
        "--as-is",
        help="Learn numbers as they are, without recognising quantities, units and relations; an IC50 in nM is learned "
        "as pIC50 otherwise.",
    ),
]


def rows_where(conditions: list[str] | None) -> dict[str, str]:
    """The text that rows must have, by column.

    >>> rows_where(["Standard Type=IC50"])
    {'Standard Type': 'IC50'}
    """
    from molgraph.errors import InputError

    chosen = {}
    for condition in conditions or ():
        column, sign, text = condition.partition("=")
        if not (sign and column.strip()):
            raise InputError(f"--where is {condition!r}; it must be a column and a text, like 'Standard Type=IC50'")
        chosen[column.strip()] = text.strip()
    return chosen


def directions(minimize: list[str], maximize: list[str]) -> "dict[str, Direction]":
    """Which way the named columns are better."""
    from molgraph.errors import InputError

    both = sorted(set(minimize) & set(maximize))
    if both:
        raise InputError(f"{both[0]!r} stands in --minimize and in --maximize; name it in one of them")
    ways: dict[str, Direction] = dict.fromkeys(minimize, "minimize")
    return ways | dict.fromkeys(maximize, "maximize")


def tell_notes(dataset: "Dataset") -> None:
    """Say what was made of the columns, and which tasks nobody has given a direction."""
    for note in dataset.notes:
        tell(note)
