"""Progress on stderr: a bar on a terminal, otherwise a line every half minute, or JSON."""

import json
import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from .text import tell

if TYPE_CHECKING:
    from molgraph.files.stream_progress import StreamProgress
    from molgraph.training.pretraining.pretraining_progress import PretrainProgress
    from molgraph.training.training_progress import TrainProgress

    from .options import ProgressStyle

#: Takes work done, total work (None if unknown), molecules done (None where meaningless), and a note.
_Update = Callable[[int, int | None, int | None, str], None]

#: Total work of a training, in arbitrary units.
_WHOLE = 1_000_000

#: Seconds before the first line of progress where stderr is no terminal, and between two lines.
_FIRST_LOG_SECONDS, _LOG_SECONDS = 10.0, 30.0

#: Seconds that a rate of rows is averaged over: while workers start, only one process computes.
_ROWS_WINDOW = 15.0

#: Seconds between two lines of JSON.
_JSON_SECONDS = 1.0


@contextmanager
def training_bar(*, quiet: bool) -> Iterator[Callable[["TrainProgress"], None]]:
    """A listener that shows members, epoch, inner loss, molecules per second and time left."""
    from molgraph.config.learners import LEARNERS

    newest: tuple[int, ...] = ()
    note = ""
    with _bar("train", quiet=quiet) as update:

        def listen(progress: "TrainProgress") -> None:
            nonlocal newest, note
            molecules = None
            if progress.learner == "descriptors":
                note = "descriptors"
            elif progress.learner != "network":
                fitted = min(progress.epoch + 1, progress.epochs)
                note = f"{LEARNERS[progress.learner].title}, model {fitted} of {progress.epochs}"
                if progress.tasks > 1 and 0 < progress.task < progress.tasks:
                    note += f", task {progress.task}/{progress.tasks}"
            else:
                molecules = progress.molecules_done
                if progress.members >= newest:  # of models that train side by side, the note follows the last one
                    newest = progress.members
                    numbers = ",".join(str(member + 1) for member in progress.members)
                    loss = "" if progress.inner_loss is None else f", loss {progress.inner_loss:.3g}"
                    note = f"model {numbers}, epoch {min(progress.epoch + 1, progress.epochs)}/{progress.epochs}{loss}"
            update(round(progress.share * _WHOLE), _WHOLE, molecules, note)

        yield listen


@contextmanager
def pretraining_bar(*, quiet: bool) -> Iterator[Callable[["PretrainProgress"], None]]:
    """A listener that shows the stage, molecules per second and time left, and in training epoch and loss."""
    stage = ""
    with ExitStack() as stack:
        update: _Update = lambda _done, _total, _molecules, _note: None  # noqa: E731

        def listen(progress: "PretrainProgress") -> None:
            nonlocal stage, update
            if progress.stage != stage:  # one bar per stage, since stages run at different rates
                stage = progress.stage
                stack.close()
                update = stack.enter_context(_bar(stage, quiet=quiet))
            loss = "" if progress.loss is None else f", loss {progress.loss:.3g}"
            epoch = min(progress.epoch + 1, progress.epochs)
            note = f"epoch {epoch}/{progress.epochs}{loss}" if progress.epochs else ""
            update(progress.molecules_done, progress.molecules_total, progress.molecules_done, note)

        yield listen


@contextmanager
def stream_bar(
    what: str, *, quiet: bool, style: "ProgressStyle" = "auto"
) -> Iterator[Callable[["StreamProgress"], None]]:
    """A listener that shows rows, rejected rows, molecules per second and time left."""
    if style == "json":
        with json_lines(what) as listen_to:
            yield listen_to
        return
    work_rate = _rate(window=_ROWS_WINDOW)
    with _bar(what, quiet=quiet, window=_ROWS_WINDOW) as update:

        def listen(progress: "StreamProgress") -> None:
            note = f"{progress.rows:,} rows" + (f", {progress.rejected:,} rejected" if progress.rejected else "")
            total = _all_work(progress, work_rate(progress.bytes_read))
            update(progress.bytes_read, total, progress.rows, note)

        yield listen


def _all_work(progress: "StreamProgress", bytes_per_second: float) -> int | None:
    """Bytes of the input, plus those that would be read in the time of the work after the last row."""
    if progress.bytes_total is None:
        return None
    return progress.bytes_total + round(progress.seconds_after * bytes_per_second)


