"""Worker processes: they ignore interrupts, and can be killed at once."""

import os
import signal
import time
from concurrent.futures import BrokenExecutor

import pytest

from molgraph.parallel.ordered_map import map_in_order
from molgraph.parallel.process_pool import WorkerPool


@pytest.fixture(autouse=True)
def python_handles_interrupts():
    """A program that is started in the background of a script ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def pid_after(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def refuse(_item: int) -> int:
    raise ValueError("no")


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_workers_ignore_interrupts():
    with WorkerPool(1) as pool:
        pid = pool.submit(pid_after, 0.0).result()
        future = pool.submit(pid_after, 0.5)
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(pid, number)
        assert future.result() == pid != os.getpid()


def test_workers_ignore_interrupts_from_their_start():
    before = set(WorkerPool(1)._workers)
    with WorkerPool(1) as pool:
        future = pool.submit(pid_after, 0.0)
        (worker,) = pool._workers - before
        os.kill(worker.pid, signal.SIGINT)
        assert future.result() == worker.pid


def test_the_main_process_still_handles_interrupts():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with WorkerPool(1) as pool:
        pool.submit(pid_after, 0.0).result()
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_workers_are_killed_at_once():
    with WorkerPool(1) as pool:
        pid = pool.submit(pid_after, 0.0).result()
        future = pool.submit(pid_after, 60.0)
        pool.kill()
        with pytest.raises(BrokenExecutor):
            future.result(timeout=30)
    assert not is_running(pid)


@pytest.mark.parametrize("how", ["closed", "failed"])
def test_unused_work_is_not_waited_for(how):
    started = time.monotonic()
    if how == "closed":
        results = map_in_order(pid_after, [0.0, 0.0, 60.0, 60.0], 2)
        pid = next(results)
        results.close()
        assert not is_running(pid)
    else:
        with pytest.raises(ValueError, match="no"):
            list(map_in_order(refuse, [1, 2, 3], 2))
    assert time.monotonic() - started < 45
