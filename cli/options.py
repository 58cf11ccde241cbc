"""Options that several commands share."""

from collections.abc import Iterable, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.models import OptionInfo

from molgraph.config.training import Device, Precision

from . import completion
from .text import tell

if TYPE_CHECKING:
    from molgraph.results.prediction import Rejected

#: Rows and groups of rows that are shown to people; all of them are in the output or in the JSON.
SHOWN = 5

SmilesColumn = Annotated[
    str | None,
    typer.Option(
        "--smiles-column",
        "-s",
        help="Column of structures. [default: found by its name]",
        autocompletion=completion.column,
    ),
]
IdColumn = Annotated[
    str | None,
    typer.Option(
        "--id-column", help="Column of identifiers. [default: found by its name]", autocompletion=completion.column
    ),
]
OutputFolder = Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")]
ConfigFile = Annotated[
    Path | None, typer.Option(metavar="FILE.toml", help="File of settings; options given here come first.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Resume an interrupted run; from the start if there is none.")]
Hit = Annotated[
    str | None,
    typer.Option(
        metavar="CONDITION",
        help="Definition of a hit, e.g. 'pIC50 >= 7' or 'active and not hERG': a screen then selects hits, and an "
        "evaluation reports their enrichment.",
    ),
]

# Options whose type depends on the command: `Annotated[Device, DEVICE]`, or `Annotated[Device | None, DEVICE]`
# where a file of settings may hold the value.
DEVICE: OptionInfo = typer.Option(help="Where to compute; auto takes a CUDA device if there is one.")
PRECISION: OptionInfo = typer.Option(
    help="Floating-point format of matrix products; auto takes bfloat16 where the processor is fast at it."
)
STANDARDIZER: OptionInfo = typer.Option(
    "--standardize",
    help="Standardization of structures: largest organic fragment, neutralised (default), or none. A packed library "
    "needs that of its models.",
)
SEED: OptionInfo = typer.Option(min=0, help="Random seed.")


def default_text(value: object) -> str:
    """What the help says of a default that is that of the settings, and not of the option: a file may hold another."""
    return f"[default: {value}]"


def with_default(option: OptionInfo, value: object) -> Any:
    """The option, with such a default in its help."""
    shown = copy(option)
    shown.help = f"{option.help} {default_text(value)}"
    return shown


DeviceOption = Annotated[Device, DEVICE]
PrecisionOption = Annotated[Precision, PRECISION]
Level = Annotated[float, typer.Option(help="Nominal coverage of intervals and calls, e.g. 0.9.")]
Processes = Annotated[
    int | None, typer.Option(min=1, help="Number of worker processes. [default: one a core, at most 8]")
]

Memory = Annotated[
    float | None,
    typer.Option(metavar="GB", help="Approximate memory limit of all processes; fewer are started if it is low."),
]
ProgressStyle = Literal["auto", "json"]
Progress = Annotated[
    ProgressStyle,
    typer.Option(help="On stderr: progress bar or lines (auto), or one line of JSON a second and no other messages."),
]


def _check_limit(limit: str | None) -> str | None:
    if limit is not None:
        allowed_rejected(limit, rows=0)
    return limit


MaxRejected = Annotated[
    str | None,
    typer.Option(
        metavar="N|N%",
        callback=_check_limit,
        help="End with exit code 1 if more rows are rejected than this; the output is written all the same.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists and holds nothing else.")]
OverwriteFile = Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no messages; errors only.")]
Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Model folder that `molgraph train` wrote, or a name that `molgraph models list` shows.",
        autocompletion=completion.models,
    ),
]
Models = Annotated[
    list[str],
    typer.Argument(
        metavar="MODEL",
        help="Model folders that `molgraph train` wrote, one or several; names of built-in models (`molgraph models "
        "list`); panel for all of these, panel:herg,ames for some.",
        autocompletion=completion.models,
    ),
]


def check_rejected(limit: str | None, rejected: int, rows: int) -> None:
    """End with exit code 1 if more rows were rejected than `--max-rejected` allows."""
    if limit is None:
        return
    if rejected > allowed_rejected(limit, rows):
        tell(f"molgraph: {rejected:,} of {rows:,} rows were rejected; --max-rejected allows {limit}")
        raise typer.Exit(1)


def with_ending(output: str) -> str:
    """The name of a table, with the format of the user's defaults where it has no ending."""
    from molgraph.config.user_defaults import load_defaults

    own = load_defaults().output_format
    return output if output == "-" or own is None or Path(output).suffix or Path(output).is_dir() else f"{output}.{own}"


#: Notes on columns that are shown.
_SHOWN_NOTES = 20


def names(joined: str) -> list[str]:
    """The names in an option that takes several, joined by commas."""
    return [name.strip() for name in joined.split(",")] if joined else []


def names_or_none(joined: str | None) -> list[str] | None:
    """As `names`, of an option that may not have been given."""
    return None if joined is None else names(joined)


def tell_notes(notes: Sequence[str]) -> None:
    """Print notes on the columns of the input on stderr."""
    for note in notes[:_SHOWN_NOTES]:
        tell(note)
    if len(notes) > _SHOWN_NOTES:
        tell(f"and {len(notes) - _SHOWN_NOTES:,} more notes; --json lists all")


def tell_rejected(rejected: Sequence["Rejected"], total: int, where_all: str) -> None:
    """Print the first few of `total` rejected rows on stderr, and where all of them are."""
    shown = rejected[:SHOWN]
    for row in shown:
        tell(f"  rejected: {row.place} ({row.id[:40]}) {row.text[:60]!r}: {row.reason}")
    if total > len(shown):
        tell(f"  and {total - len(shown):,} more; {where_all}")


def tell_no_better_than_chance(tasks: Iterable[str], which: str) -> None:
    """Warn on stderr of tasks in which a model ranks no better than chance."""
    for task in tasks:
        tell(f"WARNING: {task}: {which} are ranked no better than by chance; do not choose compounds by it")


def allowed_rejected(limit: str, rows: int) -> float:
    """Rows that may be rejected: `10`, or `5%` of all.

    >>> allowed_rejected("10", rows=1000), allowed_rejected("5%", rows=1000)
    (10.0, 50.0)
    """
    from molgraph.errors import InputError

    number = limit.strip().removesuffix("%")
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise InputError(f"--max-rejected is {limit!r}; it must be a number of rows such as 10, or a share such as 5%")
    return value * rows / 100 if limit.strip().endswith("%") else value
