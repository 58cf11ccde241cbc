"""Pool of worker processes that ignore interrupts and never outlive this process or their work."""

import atexit
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from molgraph.parallel.interrupts import INTERRUPTS, HeldInterrupts

Result = TypeVar("Result")


class WorkerPool(ProcessPoolExecutor):
    """A pool of worker processes.

    They are spawned, not forked: the fork of a process in which other threads run can hang.

    Args:
        count: Processes; each is started when there is work for it.
        prepare: Initializer, called first in each of them.
        arguments: Arguments of `prepare`.

    Example:
        >>> with WorkerPool(1) as pool:
        ...     pool.submit(len, "four").result()
        4
    """

    def __init__(self, count: int, prepare: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()) -> None:
        with HeldInterrupts():  # Python unblocks them to start its resource tracker, and does not restore the mask
            super().__init__(count, get_context("spawn"), initializer=_begin, initargs=(prepare, arguments))
        self._workers: set[BaseProcess] = set()

    def submit(self, function: Callable[..., Result], /, *arguments: Any) -> Future[Result]:  # type: ignore[override]
        """Future of `function(*arguments)`; this may start a process."""
        before = set(active_children())
        with HeldInterrupts():  # they are for this process alone, which then ends its workers
            future = super().submit(function, *arguments)
        self._workers |= set(active_children()) - before
        return future

    def kill(self) -> None:
        """Kill all workers at once; pending futures raise `BrokenExecutor`."""
        for process in self._workers:
            process.kill()


# What follows runs in a worker process.


def _begin(prepare: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    atexit.register(os._exit, 0)  # a worker leaves nothing behind; unloading libraries would cost half a second
    for number in INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)  # where a system cannot block them in a process before it starts
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if prepare is not None:
        prepare(*arguments)


def _end_with_parent() -> None:
    """A main process that was killed cannot end its workers, which would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
