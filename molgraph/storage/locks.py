"""File locks that keep other processes out of a folder, and are released however the process ends."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

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
