"""Predictions for a stream of records: in order, on one process or several, in bounded memory."""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

from molgraph.chem.standardize import StandardizerName
from molgraph.config.training import Device, Precision
from molgraph.errors import InputError, ModelError, WorkerError
from molgraph.features.molecules import Molecules
from molgraph.files.records import RecordBatch
from molgraph.parallel.cpu import default_processes
from molgraph.parallel.process_pool import WorkerPool
from molgraph.prediction.panel import Panel
from molgraph.results.prediction import Prediction

_Result = TypeVar("_Result")

#: What a prediction is made of: molecules where these were featurized before, else structures and identifiers.
Work = Molecules | tuple[list[str], list[str]]

#: Records of a batch. With larger ones a process idles longer at the end, smaller ones cost more talk between them.
BATCH_SIZE = 512

#: Batches under way for each process; more would only fill the memory.
_AHEAD = 4

#: Seconds after which a worker process is taken to hang over a batch; the slowest ordinary ones take one or two.
_PATIENCE = 300.0

#: Deaths of workers that are made good. What kills them again and again is in the library, or in the machine.
_MOST_DEATHS = 3

#: Texts that are worked on at once: some hundredths of a second.
_TEXTS_AT_ONCE = 16


@dataclass(frozen=True)
class ModelSource:
    """Where each process finds the model.

    Attributes:
        paths: Model folders.
        device: Device to compute on.
        precision: Number format of the products.
    """

    paths: tuple[Path, ...]
    device: Device = "auto"
    precision: Precision = "float32"


