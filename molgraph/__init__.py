"""Molecular property prediction for drug discovery: train on an assay table, screen a library, trust the numbers.

>>> from molgraph import featurize
>>> graphs = featurize(["CCO", "c1ccccc1"])
>>> len(graphs), graphs.n_atoms
(2, 9)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from molgraph.config import ModelConfig as ModelConfig
    from molgraph.config import PretrainConfig as PretrainConfig
    from molgraph.config import TrainConfig as TrainConfig
    from molgraph.datasets.deepchem import from_deepchem as from_deepchem
    from molgraph.datasets.deepchem import to_deepchem as to_deepchem
    from molgraph.datasets.load import load_dataset as load_dataset
    from molgraph.embed import embed_file as embed_file
    from molgraph.errors import MolgraphError as MolgraphError
    from molgraph.estimators import MolgraphClassifier as MolgraphClassifier
    from molgraph.estimators import MolgraphRegressor as MolgraphRegressor
    from molgraph.evaluation.evaluate import evaluate as evaluate
    from molgraph.features.featurize import featurize as featurize
    from molgraph.graphs import PackedGraphs as PackedGraphs
    from molgraph.library.pack import check_library as check_library
    from molgraph.library.pack import pack_library as pack_library
    from molgraph.models.pyg import from_pyg as from_pyg
    from molgraph.models.pyg import to_pyg as to_pyg
    from molgraph.prediction.panel import Panel as Panel
    from molgraph.prediction.predictor import Predictor as Predictor
    from molgraph.pretraining.pretrain import pretrain as pretrain
    from molgraph.results import Prediction as Prediction
    from molgraph.results import Rejected as Rejected
    from molgraph.screening.predict_file import predict_file as predict_file
    from molgraph.screening.screen import screen as screen
    from molgraph.trainer import train as train

__version__ = "0.1.0"

# Where each public name lives. They are imported when first used: `molgraph --help` must load neither torch nor RDKit.
_HOMES = {
    "ModelConfig": "molgraph.config",
    "MolgraphClassifier": "molgraph.estimators",
    "MolgraphError": "molgraph.errors",
    "MolgraphRegressor": "molgraph.estimators",
    "PackedGraphs": "molgraph.graphs",
    "Panel": "molgraph.prediction.panel",
    "Prediction": "molgraph.results",
    "Predictor": "molgraph.prediction.predictor",
    "PretrainConfig": "molgraph.config",
    "Rejected": "molgraph.results",
    "TrainConfig": "molgraph.config",
    "check_library": "molgraph.library.pack",
    "embed_file": "molgraph.embed",
    "evaluate": "molgraph.evaluation.evaluate",
    "featurize": "molgraph.features.featurize",
    "from_deepchem": "molgraph.datasets.deepchem",
    "from_pyg": "molgraph.models.pyg",
    "load_dataset": "molgraph.datasets.load",
    "pack_library": "molgraph.library.pack",
    "predict_file": "molgraph.screening.predict_file",
    "pretrain": "molgraph.pretraining.pretrain",
    "screen": "molgraph.screening.screen",
    "to_deepchem": "molgraph.datasets.deepchem",
    "to_pyg": "molgraph.models.pyg",
    "train": "molgraph.trainer",
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
    "MolgraphError",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'molgraph' has no attribute {name!r}; it has {', '.join(sorted(_HOMES))}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
