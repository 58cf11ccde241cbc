"""Progress bars, on stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from molgraph.screening.progress import StreamProgress
    from molgraph.training.progress import TrainProgress

#: Seconds between two lines of progress where stderr is no terminal.
_LOG_SECONDS = 30.0


@contextmanager
def training_bar(*, quiet: bool) -> Iterator[Callable[["TrainProgress"], None]]:
    """A listener that shows members, epoch, inner loss, molecules per second and time left."""
    with _bar("train", quiet=quiet) as update:

        def listen(progress: "TrainProgress") -> None:
            names = ",".join(str(member + 1) for member in progress.members)
            loss = "" if progress.inner_loss is None else f", inner loss {progress.inner_loss:.4f}"
            note = f"member {names}, epoch {progress.epoch + 1}/{progress.epochs}{loss}"
            update(progress.molecules_done, progress.molecules_total, progress.molecules_done, note)

        yield listen


@contextmanager
def stream_bar(what: str, *, quiet: bool) -> Iterator[Callable[["StreamProgress"], None]]:
    """A listener that shows rows, rejected rows, molecules per second and time left."""
    with _bar(what, quiet=quiet) as update:

        def listen(progress: "StreamProgress") -> None:
            note = f"{progress.rows:,} rows" + (f", {progress.rejected:,} rejected" if progress.rejected else "")
            update(progress.bytes_read, progress.bytes_total, progress.rows, note)

        yield listen


@contextmanager
def _bar(what: str, *, quiet: bool) -> Iterator[Callable[[int, int | None, int, str], None]]:
    """A function of (done, total, molecules, note) that draws a bar on a terminal, and now and then a line elsewhere."""
    if quiet:
        yield lambda _done, _total, _molecules, _note: None
    elif sys.stderr.isatty():
        with _drawn_bar(what) as update:
            yield update
    else:
        yield _line_writer(what)


@contextmanager
def _drawn_bar(what: str) -> Iterator[Callable[[int, int | None, int, str], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn(what),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[rate]} mol/s"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    started = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(what, total=None, rate="-", note="loading")

        def update(done: int, total: int | None, molecules: int, note: str) -> None:
            rate = molecules / max(time.monotonic() - started, 1e-9)
            bars.update(bar, completed=done, total=total, rate=f"{rate:,.0f}", note=note)

        yield update


def _line_writer(what: str) -> Callable[[int, int | None, int, str], None]:
    started = last = time.monotonic()

    def update(done: int, total: int | None, molecules: int, note: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _LOG_SECONDS:
            return
        last = now
        share = f"{done / total:.0%}, " if total else ""
        print(f"{what}: {share}{note}, {molecules / (now - started):,.0f} mol/s", file=sys.stderr, flush=True)

    return update
