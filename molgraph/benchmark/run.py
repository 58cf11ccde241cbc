"""Cells of a benchmark, run one after the other, each in a process of its own; what has a record is not run again."""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from molgraph.benchmark.learner import BenchmarkLearner
from molgraph.benchmark.protocol import STANDARDIZER, Cell, pose
from molgraph.benchmark.record import Record, read_record, write_record
from molgraph.datasets.cards import card_named
from molgraph.datasets.load import load_dataset
from molgraph.errors import InputError, MolgraphError, WorkerError
from molgraph.metrics.scores import score
from molgraph.storage.atomic import make_folder


@dataclass(frozen=True)
class CellOutcome:
    """What became of a cell.

    Attributes:
        cell: The cell.
        record: What was reached; None if that failed.
        was_there: Whether it had been run before.
        error: What went wrong, in one line; empty if nothing did.
    """

    cell: Cell
    record: Record | None
    was_there: bool = False
    error: str = ""


def run_cells(
    cells: Iterable[Cell],
    learners: Mapping[str, BenchmarkLearner],
    folder: str | Path,
    *,
    on_begin: Callable[[Cell], None] = lambda _cell: None,
    on_end: Callable[[CellOutcome], None] = lambda _outcome: None,
) -> list[CellOutcome]:
    """Run the cells that have no record in the folder. One that fails is told and leaves the others alone.

    Args:
        cells: What to run.
        learners: Who can learn, by name.
        folder: Where the records are, one JSON file each.
        on_begin: Called before a cell is run.
        on_end: Called after each cell, also one that was there.

    Raises:
        InputError: A cell names an unknown learner, or a record that is there is damaged.
    """
    make_folder(folder)
    outcomes = []
    for cell in cells:
        if cell.learner not in learners:
            raise InputError(f"there is no learner {cell.learner!r}; choose of {', '.join(learners)}")
        path = Path(folder, f"{cell.name}.json")
        if path.exists():
            outcome = CellOutcome(cell, read_record(path), was_there=True)
        else:
            on_begin(cell)
            outcome = _run_apart(cell, learners[cell.learner], Path(folder))
        outcomes.append(outcome)
        on_end(outcome)
    return outcomes


def _run_apart(cell: Cell, learner: BenchmarkLearner, folder: Path) -> CellOutcome:
    """In a process of its own: so that its memory is its own, and its death nobody else's."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            record = pool.submit(run_cell, cell, learner).result()
        except BrokenProcessPool:
            return CellOutcome(cell, None, error="its process died, perhaps for want of memory")
        except MolgraphError as error:
            return CellOutcome(cell, None, error=str(error).partition("\n")[0])
    write_record(record, folder)
    return CellOutcome(cell, record)


def run_cell(cell: Cell, learner: BenchmarkLearner) -> Record:
    """What a learner reaches on the test rows of a cell.

    Raises:
        InputError: There is no such data set or split.
        WorkerError: The learner failed, or did not predict every test row.
    """
    dataset = load_dataset(cell.data_set, standardizer=STANDARDIZER)
    metric = card_named(cell.data_set).metric
    problem = pose(dataset, cell.split, cell.seed)
    started = time.monotonic()
    try:
        predicted = learner.predict_test(problem)
    except MolgraphError:
        raise
    except Exception as error:
        raise WorkerError(f"{cell.name}: {type(error).__name__}: {error}") from error
    seconds = time.monotonic() - started
    labels = dataset.labels[problem.split.test]
    if predicted.shape != labels.shape or not np.isfinite(predicted).all():
        raise WorkerError(
            f"{cell.name}: predictions are {predicted.shape} and must be {labels.shape}, all of them finite"
        )
    values = score(metric, labels, predicted)
    defined = {task.name: float(value) for task, value in zip(dataset.tasks, values, strict=True) if np.isfinite(value)}
    if not defined:
        raise WorkerError(f"{cell.name}: {metric} is defined on no task, because the test rows have one class each")
    return Record(
        data_set=cell.data_set,
        split=cell.split,
        seed=cell.seed,
        learner=cell.learner,
        metric=metric,
        value=float(np.mean([*defined.values()])),
        tasks=defined,
        rows={name: len(getattr(problem.split, name)) for name in ("train", "valid", "test")},
        problem_sha256=problem.fingerprint,
        data_sha256=dataset.fingerprint,
        settings=learner.settings(),
        versions=learner.versions(),
        seconds=round(seconds, 2),
        peak_mb=round(_peak_mb(), 1),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
    )


def _peak_mb() -> float:
    unit = 2**20 if sys.platform == "darwin" else 2**10
    own = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return max(own) / unit
