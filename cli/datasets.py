"""`molgraph datasets`: which benchmark sets there are, what is in them, and their files."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Benchmark sets: list them, show a card, fetch a file.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
NAME_HELP = "Name of a set, as `molgraph datasets list` shows it; upper or lower case."


@app.command("list", epilog="Example: molgraph datasets list")
def list_sets(*, as_json: AsJson = False) -> None:
    """List the benchmark sets: rows, tasks, recommended metric and split."""
    from molgraph.datasets.cards import all_cards

    cards = all_cards().values()
    if as_json:
        typer.echo(json.dumps([asdict(card) for card in cards], indent=2, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", box=None, pad_edge=False)
    for heading in ("rows", "tasks"):
        table.add_column(heading, justify="right")
    for heading in ("kind", "metric", "split", "what"):
        table.add_column(heading)
    for card in cards:
        numbers = f"{card.rows:,}", str(card.n_tasks)
        table.add_row(card.name, *numbers, card.kind, card.metric, card.split, card.title)
    Console(markup=False).print(table)


@app.command(epilog="Example: molgraph datasets show esol")
def show(name: Annotated[str, typer.Argument(help=NAME_HELP)], *, as_json: AsJson = False) -> None:
    """Show what is known about a set: columns, units, licence, source and known defects."""
    from molgraph.datasets.cards import card_named

    card = card_named(name)
    if as_json:
        typer.echo(json.dumps(asdict(card), indent=2, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("", "", box=None, show_header=False, pad_edge=False)
    for label, text in card.lines():
        table.add_row(label, text)
    Console(markup=False).print(table)


@app.command(epilog="Example: molgraph datasets fetch esol bbbp")
def fetch(
    names: Annotated[list[str], typer.Argument(help=NAME_HELP)],
    *,
    cache_dir: Annotated[Path | None, typer.Option(help="Folder to keep the files in.")] = None,
    as_json: AsJson = False,
) -> None:
    """Download sets unless they are here, check them, and print where the files are."""
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
        typer.echo(json.dumps({name: str(path) for name, path in paths.items()}, indent=2))
        return
    for path in paths.values():
        typer.echo(path)
