"""`molgraph datasets`: lists, describes and downloads benchmark data sets."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from . import completion
from .commands import Commands
from .options import AsJson
from .text import show_json, show_line, show_table

app = typer.Typer(cls=Commands, help="Benchmark data sets: list, show, fetch.")

NAME_HELP = "Name of a data set (see `molgraph datasets list`), in upper or lower case."


@app.command("list", epilog="Example: molgraph datasets list", short_help="List the data sets.")
def list_sets(*, as_json: AsJson = False) -> None:
    """List the benchmark data sets: rows, tasks, recommended metric and split."""
    from molgraph.datasets.cards import all_cards

    cards = all_cards().values()
    if as_json:
        show_json(list(cards))
        return
    rows = [
        (card.name, f"{card.rows:,}", str(card.n_tasks), card.kind, card.metric, card.split, card.title)
        for card in cards
    ]
    show_table([("name", "rows", "tasks", "kind", "metric", "split", "description"), *rows], right=(1, 2))


@app.command(epilog="Example: molgraph datasets show esol", short_help="Describe a data set.")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help=NAME_HELP, autocompletion=completion.data_sets)],
    *,
    as_json: AsJson = False,
) -> None:
    """Describe a data set: columns, units, licence, source and known defects."""
    from molgraph.datasets.cards import card_named

    card = card_named(name)
    if as_json:
        show_json({**asdict(card), "n_tasks": card.n_tasks})
    else:
        show_table(card.lines())


@app.command(epilog="Example: molgraph datasets fetch esol bbbp", short_help="Download data sets.")
def fetch(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help=NAME_HELP, autocompletion=completion.data_sets)],
    *,
    cache_dir: Annotated[Path | None, typer.Option(help="Folder for the files. [default: see molgraph doctor]")] = None,
    as_json: AsJson = False,
) -> None:
    """Download data sets that are not in the cache, check their hashes, and print the paths of the files."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    from molgraph.datasets.fetch import fetch as fetch_set

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    paths: dict[str, Path] = {}
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bars:
        for name in names:
            bar = bars.add_task(name, total=None, visible=False)

            def show_progress(done: int, total: int | None, bar: TaskID = bar) -> None:
                bars.update(bar, completed=done, total=total, visible=True)

            paths[name] = fetch_set(name, cache_dir=cache_dir, progress=show_progress)
            bars.remove_task(bar)
    if as_json:
        show_json({name: str(path) for name, path in paths.items()})
        return
    for path in paths.values():
        show_line(path)