@contextmanager
def json_lines(
    what: str, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[["StreamProgress"], None]]:
    """A listener that writes a line of JSON each second, and one when all is done."""
    rate, work_rate = _rate(clock, _ROWS_WINDOW), _rate(clock, _ROWS_WINDOW)
    last = clock()
    values: dict[str, object] = {
        "command": what,
        "rows": 0,
        "rejected": 0,
        "fraction": 0.0,
        "molecules_per_second": 0.0,
        "seconds_left": None,
        "done": False,
    }
    tell(json.dumps(values))  # models are loaded before the first row

    def listen(progress: "StreamProgress") -> None:
        nonlocal last
        speed, work_speed = rate(progress.rows), work_rate(progress.bytes_read)
        total = _all_work(progress, work_speed)
        left = None if total is None else total - progress.bytes_read
        values.update(
            rows=progress.rows,
            rejected=progress.rejected,
            fraction=None if left is None else round(progress.bytes_read / max(total or 0, 1), 4),
            molecules_per_second=round(speed, 1),
            seconds_left=None if left is None or work_speed <= 0 else round(left / work_speed, 1),
        )
        if clock() - last >= _JSON_SECONDS:
            last = clock()
            tell(json.dumps(values))

    yield listen
    if values["rows"]:
        tell(json.dumps({**values, "fraction": 1.0, "seconds_left": 0.0, "done": True}))


@contextmanager
def _bar(what: str, *, quiet: bool, window: float = math.inf) -> Iterator[_Update]:
    if quiet:
        yield lambda _done, _total, _molecules, _note: None
    elif sys.stderr.isatty():
        with _drawn_bar(what, window) as update:
            yield update
    else:
        yield line_writer(what, window=window)


@contextmanager
def _drawn_bar(what: str, window: float) -> Iterator[_Update]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn(what),
        BarColumn(bar_width=12),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.fields[note]}", markup=False),
    )
    rate, work_rate = _rate(window=window), _rate(window=window)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(what, total=None, rate="", left="", note="loading")

        def update(done: int, total: int | None, molecules: int | None, note: str) -> None:
            shown = "" if molecules is None else f"{rate(molecules):,.0f} mol/s"
            work_speed = work_rate(done)
            left = f"{_duration((total - done) / work_speed)} left" if total and work_speed > 0 else ""
            bars.update(bar, completed=done, total=total, rate=shown, left=left, note=note)

        yield update


def line_writer(what: str, *, window: float = math.inf, clock: Callable[[], float] = time.monotonic) -> _Update:
    """Callback that writes a line after ten seconds, then each half minute, with rates of the last `window` seconds."""
    rate, work_rate = _rate(clock, window), _rate(clock, window)
    due = clock() + _FIRST_LOG_SECONDS

    def update(done: int, total: int | None, molecules: int | None, note: str) -> None:
        nonlocal due
        molecules_speed = 0.0 if molecules is None else rate(molecules)
        speed = f", {molecules_speed:,.0f} mol/s" if molecules_speed > 0 else ""
        work_speed = work_rate(done)
        if clock() < due:
            return
        due = clock() + _LOG_SECONDS
        share = f"{done / total:.0%}, " if total else ""
        left = f", {_duration((total - done) / work_speed)} left" if total and work_speed > 0 else ""
        tell(f"{what}: {share}{note}{speed}{left}")

    return update


def _rate(clock: Callable[[], float] = time.monotonic, window: float = math.inf) -> Callable[[int], float]:
    """Takes a growing count, returns its growth per second since the first call, so that a resumed run starts from 0.

    Args:
        clock: Seconds.
        window: Only the growth of the last so many seconds counts.
    """
    samples: deque[tuple[int, float]] = deque()

    def rate(count: int) -> float:
        now = clock()
        if not samples or now - samples[-1][1] >= 1.0:
            samples.append((count, now))
        while len(samples) > 1 and now - samples[1][1] >= window:
            samples.popleft()
        return (count - samples[0][0]) / max(now - samples[0][1], 1e-9)

    return rate


def _duration(seconds: float) -> str:
    """A duration as `1:05:30` or `2:07`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
