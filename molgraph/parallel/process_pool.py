"""Helper processes: an interrupt does not reach them, and none outlives this process or the work that it is for."""

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


class HelperPool(ProcessPoolExecutor):
    """Processes that help this one.

    They are spawned, not forked: the fork of a process in which other threads run can hang.

    Args:
        count: Processes; each is started when there is work for it.
        prepare: Called in each of them, first of all.
        arguments: What it is called with.

    Example:
        >>> with HelperPool(1) as pool:
        ...     pool.submit(len, "four").result()
        4
    """

    def __init__(self, count: int, prepare: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()) -> None:
        with HeldInterrupts():  # to start the first of all, Python lets them through and forgets what was before
            super().__init__(count, get_context("spawn"), initializer=_begin, initargs=(prepare, arguments))
        self._helpers: set[BaseProcess] = set()

    def submit(self, function: Callable[..., Result], /, *arguments: Any) -> Future[Result]:  # type: ignore[override]
        """The promise of what `function` makes of the arguments; this may start a process."""
        before = set(active_children())
        with HeldInterrupts():  # they are for this process alone, which then ends its helpers
            promise = super().submit(function, *arguments)
        self._helpers |= set(active_children()) - before
        return promise

    def kill(self) -> None:
        """End all of them at once, whatever they do; promises that are still open are then broken."""
        for process in self._helpers:
            process.kill()


# What follows runs in a helper process.


def _begin(prepare: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    atexit.register(os._exit, 0)  # a helper leaves nothing behind; taking libraries apart would cost half a second
    for number in INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)  # where a system cannot keep them from a process before it is there
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if prepare is not None:
        prepare(*arguments)


def _end_with_parent() -> None:
    """A main process that was killed cannot end its helpers, and they would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
