"""Learners of molgraph behind the interface of the benchmark."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from molgraph.benchmark.protocol import STANDARDIZER, Problem
from molgraph.config.benchmark import BENCHMARK_SETTINGS
from molgraph.config.training import TrainConfig, settings_by_name
from molgraph.model_folder.encoder_folder import builtin_encoder_folder
from molgraph.model_folder.folder import model_hash
from molgraph.model_folder.libraries import library_versions
from molgraph.training.train import train


class BenchmarkLearner(Protocol):
    """Trains on the training and validation rows of a problem, and predicts its test rows."""

    def settings(self) -> dict[str, Any]:
        """Its hyperparameters, for the record."""

    def versions(self) -> dict[str, str]:
        """Versions of the software that the result depends on."""

    def predict_test(self, problem: Problem) -> NDArray[np.float64]:
        """Values, or probabilities of the class 1, `[n, T]` of the n test rows in their order."""


@dataclass(frozen=True)
class OwnLearner:
    """`molgraph train` on the training and validation rows together, which it divides into folds of its own.

    Attributes:
        config: Settings of the training; its seed is that of the problem.
    """

    config: TrainConfig

    def settings(self) -> dict[str, Any]:
        """Settings that differ from the defaults."""
        settings, default = settings_by_name(self.config), settings_by_name(TrainConfig())
        return {name: value for name, value in settings.items() if value != default[name]}

    def versions(self) -> dict[str, str]:
        """Versions of molgraph and of the libraries it computes with."""
        folder = builtin_encoder_folder() if self.config.encoder.pretrained == "auto" else None
        encoder = {} if folder is None else {"encoder": model_hash(folder)}
        return {**encoder, **library_versions("molgraph", "python", "torch", "rdkit", "catboost", "scikit-learn")}

    def predict_test(self, problem: Problem) -> NDArray[np.float64]:
        """Values, or probabilities of the class 1, `[n, T]` of the n test rows in their order."""
        training_rows = np.sort(np.concatenate([problem.split.train, problem.split.valid]))
        config = replace(self.config, seed=problem.seed, standardizer=STANDARDIZER)
        with tempfile.TemporaryDirectory(prefix="molgraph-benchmark-") as folder:
            model = train(problem.dataset.take(training_rows), output=Path(folder, "model"), config=config)
        test = problem.dataset.take(problem.split.test)
        return model.predict(test.smiles).mean


#: The learners of this project, by the name in records.
OWN_LEARNERS: Mapping[str, OwnLearner] = MappingProxyType(
    {name: OwnLearner(config) for name, config in BENCHMARK_SETTINGS.items()}
)
