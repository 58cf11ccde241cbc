"""The checkpoint of a screen: which chunks of the library are done, so that a run which was stopped can go on.

Beside the output folder `hits` stands `hits.partial` while a screen is under way:

    hits.partial/
      run.json            what is being done: model, options, input
      lock                held by the process at work
      chunks/000000.json  what was found in each chunk that is done, with a checksum
      result/             the output being built; renamed to `hits` at the end

A chunk appears by renaming, in the order of the library, so those that are done are the first n.
"""

import hashlib
import json
import os
import reprlib
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from molgraph.errors import InputError, MolgraphError
from molgraph.screening.chunk import ChunkContent, ChunkResult, from_bytes, to_bytes
from molgraph.storage.atomic import atomic_path, check_folder, clear_errors, is_out_of_space, move_folder
from molgraph.storage.decode import decode_json, read_bounded
from molgraph.storage.decode_typed import decode
from molgraph.storage.locks import exclusive

#: Version of `run.json`.
FORMAT_VERSION = 1

#: Differences, and names of files, that a message shows.
_SHOWN = 3

#: Characters of a value that a message shows.
_MOST_SHOWN = 200

#: Bytes of a chunk, and of `run.json` or the summary of an output, that are read.
_MOST_CHUNK_BYTES, _MOST_RUN_BYTES = 2**31, 2**28

_LOCK = "lock"

#: All that the folder beside the output holds.
_OWN = ("run.json", _LOCK, "chunks", "result")


class _ChangedError(InputError):
    """What is done does not belong to this run, so there is no going on."""


class ScreenCheckpoint:
    """The chunks of one screen that are done; made by `open_checkpoint`.

    Attributes:
        n_done: How many.
        result: Folder in which the output is built.
    """

    def __init__(self, folder: Path, n_done: int) -> None:
        self.n_done = n_done
        self.result = folder / "result"
        self._folder = folder

    def read(self, index: int, content: ChunkContent, *, n_tasks: int, n_kept: int) -> ChunkResult:
        """What was found in a chunk that is done.

        Args:
            index: Its position.
            content: What the library holds there.
            n_tasks: Tasks of the models.
            n_kept: Columns of the library that are carried along.

        Raises:
            InputError: The library has changed there, or the stored chunk is damaged.
        """
        path = _chunk_path(self._folder, index)
        with clear_errors(path):
            stored = read_bounded(path, _MOST_CHUNK_BYTES)
        was, result = from_bytes(stored, str(path), n_tasks=n_tasks, n_kept=n_kept)
        if (was.first_row, was.n_rows, was.digest) != (content.first_row, content.n_rows, content.digest):
            raise _ChangedError(
                f"the library has changed since the screen in {self._folder} was begun: rows {content.first_row:,} to "
                f"{content.first_row + content.n_rows - 1:,} are others; bring it back, or start again with "
                "`overwrite=True`"
            )
        return result

    def write(self, content: ChunkContent, result: ChunkResult) -> None:
        """Store what was found in the next chunk."""
        with atomic_path(_chunk_path(self._folder, self.n_done)) as temporary:
            temporary.write_bytes(to_bytes(content, result))
        self.n_done += 1

    def discard(self) -> None:
        """There is no use in going on: leave nothing behind if the run ends with an error."""
        self.n_done = 0

    def forget_sizes(self) -> None:
        """Let the input have other sizes next time: it could not be read to its end, and must be copied again."""
        stored = _read_run(self._folder)
        files = [[name, None] for name, _ in stored.files]
        _write_run(self._folder, {"format_version": FORMAT_VERSION, "run": stored.run, "files": files})


@contextmanager
def open_checkpoint(
    output: str | Path,
    run: Mapping[str, Any],
    files: list[tuple[str, int | None]],
    writes: Collection[str],
    *,
    resume: bool = False,
    overwrite: bool = False,
) -> Iterator[ScreenCheckpoint]:
    """The checkpoint of the screen that writes `output`; on a clean exit its `result` becomes `output`.

    What was done stays behind if anything goes wrong after the first chunk, and the error says how to resume.

    Args:
        output: Folder to write.
        run: All that the result depends on, besides the library: model and options, as plain values.
        files: Name and size of each file of the library; None for a size that is not known.
        writes: Names of the files that a screen writes; a folder that holds others is not replaced.
        resume: Go on with what was done, if there is something.
        overwrite: Begin anew, and replace `output`.

    Raises:
        InputError: The output or an unfinished run is in the way, or another run than the one asked for.
    """
    target = Path(os.path.realpath(output))
    folder = target.with_name(f"{target.name}.partial")
    stored = {"format_version": FORMAT_VERSION, "run": json.loads(json.dumps(run)), "files": [list(f) for f in files]}
    is_finished = resume and _run_id(target) == run_id(run)
    if is_finished and not (folder / "run.json").exists():
        raise InputError(
            f"{output} is complete: this screen has been done; look there, or do it again with `overwrite=True`"
        )
    # With both there, it was stopped between the renaming of the output and the clearing up.
    check_folder(output, target, writes if overwrite or is_finished else None)
    check_folder(folder, folder, _OWN)
    with clear_errors(folder):
        folder.mkdir(exist_ok=True)
    with exclusive(folder / _LOCK, f"{folder} is in use by another screen; wait for it, or give another `output`"):
        n_done = 0 if overwrite else _n_done(folder)
        if n_done and not resume:
            raise InputError(
                f"{folder} holds an unfinished screen; go on with it with `resume=True`, or begin anew with "
                "`overwrite=True`"
            )
        if n_done:
            _check_same(folder, stored)
        checkpoint = ScreenCheckpoint(folder, n_done)
        try:
            if not n_done:
                _clear(folder)
                (folder / "chunks").mkdir()
            _write_run(folder, stored)
            shutil.rmtree(checkpoint.result, ignore_errors=True)
            checkpoint.result.mkdir()
            yield checkpoint
            with clear_errors(output):
                move_folder(checkpoint.result, target)
                (folder / "run.json").unlink()
        except BaseException as error:
            if not folder.exists() and isinstance(error, FileNotFoundError | InputError):
                raise InputError(f"{folder} was removed while the screen wrote there; start it again") from error
            shutil.rmtree(checkpoint.result, ignore_errors=True)
            if not checkpoint.n_done:
                shutil.rmtree(folder, ignore_errors=True)
            _explain(error, output, folder if checkpoint.n_done else None)
            raise
        shutil.rmtree(folder, ignore_errors=True)


