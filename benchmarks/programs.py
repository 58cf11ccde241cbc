"""Running a whole program, with its wall time and the peak memory of its process tree."""

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

# A sample of one process costs 2 ms of a core; of several processes it costs more, and holds these up meanwhile.
SAMPLE_SECONDS, SEVERAL_SAMPLE_SECONDS = 0.25, 1.0
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
            process = subprocess.Popen(
                arguments, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )
        except OSError as error:
            raise ProgramError(f"{arguments[0]} could not be started: {error}") from error
        memory = _TreeMemory(process.pid)
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
    """Samples the memory that a process and its descendants occupy.

    Of one process that is its resident set size. Of several it is the sum of the proportional set sizes, where the
    system tells them (Linux): a page that n processes share, as those of one library are, counts 1/n for each.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._pid = pid
        self._done = threading.Event()

    def run(self) -> None:
        while True:
            processes = _tree(self._pid)
            self.peak = max(self.peak, _occupied(processes))
            if self._done.wait(SAMPLE_SECONDS if len(processes) < 2 else SEVERAL_SAMPLE_SECONDS):
                return

    def stop(self) -> None:
        self._done.set()
        self.join()


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Waits for the end; the kernel's maximum resident size of the largest process of the tree, in bytes.

    A process starts with the maximum of the one that started it, so a figure that is not above this
    script's own says nothing about the program, and is 0 here.
    """
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_maxrss * unit if usage.ru_maxrss > own else 0


def _tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _occupied(processes: list[psutil.Process]) -> int:
    total = 0
    for process in processes:
        try:
            if len(processes) > 1:
                full = process.memory_full_info()
                total += getattr(full, "pss", full.rss)
            else:
                total += process.memory_info().rss
        except psutil.Error:  # it ended between being listed and being asked
            continue
    return total


def _end_tree(process: subprocess.Popen[bytes]) -> None:
    for member in _tree(process.pid):
        try:
            member.kill()
        except psutil.Error:
            continue
    process.wait()


def _short(arguments: list[str]) -> str:
    return " ".join([Path(arguments[0]).name, *arguments[1:3]])


def _tail(*streams: IO[bytes]) -> str:
    """The last lines of the first stream that has any."""
    for stream in streams:
        stream.seek(0)
        lines = stream.read().decode("utf-8", "replace").strip().splitlines()
        if lines:
            return "\n".join(line[:TAIL_COLUMNS] for line in lines[-TAIL_LINES:])
    return "(no output)"
