"""Atomic writes: files and folders that appear only when they are complete.

Both contexts build beside the target under a hidden name, force the bytes to the disk and rename. An exception or an
interrupt inside removes what was built and leaves the target as it was. Only a killed process can leave something
behind, and that is a hidden `.tmp-*` entry, never half a result.
"""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeGuard

from molgraph.errors import InputError

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

#: Files that may be deleted with a folder: left by a process that was killed, or by a file manager.
_LITTER = (".tmp-*", ".DS_Store", "Thumbs.db", "desktop.ini")

#: Extensions of files; a folder of such a name would be taken for a file.
_FILE_ENDINGS = frozenset(
    {".csv", ".tsv", ".tab", ".txt", ".smi", ".smiles", ".sdf", ".sd", ".parquet", ".pq", ".npz", ".json", ".toml"}
    | {".md", ".html", ".xlsx", ".pdf", ".png", ".svg"}
)
_COMPRESSED = frozenset({".gz", ".zst"})

#: Names that an error shows.
_SHOWN = 3


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, with the same ending; what is written there becomes `path` on a clean exit.

    The temporary file exists (empty) from the start, so a folder that cannot be written to is reported before any work
    is done. An existing file is replaced; a symbolic link is followed.

    Raises:
        InputError: The folder does not exist, cannot be written to, or the disk is full; or `path` is not a file.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "result.txt"
        >>> with atomic_path(target) as temporary:
        ...     _ = temporary.write_text("done")
        >>> target.read_text()
        'done'
    """
    shown, target = path, Path(os.path.realpath(path))
    # Renaming onto a device such as /dev/null would replace the device itself.
    if target.exists() and not target.is_file():
        raise InputError(f"{shown}: cannot be written, because it exists and is not an ordinary file; give a file name")
    temporary = _hidden_sibling(target)
    try:
        with clear_errors(shown):
            temporary.touch(exist_ok=False)
        yield temporary
        with clear_errors(shown):
            _sync(temporary)
            temporary.replace(target)
            _sync(target.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):  # the first error counts, not that there is nothing to remove
            temporary.unlink()
        if is_out_of_space(error):
            raise InputError(_message(shown, error)) from error
        raise


@contextmanager
def atomic_folder(path: str | Path, *, replaces: Collection[str] | None = None) -> Iterator[Path]:
    """A temporary folder beside `path`; it becomes `path` on a clean exit.

    Args:
        path: The folder to make. Its parent must exist.
        replaces: Files that an existing folder may hold, which is deleted once the new one is complete (see
            `check_folder`); None refuses one that is not empty, before any work is done.

    Raises:
        InputError: The folder exists, cannot be made, or the disk is full; or `path` is not a folder.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "model"
        >>> with atomic_folder(target) as folder:
        ...     _ = (folder / "card.json").write_text("{}")
        >>> [file.name for file in target.iterdir()]
        ['card.json']
    """
    shown, target = path, Path(os.path.realpath(path))
    check_folder(shown, target, replaces)
    temporary = _hidden_sibling(target)
    try:
        with clear_errors(shown):
            temporary.mkdir()
        yield temporary
        check_folder(shown, target, replaces)  # it may have been filled in the meantime
        with clear_errors(shown):
            move_folder(temporary, target)
    except BaseException as error:
        shutil.rmtree(temporary, ignore_errors=True)
        if is_out_of_space(error):
            raise InputError(_message(shown, error)) from error
        raise


def move_folder(folder: Path, target: Path) -> None:
    """Force a folder that is complete to the disk and rename it to `target`, replacing what is there.

    Raises:
        OSError: The system cannot.
    """
    for parent, _, files in os.walk(folder):
        for file in files:
            _sync(Path(parent, file))
        _sync(Path(parent))
    _swap_in(folder, target)
    _sync(target.parent)


def is_out_of_space(error: BaseException) -> TypeGuard[OSError]:
    """Whether an error says that the disk is full."""
    return isinstance(error, OSError) and error.errno in _NO_SPACE


def check_folder(shown: str | Path, target: Path, replaces: Collection[str] | None) -> None:
    r"""Refuse a folder that cannot be made, or whose replacement would delete files that are not ours.

    Args:
        shown: Its name in the error.
        target: The folder.
        replaces: Names, as shell patterns, of all that a folder may hold to be replaced; None where only an empty one
            may be.

    Raises:
        InputError: It exists and may not be replaced, or is no folder.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "hits.csv").write_text("id,score\n")
        >>> check_folder("hits", folder, ["*.csv"])
        >>> _ = (folder / "thesis.tex").write_text("mine")
        >>> check_folder("hits", folder, ["*.csv"])
        Traceback (most recent call last):
        ...
        molgraph.errors.InputError: hits: to replace the folder would delete thesis.tex, not written by this ...
    """
    if target.exists() and not target.is_dir():
        raise InputError(f"{shown}: cannot be made, because a file of that name exists; give another folder")
    check_folder_name(shown)
    if not target.is_dir():
        return
    if replaces is None and any(target.iterdir()):
        raise InputError(
            f"{shown}: the folder exists and is not empty; give another one, or `overwrite=True` to replace it"
        )
    ours = (*(replaces or ()), *_LITTER)
    foreign = sorted(
        entry.name for entry in target.iterdir() if not any(fnmatchcase(entry.name, pattern) for pattern in ours)
    )
    if foreign:
        more = f" and {len(foreign) - _SHOWN:,} more" if len(foreign) > _SHOWN else ""
        raise InputError(
            f"{shown}: to replace the folder would delete {', '.join(foreign[:_SHOWN])}{more}, not written by this "
            "command; give another folder, or move the files to keep"
        )


def check_folder_name(shown: str | Path) -> None:
    """Refuse the name of a file where a folder is written.

    Raises:
        InputError: The name has the ending of a file.

    >>> check_folder_name("hits.csv")
    Traceback (most recent call last):
    ...
    molgraph.errors.InputError: hits.csv: this command writes a folder, and the name is that of a file; give ... hits
    """
    name = Path(shown)
    stem = name.with_suffix("") if name.suffix.lower() in _COMPRESSED else name
    if stem.suffix.lower() in _FILE_ENDINGS:
        raise InputError(
            f"{shown}: this command writes a folder, and the name is that of a file; "
            f"give the name of a folder, e.g. {stem.with_suffix('')}"
        )


def make_folder(path: str | Path) -> Path:
    """Make a folder that is used by several runs, with its parents, unless it exists.

    Raises:
        InputError: It cannot be made, or the name is that of a file.

    >>> make_folder("study.toml")
    Traceback (most recent call last):
    ...
    molgraph.errors.InputError: study.toml: this command writes a folder, and the name is that of a file; give ...
    """
    folder = Path(path)
    if folder.is_file():
        raise InputError(f"{path}: cannot be made, because a file of that name exists; give another folder")
    check_folder_name(path)
    with clear_errors(path):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def check_file(shown: str | Path, *, overwrite: bool) -> None:
    r"""Refuse, before any work, to write a file over one that is there.

    Args:
        shown: The file; `-` for stdout is always accepted.
        overwrite: It may be replaced.

    Raises:
        InputError: It exists and may not be replaced, or is a folder.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "result.csv"
        >>> check_file(path, overwrite=False)
        >>> _ = path.write_text("id\n")
        >>> check_file(path, overwrite=True)
        >>> check_file(path, overwrite=False)
        Traceback (most recent call last):
        ...
        molgraph.errors.InputError: ...: the file exists; give another name, or `overwrite=True` to replace it
    """
    if str(shown) == "-":
        return
    path = Path(shown)
    if path.is_dir():
        raise InputError(f"{shown} is a folder, and this command writes a file; give its name, e.g. {path / 'out.csv'}")
    if path.is_file() and not overwrite:
        raise InputError(f"{shown}: the file exists; give another name, or `overwrite=True` to replace it")


def refuse_input(output: str | Path, sources: Iterable[str]) -> None:
    """Refuse to write over a file that is being read, under whatever name.

    Args:
        output: The file to write.
        sources: The files that are read.

    Raises:
        InputError: `output` is one of them.
    """
    target = Path(output)
    for source in map(Path, sources):
        if target.exists() and source.exists() and target.samefile(source):
            raise InputError(f"{output}: this file is the input, and would be lost; give another name for the output")


def _swap_in(new: Path, target: Path) -> None:
    """Put the folder `new` where `target` is; the old folder stays until the new one is in place."""
    if not target.exists():
        new.rename(target)
        return
    old = _hidden_sibling(target)
    target.rename(old)
    try:
        new.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _hidden_sibling(target: Path) -> Path:
    """A new hidden name in the same folder that keeps the ending, by which some writers choose a format."""
    return target.with_name(f".tmp-{secrets.token_hex(4)}-{target.name}")


def _sync(path: Path) -> None:
    """Force a file to the disk; folders too where the system can (Windows cannot open one)."""
    if path.is_dir():
        with contextlib.suppress(OSError):
            _sync_descriptor(path, os.O_RDONLY)
    else:
        _sync_descriptor(path, os.O_RDWR)


def _sync_descriptor(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def clear_errors(shown: str | Path) -> Iterator[None]:
    """Turn system errors while `shown` is written into an `InputError` of one clear line.

    Raises:
        InputError: The system cannot.
    """
    try:
        yield
    except OSError as error:
        raise InputError(_message(shown, error)) from error


def _message(shown: str | Path, error: OSError) -> str:
    folder = Path(shown).absolute().parent
    if error.errno == errno.ENOENT:
        return f"{shown}: cannot be written, because the folder {folder} does not exist; make it first"
    if error.errno in _NO_SPACE:
        return f"{shown}: cannot be written, because there is no space left in {folder}; free some, or write elsewhere"
    reason = error.strerror or str(error)
    return f"{shown}: cannot be written ({reason}); check the name and the permissions of {folder}"
