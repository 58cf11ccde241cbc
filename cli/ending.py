"""Signals that end the program: each becomes an exception in the command, which takes back what it had begun."""

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
    """A signal came; all but the keyboard's are of a job manager, a shutdown or a closed terminal.

    Attributes:
        code: Exit code of the program.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number

    @property
    def what(self) -> str:
        """What happened, in words."""
        return "interrupted" if self.code == EXIT_INTERRUPTED else "ended from outside"


class _Came:
    """What came first: an import may make any other error of it."""

    first: EndedError | None = None


def ended() -> EndedError | None:
    """What has ended the program, if anything has."""
    return _Came.first


def listen() -> None:
    """From here on something may be half-written: signals become exceptions.

    Python drops an exception that is raised while it collects garbage or notes the end of an import, and only tells of
    it (`sys.unraisablehook`); such a one is raised again, a moment later.
    """
    signal.signal(signal.SIGINT, _interrupt)
    for number in INTERRUPTS[1:]:
        if signal.getsignal(number) != signal.SIG_IGN:  # `nohup` lets a program go on without its terminal
            signal.signal(number, _end)
    sys.unraisablehook = _repeat


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    error = EndedError(number)
    _Came.first = _Came.first or error
    raise error


def _end(number: int, frame: FrameType | None) -> NoReturn:
    for other in INTERRUPTS[1:]:  # once is enough: a second one would cut the cleaning up short
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
