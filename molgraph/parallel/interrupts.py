"""Signals that would interrupt at a bad moment: blocked, and delivered afterwards."""

import signal
from collections.abc import Collection

#: Signals by which a terminal or a job manager ends a program.
#: SIGHUP, of a terminal that is closed, does not exist on Windows.
INTERRUPTS: tuple[signal.Signals, ...] = (
    signal.SIGINT,
    signal.SIGTERM,
    *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()),
)

_CAN_HOLD = hasattr(signal, "pthread_sigmask")  # not on Windows


class HeldInterrupts:
    """A context in which interrupts are blocked for this thread; they are delivered, and raised, on leaving.

    Processes that are started within block them from their start on.

    >>> with HeldInterrupts():
    ...     signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    True
    """

    def __init__(self) -> None:
        self._before: Collection[int] | None = None

    def __enter__(self) -> None:
        if not _CAN_HOLD:
            return
        try:
            self._before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
        except BaseException:  # one that had arrived already is raised here, when others are blocked
            signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
            raise

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._before)
