"""The learners of this project as a benchmark takes them."""

import platform
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from molgraph.benchmark.protocol import STANDARDIZER, Problem
from molgraph.config.benchmark import BENCHMARK_SETTINGS
from molgraph.config.training import TrainConfig
from molgraph.model_folder.encoder_folder import shipped_encoder_folder
from molgraph.model_folder.folder import model_hash
from molgraph.training.train import train
from molgraph.version import __version__


class BenchmarkLearner(Protocol):
    """Learns from the training and validation rows of a problem, and predicts its test rows."""

    def settings(self) -> dict[str, Any]:
        """What it is told, for the record."""

    def versions(self) -> dict[str, str]:
        """Versions of all that the result depends on."""

    def predict_test(self, problem: Problem) -> NDArray[np.float64]:
        """Values, or probabilities of the class 1, `[n, T]` of the n test rows in their order."""


@dataclass(frozen=True)
class OwnLearner:
    """`molgraph train` on the training and validation rows together: its folds make of them what they need.

    Attributes:
        config: Settings of the training; its seed is that of the problem.
    """

    config: TrainConfig

    def settings(self) -> dict[str, Any]:
        """What differs from the defaults."""
        own, default = asdict(self.config), asdict(TrainConfig())
        return {name: value for name, value in own.items() if value != default[name]}

    def versions(self) -> dict[str, str]:
        """Of this project and the libraries below it."""
        import catboost  # type: ignore[import-untyped]
        import rdkit
        import sklearn
        import torch

        folder = shipped_encoder_folder() if self.config.encoder == "auto" else None
        encoder = {} if folder is None else {"encoder": model_hash(folder)}
        return {
            **encoder,
            "molgraph": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "rdkit": rdkit.__version__,
            "catboost": catboost.__version__,
            "scikit-learn": sklearn.__version__,
        }

    def predict_test(self, problem: Problem) -> NDArray[np.float64]:
        """Values, or probabilities of the class 1, `[n, T]` of the n test rows in their order."""
        seen = np.sort(np.concatenate([problem.split.train, problem.split.valid]))
        config = replace(self.config, seed=problem.seed, standardizer=STANDARDIZER)
        with tempfile.TemporaryDirectory(prefix="molgraph-benchmark-") as folder:
            model = train(problem.dataset.take(seen), output=Path(folder, "model"), config=config)
        test = problem.dataset.take(problem.split.test)
        return model.predict(test.smiles).mean


#: The learners of this project, by the name in records.
OWN_LEARNERS: Mapping[str, OwnLearner] = MappingProxyType(
    {name: OwnLearner(config) for name, config in BENCHMARK_SETTINGS.items()}
)
