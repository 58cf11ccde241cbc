"""The K-fold ensemble: each member is blind to its own fold, so every row is predicted by one that never saw it."""

from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from molgraph.applicability.applicability import ApplicabilityDomain, fit_applicability
from molgraph.config.learners import LearnerName, chosen_learners
from molgraph.config.training import CalibrationSettings, TrainConfig, config_to_dict
from molgraph.datasets.dataset import Dataset
from molgraph.datasets.parents import parent_groups
from molgraph.datasets.splits import folds
from molgraph.errors import InputError
from molgraph.features.blocks import ENCODER, MoleculeFeatures
from molgraph.features.environments import structure_vectors
from molgraph.features.featurize import featurize
from molgraph.features.molecules import Molecules
from molgraph.features.schema import SCHEMAS
from molgraph.graphs import PackedGraphs
from molgraph.learners.base import TabularModel, TabularOutputs
from molgraph.learners.blend import BlendedEnsemble, blended
from molgraph.learners.blend_weights import member_shares
from molgraph.learners.member_rows import HELD_OUT, rows_of_members
from molgraph.model_folder.card import SeriesRecord
from molgraph.model_folder.encoder_folder import PretrainedEncoder, encoder_for
from molgraph.models.batch import ResidentGraphs
from molgraph.models.inference import NetworkInference
from molgraph.models.precision import resolve_device, resolve_precision
from molgraph.results.member_outputs import MemberOutputs
from molgraph.results.tasks import ranges
from molgraph.training.checkpoint import Checkpoint
from molgraph.training.costs import expected_seconds, with_shares
from molgraph.training.evaluation import TaskMetrics, evaluate_folds
from molgraph.training.fit_tabular import TabularRows, fit_tabular_learners
from molgraph.training.loop import TrainedPass, TrainingData
from molgraph.training.members import train_members
from molgraph.training.new_series import Described, new_series_records
from molgraph.training.progress import ProgressListener, silent
from molgraph.training.structure_columns import compute_structure_columns
from molgraph.training.targets import LearnedTargets, learned_targets
from molgraph.uncertainty.calibration import Calibration, fit_calibration
from molgraph.uncertainty.calibration_data import CalibrationData
from molgraph.version import __version__

#: A single model (`folds = 1`) holds out one of this many parts, for its metric and its calibration.
HOLDOUT_PARTS = 10


@dataclass(frozen=True)
class TrainedEnsemble:
    """M members and what is known of them.

    Attributes:
        names: The kinds of learners that each member blends.
        learners: What they learned; the network on the CPU.
        schema: Name of the feature schema.
        fold: `[B]` member that never saw the row; -1 for rows that no member was blind to, -2 (`plan.HELD_OUT`) for
            those that none of them saw.
        out_of_fold: `[B, T]` predictions by that member; NaN where there is none.
        metrics: Out-of-fold metrics of each task, with their spread over the folds.
        calibration: What turns predictions into intervals and calls.
        domain: What tells how near a compound is to those of the training.
        degrees: `[B]` where each row lies, by what its own judges had seen (positions in `DEGREES`).
        best_epochs: `[M]` epoch whose weights each member of the network kept; empty without a network.
        config: The settings, with the shape of the encoder that the network began with.
        encoder: That encoder; None where there was none.
        new_series: The errors to expect on compounds like those of the table, and on new series.
        new_series_unknown: Why these are not known; None where they are.
    """

    names: tuple[LearnerName, ...]
    learners: BlendedEnsemble
    schema: str
    fold: NDArray[np.int64]
    out_of_fold: NDArray[np.float64]
    metrics: tuple[TaskMetrics, ...]
    calibration: Calibration
    domain: ApplicabilityDomain
    degrees: NDArray[np.int8]
    best_epochs: tuple[int, ...]
    config: TrainConfig
    encoder: PretrainedEncoder | None
    new_series: tuple[SeriesRecord, ...] = ()
    new_series_unknown: str | None = None


