"""The learners that read columns of numbers: fitted member by member, each kept for a training that goes on."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray

from molgraph.config import TrainConfig
from molgraph.datasets.dataset import Dataset
from molgraph.learners import LearnerName
from molgraph.library.cores import usable_cores
from molgraph.models.column_models import COLUMN_MODELS
from molgraph.models.committee import ColumnModel, ColumnOutputs, with_latents
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
        limits = FitLimits(max(1, usable_cores() // at_once), stop.is_set)
        fitting = _Fitting(name, columns, source, config, checkpoint, limits)
        members = []
        for plan, member in zip(plans, _in_threads(fitting.member, plans, at_once, stop), strict=True):
            members.append(member)
            on_progress(_progress(name, plan, len(members), plans))
        models[name] = COLUMN_MODELS[name].join(members)
        said[name] = ColumnOutputs(*models[name].predict_with_variance(columns))
    return models, said


def _members_at_once(name: LearnerName, numbers: int, n_members: int) -> int:
    """Members that are fitted side by side, each to so many numbers."""
    return max(1, min(usable_cores(), n_members, _MOST_NUMBERS // numbers)) if name in _SIDE_BY_SIDE else 1


def _in_threads(
    fit: Callable[[MemberPlan], ColumnModel], plans: Sequence[MemberPlan], threads: int, stop: threading.Event
) -> Iterator[ColumnModel]:
    """What is fitted to each plan, in order, so many at a time; `stop` is set where nobody wants the rest."""
    if threads == 1:
        yield from map(fit, plans)
        return
    with ThreadPoolExecutor(threads) as pool:
        try:
            yield from pool.map(fit, plans)
        except BaseException:  # also an interrupt: end the other members before leaving
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


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
    """

    name: LearnerName
    columns: NDArray[np.float32]
    source: ColumnSource
    config: TrainConfig
    checkpoint: Checkpoint | None
    limits: FitLimits

    def member(self, plan: MemberPlan) -> ColumnModel:
        """A member, fitted now or in a training before this one."""
        key = f"{self.name}-{plan.member}"
        data = self._data(plan)
        stored = None if self.checkpoint is None else self.checkpoint.load(key)
        if stored is not None:
            arrays = {path: tensor.numpy() for path, tensor in stored[0].items()}
            return COLUMN_MODELS[self.name].from_arrays(arrays, data.kinds, 1)
        member = _fit_within_bounds(self.name, data, plan, self.config.seed, self.limits)
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
    begun = replace(data, labels=bounds_as_labels(data.labels, data.bounds))
    first = fit(begun, plan, seed, limits).predict(data.columns)[0]
    watched = plan.inner_rows if len(plan.inner_rows) else plan.train_rows
    expected = expected_labels(data.labels, data.bounds, first, watched)
    return fit(replace(data, labels=expected), plan, seed, limits)


def _progress(name: LearnerName, plan: MemberPlan, done: int, plans: list[MemberPlan]) -> TrainProgress:
    sizes = [len(own.train_rows) for own in plans]
    return TrainProgress(
        members=(plan.member,),
        epoch=done,
        epochs=len(plans),
        molecules_done=sum(sizes[:done]),
        molecules_total=sum(sizes),
        inner_loss=None,
        learner=name,
    )
