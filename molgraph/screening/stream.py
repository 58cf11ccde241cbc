"""Predictions for a stream of records: in order, on one process or several, in bounded memory."""

import atexit
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import TYPE_CHECKING

from molgraph.chem.files.records import RecordBatch
from molgraph.chem.standardize import StandardizerName
from molgraph.config import Device, Precision
from molgraph.errors import InputError, ModelError, WorkerError
from molgraph.graphs import PackedGraphs
from molgraph.results import Prediction

if TYPE_CHECKING:
    from molgraph.predictor import Predictor

#: Records of a batch. With larger ones a process idles longer at the end, smaller ones cost more talk between them.
BATCH_SIZE = 512

#: Batches under way for each process; more would only fill the memory.
_AHEAD = 4


@dataclass(frozen=True)
class ModelSource:
    """Where each process finds the model.

    Attributes:
        path: Model folder.
        device: Device to compute on.
        precision: Number format of the products.
    """

    path: Path
    device: Device = "auto"
    precision: Precision = "float32"


@dataclass(frozen=True)
class Helpers:
    """Processes that share the work with this one.

    Attributes:
        pool: Gives them their work.
        source: Where they find the model.
        starts: Done when a helper is ready for work; one for each.
    """

    pool: ProcessPoolExecutor
    source: ModelSource
    starts: tuple[Future[None], ...]

    @property
    def n_ready(self) -> int:
        """How many have loaded what they need."""
        return sum(start.done() for start in self.starts)


#: The prediction of a batch, or the promise of it (on a GPU, of the graphs that it takes).
_Answer = Prediction | Future[PackedGraphs | Prediction]


def default_processes() -> int:
    """Processes that use this machine well: one for each core that this process may use, eight at most."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 8)


class PredictionStream:
    """A model, and the processes that help to run it. On a CPU all of them predict; on a GPU they only featurize.

    Args:
        predictor: The model in this process.
        helpers: The other processes, and where they find the same model; None for none.
        domain: Fill in the distances of `Prediction` too.
    """

    def __init__(self, predictor: "Predictor", helpers: Helpers | None = None, *, domain: bool = False) -> None:
        self.predictor = predictor
        self._domain = domain
        self._helpers = helpers
        self.processes = 1 + (len(helpers.starts) if helpers else 0)

    def predict(self, batches: Iterable[RecordBatch]) -> Iterator[tuple[RecordBatch, Prediction]]:
        """Each batch with the prediction of its records, in order.

        `Prediction.rejected` holds row numbers of the whole input.

        Raises:
            WorkerError: A helper has died.
        """
        waiting: deque[tuple[RecordBatch, _Answer]] = deque()
        for batch in batches:
            waiting.append((batch, self._start(batch, [answer for _, answer in waiting])))
            while waiting and (_is_ready(waiting[0][1]) or len(waiting) >= _AHEAD * self.processes):
                yield self._finish(*waiting.popleft())
        while waiting:
            yield self._finish(*waiting.popleft())

    def _start(self, batch: RecordBatch, under_way: list[_Answer]) -> _Answer:
        """Give a batch to a helper, or predict it here where none is ready or all have enough to do."""
        if self._helpers is None:
            return self.predictor.predict(batch.smiles, ids=batch.ids, domain=self._domain)
        pool, source = self._helpers.pool, self._helpers.source
        with _clear_death():
            if self.predictor.device.type == "cuda":
                return pool.submit(_featurize, batch.smiles, batch.ids, self.predictor.card.standardizer)
            if sum(not _is_ready(answer) for answer in under_way) < 2 * self._helpers.n_ready:
                return pool.submit(_predict, source, self.predictor.digest, batch.smiles, batch.ids, self._domain)
        return self.predictor.predict(batch.smiles, ids=batch.ids, domain=self._domain)

    def _finish(self, batch: RecordBatch, answer: _Answer) -> tuple[RecordBatch, Prediction]:
        with _clear_death():
            result = answer.result() if isinstance(answer, Future) else answer
        if isinstance(result, PackedGraphs):
            result = self.predictor.predict_graphs(result, domain=self._domain)
        rejected = tuple(replace(r, row=int(batch.rows[r.row])) for r in result.rejected)
        return batch, replace(result, rejected=rejected, rule=self.predictor.calibration)


@contextmanager
def open_stream(source: ModelSource, processes: int | None, *, domain: bool = False) -> Iterator[PredictionStream]:
    """A stream with `processes - 1` helpers, which are ended on leaving, whatever happens; None for one process a core.

    The helpers load the model while this process loads it too. With `domain` the distances of `Prediction` are filled.

    Raises:
        InputError: `processes` is not positive.
        ModelError: The model folder cannot be used.
    """
    if processes is not None and processes < 1:
        raise InputError(f"processes is {processes}; it must be 1 or more")
    processes = processes or default_processes()
    with ExitStack() as stack:
        helpers = stack.enter_context(_start_helpers(source, processes - 1)) if processes > 1 else None
        if processes > 1:
            stack.enter_context(_shared_cores(processes))
        from molgraph.predictor import Predictor

        predictor = Predictor.load(source.path, device=source.device, precision=source.precision)
        yield PredictionStream(predictor, helpers, domain=domain)


@contextmanager
def _start_helpers(source: ModelSource, count: int) -> Iterator[Helpers]:
    # Spawned, not forked: the fork of a process in which OpenMP threads ran can hang.
    pool = ProcessPoolExecutor(count, get_context("spawn"), initializer=_become_helper, initargs=(count + 1,))
    try:
        yield Helpers(pool, source, tuple(pool.submit(_warm_up, source) for _ in range(count)))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _shared_cores(processes: int) -> Iterator[None]:
    """This process computes on its share of the cores only."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, default_processes() // processes))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _clear_death() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise WorkerError(
            "a helper process died, perhaps for want of memory; use --processes 1, or a smaller part of the library"
        ) from error


def _is_ready(answer: _Answer) -> bool:
    return not isinstance(answer, Future) or answer.done()


# What follows runs in a helper process.


def _become_helper(processes: int) -> None:
    import torch

    torch.set_num_threads(max(1, default_processes() // processes))
    atexit.register(os._exit, 0)  # a helper leaves nothing behind; taking torch apart would cost half a second
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the main process, which then ends this one
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A main process that was killed cannot end its helpers, and they would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@cache
def _load(source: ModelSource) -> "Predictor":
    from molgraph.predictor import Predictor

    return Predictor.load(source.path, device=source.device, precision=source.precision)


def _warm_up(source: ModelSource) -> None:
    """Load what a helper needs; on a GPU it does not need the model."""
    from molgraph.models.precision import resolve_device

    if resolve_device(source.device).type == "cpu":
        _load(source)


def _predict(source: ModelSource, digest: str, smiles: list[str], ids: list[str], domain: bool) -> Prediction:
    predictor = _load(source)
    if predictor.digest != digest:
        raise ModelError("the model folder changed while it was in use; start again")
    return replace(predictor.predict(smiles, ids=ids, domain=domain), rule=None)


def _featurize(smiles: list[str], ids: list[str], standardizer: StandardizerName) -> PackedGraphs:
    from molgraph.features.featurize import featurize

    return featurize(smiles, ids=ids, standardizer=standardizer)
