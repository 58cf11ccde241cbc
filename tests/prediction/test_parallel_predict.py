"""The stream of predictions: in order, in bounded memory, with workers that end."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest
import torch

from molgraph.errors import InputError, ModelError, WorkerError
from molgraph.files.records import RecordBatch
from molgraph.prediction import parallel_predict as stream
from molgraph.prediction.panel import Panel
from molgraph.prediction.parallel_predict import (
    ModelSource,
    ParallelPredictor,
    Workers,
    default_processes,
    open_parallel_predictor,
)


@pytest.fixture(scope="module")
def panel(model_folder) -> Panel:
    return Panel.load([model_folder], device="cpu")


def batch(number, smiles) -> RecordBatch:
    """Batch `number` of batches of ten rows."""
    rows = np.arange(10 * number, 10 * number + len(smiles))
    return RecordBatch(10 * number, rows, [f"id{row}" for row in rows], smiles, {}, (), {})


def batches(n):
    """Batches of one to three molecules, each with one that is none."""
    for number in range(n):
        yield batch(number, ["C" * (number + 1), "bad", "CCO"][: 1 + number % 3])


def ready() -> Future:
    future = Future()
    future.set_result(None)
    return future


def workers_of(pool, model_folder, n) -> Workers:
    """Workers that are ready; others like them take the place of dead ones."""
    starts = tuple(ready() for _ in range(n))
    return Workers(pool, ModelSource((model_folder,), "cpu"), starts, begin=lambda: (pool, starts))


def check(results, n) -> None:
    """All batches, in order, with the right rows and rejected rows."""
    assert [answered.first_row for answered, _ in results] == [10 * number for number in range(n)]
    for number, (answered, prediction) in enumerate(results):
        assert len(prediction) == len(answered) == 1 + number % 3
        expected = [10 * number + 1] if number % 3 else []
        assert [rejected.row for rejected in prediction.rejected] == expected
        assert [rejected.id for rejected in prediction.rejected] == [f"id{row}" for row in expected]
        assert np.isfinite(prediction.interval(0.5)[0][0, 0])


def test_alone_it_reads_one_batch_at_a_time(panel):
    read = []

    def source():
        for item in batches(5):
            read.append(item.first_row)
            yield item

    results = []
    for result in ParallelPredictor(panel).predict(source()):
        results.append(result)
        assert len(read) == len(results)
    check(results, 5)
    assert list(ParallelPredictor(panel).predict([])) == []


def test_workers_of_any_pace_keep_the_order(panel, model_folder, monkeypatch):
    def at_any_pace(source, digest, work, domain):
        smiles, ids = work
        time.sleep(0.02 * (len(smiles[0]) % 4))
        return panel.predict(smiles, ids=ids, domain=domain)

    monkeypatch.setattr(stream, "predict_batch", at_any_pace)
    with ThreadPoolExecutor(3) as pool:
        workers = workers_of(pool, model_folder, 3)
        results = list(ParallelPredictor(panel, workers).predict(batches(30)))
    check(results, 30)


class SlowPool:
    """Workers that never have anything ready before it is asked for."""

    def __init__(self):
        self.n_submitted = 0

    def submit(self, function, *arguments):
        self.n_submitted += 1
        future = Future()
        future.result = lambda timeout=None: function(*arguments)
        return future


def test_memory_is_bounded_however_slow_the_workers_are(panel, model_folder):
    pool = SlowPool()
    workers = workers_of(pool, model_folder, 1)
    read, results, ahead = 0, [], []

    def source():
        nonlocal read
        for item in batches(40):
            read += 1
            yield item

    for result in ParallelPredictor(panel, workers).predict(source()):
        results.append(result)
        ahead.append(read - len(results))
    check(results, 40)
    assert max(ahead) < stream._AHEAD * 2
    assert 5 < pool.n_submitted < 40  # both shared the work


def test_workers_that_are_not_ready_get_no_work(panel, model_folder):
    pool = SlowPool()
    workers = Workers(pool, ModelSource((model_folder,)), (Future(),), begin=None)
    check(list(ParallelPredictor(panel, workers).predict(batches(10))), 10)
    assert pool.n_submitted == 0


def test_on_a_gpu_workers_only_featurize(panel, model_folder, monkeypatch):
    class Pretend:
        """Like another object, but for some attributes."""

        def __init__(self, inner, **own):
            self.__dict__.update(own)
            self._inner = inner

        def __getattr__(self, name):
            return getattr(self._inner, name)

    on_gpu = Pretend(panel, first=Pretend(panel.first, device=torch.device("cuda")))  # only its name is asked for
    submitted = []

    class Pool(SlowPool):
        def submit(self, function, *arguments):
            submitted.append(function)
            return super().submit(function, *arguments)

    workers = workers_of(Pool(), model_folder, 1)
    check(list(ParallelPredictor(on_gpu, workers).predict(batches(10))), 10)
    assert submitted == [stream.featurize_batch] * 10


class DyingPool(SlowPool):
    """Workers of which the first few die: when they are given work, or over it."""

    def __init__(self, n_deaths, *, at_once):
        super().__init__()
        self.n_deaths = n_deaths
        self.at_once = at_once

    def submit(self, function, *arguments):
        if self.n_deaths == 0:
            return super().submit(function, *arguments)
        self.n_deaths -= 1
        if self.at_once:
            raise BrokenProcessPool
        future = Future()
        future.set_exception(BrokenProcessPool("a traceback\nof many lines"))
        return future

    def shutdown(self, *, wait, cancel_futures):
        assert not wait
        assert cancel_futures


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("n_deaths", [1, 3])
def test_the_work_of_dead_workers_is_done_by_others(panel, model_folder, at_once, n_deaths):
    workers = workers_of(DyingPool(n_deaths, at_once=at_once), model_folder, 1)
    check(list(ParallelPredictor(panel, workers).predict(batches(20))), 20)
    assert 1 <= workers.n_deaths <= n_deaths


@pytest.mark.parametrize("at_once", [True, False])
def test_workers_that_die_again_and_again_are_one_clear_error(panel, model_folder, at_once):
    workers = workers_of(DyingPool(1000, at_once=at_once), model_folder, 1)
    with pytest.raises(
        WorkerError, match=r"died or hung, 4 in all, the last one at rows \d+ to \d+ or soon after"
    ) as caught:
        list(ParallelPredictor(panel, workers).predict(batches(3)))
    assert "\n" not in str(caught.value)


def test_a_model_that_changes_under_way_is_noticed(model_folder):
    stream._load.cache_clear()
    source = ModelSource((model_folder,), "cpu")
    digest = Panel.load([model_folder], device="cpu").digest
    assert stream.predict_batch(source, digest, (["CCO"], ["a"]), domain=False).calibration is None
    with pytest.raises(ModelError, match="changed while it was in use"):
        stream.predict_batch(source, "another", (["CCO"], ["a"]), domain=False)


def test_processes_are_counted(model_folder):
    assert 1 <= default_processes() <= 8
    with pytest.raises(InputError, match="processes is 0"), open_parallel_predictor(ModelSource((model_folder,)), 0):
        pass
    threads = torch.get_num_threads()
    with open_parallel_predictor(ModelSource((model_folder,), "cpu"), 1) as alone:
        assert alone.processes == 1
        assert torch.get_num_threads() == threads


def test_workers_work_and_end(model_folder, capfd):
    threads = torch.get_num_threads()
    source = ModelSource((model_folder,), "cpu")
    with open_parallel_predictor(source, 2) as two:
        two._workers.starts[0].result()
        assert two.processes == 2
        assert len(multiprocessing.active_children()) == 1
        check(list(two.predict(batches(12))), 12)

        def broken():
            yield from batches(3)
            raise InputError("the file ends too early")

        with pytest.raises(InputError, match="too early"):
            list(two.predict(broken()))
        check(list(two.predict(batches(3))), 3)
        (worker,) = multiprocessing.active_children()
        for number in (
            signal.SIGINT,
            signal.SIGTERM,
        ):  # what ends this process reaches workers too; they leave it to us
            os.kill(worker.pid, number)
        time.sleep(0.2)
        assert worker.is_alive()
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        time.sleep(0.2)
        check(list(two.predict(batches(12))), 12)  # this process and another worker process do its work
        assert two._workers.n_deaths == 1
    assert multiprocessing.active_children() == []
    assert torch.get_num_threads() == threads
    assert "Traceback" not in capfd.readouterr().err


def lengths(texts):
    return [len(text) for text in texts]


@pytest.mark.parametrize("n", [0, 1, 16, 100])
def test_work_on_texts_is_shared(panel, model_folder, n, monkeypatch):
    texts = ["C" * i for i in range(n)]

    def results(pool):
        return ParallelPredictor(panel, workers_of(pool, model_folder, 2)).begin(lengths, texts)()

    assert ParallelPredictor(panel).begin(lengths, texts)() == [*range(n)]
    with ThreadPoolExecutor(2) as pool:
        assert results(pool) == [*range(n)]
    for at_once in (True, False):  # all die: it is done here
        assert results(DyingPool(100, at_once=at_once)) == [*range(n)]
    asleep = SleepingPool()  # nobody begins: it is taken back
    assert results(asleep) == [*range(n)]
    assert all(future.cancelled() for future in asleep.futures)
    monkeypatch.setattr(stream, "_PATIENCE", 0.01)
    hanging = SleepingPool(hang=True)  # all begin, and hang
    assert results(hanging) == [*range(n)]
    assert len(hanging.futures) == -(-n // 16)


class SleepingPool(SlowPool):
    """Workers that never finish anything, and begin only if they are to hang."""

    def __init__(self, *, hang=False):
        super().__init__()
        self.hang = hang
        self.futures = []

    def submit(self, function, *arguments):
        self.futures.append(Future())
        if self.hang:
            self.futures[-1].set_running_or_notify_cancel()
        return self.futures[-1]


def test_a_worker_that_hangs_is_ended(model_folder, monkeypatch):
    monkeypatch.setattr(stream, "_PATIENCE", 2.0)
    with open_parallel_predictor(ModelSource((model_folder,), "cpu"), 2) as two:
        two._workers.starts[0].result()
        (worker,) = multiprocessing.active_children()
        os.kill(worker.pid, signal.SIGSTOP)
        check(list(two.predict(batches(12))), 12)
        assert two._workers.n_deaths == 1
        assert not is_running(worker.pid)


def test_no_model_no_workers_left(tmp_path, capfd):
    with (
        pytest.raises(ModelError, match="does not exist"),
        open_parallel_predictor(ModelSource((tmp_path / "none",), "cpu"), 2),
    ):
        pass
    assert multiprocessing.active_children() == []
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc"), reason="looks for processes in /proc")  # noqa: PTH112
def test_workers_end_with_a_main_process_that_was_killed(model_folder):
    program = f"""
if __name__ == "__main__":
    import multiprocessing, pathlib, time
    from molgraph.prediction.parallel_predict import ModelSource, open_parallel_predictor
    with open_parallel_predictor(ModelSource((pathlib.Path({str(model_folder)!r}),), "cpu"), 2) as stream:
        stream._workers.starts[0].result()
        print(multiprocessing.active_children()[0].pid, flush=True)
        time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as main:
        worker = int(main.stdout.readline())
        main.kill()
    deadline = time.monotonic() + 20
    while is_running(worker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_running(worker)


def is_running(pid) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it may end between the opening and the reading
        return False


def test_torch_is_not_loaded_before_the_workers_are_started():
    code = "import sys, molgraph.screening.screen, molgraph.prediction.predict_file; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
