"""Fits the tabular learners, member by member; each fitted member is kept in the checkpoint."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from molgraph.config.learners import LEARNERS, TABULAR, LearnerName
from molgraph.config.training import TrainConfig
from molgraph.datasets.dataset import Dataset
from molgraph.learners.base import FitLimits, TabularData, TabularModel, TabularOutputs
from molgraph.learners.blend import with_embeddings
from molgraph.learners.member_rows import MemberRows
from molgraph.learners.registry import tabular_learner
from molgraph.parallel.cpu import usable_cores
from molgraph.results.labels import Labels
from molgraph.training.censoring import bounds_as_values, expected_values
from molgraph.training.checkpoint import Checkpoint
from molgraph.training.targets import LearnedTargets
from molgraph.training.training_progress import ProgressListener, TrainProgress


@dataclass(frozen=True)
class TabularRows:
    """The rows that the learners share.

    Attributes:
        dataset: B structures and their weights.
        columns: `[B, F]` what each learner reads of them.
        targets: Their labels, as each member learns them.
        embeddings: `[M, B, H]` embeddings of the structures by each member's network, or those by the first alone where
            no learner reads them; None without a network.
    """

    dataset: Dataset
    columns: Mapping[LearnerName, NDArray[np.float32]]
    targets: LearnedTargets
    embeddings: NDArray[np.float32] | None


#: Seconds between two reports on tasks of a member, and the share of it that is done once all its tasks are.
_REPORT_SECONDS, _ALMOST = 0.5, 0.999

#: Numbers that members side by side may read together, since each copies what it reads: 100 million are 1 GB.
_MOST_NUMBERS = 100_000_000


def fit_tabular_learners(
    names: tuple[LearnerName, ...],
    rows: TabularRows,
    plans: list[MemberRows],
    config: TrainConfig,
    *,
    checkpoint: Checkpoint | None,
    on_progress: ProgressListener,
) -> tuple[dict[LearnerName, TabularModel], dict[LearnerName, TabularOutputs]]:
    """The learners among `names` that read columns, and their outputs for all rows.

    Args:
        names: Learners.
        rows: What they learn from.
        plans: Rows of each member.
        config: Settings; of these the seed and the loss count here.
        checkpoint: Where fitted members are kept; None to keep nothing.
        on_progress: Called after each fit.

    Raises:
        TrainingError: The checkpoint does not fit.
    """
    models: dict[LearnerName, TabularModel] = {}
    outputs: dict[LearnerName, TabularOutputs] = {}
    for name in (name for name in TABULAR if name in names):
        columns = rows.columns.get(name)
        if config.reads_network(name) and rows.embeddings is not None:
            columns = with_embeddings(rows.embeddings, columns)
        if columns is None:
            raise ValueError(f"{name} reads columns, and none were given")
        at_once = _members_at_once(name, columns.shape[-2] * columns.shape[-1], len(plans))
        stop = threading.Event()
        progress = _FitProgress(name, plans, len(rows.dataset.tasks), on_progress)
        limits = FitLimits(max(1, usable_cores() // at_once), stop.is_set)
        fit = _MemberFit(name, columns, rows, config, checkpoint, limits, progress)
        members = []
        for plan, member in zip(plans, _in_threads(fit.member, plans, at_once, stop, progress), strict=True):
            members.append(member)
            progress.member_done(plan)
        models[name] = tabular_learner(name).join(members)
        outputs[name] = TabularOutputs(*models[name].predict_with_variance(columns))
    return models, outputs


def _members_at_once(name: LearnerName, numbers: int, n_members: int) -> int:
    """Members that are fitted side by side, each to so many numbers."""
    return max(1, min(usable_cores(), n_members, _MOST_NUMBERS // numbers)) if LEARNERS[name].side_by_side else 1


def _in_threads(
    fit: Callable[[MemberRows], TabularModel],
    plans: Sequence[MemberRows],
    threads: int,
    stop: threading.Event,
    progress: "_FitProgress",
) -> Iterator[TabularModel]:
    """What is fitted to each plan, in order, so many at a time; `stop` is set where the rest is not needed.

    Meanwhile progress is reported now and then, by this thread: listeners need not be safe for others.
    """
    if threads == 1:
        progress.is_direct = True
        yield from map(fit, plans)
        return
    with ThreadPoolExecutor(threads) as pool:
        try:
            for member in [pool.submit(fit, plan) for plan in plans]:
                while not member.done():
                    wait([member], timeout=_REPORT_SECONDS)
                    if not member.done():
                        progress.report()
                yield member.result()
        except BaseException:  # also an interrupt: end the other members before leaving
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


class _FitProgress:
    """Which share of each member of a learner is fitted, as it is reported to a listener.

    Attributes:
        is_direct: Whether members are fitted in the thread of the listener, to which each task is reported then.
    """

    def __init__(self, name: LearnerName, plans: list[MemberRows], n_tasks: int, listener: ProgressListener) -> None:
        self.is_direct = False
        self._name, self._plans, self._n_tasks, self._listener = name, plans, n_tasks, listener
        self._done = {plan.member: 0.0 for plan in plans}
        self._n_members, self._newest, self._last = 0, plans[0].member, time.monotonic()

    def add(self, plan: MemberRows, share: float) -> None:
        """Of a member a further share is done."""
        self._done[plan.member] = min(self._done[plan.member] + share, _ALMOST)
        self._newest = plan.member
        if self.is_direct:
            self.report()

    def report(self) -> None:
        """Report what was done since the last report, if that was some time ago."""
        now = time.monotonic()
        is_news = self._n_tasks > 1 and any(0 < share < 1 for share in self._done.values())
        if is_news and now - self._last >= _REPORT_SECONDS:
            self._last = now
            self._send(self._newest)

    def member_done(self, plan: MemberRows) -> None:
        """A member is fitted, now or in a training before this one."""
        self._done[plan.member] = 1.0
        self._n_members += 1
        self._send(plan.member)

    def _send(self, member: int) -> None:
        sizes = {plan.member: len(plan.train_rows) for plan in self._plans}
        self._listener(
            TrainProgress(
                members=(member,),
                epoch=self._n_members,
                epochs=len(self._plans),
                molecules_done=int(sum(self._done[fitted] * size for fitted, size in sizes.items())),
                molecules_total=sum(sizes.values()),
                inner_loss=None,
                learner=self._name,
                task=round(self._done[member] * self._n_tasks),
                tasks=self._n_tasks,
            )
        )


@dataclass(frozen=True)
class _MemberFit:
    """How the members of one learner are fitted.

    Attributes:
        name: The learner.
        columns: `[B, F]` or `[M, B, F]` what it reads.
        rows: Labels and weights of the rows.
        config: Settings.
        checkpoint: Where fitted members are kept; None to keep nothing.
        limits: Threads that share the work of one fit, and whether it is to end.
        progress: Where each task is reported.
    """

    name: LearnerName
    columns: NDArray[np.float32]
    rows: TabularRows
    config: TrainConfig
    checkpoint: Checkpoint | None
    limits: FitLimits
    progress: _FitProgress

    def member(self, plan: MemberRows) -> TabularModel:
        """A member, fitted now or in a training before this one."""
        key = f"{self.name}-{plan.member}"
        labels, kinds = self.rows.targets.labels.take(plan.member), tuple(task.kind for task in self.rows.dataset.tasks)
        stored = None if self.checkpoint is None else self.checkpoint.load(key)
        if stored is not None:
            arrays = {path: tensor.numpy() for path, tensor in stored[0].items()}
            return tabular_learner(self.name).from_arrays(arrays, kinds, 1)
        limits = replace(self.limits, on_share=partial(self.progress.add, plan))
        data = TabularData(
            columns=self.columns[plan.member] if self.columns.ndim == 3 else self.columns,
            labels=labels.values,
            weights=self.rows.dataset.weights,
            kinds=kinds,
            loss=self.config.loss,
        )
        member = _fit_within_bounds(self.name, data, labels, plan, seed=self.config.seed, limits=limits)
        if self.checkpoint is not None:
            tensors = {
                path: torch.from_numpy(np.ascontiguousarray(array)) for path, array in member.to_arrays().items()
            }
            self.checkpoint.save(key, tensors, {})
        return member


def _report_half(on_share: Callable[[float], None], share: float) -> None:
    on_share(share / 2)


def _fit_within_bounds(
    name: LearnerName, data: TabularData, labels: Labels, plan: MemberRows, *, seed: int, limits: FitLimits
) -> TabularModel:
    """A member fitted to measured labels, and where there are bounds once more to what these let expect.

    One step of Buckley and James (1979, doi:10.1093/biomet/66.3.429), begun with the bounds as labels: trees and
    processes have no loss that knows of bounds.
    """
    fit = tabular_learner(name).fit
    if labels.lower is None:
        return fit(data, plan, seed, limits)
    limits = replace(limits, on_share=partial(_report_half, limits.on_share))  # there are two fits
    begun = replace(data, labels=bounds_as_values(labels))
    first = fit(begun, plan, seed, limits).predict(data.columns)[0]
    watched = plan.inner_rows if len(plan.inner_rows) else plan.train_rows
    return fit(replace(data, labels=expected_values(labels, first, watched)), plan, seed, limits)
