"""The learners that read columns of numbers: fitted member by member, each kept for a training that goes on."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray

from molgraph.config.learners import LearnerName
from molgraph.config.training import TrainConfig
from molgraph.datasets.dataset import Dataset
from molgraph.models.column_models import COLUMN_MODELS
from molgraph.models.committee import ColumnModel, ColumnOutputs, with_latents
from molgraph.parallel.cpu import usable_cores
from molgraph.training.boosting import fit_boosted_trees
from molgraph.training.bounds import bounds_as_labels, expected_labels
from molgraph.training.checkpoint import Checkpoint
from molgraph.training.column_data import ColumnData, Fit, FitLimits
from molgraph.training.forest import fit_forest
from molgraph.training.kernel import fit_latent_process, fit_tanimoto_process
from molgraph.training.plan import MemberPlan
from molgraph.training.progress import ProgressListener, TrainProgress
from molgraph.training.targets import LearnedTargets


@dataclass(frozen=True)
class ColumnSource:
    """The rows that the learners share.

    Attributes:
        dataset: B structures and their weights.
        columns: `[B, F]` what each learner reads of them.
        targets: Their labels, as each member learns them.
        latents: `[M, B, H]` vectors that each member's network makes of the structures, or those of the first alone
            where no learner reads them; None without a network.
    """

    dataset: Dataset
    columns: Mapping[LearnerName, NDArray[np.float32]]
    targets: LearnedTargets
    latents: NDArray[np.float32] | None


_FITS: Mapping[LearnerName, Fit] = MappingProxyType(
    {
        "embedding": fit_boosted_trees,
        "boosting": fit_boosted_trees,
        "maplight": fit_boosted_trees,
        "forest": fit_forest,
        "kernel": fit_tanimoto_process,
        "latent": fit_latent_process,
    }
)


#: Learners whose fits are small and do not share cores well: members are fitted side by side, on some cores each. Those
#: of the others follow each other, each on all cores. A fit comes out the same on any number of them.
_SIDE_BY_SIDE: frozenset[LearnerName] = frozenset({"embedding", "boosting", "maplight"})

#: Seconds between two words about tasks of a member, and the share of it that is done once all its tasks are.
_TELL_SECONDS, _ALMOST = 0.5, 0.999

#: Numbers that members side by side may read together, since each copies what it reads: 100 million are 1 GB.
_MOST_NUMBERS = 100_000_000


def fit_column_learners(
    names: tuple[LearnerName, ...],
    source: ColumnSource,
    plans: list[MemberPlan],
    config: TrainConfig,
    *,
    checkpoint: Checkpoint | None,
    on_progress: ProgressListener,
) -> tuple[dict[LearnerName, ColumnModel], dict[LearnerName, ColumnOutputs]]:
    """The learners among `names` that read columns, and what they say of all rows.

    Args:
        names: Learners.
        source: The rows.
        plans: Rows of each member.
        config: Settings; of these the seed and the loss count here.
        checkpoint: Where fitted members are kept; None to keep nothing.
        on_progress: Called after each fit.

    Raises:
        TrainingError: The checkpoint does not fit.
    """
    models: dict[LearnerName, ColumnModel] = {}
    said: dict[LearnerName, ColumnOutputs] = {}
    for name in (name for name in COLUMN_MODELS if name in names):
        columns = source.columns[name]
        if config.reads_network(name) and source.latents is not None:
            columns = with_latents(source.latents, columns)
        at_once = _members_at_once(name, columns.shape[-2] * columns.shape[-1], len(plans))
        stop = threading.Event()
        told = _Told(name, plans, len(source.dataset.tasks), on_progress)
        limits = FitLimits(max(1, usable_cores() // at_once), stop.is_set)
        fitting = _Fitting(name, columns, source, config, checkpoint, limits, told)
        members = []
        for plan, member in zip(plans, _in_threads(fitting.member, plans, at_once, stop, told), strict=True):
            members.append(member)
            told.member_done(plan)
        models[name] = COLUMN_MODELS[name].join(members)
        said[name] = ColumnOutputs(*models[name].predict_with_variance(columns))
    return models, said


def _members_at_once(name: LearnerName, numbers: int, n_members: int) -> int:
    """Members that are fitted side by side, each to so many numbers."""
    return max(1, min(usable_cores(), n_members, _MOST_NUMBERS // numbers)) if name in _SIDE_BY_SIDE else 1


def _in_threads(
    fit: Callable[[MemberPlan], ColumnModel],
    plans: Sequence[MemberPlan],
    threads: int,
    stop: threading.Event,
    told: "_Told",
) -> Iterator[ColumnModel]:
    """What is fitted to each plan, in order, so many at a time; `stop` is set where nobody wants the rest.

    Meanwhile listeners are told of what is done of it now and then, by this thread: they need not be safe for others.
    """
    if threads == 1:
        told.is_direct = True
        yield from map(fit, plans)
        return
    with ThreadPoolExecutor(threads) as pool:
        try:
            for member in [pool.submit(fit, plan) for plan in plans]:
                while not member.done():
                    wait([member], timeout=_TELL_SECONDS)
                    if not member.done():
                        told.tell()
                yield member.result()
        except BaseException:  # also an interrupt: end the other members before leaving
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


class _Told:
    """What of the members of a learner is fitted, and who is told.

    Attributes:
        is_direct: Whether members are fitted in the thread of the listener, which is told of each task then.
    """

    def __init__(self, name: LearnerName, plans: list[MemberPlan], n_tasks: int, listener: ProgressListener) -> None:
        self.is_direct = False
        self._name, self._plans, self._n_tasks, self._listener = name, plans, n_tasks, listener
        self._done = {plan.member: 0.0 for plan in plans}
        self._n_members, self._newest, self._last = 0, plans[0].member, time.monotonic()

    def add(self, plan: MemberPlan, share: float) -> None:
        """Of a member a further share is done."""
        self._done[plan.member] = min(self._done[plan.member] + share, _ALMOST)
        self._newest = plan.member
        if self.is_direct:
            self.tell()

    def tell(self) -> None:
        """Tell of what was done since the listener was told last, if that was some time ago."""
        now = time.monotonic()
        is_news = self._n_tasks > 1 and any(0 < share < 1 for share in self._done.values())
        if is_news and now - self._last >= _TELL_SECONDS:
            self._last = now
            self._send(self._newest)

    def member_done(self, plan: MemberPlan) -> None:
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
                molecules_done=int(sum(self._done[own] * size for own, size in sizes.items())),
                molecules_total=sum(sizes.values()),
                inner_loss=None,
                learner=self._name,
                task=round(self._done[member] * self._n_tasks),
                tasks=self._n_tasks,
            )
        )


@dataclass(frozen=True)
class _Fitting:
    """How the members of one learner are fitted.

    Attributes:
        name: The learner.
        columns: `[B, F]` or `[M, B, F]` what it reads.
        source: Labels and weights of the rows.
        config: Settings.
        checkpoint: Where fitted members are kept; None to keep nothing.
        limits: Threads that share the work of one fit, and whether it is to end.
        told: Who is told of each task.
    """

    name: LearnerName
    columns: NDArray[np.float32]
    source: ColumnSource
    config: TrainConfig
    checkpoint: Checkpoint | None
    limits: FitLimits
    told: _Told

    def member(self, plan: MemberPlan) -> ColumnModel:
        """A member, fitted now or in a training before this one."""
        key = f"{self.name}-{plan.member}"
        data = self._data(plan)
        stored = None if self.checkpoint is None else self.checkpoint.load(key)
        if stored is not None:
            arrays = {path: tensor.numpy() for path, tensor in stored[0].items()}
            return COLUMN_MODELS[self.name].from_arrays(arrays, data.kinds, 1)
        limits = replace(self.limits, on_share=partial(self.told.add, plan))
        member = _fit_within_bounds(self.name, data, plan, self.config.seed, limits)
        if self.checkpoint is not None:
            tensors = {
                path: torch.from_numpy(np.ascontiguousarray(array)) for path, array in member.to_arrays().items()
            }
            self.checkpoint.save(key, tensors, {})
        return member

    def _data(self, plan: MemberPlan) -> ColumnData:
        dataset, targets = self.source.dataset, self.source.targets
        return ColumnData(
            columns=self.columns[plan.member] if self.columns.ndim == 3 else self.columns,
            labels=targets.labels[plan.member],
            bounds=None if targets.bounds is None else targets.bounds[:, plan.member],
            weights=dataset.weights,
            kinds=tuple(task.kind for task in dataset.tasks),
            loss=self.config.loss,
        )


def _tell_half(on_share: Callable[[float], None], share: float) -> None:
    on_share(share / 2)


def _fit_within_bounds(
    name: LearnerName, data: ColumnData, plan: MemberPlan, seed: int, limits: FitLimits
) -> ColumnModel:
    """A member fitted to measured labels, and where there are bounds once more to what these let expect.

    One step of Buckley and James (1979, doi:10.1093/biomet/66.3.429), begun with the bounds as labels: trees and
    processes have no loss that knows of bounds.
    """
    fit = _FITS[name]
    if data.bounds is None:
        return fit(data, plan, seed, limits)
    limits = replace(limits, on_share=partial(_tell_half, limits.on_share))  # there are two fits
    begun = replace(data, labels=bounds_as_labels(data.labels, data.bounds))
    first = fit(begun, plan, seed, limits).predict(data.columns)[0]
    watched = plan.inner_rows if len(plan.inner_rows) else plan.train_rows
    expected = expected_labels(data.labels, data.bounds, first, watched)
    return fit(replace(data, labels=expected), plan, seed, limits)
