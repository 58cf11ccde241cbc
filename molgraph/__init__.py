"""Molecular property prediction for drug discovery: train on an assay table, screen a library, trust the numbers.

>>> from molgraph import featurize
>>> graphs = featurize(["CCO", "c1ccccc1"])
>>> len(graphs), graphs.n_atoms
(2, 9)
"""

from importlib import import_module
from typing import TYPE_CHECKING

from molgraph.version import __version__ as __version__

if TYPE_CHECKING:
    from molgraph.config.compute import ComputeConfig as ComputeConfig
    from molgraph.config.screening import ScreenConfig as ScreenConfig
    from molgraph.config.training import ModelConfig as ModelConfig
    from molgraph.config.training import PretrainConfig as PretrainConfig
    from molgraph.config.training import TrainConfig as TrainConfig
    from molgraph.datasets.load import load_dataset as load_dataset
    from molgraph.errors import MolgraphError as MolgraphError
    from molgraph.evaluation.evaluate import evaluate as evaluate
    from molgraph.features.featurize import featurize as featurize
    from molgraph.graphs import PackedGraphs as PackedGraphs
    from molgraph.integrations.deepchem import from_deepchem as from_deepchem
    from molgraph.integrations.deepchem import to_deepchem as to_deepchem
    from molgraph.integrations.pyg import from_pyg as from_pyg
    from molgraph.integrations.pyg import to_pyg as to_pyg
    from molgraph.integrations.sklearn import MolgraphClassifier as MolgraphClassifier
    from molgraph.integrations.sklearn import MolgraphRegressor as MolgraphRegressor
    from molgraph.packed_library.pack import check_library as check_library
    from molgraph.packed_library.pack import pack_library as pack_library
    from molgraph.prediction.embed_file import embed_file as embed_file
    from molgraph.prediction.panel import Panel as Panel
    from molgraph.prediction.predict_file import predict_file as predict_file
    from molgraph.prediction.predictor import Predictor as Predictor
    from molgraph.results.prediction import Prediction as Prediction
    from molgraph.results.prediction import Rejected as Rejected
    from molgraph.screening.screen import screen as screen
    from molgraph.training.pretraining.pretrain import pretrain as pretrain
    from molgraph.training.train import train as train

# Where each public name lives. They are imported when first used: the command line's help loads no torch and no RDKit.
_HOMES = {
    "ComputeConfig": "molgraph.config.compute",
    "ModelConfig": "molgraph.config.training",
    "MolgraphClassifier": "molgraph.integrations.sklearn",
    "MolgraphError": "molgraph.errors",
    "MolgraphRegressor": "molgraph.integrations.sklearn",
    "PackedGraphs": "molgraph.graphs",
    "Panel": "molgraph.prediction.panel",
    "Prediction": "molgraph.results.prediction",
    "Predictor": "molgraph.prediction.predictor",
    "PretrainConfig": "molgraph.config.training",
    "Rejected": "molgraph.results.prediction",
    "ScreenConfig": "molgraph.config.screening",
    "TrainConfig": "molgraph.config.training",
    "check_library": "molgraph.packed_library.pack",
    "embed_file": "molgraph.prediction.embed_file",
    "evaluate": "molgraph.evaluation.evaluate",
    "featurize": "molgraph.features.featurize",
    "from_deepchem": "molgraph.integrations.deepchem",
    "from_pyg": "molgraph.integrations.pyg",
    "load_dataset": "molgraph.datasets.load",
    "pack_library": "molgraph.packed_library.pack",
    "predict_file": "molgraph.prediction.predict_file",
    "pretrain": "molgraph.training.pretraining.pretrain",
    "screen": "molgraph.screening.screen",
    "to_deepchem": "molgraph.integrations.deepchem",
    "to_pyg": "molgraph.integrations.pyg",
    "train": "molgraph.training.train",
}

__all__ = [  # noqa: RUF022  (RUF022 would sort classes before functions; this is the order of use)
    "load_dataset",
    "train",
    "Predictor",
    "Panel",
    "Prediction",
    "predict_file",
    "screen",
    "evaluate",
    "featurize",
    "pack_library",
    "check_library",
    "pretrain",
    "embed_file",
    "MolgraphRegressor",
    "MolgraphClassifier",
    "to_deepchem",
    "from_deepchem",
    "to_pyg",
    "from_pyg",
    "PackedGraphs",
    "Rejected",
    "ModelConfig",
    "TrainConfig",
    "PretrainConfig",
    "ScreenConfig",
    "ComputeConfig",
    "MolgraphError",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'molgraph' has no attribute {name!r}; it has {', '.join(sorted(_HOMES))}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
