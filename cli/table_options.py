"""Options of the commands that read measured values, and messages on what was read."""

import math
from typing import TYPE_CHECKING, Annotated

import typer

from molgraph.config.training import KindChoice

from . import completion
from .text import tell

if TYPE_CHECKING:
    from molgraph.config.training import TrainConfig
    from molgraph.datasets.dataset import Dataset
    from molgraph.results.tasks import Direction

Table = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="Table of structures and measurements (.csv .tsv .sdf .parquet ...), or a data set name.",
        autocompletion=completion.tables,
    ),
]
TargetColumns = Annotated[
    str | None,
    typer.Option(
        help="Columns to learn, joined by commas; '*' for all of numbers. [default: the only numeric column that is no "
        "identifier]",
        autocompletion=completion.columns,
    ),
]
TaskKind = Annotated[
    KindChoice,
    typer.Option("--task-type", "-t", help="What the columns hold; auto looks at the values."),
]
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
Unit = Annotated[
    str | None,
    typer.Option(metavar="UNIT", help="Unit of concentrations (IC50, Ki, ...) whose columns name none, e.g. nM."),
]
AsIs = Annotated[
    bool,
    typer.Option(
        "--as-is",
        help="Learn numbers as they are, without recognising quantities, units and relations; an IC50 in nM is learned "
        "as pIC50 otherwise.",
    ),
]

ValueRange = Annotated[
    list[str] | None,
    typer.Option(
        "--range",
        metavar="NAME=LOW:HIGH",
        help="Least and largest value that a target can have, e.g. bound=0:100 for per cent, or clearance=0: if there "
        "is no largest. No prediction or interval goes beyond. May be given several times.",
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
        raise InputError(f"{both[0]!r} is in both --minimize and --maximize; name it in one of them")
    ways: dict[str, Direction] = dict.fromkeys(minimize, "minimize")
    return ways | dict.fromkeys(maximize, "maximize")


def ranges(given: list[str] | None) -> dict[str, tuple[float | None, float | None]]:
    """Least and largest value of tasks, by name.

    >>> ranges(["bound=0:100", "clearance=0:"])
    {'bound': (0.0, 100.0), 'clearance': (0.0, None)}
    """
    from molgraph.errors import InputError

    found: dict[str, tuple[float | None, float | None]] = {}
    for text in given or ():
        name, _, ends = text.rpartition("=")
        try:
            low, high = (float(part) if part.strip() else None for part in ends.split(":"))
        except ValueError:
            low = high = None
        if not name or (low is None and high is None) or not all(map(math.isfinite, (low or 0.0, high or 0.0))):
            raise InputError(f"--range is {text!r}; it must be like bound=0:100, clearance=0: or loss=:0")
        found[name] = (low, high)
    return found


#: Tasks from which the time is estimated beforehand.
_MANY_TASKS = 30


def tell_many_tasks(dataset: "Dataset", settings: "TrainConfig") -> None:
    """Print about how long many tasks take, and which preset is faster."""
    if len(dataset.tasks) < _MANY_TASKS:
        return
    from molgraph.config.learners import PRESETS, seconds_of_many_tasks
    from molgraph.parallel.cpu import usable_cores

    names = PRESETS[settings.preset] if settings.learner is None else (settings.learner,)
    fits, seconds = seconds_of_many_tasks(names, len(dataset.tasks), settings.folds, usable_cores())
    if fits:
        from molgraph.spelling import counted

        minutes = counted(max(1, round(seconds / 60)), "minute")
        tell(
            f"{len(dataset.tasks):,} tasks: {fits:,} tree models (one per task and ensemble member) take about "
            f"{minutes} or more; --preset lean trains all tasks in one model"
        )
