"""Entry point of the program `molgraph`: signals end it with one line even while modules are loading."""

import contextlib
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

_LOADING = b"molgraph: %s; no incomplete output is left\n"


def run() -> NoReturn:
    """Run the command line."""
    _open_what_is_closed()
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)
    # Sent when the terminal is closed; programs started by `nohup` ignore it and go on.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _leave)
    from .app import run as run_commands

    run_commands()


def _open_what_is_closed() -> None:
    """Redirect standard streams that the caller closed (`>&-`, services, windowed programs) to the null device.

    Python has None in their place, and the next file that is opened would get their descriptor.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # Gets the lowest free number, which is that of the stream if it was closed.
            nowhere = os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)
            setattr(sys, name, os.fdopen(nowhere, "r" if number == 0 else "w", encoding="utf-8"))


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    what = b"interrupted" if number == signal.SIGINT else b"terminated"
    with contextlib.suppress(OSError):  # the terminal may be gone
        os.write(2, _LOADING % what)
    os._exit(128 + number)