def train_ensemble(
    dataset: Dataset,
    config: TrainConfig,
    *,
    checkpoint_folder: Path | None = None,
    resume: bool = False,
    processes: int = 1,
    keeps_rows: bool = True,
    on_progress: ProgressListener = silent,
) -> TrainedEnsemble:
    """An ensemble trained on all rows of `dataset`.

    Args:
        dataset: Structures and labels.
        config: Settings.
        checkpoint_folder: Where the state is saved while training runs; None to save nothing.
        resume: Go on from what is in `checkpoint_folder`; without it, what is there is deleted.
        processes: Processes that compute descriptors, where a learner reads them.
        keeps_rows: Whether learners may hold a row for each training compound; see `chosen_learners`.
        on_progress: Called after each step.

    Raises:
        InputError: The rows do not allow the folds that are asked for.
        DeviceError: The device is not there.
        TrainingError: A loss is not finite, or the checkpoint does not fit.
        WorkerError: A process that computes descriptors died.
    """
    _refuse_values_of_classes(config, dataset)
    encoder, config = encoder_for(config, len(dataset))
    names = chosen_learners(
        config.preset, config.learner, len(dataset), has_encoder=encoder is not None, keeps_rows=keeps_rows
    )
    device = resolve_device(config.device)
    dtype = resolve_precision(config.precision, device)
    graphs = featurize(dataset.smiles, ids=dataset.ids, standardizer="none")
    if graphs.rejected:
        first = graphs.rejected[0]
        raise InputError(f"structure {first.text!r} of {first.id} cannot be featurized ({first.reason}); remove it")
    parents = parent_groups(dataset.smiles)
    fold = assign_folds(dataset, config, parents)
    plans = rows_of_members(fold, inner_fraction=config.inner_fraction, seed=config.seed, parents=parents)
    checkpoint = None
    if checkpoint_folder is not None:
        encoder_hash = {"encoder": "none" if encoder is None else encoder.digest}
        identity = _identity(dataset, config, graphs, device, dtype) | encoder_hash
        checkpoint = Checkpoint(checkpoint_folder, identity)
        if not resume:
            checkpoint.clear()
    targets = learned_targets(dataset.labels, dataset.bounds, dataset.tasks, plans, config.target_scaling)
    blocks = {name: config.blocks_of(name) for name in names}
    read = frozenset(chain.from_iterable(blocks.values()))
    frozen = None if encoder is None or ENCODER not in read else encoder.frozen(device, dtype)
    seconds = expected_seconds(names, read, plans, config, n_tasks=len(dataset.tasks), processes=processes)
    on_progress = with_shares(seconds, on_progress)
    computed = compute_structure_columns(
        read, dataset.smiles, processes=processes, checkpoint=checkpoint, on_progress=on_progress
    )
    known = MoleculeFeatures(Molecules(graphs, dataset.smiles), computed)
    columns = {name: known.of(own, frozen) for name, own in blocks.items() if own}
    network, said, embeddings = None, None, None
    if "network" in names:
        features = columns.get("network")
        data = TrainingData(
            graphs=ResidentGraphs(graphs, device, features),
            targets=targets,
            weights=dataset.weights,
            task_weights=_task_weights(dataset, config),
            kinds=tuple(task.kind for task in dataset.tasks),
            vocabulary=SCHEMAS[graphs.schema].vocabulary,
            features=features,
            encoder=None if encoder is None or config.encoder_tuning == "frozen" else encoder.weights,
        )
        network = train_members(data, plans, config, dtype=dtype, checkpoint=checkpoint, on_progress=on_progress)
        ensemble = NetworkInference(network.network, schema=graphs.schema, device=device, dtype=dtype)
        n_embeddings = len(plans) if any(config.reads_network(name) for name in names) else 1
        said, embeddings = ensemble.predict_and_embed(graphs, features, n_embeddings=n_embeddings)
        network.network.cpu()
    rows = TabularRows(dataset, columns, targets, embeddings)
    models, others = fit_tabular_learners(names, rows, plans, config, checkpoint=checkpoint, on_progress=on_progress)
    vectors = structure_vectors(graphs) if frozen is None else known.vectors(frozen)
    calibrating = calibration_rows(fold, split=config.calibration == "split")
    domain, degrees = fit_applicability(graphs, vectors, fold, calibrating)
    fitted = _Fitted(names, network, said, models, others, domain, degrees)
    judged = _judge(dataset, graphs.schema, fold, fitted, targets, config)
    judged = _with_new_series(judged, dataset, _described(known, encoder, device, dtype), parents)
    return judged if frozen is None and network is None else replace(judged, encoder=encoder)


def _refuse_values_of_classes(config: TrainConfig, dataset: Dataset) -> None:
    if config.uncertainty in {"mve", "quantile"} and all(task.kind == "classification" for task in dataset.tasks):
        raise InputError(
            f"uncertainty is {config.uncertainty!r}, which is for measured values, and all tasks are classes; "
            "choose ensemble, evidential or dropout"
        )


