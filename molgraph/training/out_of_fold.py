"""Third stage of a training: members are blended, evaluated and calibrated by their out-of-fold predictions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.applicability.applicability import ApplicabilityDomain, fit_applicability
from molgraph.config.learners import LearnerName
from molgraph.config.training import TrainConfig
from molgraph.config.uncertainty import CalibrationSettings
from molgraph.config.uncertainty_methods import UNCERTAINTY_METHODS
from molgraph.features.environments import structure_vectors
from molgraph.learners.blend import BlendedEnsemble, blended
from molgraph.learners.blend_weights import member_shares
from molgraph.learners.member_rows import HELD_OUT
from molgraph.model_folder.card import SeriesRecord
from molgraph.model_folder.encoder_folder import PretrainedEncoder
from molgraph.results.labels import Labels
from molgraph.results.member_outputs import MemberOutputs
from molgraph.results.tasks import ranges
from molgraph.training.fit import Fitted
from molgraph.training.fold_metrics import TaskMetrics, evaluate_folds
from molgraph.training.new_series import Described, new_series_records
from molgraph.training.prepare import Prepared
from molgraph.uncertainty.calibration import Calibration, fit_calibration
from molgraph.uncertainty.calibration_data import CalibrationData


@dataclass(frozen=True)
class TrainedEnsemble:
    """M members, evaluated and calibrated out of fold.

    Attributes:
        names: The learners that each member blends.
        learners: What they learned, and how it is blended; the network on the CPU.
        schema: Name of the feature schema.
        fold: `[B]` member that holds the row out; -1 for rows in no held-out fold, -2 (`member_rows.HELD_OUT`) for
            those that all members hold out.
        out_of_fold: `[B, T]` predictions by that member; NaN where there is none.
        metrics: Out-of-fold metrics of each task, with their spread over the folds.
        calibration: What turns predictions into intervals and calls.
        domain: The applicability domain.
        degrees: `[B]` where each row lies in the domain of the members that hold it out (positions in `DEGREES`).
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


def evaluate_out_of_fold(prepared: Prepared, fitted: Fitted) -> TrainedEnsemble:
    """Blend the learners; metrics, calibration, domain and errors on new series come from out-of-fold predictions."""
    dataset, config, fold, targets = prepared.dataset, prepared.config, prepared.fold, prepared.targets
    kinds = tuple(task.kind for task in dataset.tasks)
    is_split = config.uncertainty.calibration == "split"
    is_log = targets.transforms.all_log
    shares = _shares(prepared, fitted)
    mixed = blended(fitted.network_outputs, [*fitted.tabular_outputs.values()], shares)
    outputs = targets.transforms.inverse(mixed).within(*ranges(dataset.tasks))
    out_of_fold = _held_out(outputs.mean[None], fold)[0]
    calibrating = calibration_data(outputs, dataset.labels, fold, split=is_split)
    rows = calibration_rows(fold, split=is_split)
    domain, degrees = fit_applicability(prepared.graphs, _domain_vectors(prepared), fold, rows)
    new_series, new_series_unknown = new_series_records(
        dataset, _described(prepared), prepared.parents, out_of_fold, is_log, config.split
    )
    network = fitted.network
    return TrainedEnsemble(
        names=prepared.names,
        learners=BlendedEnsemble(
            None if network is None else network.network,
            fitted.tabular,
            shares,
            targets.transforms,
            frozenset(name for name in prepared.names if config.reads_network(name)),
        ),
        schema=prepared.graphs.schema,
        fold=fold,
        out_of_fold=out_of_fold,
        metrics=evaluate_folds(dataset.tasks, dataset.labels.values, out_of_fold, fold, dataset.weights, is_log=is_log),
        calibration=fit_calibration(
            kinds, calibrating, calibration_settings(config, outputs.mean.shape[0]), is_log=is_log
        ),
        domain=domain,
        degrees=degrees,
        best_epochs=() if network is None else network.best_epochs,
        config=config,
        encoder=None if prepared.frozen is None and network is None else prepared.encoder,
        new_series=new_series,
        new_series_unknown=new_series_unknown,
    )


