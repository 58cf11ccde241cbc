"""First stage of a training: from labelled structures and settings to all that is fitted."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from molgraph.config.learners import LearnerName, chosen_learners
from molgraph.config.training import TrainConfig, settings_by_name
from molgraph.config.uncertainty_methods import UNCERTAINTY_METHODS, choose_method
from molgraph.datasets.dataset import Dataset
from molgraph.datasets.parents import parent_groups
from molgraph.errors import InputError
from molgraph.features.blocks import ENCODER, MoleculeFeatures
from molgraph.features.featurize import featurize
from molgraph.features.molecules import Molecules
from molgraph.features.schema import SCHEMAS
from molgraph.graphs import PackedGraphs
from molgraph.learners.member_rows import MemberRows, rows_of_members
from molgraph.model_folder.encoder_folder import PretrainedEncoder, encoder_for
from molgraph.model_folder.libraries import library_versions
from molgraph.models.frozen import FrozenEncoder
from molgraph.models.precision import resolve_device, resolve_precision
from molgraph.training.checkpoint import Checkpoint
from molgraph.training.costs import expected_seconds, with_shares
from molgraph.training.folds import assign_folds
from molgraph.training.structure_columns import compute_structure_columns
from molgraph.training.targets import LearnedTargets, learned_targets
from molgraph.training.training_progress import ProgressListener, silent


@dataclass(frozen=True)
class Prepared:
    """What is fitted, and how.

    Attributes:
        dataset: B structures and labels.
        config: The settings, with the shape of the encoder that the network begins with.
        names: The learners that each member blends.
        encoder: The pretrained encoder; None where there is none.
        frozen: The same, ready to embed, where a learner reads it as it is; else None.
        device: Where the network computes.
        dtype: Number format of its products.
        graphs: The B molecules.
        features: What can be read of them besides.
        columns: `[B, F]` what each learner reads of them; no entry for those that read graphs alone.
        parents: `[B]` parent compound of each row.
        fold: `[B]` see `molgraph.training.folds.assign_folds`.
        plans: Rows of each of the M members.
        targets: The labels as each member learns them.
        checkpoint: Where the state is saved; None to save nothing.
        on_progress: Called after each step.
    """

    dataset: Dataset
    config: TrainConfig
    names: tuple[LearnerName, ...]
    encoder: PretrainedEncoder | None
    frozen: FrozenEncoder | None
    device: torch.device
    dtype: torch.dtype
    graphs: PackedGraphs
    features: MoleculeFeatures
    columns: Mapping[LearnerName, NDArray[np.float32]]
    parents: NDArray[np.int64]
    fold: NDArray[np.int64]
    plans: list[MemberRows]
    targets: LearnedTargets
    checkpoint: Checkpoint | None
    on_progress: ProgressListener


def prepare(
    dataset: Dataset,
    config: TrainConfig,
    *,
    checkpoint_folder: Path | None = None,
    resume: bool = False,
    processes: int = 1,
    keeps_rows: bool = True,
    on_progress: ProgressListener = silent,
) -> Prepared:
    """Choose learners, encoder and folds, and compute what the learners read; arguments as of `train_ensemble`.

    Raises:
        InputError: The rows do not allow the folds that are asked for, or a setting does not suit them.
        DeviceError: The device is not there.
        TrainingError: The checkpoint does not fit.
        WorkerError: A process that computes descriptors died.
    """
    _refuse_values_of_classes(config, dataset)
    encoder, config = encoder_for(config, len(dataset))
    names = chosen_learners(
        config.preset, config.learner, len(dataset), has_encoder=encoder is not None, keeps_rows=keeps_rows
    )
    device = resolve_device(config.device)
    dtype = resolve_precision(config.precision, device)
    graphs = _graphs_of(dataset)
    parents = parent_groups(dataset.smiles)
    fold = assign_folds(dataset, config, parents)
    plans = rows_of_members(fold, inner_fraction=config.inner_fraction, seed=config.seed, parents=parents)
    checkpoint = None
    if checkpoint_folder is not None:
        encoder_hash = {"encoder": "none" if encoder is None else encoder.digest}
        checkpoint = Checkpoint(checkpoint_folder, _identity(dataset, config, graphs, device, dtype) | encoder_hash)
        if not resume:
            checkpoint.clear()
    targets = learned_targets(dataset.labels, dataset.tasks, plans, config.target_scaling)
    blocks = {name: config.blocks_of(name) for name in names}
    read = frozenset(chain.from_iterable(blocks.values()))
    frozen = None if encoder is None or ENCODER not in read else encoder.frozen(device, dtype)
    seconds = expected_seconds(names, read, plans, config, n_tasks=len(dataset.tasks), processes=processes)
    on_progress = with_shares(seconds, on_progress)
    computed = compute_structure_columns(
        read, dataset.smiles, processes=processes, checkpoint=checkpoint, on_progress=on_progress
    )
    features = MoleculeFeatures(Molecules(graphs, dataset.smiles), computed)
    return Prepared(
        dataset=dataset,
        config=config,
        names=names,
        encoder=encoder,
        frozen=frozen,
        device=device,
        dtype=dtype,
        graphs=graphs,
        features=features,
        columns={name: features.of(chosen, frozen) for name, chosen in blocks.items() if chosen},
        parents=parents,
        fold=fold,
        plans=plans,
        targets=targets,
        checkpoint=checkpoint,
        on_progress=on_progress,
    )


def _graphs_of(dataset: Dataset) -> PackedGraphs:
    graphs = featurize(dataset.smiles, ids=dataset.ids, standardizer="none")
    if graphs.rejected:
        first = graphs.rejected[0]
        raise InputError(f"structure {first.text!r} of {first.id} cannot be featurized ({first.reason}); remove it")
    return graphs


def _refuse_values_of_classes(config: TrainConfig, dataset: Dataset) -> None:
    method = config.uncertainty.method
    if UNCERTAINTY_METHODS[method].values_only and all(task.kind == "classification" for task in dataset.tasks):
        raise InputError(
            f"uncertainty.method is {method!r}, which is for measured values, and all tasks are classes; "
            + choose_method(lambda spec: not spec.values_only)
        )


def _identity(
    dataset: Dataset, config: TrainConfig, graphs: PackedGraphs, device: torch.device, dtype: torch.dtype
) -> dict[str, str]:
    """What has to be the same for a checkpoint to be of use."""
    settings = {f"setting {key}": str(value) for key, value in settings_by_name(config).items()}
    return {
        "data": dataset.fingerprint,
        "feature schema": SCHEMAS[graphs.schema].schema_hash,
        "device": device.type,
        "precision": str(dtype),
        **library_versions("molgraph", "torch"),
        # They make the descriptors and the fitted members that are kept.
        **{package: version(package) for package in ("rdkit", "catboost", "scikit-learn")},
        **settings,
    }
