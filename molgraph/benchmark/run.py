"""Runs the experiments of a benchmark one after the other, each in its own process, skipping those with a record."""

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
from molgraph.benchmark.protocol import STANDARDIZER, Experiment, make_problem
from molgraph.benchmark.record import Record, read_record, write_record
from molgraph.datasets.cards import card_named
from molgraph.datasets.load import load_dataset
from molgraph.errors import InputError, MolgraphError, WorkerError
from molgraph.metrics.scores import score
from molgraph.storage.atomic import make_folder


@dataclass(frozen=True)
class ExperimentOutcome:
    """Record or error of an experiment.

    Attributes:
        experiment: The experiment.
        record: Its result; None if it failed.
        was_there: Whether the record existed before.
        error: Message of one line if it failed; else empty.
    """

    experiment: Experiment
    record: Record | None
    was_there: bool = False
    error: str = ""


def run_experiments(
    experiments: Iterable[Experiment],
    learners: Mapping[str, BenchmarkLearner],
    folder: str | Path,
    *,
    on_begin: Callable[[Experiment], None] = lambda _experiment: None,
    on_end: Callable[[ExperimentOutcome], None] = lambda _outcome: None,
) -> list[ExperimentOutcome]:
    """Run the experiments that have no record in the folder. If one fails, the others are run all the same.

    Args:
        experiments: What to run.
        learners: Learners by name.
        folder: Folder of the records, one JSON file each.
        on_begin: Called before an experiment is run.
        on_end: Called after each experiment, also one that has a record already.

    Raises:
        InputError: An experiment names an unknown learner, or an existing record is damaged.
    """
    make_folder(folder)
    outcomes = []
    for experiment in experiments:
        if experiment.learner not in learners:
            raise InputError(f"there is no learner {experiment.learner!r}; choose from {', '.join(learners)}")
        path = Path(folder, f"{experiment.name}.json")
        if path.exists():
            outcome = ExperimentOutcome(experiment, read_record(path), was_there=True)
        else:
            on_begin(experiment)
            outcome = _run_in_process(experiment, learners[experiment.learner], Path(folder))
        outcomes.append(outcome)
        on_end(outcome)
    return outcomes


def _run_in_process(experiment: Experiment, learner: BenchmarkLearner, folder: Path) -> ExperimentOutcome:
    """Run in a new process: its peak memory can be measured, and a crash does not end the benchmark."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            record = pool.submit(run_experiment, experiment, learner).result()
        except BrokenProcessPool:
            return ExperimentOutcome(experiment, None, error="its process died, probably out of memory")
        except MolgraphError as error:
            return ExperimentOutcome(experiment, None, error=str(error).partition("\n")[0])
    write_record(record, folder)
    return ExperimentOutcome(experiment, record)


def run_experiment(experiment: Experiment, learner: BenchmarkLearner) -> Record:
    """Train a learner, and evaluate it on the test rows.

    Raises:
        InputError: There is no such data set or split.
        WorkerError: The learner failed, or did not predict every test row.
    """
    dataset = load_dataset(experiment.data_set, standardizer=STANDARDIZER)
    metric = card_named(experiment.data_set).metric
    problem = make_problem(dataset, experiment.split, experiment.seed)
    started = time.monotonic()
    try:
        predicted = learner.predict_test(problem)
    except MolgraphError:
        raise
    except Exception as error:
        raise WorkerError(f"{experiment.name}: {type(error).__name__}: {error}") from error
    seconds = time.monotonic() - started
    labels = dataset.labels.values[problem.split.test]
    if predicted.shape != labels.shape or not np.isfinite(predicted).all():
        raise WorkerError(
            f"{experiment.name}: predictions are {predicted.shape} and must be {labels.shape}, all of them finite"
        )
    values = score(metric, labels, predicted)
    defined = {task.name: float(value) for task, value in zip(dataset.tasks, values, strict=True) if np.isfinite(value)}
    if not defined:
        raise WorkerError(f"{experiment.name}: {metric} is defined on no task: the test rows have one class each")
    return Record(
        data_set=experiment.data_set,
        split=experiment.split,
        seed=experiment.seed,
        learner=experiment.learner,
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
    peaks = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return max(peaks) / unit