def run_id(run: Mapping[str, Any]) -> str:
    """Identity of a run: a hash of model and options."""
    return hashlib.sha256(json.dumps(run, sort_keys=True).encode()).hexdigest()


def _explain(error: BaseException, output: str | Path, kept: Path | None) -> None:
    """Raise an error that says how to resume, instead of one that does not."""
    if is_out_of_space(error):
        with clear_errors(output):
            raise error
    if kept is None or isinstance(error, _ChangedError):
        return
    advice = f"what is done is kept in {kept}; go on with `resume=True`"
    if isinstance(error, KeyboardInterrupt):
        raise KeyboardInterrupt(advice) from error
    if isinstance(error, MolgraphError):
        raise type(error)(f"{error}; {advice}") from error


def _check_same(folder: Path, stored: Mapping[str, Any]) -> None:
    """Refuse to go on with another run.

    Raises:
        InputError: Model, options or input are others; the first few differences are named.
    """
    before = _read_run(folder)
    was, now = before.run, stored["run"]
    found = [
        f"{name} was {_shown_value(was.get(name))} and is {_shown_value(now.get(name))}"
        for name in dict.fromkeys([*now, *was])
        if was.get(name) != now.get(name)
    ]
    found += _changed_files([*before.files], [(str(name), size) for name, size in stored["files"]])
    if found:
        raise InputError(
            f"the screen in {folder} cannot go on as another one: {'; '.join(found[:_SHOWN])}; "
            "give what was given before, or begin anew with `overwrite=True`"
        )


@dataclass(frozen=True)
class _StoredRun:
    """`run.json`."""

    format_version: int
    run: dict[str, Any]
    files: tuple[tuple[str, int | None], ...]


def _read_run(folder: Path) -> _StoredRun:
    """What is being done in a folder.

    Raises:
        InputError: It cannot be read, or is of another version.
    """
    try:
        values = decode_json(read_bounded(folder / "run.json", _MOST_RUN_BYTES))
        version = values.get("format_version") if isinstance(values, dict) else None
        if version == FORMAT_VERSION:
            return decode(_StoredRun, values, "run.json")
    except (OSError, InputError) as error:
        raise InputError(f"{folder} cannot be read ({error}); begin anew with `overwrite=True`") from error
    raise InputError(
        f"{folder} has format {reprlib.repr(version)}, and this molgraph reads {FORMAT_VERSION}; begin anew with "
        "`overwrite=True`"
    )


def _shown_value(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def _changed_files(was: list[tuple[str, int | None]], now: list[tuple[str, int | None]]) -> list[str]:
    if [Path(name).name for name, _ in was] != [Path(name).name for name, _ in now]:
        return [f"the library was {_listed(was)} and is {_listed(now)}"]
    return [
        f"{name} had {before:,} bytes and has {after:,}"
        for (name, after), (_, before) in zip(now, was, strict=True)
        if before is not None and after is not None and before != after
    ]


def _listed(files: list[tuple[str, int | None]]) -> str:
    names = [Path(name).name for name, _ in files]
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")


def _run_id(output: Path) -> str | None:
    """The run that wrote an output; None if unknown."""
    try:
        return str(decode_json(read_bounded(output / "summary.json", _MOST_RUN_BYTES))["run"])
    except (OSError, InputError, KeyError, TypeError):
        return None


def _n_done(folder: Path) -> int:
    """How many chunks are done: the first n without a gap."""
    if not (folder / "run.json").exists():
        return 0
    n = 0
    while _chunk_path(folder, n).exists():
        n += 1
    return n


def _chunk_path(folder: Path, index: int) -> Path:
    return folder / "chunks" / f"{index:06}.json"


def _write_run(folder: Path, values: Mapping[str, Any]) -> None:
    with atomic_path(folder / "run.json") as temporary:
        temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def _clear(folder: Path) -> None:
    """Empty the folder but for the lock."""
    (folder / "run.json").unlink(missing_ok=True)  # first, so that what a kill leaves over is no run
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != _LOCK:
            entry.unlink()
