"""The K-fold ensemble, cross-fitted: member k is trained without fold k, so every row has an out-of-fold prediction."""

from pathlib import Path

from molgraph.config.training import TrainConfig
from molgraph.datasets.dataset import Dataset
from molgraph.training.fit import fit
from molgraph.training.out_of_fold import TrainedEnsemble, evaluate_out_of_fold
from molgraph.training.prepare import prepare
from molgraph.training.training_progress import ProgressListener, silent


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
    prepared = prepare(
        dataset,
        config,
        checkpoint_folder=checkpoint_folder,
        resume=resume,
        processes=processes,
        keeps_rows=keeps_rows,
        on_progress=on_progress,
    )
    return evaluate_out_of_fold(prepared, fit(prepared))
