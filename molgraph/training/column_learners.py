"""The learners that read columns of numbers: fitted member by member, each kept for a training that goes on."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray

from molgraph.config import TrainConfig
from molgraph.datasets.dataset import Dataset
from molgraph.learners import LearnerName
from molgraph.models.column_models import COLUMN_MODELS
from molgraph.models.committee import ColumnModel, ColumnOutputs, with_latents
from molgraph.training.boosting import fit_boosted_trees
from molgraph.training.bounds import bounds_as_labels, expected_labels
from molgraph.training.checkpoint import Checkpoint
from molgraph.training.column_data import ColumnData, Fit
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
    dataset, targets = source.dataset, source.targets
    kinds = tuple(task.kind for task in dataset.tasks)
    for name in (name for name in COLUMN_MODELS if name in names):
        columns = source.columns[name]
        if config.reads_network(name) and source.latents is not None:
            columns = with_latents(source.latents, columns)
        members = []
        for done, plan in enumerate(plans):
            data = ColumnData(
                columns=columns[plan.member] if columns.ndim == 3 else columns,
                labels=targets.labels[plan.member],
                bounds=None if targets.bounds is None else targets.bounds[:, plan.member],
                weights=dataset.weights,
                kinds=kinds,
                loss=config.loss,
            )
            members.append(_fitted(name, data, plan, config.seed, checkpoint))
            on_progress(_progress(name, plan, done + 1, plans))
        models[name] = COLUMN_MODELS[name].join(members)
        said[name] = ColumnOutputs(*models[name].predict_with_variance(columns))
    return models, said


def _fitted(
    name: LearnerName, data: ColumnData, plan: MemberPlan, seed: int, checkpoint: Checkpoint | None
) -> ColumnModel:
    """A member, fitted now or in a training before this one."""
    key = f"{name}-{plan.member}"
    stored = None if checkpoint is None else checkpoint.load(key)
    if stored is not None:
        arrays = {path: tensor.numpy() for path, tensor in stored[0].items()}
        return COLUMN_MODELS[name].from_arrays(arrays, data.kinds, 1)
    member = _fit_within_bounds(name, data, plan, seed)
    if checkpoint is not None:
        tensors = {path: torch.from_numpy(np.ascontiguousarray(array)) for path, array in member.to_arrays().items()}
        checkpoint.save(key, tensors, {})
    return member


def _fit_within_bounds(name: LearnerName, data: ColumnData, plan: MemberPlan, seed: int) -> ColumnModel:
    """A member fitted to measured labels, and where there are bounds once more to what these let expect.

    One step of Buckley and James (1979, doi:10.1093/biomet/66.3.429), begun with the bounds as labels: trees and
    processes have no loss that knows of bounds.
    """
    fit = _FITS[name]
    if data.bounds is None:
        return fit(data, plan, seed, _cores())
    begun = replace(data, labels=bounds_as_labels(data.labels, data.bounds))
    first = fit(begun, plan, seed, _cores()).predict(data.columns)[0]
    watched = plan.inner_rows if len(plan.inner_rows) else plan.train_rows
    expected = expected_labels(data.labels, data.bounds, first, watched)
    return fit(replace(data, labels=expected), plan, seed, _cores())


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
