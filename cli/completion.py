"""Shell completion: names of models and data sets, files, and the columns of the table on the command line."""

import csv
import gzip
from collections.abc import Iterable
from pathlib import Path

import typer

#: Entries of a folder that are listed at most, and bytes of a table that are read for its header.
_MOST_ENTRIES = 2000
_HEADER_BYTES = 65_536

#: Parameters that name the table whose columns are completed.
_TABLES = ("table", "source", "library")


def models(incomplete: str) -> list[str]:
    """Built-in models, `panel` and lists of its endpoints, and folders."""
    from molgraph.prediction.builtin_models import PANEL, builtin_models

    names = [PANEL, *builtin_models()]
    prefix = f"{PANEL}:"
    if incomplete.startswith(prefix):
        return _joined(incomplete, names[1:], after=prefix)
    return [*_starting(names, incomplete), *_paths(incomplete, only_folders=True)]


def data_sets(incomplete: str) -> list[str]:
    """Names of data sets."""
    from molgraph.datasets.cards import all_cards

    return _starting(all_cards(), incomplete)


def tables(incomplete: str) -> list[str]:
    """Names of data sets, and files."""
    return [*data_sets(incomplete), *_paths(incomplete, only_folders=False)]


def several_data_sets(incomplete: str) -> list[str]:
    """Names of data sets, joined by commas."""
    from molgraph.datasets.cards import all_cards

    return _joined(incomplete, all_cards())


def columns(ctx: typer.Context, incomplete: str) -> list[str]:
    """Columns of the table on the command line, joined by commas."""
    return _joined(incomplete, _header(ctx))


def column(ctx: typer.Context, incomplete: str) -> list[str]:
    """A column of the table on the command line."""
    return _starting(_header(ctx), incomplete)


def alerts(incomplete: str) -> list[str]:
    """Catalogues of alerts, joined by commas."""
    return _joined(incomplete, ("pains", "brenk", "nih", "chembl", "none"))


def _header(ctx: typer.Context) -> list[str]:
    # Before an option without a value, click has not yet assigned the arguments to parameters.
    given = [str(value) for value in (*(ctx.params.get(name) for name in _TABLES), *ctx.args) if value]
    path = next((Path(text) for text in given if Path(text).is_file()), None)
    if path is None:
        return []
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            line = file.read(_HEADER_BYTES).decode("utf-8-sig", errors="replace").split("\n", 1)[0].rstrip("\r")
    except (OSError, EOFError):
        return []
    delimiter = max(",;\t", key=line.count)
    cells = next(csv.reader([line], delimiter=delimiter), [])
    return [cell for cell in cells if cell.isprintable() and cell]


def _joined(incomplete: str, names: Iterable[str], after: str = "") -> list[str]:
    done, comma, last = incomplete.removeprefix(after).rpartition(",")
    used = done.split(",")
    return [f"{after}{done}{comma}{name}" for name in _starting(names, last) if name not in used]


def _starting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _paths(incomplete: str, *, only_folders: bool) -> list[str]:
    """Entries of the folder that is being typed; folders end with a slash."""
    head, slash, name = incomplete.rpartition("/")
    try:
        entries = sorted(Path(head + slash or ".").iterdir())[:_MOST_ENTRIES]
    except OSError:
        return []
    return [
        f"{head}{slash}{entry.name}" + ("/" if entry.is_dir() and not only_folders else "")
        for entry in entries
        if entry.name.startswith(name)
        and (name.startswith(".") or not entry.name.startswith("."))
        and (entry.is_dir() or not only_folders)
    ]