def calibration_data(
    outputs: MemberOutputs, labels: Labels, fold: NDArray[np.int64], *, split: bool
) -> CalibrationData:
    """The rows that calibrate, with their out-of-fold predictions.

    A row of fold k is predicted by its out-of-fold member k, and its spread is that which this member gives. The
    disagreement of the other members is no part of it: they were trained on the row, and how well they agree there is
    no estimate for a new molecule, on which none of them was trained (where they fit the noise of their labels they
    disagree more on these, where they average it less). Rows that are held out from all members are predicted by all of
    them, and their disagreement is as that on a new molecule.

    Args:
        outputs: Outputs of M members for B rows.
        labels: `[B, T]` labels.
        fold: `[B]` see `molgraph.training.folds.assign_folds`.
        split: Take the rows that were held out from all members, not those of the folds.
    """
    rows = calibration_rows(fold, split=split)
    if split:
        pooled = outputs.pooled()
        return CalibrationData(
            model=np.zeros(len(rows), dtype=np.int64),
            labels=labels.take(rows),
            mean=pooled.mean[rows],
            aleatoric_var=pooled.aleatoric_var[rows],
            epistemic_var=pooled.epistemic_var[rows],
            quantiles=None if pooled.quantiles is None else pooled.quantiles[rows],
        )
    member = fold[rows]
    return CalibrationData(
        model=member,
        labels=labels.take(rows),
        mean=outputs.mean[member, rows],
        aleatoric_var=outputs.aleatoric_var[member, rows],
        epistemic_var=outputs.epistemic_var[member, rows],
        quantiles=None if outputs.quantiles is None else outputs.quantiles[member, rows],
    )


def calibration_rows(fold: NDArray[np.int64], *, split: bool) -> NDArray[np.int64]:
    """The rows that calibrate, in order: those held out from all members, or those of the held-out folds."""
    return np.flatnonzero(fold == HELD_OUT if split else fold >= 0)


def calibration_settings(config: TrainConfig, n_members: int) -> CalibrationSettings:
    """The calibration settings of a training."""
    by_default = UNCERTAINTY_METHODS[config.uncertainty.method].intervals
    return CalibrationSettings(
        rows=config.uncertainty.calibration,
        n_models=n_members if config.uncertainty.calibration == "cross" else 1,
        intervals=by_default if config.uncertainty.intervals == "auto" else config.uncertainty.intervals,
        variance=config.uncertainty.variance_scaling,
        classes=config.uncertainty.class_calibration,
    )


def _shares(prepared: Prepared, fitted: Fitted) -> NDArray[np.float64]:
    """Shares of the learners, `[L, M, T]`.

    They are found where learners learned: a few large labels among logarithms would decide on all of them.
    """
    network = fitted.network_outputs
    others = (other.mean for other in fitted.tabular_outputs.values())
    means = np.stack([*([] if network is None else [network.mean]), *others])
    fold = prepared.fold
    labels = _held_out(prepared.targets.labels.values[None], fold)[0]
    kinds = tuple(task.kind for task in prepared.dataset.tasks)
    return member_shares(_held_out(means, fold), labels, fold, kinds, means.shape[1])


def _held_out(means: NDArray[np.float64], fold: NDArray[np.int64]) -> NDArray[np.float64]:
    """`[L, B, T]` values of each row's out-of-fold member, from `[L, M, B, T]`; NaN where there is none."""
    held_out = np.full((len(means), *means.shape[2:]), np.nan)
    rows = np.flatnonzero(fold >= 0)
    held_out[:, rows] = means[:, fold[rows], rows]
    return held_out


def _domain_vectors(prepared: Prepared) -> NDArray[np.float32]:
    """`[B, H]` vectors by which the domain is measured: none that a member learned, which knows its own rows."""
    if prepared.frozen is None:
        return structure_vectors(prepared.graphs)
    return prepared.features.vectors(prepared.frozen)


def _described(prepared: Prepared) -> Described:
    """The rows by what no label has shaped: the encoder as it was pretrained, or counts of atom environments."""
    if prepared.encoder is None:
        return Described(prepared.features.of(["environments"]), is_counts=True)
    frozen = prepared.encoder.frozen(prepared.device, prepared.dtype)
    return Described(prepared.features.vectors(frozen), is_counts=False)
