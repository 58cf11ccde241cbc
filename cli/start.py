"""Where the program `molgraph` begins: an interrupt is one line from the first moment on."""

import contextlib
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

_LOADING = b"molgraph: %s; nothing half-written is left behind\n"


def run() -> NoReturn:
    """Run the command line."""
    _open_what_is_closed()
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)
    # A terminal that is closed; a program that `nohup` started does not hear of it, and goes on.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _leave)
    from .app import run as run_commands

    run_commands()


def _open_what_is_closed() -> None:
    """Standard streams that the caller closed (`>&-`, services, windowed programs) read nothing and swallow all.

    Python has None in their place, and the next file that is opened would get their number, and what is written there.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # Gets the lowest free number, which is that of the stream if it was closed.
            nowhere = os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)
            setattr(sys, name, os.fdopen(nowhere, "r" if number == 0 else "w", encoding="utf-8"))


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    what = b"interrupted" if number == signal.SIGINT else b"ended from outside"
    with contextlib.suppress(OSError):  # the terminal may be gone
        os.write(2, _LOADING % what)
    os._exit(128 + number)
