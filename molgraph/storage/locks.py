"""A lock that keeps other processes out of a folder, and goes with the process that holds it, however that ends."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from molgraph.errors import InputError
from molgraph.storage.atomic import clear_errors


@contextlib.contextmanager
def exclusive(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock of a file, which is made for it and goes with it.

    Args:
        path: The file.
        busy: What is said to the second who comes.

    Raises:
        InputError: Another process holds it, or the file cannot be made.
    """
    with contextlib.ExitStack() as stack:
        with clear_errors(path.parent):
            file: IO[bytes] = stack.enter_context(path.open("wb"))
        try:
            import fcntl
        except ImportError:  # Windows: the second is then not noticed
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