@dataclass
class Workers:
    """Processes that share the work with this one.

    Attributes:
        pool: Gives them their work.
        source: Where they find the model.
        starts: The process number of a worker process when it is ready for work, 0 on other machines; one for each.
        begin: Starts others in their place.
        n_deaths: How often that was needed.
    """

    pool: Executor
    source: ModelSource
    starts: tuple[Future[int], ...]
    begin: Callable[[], tuple[Executor, tuple[Future[int], ...]]]
    n_deaths: int = 0

    @property
    def n_ready(self) -> int:
        """How many have loaded what they need."""
        return sum(start.done() for start in self.starts)

    def kill(self) -> None:
        """End the workers that hang; the pool is broken then, as it is when one dies. Not those of other machines."""
        for start in self.starts:
            if start.done() and not start.exception() and start.result():
                with suppress(ProcessLookupError):
                    os.kill(start.result(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)

    def restart(self) -> None:
        """Replace workers that died."""
        self.n_deaths += 1
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.pool, self.starts = self.begin()


class ParallelPredictor:
    """Models, and the processes that help to run it. On a CPU all of them predict; on a GPU they only featurize.

    Args:
        panel: The models in this process.
        workers: The other processes, and where they find the same models; None for none.
        domain: Fill in the distances of `Prediction` too.
    """

    def __init__(self, panel: Panel, workers: Workers | None = None, *, domain: bool = False) -> None:
        self.panel = panel
        self._domain = domain
        self._workers = workers
        self.processes = 1 + (len(workers.starts) if workers else 0)

    def predict(self, batches: Iterable[RecordBatch]) -> Iterator[tuple[RecordBatch, Prediction]]:
        """Each batch with the prediction of its records, in order.

        `Prediction.rejected` holds row numbers of the whole input. The work of a process that dies, or hangs for some
        minutes, is given to another one.

        Raises:
            WorkerError: That happened again and again.
        """
        waiting: deque[_Task] = deque()
        for batch in batches:
            waiting.append(task := _Task(batch))
            self._start(task, waiting)
            while waiting and (waiting[0].is_done or len(waiting) >= _AHEAD * self.processes):
                yield self._finish(waiting)
        while waiting:
            yield self._finish(waiting)

    def begin(
        self, function: Callable[[list[str]], list[_Result]], texts: Sequence[str]
    ) -> Callable[[], list[_Result]]:
        """Let workers begin with a function of texts; what is returned does the rest, and gives all results, in order.

        Args:
            function: Can be sent to another process; gives a result for each text.
            texts: What it works on.
        """
        parts = [[*texts[start : start + _TEXTS_AT_ONCE]] for start in range(0, len(texts), _TEXTS_AT_ONCE)]
        futures: list[Future[list[_Result]]] = []
        workers = self._workers
        if workers is not None and workers.n_ready == len(workers.starts):
            with suppress(BrokenExecutor):
                for part in parts:
                    futures.append(workers.pool.submit(function, part))  # noqa: PERF401 - those before a failure count

        def finish() -> list[_Result]:
            results: dict[int, list[_Result]] = {}
            for place in reversed(range(len(parts))):  # workers begin at the front
                if place >= len(futures) or futures[place].cancel():
                    results[place] = function(parts[place])
            for place, part in enumerate(parts):
                if place not in results:
                    try:
                        results[place] = futures[place].result(timeout=_PATIENCE)
                    except (BrokenExecutor, TimeoutError):
                        results[place] = function(part)  # what workers cannot do is done here
            return [result for place in range(len(parts)) for result in results[place]]

        return finish

    def _start(self, task: "_Task", waiting: Iterable["_Task"]) -> None:
        """Give a batch to a worker process, or predict it here where none is ready or all have enough to do."""
        batch, workers = task.batch, self._workers
        # A model that reads RDKit's descriptors keeps a GPU waiting: workers do all of the work then.
        is_on_gpu = self.panel.first.device.type == "cuda" and not self.panel.needs_structures
        n_under_way = sum(not other.is_done for other in waiting if other is not task)
        if is_on_gpu and batch.graphs is not None:
            task.answer = Molecules(batch.graphs)
            return
        if workers is None or not (is_on_gpu or n_under_way < 2 * workers.n_ready):
            task.answer = predicted(self.panel, self._work_of(batch), domain=self._domain)
            return
        try:
            if is_on_gpu:
                standardizer = self.panel.standardizer
                task.answer = workers.pool.submit(featurize_batch, batch.smiles, batch.ids, standardizer)
            else:
                digest = self.panel.digest
                task.answer = workers.pool.submit(
                    predict_batch, workers.source, digest, self._work_of(batch), self._domain
                )
        except BrokenExecutor:
            self._recover(workers, task, waiting)

    def _work_of(self, batch: RecordBatch) -> Work:
        if batch.graphs is None or self.panel.needs_structures:
            return batch.smiles, batch.ids
        return Molecules(batch.graphs)

    def _finish(self, waiting: "deque[_Task]") -> tuple[RecordBatch, Prediction]:
        """The prediction of the first batch, which is taken out."""
        result = self._result(waiting)
        batch = waiting.popleft().batch
        if isinstance(result, Molecules):
            result = self.panel.predict_molecules(result, domain=self._domain)
        rejected = tuple(batch.placed(r) for r in result.rejected)
        return batch, replace(result, rejected=rejected, calibration=self.panel.calibration)

    def _result(self, waiting: "deque[_Task]") -> Molecules | Prediction:
        first, workers = waiting[0], self._workers
        while True:
            if not isinstance(first.answer, Future) or workers is None:
                return cast("Molecules | Prediction", first.answer)
            try:
                return first.answer.result(timeout=_PATIENCE)
            except TimeoutError:
                workers.kill()
                self._recover(workers, first, waiting)
            except BrokenExecutor:
                self._recover(workers, first, waiting)

    def _recover(self, workers: Workers, task: "_Task", waiting: Iterable["_Task"]) -> None:
        """Start other workers, and give them what the dead ones had.

        Raises:
            WorkerError: They died too often.
        """
        if workers.n_deaths >= _MOST_DEATHS:
            rows = task.batch.rows
            where = f"at rows {rows[0]:,} to {rows[-1]:,} or soon after" if len(rows) else "before any row"
            raise WorkerError(
                f"worker processes died or hung, {workers.n_deaths + 1} in all, the last one {where}, perhaps for lack "
                "of memory or over a structure there; use `processes=1`, or leave those rows out"
            ) from None
        workers.restart()
        for other in [*waiting]:
            if other.answer is None or (isinstance(other.answer, Future) and not other.has_result):
                self._start(other, waiting)


@dataclass
class _Task:
    """A batch, and its prediction or its future (on a GPU, of the molecules that it reads)."""

    batch: RecordBatch
    answer: Prediction | Molecules | Future[Molecules | Prediction] | Future[Molecules] | Future[Prediction] | None = (
        None
    )

    @property
    def is_done(self) -> bool:
        return self.answer is not None and (not isinstance(self.answer, Future) or self.answer.done())

    @property
    def has_result(self) -> bool:
        """Whether the future has a result."""
        return isinstance(self.answer, Future) and self.answer.done() and not self.answer.exception()


@contextmanager
def open_parallel_predictor(
    source: ModelSource,
    processes: int | None,
    *,
    domain: bool = False,
    others: AbstractContextManager[Workers] | None = None,
) -> Iterator[ParallelPredictor]:
    """A stream with `processes - 1` workers, which are ended on leaving, whatever happens; None for one process a core.

    The workers load the model while this process loads it too.

    Args:
        source: The models.
        processes: Processes, this one included.
        domain: Fill in the distances of `Prediction` too.
        others: Workers of another kind, instead of local processes.

    Raises:
        InputError: `processes` is not positive.
        ModelError: The model folder cannot be used.
    """
    if processes is not None and processes < 1:
        raise InputError(f"processes is {processes}; it must be 1 or more")
    processes = processes or default_processes()
    with ExitStack() as stack:
        workers = None
        if others is not None:
            workers = stack.enter_context(others)
        elif processes > 1:
            workers = stack.enter_context(_start_workers(source, processes - 1))
        if workers is not None:
            stack.enter_context(_shared_cores(processes))
        panel = Panel.load(source.paths, device=source.device, precision=source.precision)
        yield ParallelPredictor(panel, workers, domain=domain)


@contextmanager
def _start_workers(source: ModelSource, count: int) -> Iterator[Workers]:
    def begin() -> tuple[Executor, tuple[Future[int], ...]]:
        pool = WorkerPool(count, _take_share_of_cores, (count + 1,))
        return pool, tuple(pool.submit(_warm_up, source) for _ in range(count))

    pool, starts = begin()
    workers = Workers(pool, source, starts, begin)
    try:
        yield workers
    except BaseException:  # also an interrupt: what workers still do is not needed
        if isinstance(workers.pool, WorkerPool):
            workers.pool.kill()
        raise
    finally:
        workers.pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _shared_cores(processes: int) -> Iterator[None]:
    """This process computes on its share of the cores only."""
    import torch
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    before, share = torch.get_num_threads(), max(1, default_processes() // processes)
    torch.set_num_threads(share)
    try:
        # numpy's products too: two processes whose threads wait for each other in a loop take twice the time.
        with threadpool_limits(share, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)


# What follows runs in a worker process.


def _take_share_of_cores(processes: int) -> None:
    import torch
    from threadpoolctl import threadpool_limits

    share = max(1, default_processes() // processes)
    torch.set_num_threads(share)
    threadpool_limits(share, user_api="blas")


@cache
def _load(source: ModelSource) -> Panel:
    return Panel.load(source.paths, device=source.device, precision=source.precision)


def _warm_up(source: ModelSource) -> int:
    """Load what a worker process needs; on a GPU it does not need the model. Returns the number of this process."""
    from molgraph.models.precision import resolve_device

    if resolve_device(source.device).type == "cpu":
        _load(source)
    return os.getpid()


def predict_batch(source: ModelSource, digest: str, work: "Work", domain: bool) -> Prediction:
    panel = _load(source)
    if panel.digest != digest:
        raise ModelError("the model folder changed while it was in use; start again")
    return replace(predicted(panel, work, domain=domain), calibration=None)


def predicted(panel: Panel, work: "Work", *, domain: bool) -> Prediction:
    if isinstance(work, Molecules):
        return panel.predict_molecules(work, domain=domain)
    smiles, ids = work
    return panel.predict_texts(smiles, ids=ids, domain=domain)


def featurize_batch(smiles: list[str], ids: list[str], standardizer: StandardizerName) -> Molecules:
    from molgraph.features.featurize import featurize_molecules

    return featurize_molecules(smiles, ids=ids, standardizer=standardizer)
