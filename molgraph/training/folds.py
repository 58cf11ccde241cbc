"""Folds: which rows each ensemble member holds out, and which all of them do."""

import numpy as np
from numpy.typing import NDArray

from molgraph.config.training import TrainConfig
from molgraph.datasets.dataset import Dataset
from molgraph.datasets.splits import folds
from molgraph.learners.member_rows import HELD_OUT

#: A single model (`folds = 1`) holds out one of this many parts, for its metric and its calibration.
HOLDOUT_PARTS = 10


def assign_folds(dataset: Dataset, config: TrainConfig, parents: NDArray[np.int64]) -> NDArray[np.int64]:
    """Fold of each row, `[B]`; rows of one parent compound (`parents [B]`) are in one.

    With one fold a tenth of the rows is held out and the rest is -1. With `config.uncertainty.calibration` `split`, a
    further part of the rows is `HELD_OUT`, whole scaffolds of them where the folds are made of scaffolds.
    """
    rows = np.arange(len(dataset))
    fold = np.full(len(rows), HELD_OUT)
    if config.uncertainty.calibration == "split":
        n_parts = round(1 / config.uncertainty.calibration_fraction)
        part = folds(
            dataset.smiles,
            k=n_parts,
            split=config.split,
            seed=config.seed,
            labels=dataset.labels.values,
            parents=parents,
        )
        rows = np.flatnonzero(part != 0)
    rest = dataset.take(rows)
    k = config.folds if config.folds > 1 else HOLDOUT_PARTS
    own = folds(
        rest.smiles, k=k, split=config.split, seed=config.seed, labels=rest.labels.values, parents=parents[rows]
    )
    fold[rows] = own if config.folds > 1 else np.where(own == 0, 0, -1)
    return fold
