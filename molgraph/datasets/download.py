"""Downloads one file: bounded in time and size, with retries where these can help."""

import time
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from molgraph.errors import FetchError

#: Called with the bytes read so far and the bytes expected (None if unknown).
Progress = Callable[[int, int | None], None]

#: Seconds without a byte after which a connection counts as dead.
TIMEOUT_SECONDS = 30.0

#: Times that a download is tried; the pause before the next one doubles each time.
ATTEMPTS = 4

#: Seconds before the second attempt.
FIRST_PAUSE_SECONDS = 1.0

#: No benchmark table is larger; more is a mistake or an attack on the disk.
MAX_BYTES = 2**30

_CHUNK_BYTES = 2**16

# Answers that the same request may not get again.
_PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


class _TryAgainError(Exception):
    """A failure that may pass."""


def download(
    address: str,
    target: Path,
    *,
    progress: Progress | None = None,
    timeout: float = TIMEOUT_SECONDS,
    first_pause: float = FIRST_PAUSE_SECONDS,
) -> None:
    """Write what is at `address` to `target`, all of it.

    Args:
        address: An http or https address.
        target: File to write. After an error it may hold a part: give a temporary path.
        progress: Called after each chunk.
        timeout: Seconds without a byte after which a connection counts as dead.
        first_pause: Seconds before the second attempt.

    Raises:
        FetchError: The file is not there, cannot be read in `ATTEMPTS` attempts, is too large or cannot be written.
    """
    if not address.startswith(("https://", "http://")):
        raise FetchError(f"cannot download {address}: only http and https addresses are read")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _download_once(address, target, progress, timeout)
        except _TryAgainError as error:
            if attempt == ATTEMPTS:
                raise FetchError(f"cannot download {address}: {error} (tried {ATTEMPTS} times)") from error
            time.sleep(first_pause * 2 ** (attempt - 1))
        else:
            return


def _download_once(address: str, target: Path, progress: Progress | None, timeout: float) -> None:
    request = Request(address, headers={"User-Agent": "molgraph"})  # noqa: S310  (http and https only, see `download`)
    try:
        with urlopen(request, timeout=timeout) as response, target.open("wb") as file:  # noqa: S310
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdecimal() else None
            if total is not None and total > MAX_BYTES:
                raise _too_large(address)
            done = _copy(response, file, address, total, progress)
    except HTTPError as error:
        error.close()
        reason = f"the server answered {error.code} {error.reason}"
        if error.code in _PASSING_STATUS:
            raise _TryAgainError(reason) from error
        raise FetchError(f"cannot download {address}: {reason}") from error
    except TimeoutError as error:
        raise _TryAgainError(f"the server sent nothing for {timeout:g} s") from error
    except URLError as error:
        raise _TryAgainError(str(error.reason)) from error
    except (ConnectionError, HTTPException) as error:
        raise _TryAgainError(f"the connection broke ({error or type(error).__name__})") from error
    except OSError as error:
        raise FetchError(f"cannot download {address} to {target}: {error.strerror or error}") from error
    if total is not None and done != total:
        raise _TryAgainError(f"the connection ended after {done} of {total} bytes")


def _copy(source: IO[bytes], file: IO[bytes], address: str, total: int | None, progress: Progress | None) -> int:
    done = 0
    while chunk := source.read(_CHUNK_BYTES):
        done += len(chunk)
        if done > MAX_BYTES:  # a server may give no size, or a wrong one
            raise _too_large(address)
        file.write(chunk)
        if progress is not None:
            progress(done, total)
    return done


def _too_large(address: str) -> FetchError:
    return FetchError(f"cannot download {address}: it is larger than {MAX_BYTES} bytes, so it is no benchmark table")