@dataclass(frozen=True)
class _Fitted:
    """Learners that have been trained apart from each other.

    Attributes:
        names: All of them.
        network: The network, if there is one.
        said: What the network's members say of all rows, as they learned it; None without a network.
        columns: The others.
        others: What each of the others says of all rows, as it learned it.
        domain: What tells how near a compound is to those of the training.
        degrees: `[B]` where each row lies in it, by what its own judges had seen.
    """

    names: tuple[LearnerName, ...]
    network: TrainedPass | None
    said: MemberOutputs | None
    columns: dict[LearnerName, TabularModel]
    others: dict[LearnerName, TabularOutputs]
    domain: ApplicabilityDomain
    degrees: NDArray[np.int8]


def _described(
    known: MoleculeFeatures, encoder: PretrainedEncoder | None, device: torch.device, dtype: torch.dtype
) -> Described:
    """The rows by what no label has shaped: the encoder as it was pretrained, or counts of atom environments."""
    if encoder is None:
        return Described(known.of(["environments"]), is_counts=True)
    return Described(known.vectors(encoder.frozen(device, dtype)), is_counts=False)


def _with_new_series(
    trained: TrainedEnsemble, dataset: Dataset, described: Described, parents: NDArray[np.int64]
) -> TrainedEnsemble:
    is_log = trained.learners.transforms.all_log
    records, unknown = new_series_records(
        dataset, described, parents, trained.out_of_fold, is_log, trained.config.split
    )
    return replace(trained, new_series=records, new_series_unknown=unknown)


def _task_weights(dataset: Dataset, config: TrainConfig) -> NDArray[np.float64]:
    names = [task.name for task in dataset.tasks]
    unknown = [name for name in config.task_weights if name not in names]
    if unknown:
        raise InputError(f"task_weights names {unknown[0]!r}, which is no task; the tasks are {', '.join(names)}")
    return np.array([config.task_weights.get(name, 1.0) for name in names])


def assign_folds(dataset: Dataset, config: TrainConfig, parents: NDArray[np.int64]) -> NDArray[np.int64]:
    """Fold of each row, `[B]`; rows of one parent compound (`parents [B]`) are in one.

    With one fold a tenth of the rows is held out and the rest is -1. With `config.calibration` `split`, a further part
    of the rows is `HELD_OUT`, whole scaffolds of them where the folds are made of scaffolds.
    """
    rows = np.arange(len(dataset))
    fold = np.full(len(rows), HELD_OUT)
    if config.calibration == "split":
        n_parts = round(1 / config.calibration_fraction)
        part = folds(
            dataset.smiles, k=n_parts, split=config.split, seed=config.seed, labels=dataset.labels, parents=parents
        )
        rows = np.flatnonzero(part != 0)
    rest = dataset.take(rows)
    k = config.folds if config.folds > 1 else HOLDOUT_PARTS
    own = folds(rest.smiles, k=k, split=config.split, seed=config.seed, labels=rest.labels, parents=parents[rows])
    fold[rows] = own if config.folds > 1 else np.where(own == 0, 0, -1)
    return fold


def calibration_data(
    outputs: MemberOutputs,
    labels: NDArray[np.float64],
    fold: NDArray[np.int64],
    *,
    split: bool,
    bounds: NDArray[np.float64] | None = None,
) -> CalibrationData:
    """The rows that calibrate, with what their judges say of them.

    A row of fold k is predicted by member k, which never saw it, and its spread is what that member says of itself. The
    disagreement of the other members is no part of it: they were trained on the row, and how well they agree there says
    nothing of a new molecule, which none of them saw (where they fit the noise of their labels they disagree more on
    these, where they average it less). Rows that are held out from all members are predicted by all of them, and their
    disagreement is as that on a new molecule.

    Args:
        outputs: What M members say of B rows.
        labels: `[B, T]`, NaN = not measured.
        fold: `[B]` see `assign_folds`.
        split: Take the rows that were held out from all members, not those of the folds.
        bounds: `[2, B, T]` what unmeasured values lie above, and below; None for none.
    """
    rows = calibration_rows(fold, split=split)
    own_bounds = None if bounds is None else bounds[:, rows]
    if split:
        pooled = outputs.pooled()
        return CalibrationData(
            model=np.zeros(len(rows), dtype=np.int64),
            labels=labels[rows],
            mean=pooled.mean[rows],
            aleatoric_var=pooled.aleatoric_var[rows],
            epistemic_var=pooled.epistemic_var[rows],
            quantiles=None if pooled.quantiles is None else pooled.quantiles[rows],
            bounds=own_bounds,
        )
    judge = fold[rows]
    return CalibrationData(
        model=judge,
        labels=labels[rows],
        mean=outputs.mean[judge, rows],
        aleatoric_var=outputs.aleatoric_var[judge, rows],
        epistemic_var=outputs.epistemic_var[judge, rows],
        quantiles=None if outputs.quantiles is None else outputs.quantiles[judge, rows],
        bounds=own_bounds,
    )


