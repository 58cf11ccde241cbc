"""Signals that end the program: each raises an exception in the command, which then removes incomplete output."""

import signal
import sys
from types import FrameType
from typing import NoReturn

from molgraph.parallel.interrupts import INTERRUPTS

EXIT_INTERRUPTED = 130

#: Seconds until an exception that was swallowed is raised again.
_AGAIN_SECONDS = 0.01

_CAN_REPEAT = hasattr(signal, "setitimer")  # not on Windows


class EndedError(KeyboardInterrupt):
    """A signal was received: from the keyboard, a job manager, a shutdown or a closed terminal.

    Attributes:
        code: Exit code of the program.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number

    @property
    def what(self) -> str:
        """Message for the user."""
        return "interrupted" if self.code == EXIT_INTERRUPTED else "terminated"


class _Received:
    """The first signal; kept since an import may turn its exception into another error."""

    first: EndedError | None = None


def ended() -> EndedError | None:
    """The signal that has ended the program, if any."""
    return _Received.first


def listen() -> None:
    """Turn signals into exceptions from here on, since output may be incomplete.

    Python drops an exception that is raised during garbage collection or at the end of an import, and only reports it
    (`sys.unraisablehook`); such an exception is raised again, a moment later.
    """
    signal.signal(signal.SIGINT, _interrupt)
    for number in INTERRUPTS[1:]:
        if signal.getsignal(number) != signal.SIG_IGN:  # `nohup` lets a program go on without its terminal
            signal.signal(number, _end)
    sys.unraisablehook = _repeat


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    error = EndedError(number)
    _Received.first = _Received.first or error
    raise error


def _end(number: int, frame: FrameType | None) -> NoReturn:
    for other in INTERRUPTS[1:]:  # a second one would interrupt the clean-up
        signal.signal(other, signal.SIG_IGN)
    _interrupt(number, frame)


def _repeat(dropped: "sys.UnraisableHookArgs") -> None:
    if not isinstance(dropped.exc_value, EndedError) or not _CAN_REPEAT:
        sys.__unraisablehook__(dropped)
        return
    error = dropped.exc_value

    def raise_again(_number: int, _frame: FrameType | None) -> NoReturn:
        raise error

    signal.signal(signal.SIGALRM, raise_again)
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
