"""A lock that keeps other processes out of a folder, and goes with the process that holds it, however that ends."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

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
    from filelock import FileLock, Timeout

    with contextlib.ExitStack() as stack:
        with clear_errors(path.parent):
            try:
                stack.enter_context(FileLock(path, blocking=False))
            except Timeout as error:
                raise InputError(busy) from error
        try:
            yield
        finally:
            with contextlib.suppress(PermissionError):  # Windows removes no file that is open
                path.unlink(missing_ok=True)