def calibration_rows(fold: NDArray[np.int64], *, split: bool) -> NDArray[np.int64]:
    """The rows that calibrate, in order: those held out from all members, or those that one member is blind to."""
    return np.flatnonzero(fold == HELD_OUT if split else fold >= 0)


def calibration_settings(config: TrainConfig, n_members: int) -> CalibrationSettings:
    """What the settings of a training say of its calibration."""
    by_default: Literal["normalised", "quantile"] = "quantile" if config.uncertainty == "quantile" else "normalised"
    return CalibrationSettings(
        rows=config.calibration,
        n_models=n_members if config.calibration == "cross" else 1,
        intervals=by_default if config.intervals == "auto" else config.intervals,
        variance=config.variance_scaling,
        classes=config.class_calibration,
    )


def _judge(  # noqa: PLR0917
    dataset: Dataset,
    schema: str,
    fold: NDArray[np.int64],
    fitted: _Fitted,
    targets: LearnedTargets,
    config: TrainConfig,
) -> TrainedEnsemble:
    """Learn from what all members say of the rows that they never saw."""
    kinds = tuple(task.kind for task in dataset.tasks)
    said = fitted.said
    others = [*fitted.others.values()]
    means = np.stack([*([] if said is None else [said.mean]), *(own.mean for own in others)])
    n_members = means.shape[1]
    # Shares are found where learners learned: a few large labels among logarithms would decide on all of them.
    shares = member_shares(_blind(means, fold), _blind(targets.labels[None], fold)[0], fold, kinds, n_members)
    outputs = targets.transforms.inverse(blended(said, others, shares)).within(*ranges(dataset.tasks))
    out_of_fold = _blind(outputs.mean[None], fold)[0]
    is_split = config.calibration == "split"
    is_log = targets.transforms.all_log
    data = calibration_data(outputs, dataset.labels, fold, split=is_split, bounds=dataset.bounds)
    return TrainedEnsemble(
        names=fitted.names,
        learners=BlendedEnsemble(
            None if fitted.network is None else fitted.network.network,
            fitted.columns,
            shares,
            targets.transforms,
            frozenset(name for name in fitted.names if config.reads_network(name)),
        ),
        schema=schema,
        fold=fold,
        out_of_fold=out_of_fold,
        metrics=evaluate_folds(dataset.tasks, dataset.labels, out_of_fold, fold, dataset.weights, is_log=is_log),
        calibration=fit_calibration(kinds, data, calibration_settings(config, n_members), is_log=is_log),
        domain=fitted.domain,
        degrees=fitted.degrees,
        best_epochs=() if fitted.network is None else fitted.network.best_epochs,
        config=config,
        encoder=None,
    )


def _blind(means: NDArray[np.float64], fold: NDArray[np.int64]) -> NDArray[np.float64]:
    """`[L, B, T]` what the member that never saw a row says of it, from `[L, M, B, T]`; NaN where there is none."""
    blind = np.full((len(means), *means.shape[2:]), np.nan)
    rows = np.flatnonzero(fold >= 0)
    blind[:, rows] = means[:, fold[rows], rows]
    return blind


def _identity(
    dataset: Dataset, config: TrainConfig, graphs: PackedGraphs, device: torch.device, dtype: torch.dtype
) -> dict[str, str]:
    """What has to be the same for a checkpoint to be of use."""
    settings = {f"setting {key}": str(value) for key, value in config_to_dict(config).items()}
    return {
        "data": dataset.fingerprint,
        "feature schema": SCHEMAS[graphs.schema].schema_hash,
        "device": device.type,
        "precision": str(dtype),
        "molgraph": __version__,
        "torch": torch.__version__,
        # They make the descriptors and the fitted members that are kept.
        **{package: version(package) for package in ("rdkit", "catboost", "scikit-learn")},
        **settings,
    }
