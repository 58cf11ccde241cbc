"""File locks that keep other processes out of a folder, and are released however the process ends."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from molgraph.errors import InputError
from molgraph.storage.atomic import clear_errors


@contextlib.contextmanager
def exclusive(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock of a file, which is created for it and removed after it.

    Args:
        path: The file.
        busy: Message of the error for a second process.

    Raises:
        InputError: Another process holds it, or the file cannot be made.
    """
    with contextlib.ExitStack() as stack:
        with clear_errors(path.parent):
            file: IO[bytes] = stack.enter_context(path.open("wb"))
        try:
            import fcntl
        except ImportError:  # Windows: a second process is not noticed
            yield
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(busy) from error
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
