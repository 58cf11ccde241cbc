"""Predictions for a stream of records: in order, on one process or several, in bounded memory."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from molgraph.chem.files.records import RecordBatch
from molgraph.config import Device, Precision
from molgraph.errors import ModelError, WorkerError
from molgraph.graphs import PackedGraphs
from molgraph.results import Prediction

if TYPE_CHECKING:
    from molgraph.predictor import Predictor

#: Records of a batch. Larger ones keep no process busier, smaller ones cost more talk between processes.
BATCH_SIZE = 1024

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


def default_processes() -> int:
    """Processes that use this machine well: one for each core that this process may use, eight at most."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 8)


class PredictionStream:
    """A model, and the processes that help to run it. On a CPU all of them predict; on a GPU they only featurize.

    Args:
        predictor: The model in this process.
        pool: The helpers; None for none.
        processes: Processes in all, this one included.
    """

    def __init__(self, predictor: "Predictor", pool: ProcessPoolExecutor | None = None, processes: int = 1) -> None:
        self.predictor = predictor
        self._pool = pool
        self._processes = processes

    def predict(self, batches: Iterable[RecordBatch]) -> Iterator[tuple[RecordBatch, Prediction]]:
        """Each batch with the prediction of its records, in order.

        `Prediction.rejected` holds row numbers of the whole input.

        Raises:
            WorkerError: A helper has died.
        """
        waiting: _Queue = deque()
        source = iter(batches)
        exhausted = False
        while waiting or not exhausted:
            while not exhausted and len(waiting) < _AHEAD * self._processes:
                batch = next(source, None)
                if batch is None:
                    exhausted = True
                elif self._pool is None or self._helpers_are_busy(waiting):
                    waiting.append((batch, self.predictor.predict(batch.smiles, ids=batch.ids)))
                    break
                else:
                    waiting.append((batch, self._submit(batch)))
            if waiting and (exhausted or self._pool is None or _is_ready(waiting[0][1]) or self._is_full(waiting)):
                batch, result = waiting.popleft()
                yield batch, _with_input_rows(self._finish(result), batch)

    def _helpers_are_busy(self, waiting: "_Queue") -> bool:
        """Whether the helpers have enough to do, so that this process computes a batch itself."""
        if self.predictor.device.type == "cuda":
            return False
        open_futures = sum(isinstance(item, Future) and not item.done() for _, item in waiting)
        return open_futures >= 2 * (self._processes - 1)

    def _is_full(self, waiting: Sequence[object]) -> bool:
        return len(waiting) >= _AHEAD * self._processes

    def _submit(self, batch: RecordBatch) -> "Future[PackedGraphs | Prediction]":
        assert self._pool is not None  # only called with a pool
        if self.predictor.device.type == "cuda":
            return self._pool.submit(_featurize, batch.smiles, batch.ids, self.predictor.card.standardizer)
        return self._pool.submit(_predict, batch.smiles, batch.ids, self.predictor.digest)

    def _finish(self, result: "Future[PackedGraphs | Prediction] | Prediction") -> Prediction:
        if isinstance(result, Prediction):
            return result
        try:
            answer = result.result()
        except BrokenProcessPool as error:
            raise WorkerError(
                "a helper process died, perhaps for want of memory; use --processes 1, or a smaller library part"
            ) from error
        if isinstance(answer, PackedGraphs):
            return self.predictor.predict_graphs(answer)
        return replace(answer, rule=self.predictor.calibration)


@contextmanager
def open_stream(source: ModelSource, processes: int) -> Iterator[PredictionStream]:
    """A stream with `processes - 1` helpers, which are ended on leaving, whatever happens.

    The helpers load the model while this process loads it too.
    """
    with ExitStack() as stack:
        pool = None
        if processes > 1:
            # Spawned, not forked: the fork of a process in which OpenMP threads ran can hang.
            context = get_context("spawn")
            pool = ProcessPoolExecutor(processes - 1, context, initializer=_start_helper, initargs=(source, processes))
            stack.callback(pool.shutdown, wait=True, cancel_futures=True)
            for _ in range(processes - 1):
                pool.submit(_has_started)
        _share_cores(processes)
        from molgraph.predictor import Predictor

        predictor = Predictor.load(source.path, device=source.device, precision=source.precision)
        yield PredictionStream(predictor, pool, processes)


_Queue = deque[tuple[RecordBatch, Future[PackedGraphs | Prediction] | Prediction]]


def _is_ready(result: object) -> bool:
    return not isinstance(result, Future) or result.done()


def _with_input_rows(prediction: Prediction, batch: RecordBatch) -> Prediction:
    rejected = tuple(replace(r, row=int(batch.rows[r.row])) for r in prediction.rejected)
    return replace(prediction, rejected=rejected)


def _share_cores(processes: int) -> None:
    import torch

    torch.set_num_threads(max(1, default_processes() // processes))


# What follows runs in a helper process.

_PREDICTOR: "Predictor | None" = None


def _start_helper(source: ModelSource, processes: int) -> None:
    _share_cores(processes)
    from molgraph.predictor import Predictor

    global _PREDICTOR  # noqa: PLW0603  (a process has one model, loaded once)
    _PREDICTOR = Predictor.load(source.path, device=source.device, precision=source.precision)


def _has_started() -> bool:
    return True


def _predict(smiles: list[str], ids: list[str], digest: str) -> Prediction:
    assert _PREDICTOR is not None  # set by the initializer
    if _PREDICTOR.digest != digest:
        raise ModelError("the model folder changed while it was in use; start again")
    return replace(_PREDICTOR.predict(smiles, ids=ids), rule=None)


def _featurize(smiles: list[str], ids: list[str], standardizer: str) -> PackedGraphs:
    from molgraph.features.featurize import featurize

    return featurize(smiles, ids=ids, standardizer=standardizer)  # type: ignore[arg-type]
