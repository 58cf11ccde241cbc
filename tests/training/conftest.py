"""Small data sets from the assay that RDKit ships, and settings that train on them in a second."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from molgraph.config.optimizer import OptimizerConfig
from molgraph.config.training import ModelConfig, TrainConfig
from molgraph.datasets.dataset import Dataset
from molgraph.datasets.duplicates import MergeReport
from molgraph.results.labels import Labels
from molgraph.results.tasks import TaskKind, TaskSpec

DatasetMaker = Callable[..., Dataset]


@pytest.fixture(scope="session")
def quick() -> TrainConfig:
    """Three small members, four epochs."""
    return TrainConfig(
        learner="network",
        model=ModelConfig(hidden=32, head_hidden=32),
        folds=3,
        epochs=4,
        batch_size=16,
        optimizer=OptimizerConfig(warmup_epochs=1.0),
        device="cpu",
        precision="float32",
    )


@pytest.fixture(scope="session")
def make_dataset(assay) -> DatasetMaker:
    """Makes a data set of the first rows of the assay, with its activities or with other labels `[B, T]`."""

    def make(n: int = 60, labels: np.ndarray | None = None, kinds: tuple[TaskKind, ...] = ("regression",)) -> Dataset:
        labels = assay[1][:n, None] if labels is None else labels
        return Dataset(
            name="assay",
            smiles=tuple(assay[0][:n]),
            ids=tuple(f"row {i}" for i in range(n)),
            labels=Labels(labels.astype(np.float64)),
            weights=np.ones(n),
            tasks=tuple(TaskSpec(f"task {t}", kind) for t, kind in enumerate(kinds)),
            rejected=(),
            merges=MergeReport(),
            rows_read=n,
        )

    return make


@pytest.fixture(scope="session")
def with_labels() -> Callable[[Dataset, np.ndarray], Dataset]:
    """The same data set with other labels."""
    return lambda dataset, labels: dataclasses.replace(dataset, labels=Labels(labels))
