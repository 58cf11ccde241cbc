"""The learners that read columns of numbers: fitted member by member, each kept for a training that goes on."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray

from molgraph.config import Loss, TrainConfig
from molgraph.datasets.dataset import Dataset
from molgraph.features.columns import molecule_columns
from molgraph.graphs import PackedGraphs
from molgraph.learners import LEARNERS, LearnerName
from molgraph.models.column_models import COLUMN_MODELS
from molgraph.models.committee import ColumnModel
from molgraph.tasks import TaskKind
from molgraph.training.boosting import fit_boosted_trees
from molgraph.training.checkpoint import Checkpoint
from molgraph.training.forest import fit_forest
from molgraph.training.kernel import fit_tanimoto_process
from molgraph.training.plan import MemberPlan
from molgraph.training.progress import ProgressListener, TrainProgress


@dataclass(frozen=True)
class ColumnData:
    """What a learner fits.

    Attributes:
        columns: `[B, F]` numbers of each molecule.
        labels: `[B, T]`, NaN = not measured.
        weights: `[B]` how much each row counts.
        kinds: Kind of each of the T tasks.
        loss: What is made small where values are learned; forests and processes know squared errors only.
    """

    columns: NDArray[np.float32]
    labels: NDArray[np.float64]
    weights: NDArray[np.float64]
    kinds: tuple[TaskKind, ...]
    loss: Loss = "squared"


#: Fits one member: takes the data, its rows, a seed, and the threads that share the work.
_Fit = Callable[[ColumnData, MemberPlan, int, int], ColumnModel]


def _boosted(data: ColumnData, plan: MemberPlan, seed: int, threads: int) -> ColumnModel:
    return fit_boosted_trees(
        data.columns, data.labels, data.weights, data.kinds, [plan], loss=data.loss, seed=seed, threads=threads
    )


def _forest(data: ColumnData, plan: MemberPlan, seed: int, threads: int) -> ColumnModel:
    return fit_forest(data.columns, data.labels, data.weights, data.kinds, [plan], seed=seed, threads=threads)


def _process(data: ColumnData, plan: MemberPlan, _seed: int, _threads: int) -> ColumnModel:
    return fit_tanimoto_process(data.columns, data.labels, data.weights, data.kinds, [plan])


_FITS: Mapping[LearnerName, _Fit] = MappingProxyType(
    {"boosting": _boosted, "maplight": _boosted, "forest": _forest, "kernel": _process}
)


def fit_column_learners(
    names: tuple[LearnerName, ...],
    dataset: Dataset,
    graphs: PackedGraphs,
    plans: list[MemberPlan],
    config: TrainConfig,
    *,
    checkpoint: Checkpoint | None,
    on_progress: ProgressListener,
) -> tuple[dict[LearnerName, ColumnModel], dict[LearnerName, NDArray[np.float64]]]:
    """The learners among `names` that read columns, and what they say of all rows, `[M, B, T]` each.

    Args:
        names: Learners.
        dataset: Structures and labels.
        graphs: The same structures.
        plans: Rows of each member.
        config: Settings; of these the seed and the loss count here.
        checkpoint: Where fitted members are kept; None to keep nothing.
        on_progress: Called after each fit.

    Raises:
        TrainingError: The checkpoint does not fit.
    """
    models: dict[LearnerName, ColumnModel] = {}
    means: dict[LearnerName, NDArray[np.float64]] = {}
    kinds = tuple(task.kind for task in dataset.tasks)
    for name in (name for name in COLUMN_MODELS if name in names):
        columns = molecule_columns(LEARNERS[name].blocks, graphs, dataset.smiles)
        data = ColumnData(columns, dataset.labels, dataset.weights, kinds, config.loss)
        members = []
        for done, plan in enumerate(plans):
            members.append(_fitted(name, data, plan, config.seed, checkpoint))
            on_progress(_progress(name, plan, done + 1, plans))
        models[name] = COLUMN_MODELS[name].join(members)
        means[name] = models[name].predict(columns)
    return models, means


def _fitted(
    name: LearnerName, data: ColumnData, plan: MemberPlan, seed: int, checkpoint: Checkpoint | None
) -> ColumnModel:
    """A member, fitted now or in a training before this one."""
    key = f"{name}-{plan.member}"
    stored = None if checkpoint is None else checkpoint.load(key)
    if stored is not None:
        arrays = {path: tensor.numpy() for path, tensor in stored[0].items()}
        return COLUMN_MODELS[name].from_arrays(arrays, data.kinds, 1)
    member = _FITS[name](data, plan, seed, _cores())
    if checkpoint is not None:
        tensors = {path: torch.from_numpy(np.ascontiguousarray(array)) for path, array in member.to_arrays().items()}
        checkpoint.save(key, tensors, {})
    return member


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


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
