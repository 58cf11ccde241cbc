# The public names, each written once: where it lives, for type checkers and for the lazy imports of `__init__.py`.
from .config.compute import ComputeConfig as ComputeConfig
from .config.encoder import EncoderConfig as EncoderConfig
from .config.optimizer import OptimizerConfig as OptimizerConfig
from .config.screening import ScreenConfig as ScreenConfig
from .config.training import ModelConfig as ModelConfig
from .config.training import PretrainConfig as PretrainConfig
from .config.training import TrainConfig as TrainConfig
from .config.uncertainty import UncertaintyConfig as UncertaintyConfig
from .datasets.load import load_dataset as load_dataset
from .errors import MolgraphError as MolgraphError
from .evaluation.evaluate import evaluate as evaluate
from .features.featurize import featurize as featurize
from .graphs import PackedGraphs as PackedGraphs
from .integrations.deepchem import from_deepchem as from_deepchem
from .integrations.deepchem import to_deepchem as to_deepchem
from .integrations.pyg import from_pyg as from_pyg
from .integrations.pyg import to_pyg as to_pyg
from .integrations.sklearn import MolgraphClassifier as MolgraphClassifier
from .integrations.sklearn import MolgraphRegressor as MolgraphRegressor
from .packed_library.pack import check_library as check_library
from .packed_library.pack import pack_library as pack_library
from .prediction.embed_file import embed_file as embed_file
from .prediction.panel import Panel as Panel
from .prediction.predict_file import predict_file as predict_file
from .prediction.predictor import Predictor as Predictor
from .results.prediction import Prediction as Prediction
from .results.prediction import Rejected as Rejected
from .screening.screen import screen as screen
from .training.pretraining.pretrain import pretrain as pretrain
from .training.train import train as train

__version__: str
