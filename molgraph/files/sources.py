"""Resolves an input to files: a path, a folder, a glob, stdin or an address."""

import glob
import io
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from molgraph.errors import InputError
from molgraph.files.formats import FormatName, split_name
from molgraph.files.frames import MemoryTable, Readable

_ARROW_SCHEMES = frozenset({"s3", "gs", "gcs", "hdfs"})
_WEB_SCHEMES = frozenset({"http", "https"})


@dataclass(frozen=True)
class Source:
    """One file that can be opened.

    Attributes:
        name: As shown in errors.
        n_bytes: Size as stored; None where unknown.
        open: Opens it for reading bytes.
        is_owned: Whether to close it at the end; stdin is left open.
        format: Its format where given; None to detect it from name or content.
    """

    name: str
    n_bytes: int | None
    open: Callable[[], BinaryIO]
    is_owned: bool = True
    format: FormatName | None = None


def find_sources(source: Readable) -> list[Source]:
    """The files behind `source`, in sorted order; at least one.

    Of a folder these are the files right inside with the ending of a format; a `.txt` is a README more often than a
    library, so those are read only through a glob such as `folder/*.txt`. Hidden files are left out.

    Raises:
        InputError: There is nothing to read.
    """
    if isinstance(source, MemoryTable):
        content = source.content
        return [Source(source.name, len(content), lambda: io.BytesIO(content), format="csv")]
    text = str(source)
    if text == "-":
        return [Source("stdin", None, lambda: sys.stdin.buffer, is_owned=False)]
    if isinstance(source, str) and "://" in source:
        parts = urlsplit(source)
        if parts.scheme != "file":
            return _remote(source, parts.scheme)
        text = unquote(parts.path)
    path = Path(text).expanduser()
    if path.is_dir():
        return [_local(name) for name in _members(path.iterdir(), text)]
    if not path.exists() and glob.has_magic(text):
        names = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - pathlib has no glob for absolute patterns
        files = [name for name in map(Path, names) if name.is_file()]
        if not files:
            raise InputError(f"no file matches {text}; check the pattern and the folder")
        return [_local(name) for name in files]
    if not path.exists():
        raise InputError(f"{text} does not exist; check the name (the folder is {path.absolute().parent})")
    return [_local(path)]


def _members(files: Iterable[Path], folder: str) -> list[Path]:
    members = sorted(file for file in files if _is_member(file.name) and file.is_file())
    if not members:
        raise InputError(f"the folder {folder} holds no readable file; a glob such as {folder}/*.txt may be meant")
    return members


def _is_member(name: str) -> bool:
    return split_name(name)[0] is not None and not name.startswith(".")


def _local(path: Path) -> Source:
    def opened() -> BinaryIO:
        try:
            return path.open("rb")
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror}); check the file and its permissions") from error

    # A pipe such as /dev/fd/63 has no size.
    return Source(str(path), path.stat().st_size if path.is_file() else None, opened)


def _remote(url: str, scheme: str) -> list[Source]:
    """Files behind an address, through pyarrow where it has the file system and fsspec otherwise."""
    try:
        system, path = _file_system(url, scheme)
        if scheme in _WEB_SCHEMES:  # no folders there, and a "?" is no pattern
            paths: Sequence[str] = [path]
        elif glob.has_magic(path):
            paths = sorted(system.glob(path))
        elif system.isdir(path):
            paths = sorted(name for name in system.ls(path, detail=False) if _is_member(name.rsplit("/", 1)[-1]))
        else:
            paths = [path]
        sizes = [system.info(name).get("size") for name in paths]
    except ImportError as error:
        raise InputError(f"{url}: reading {scheme}:// needs one more package ({error}); install it") from error
    except Exception as error:
        raise _unreachable(url, error) from error
    if not paths:
        raise InputError(f"{url}: no readable file is there; check the address")
    return [_remote_file(system, name, size, url) for name, size in zip(paths, sizes, strict=True)]


def _file_system(url: str, scheme: str) -> tuple[Any, str]:
    if scheme in _ARROW_SCHEMES:
        from fsspec.implementations.arrow import ArrowFSWrapper  # type: ignore[import-untyped]
        from pyarrow import fs

        system, path = fs.FileSystem.from_uri(url)
        return ArrowFSWrapper(system), path
    import fsspec  # type: ignore[import-untyped]

    system, path = fsspec.core.url_to_fs(url)
    return system, path


def _remote_file(system: Any, path: str, size: int | None, url: str) -> Source:
    def opened() -> BinaryIO:
        try:
            file: BinaryIO = system.open(path, "rb")
        except Exception as error:
            raise _unreachable(url, error) from error
        return file

    scheme = url.partition("://")[0]
    return Source(path if "://" in path else f"{scheme}://{path.lstrip('/')}", size, opened)


def _unreachable(url: str, error: Exception) -> InputError:
    reason = str(error).partition("\n")[0] or type(error).__name__
    return InputError(f"{url} cannot be reached ({reason}); check the address, the network and the access rights")
