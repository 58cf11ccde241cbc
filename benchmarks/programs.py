"""Running a whole program, with its wall time and the peak memory of its process tree."""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.05
TAIL_LINES, TAIL_COLUMNS = 12, 300


@dataclass(frozen=True)
class Measurement:
    """One run of a whole program, from process start to exit.

    Attributes:
        seconds: Wall time.
        peak_mb: Peak memory of the process tree, in 10^6 bytes (see `_TreeMemory`).
    """

    seconds: float
    peak_mb: float


class ProgramError(Exception):
    """A program that was started did not exit with 0."""


def run_program(
    command: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Measurement:
    """The time and memory of `command`, which has to succeed. Its output goes to temporary files.

    Raises:
        ProgramError: It could not be started or exited with an error; holds its last lines of stderr.
    """
    arguments = [str(part) for part in command]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        try:
            process = psutil.Popen(
                arguments, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )
        except OSError as error:
            raise ProgramError(f"{arguments[0]} could not be started: {error}") from error
        memory = _TreeMemory(process)
        memory.start()
        try:
            largest_process = _wait(process)
        except BaseException:
            _end_tree(process)
            raise
        finally:
            seconds = time.perf_counter() - start
            memory.stop()
        if process.returncode != 0:
            raise ProgramError(f"{_short(arguments)} exited with {process.returncode}\n{_tail(err, out)}")
    return Measurement(seconds=seconds, peak_mb=max(memory.peak, largest_process) / 1e6)


class _TreeMemory(threading.Thread):
    """Samples the sum of the resident set sizes of a process and its descendants.

    Pages that several processes share count once for each of them, so for a program with workers the
    figure is an upper bound; it is never lower than the kernel's own maximum for the largest process.
    """

    def __init__(self, process: psutil.Popen) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._process = process
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, sum(map(_resident, _tree(self._process))))

    def stop(self) -> None:
        self._done.set()
        self.join()


def _wait(process: psutil.Popen) -> int:
    """Waits for the end; the kernel's maximum resident size in bytes of the largest process of the tree."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    # Linux counts in kilobytes, macOS in bytes.
    return usage.ru_maxrss * (1 if os.uname().sysname == "Darwin" else 1024)


def _tree(process: psutil.Popen) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:  # it ended between being listed and being asked
        return 0


def _end_tree(process: psutil.Popen) -> None:
    for member in _tree(process):
        try:
            member.kill()
        except psutil.Error:
            continue


def _short(arguments: list[str]) -> str:
    return " ".join([Path(arguments[0]).name, *arguments[1:3]])


def _tail(*streams: object) -> str:
    """The last lines of the first stream that has any."""
    for stream in streams:
        stream.seek(0)
        lines = stream.read().decode("utf-8", "replace").strip().splitlines()
        if lines:
            return "\n".join(line[:TAIL_COLUMNS] for line in lines[-TAIL_LINES:])
    return "(no output)"
