"""Frozen settings of models and of training, and how they are read from a TOML file.

Groups of settings that are not here: `molgraph.config.encoder`, `optimizer` and `uncertainty`.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

from molgraph.config.encoder import EncoderConfig
from molgraph.config.learners import LEARNERS, LearnerName, Preset
from molgraph.config.optimizer import OptimizerConfig
from molgraph.config.settings import checked_settings, read_toml, require_choices, require_groups, require_range
from molgraph.config.short_repr import short_repr
from molgraph.config.uncertainty import UncertaintyConfig
from molgraph.config.uncertainty_methods import UNCERTAINTY_METHODS, choose_method
from molgraph.errors import InputError
from molgraph.storage.decode_typed import decode

#: What a column holds; `auto` looks at its values.
KindChoice = Literal["auto", "regression", "classification"]
Architecture = Literal["dmpnn", "gine", "gatv2", "attentive_fp", "pna", "gps"]
Readout = Literal["sum", "mean", "norm", "attention", "set2set"]
MoleculeFeatures = Literal["none", "codes", "environments", "ecfp_counts", "properties", "descriptors"]
Precision = Literal["auto", "float32", "bfloat16"]
Device = Literal["auto", "cpu", "cuda"]

#: Number format where each value is written out, as in a table of predictions or embeddings: the exact one.
WRITTEN_PRECISION: Precision = "float32"

FoldSplit = Literal["random", "scaffold"]
StandardizerChoice = Literal["default", "none"]
DEFAULT_STANDARDIZER: StandardizerChoice = "default"
Loss = Literal["squared", "absolute"]
TargetScaling = Literal["auto", "standard", "robust", "log", "quantile"]


@checked_settings
@dataclass(frozen=True)
class ModelConfig:
    """Shape of one network. The defaults are chemprop's.

    Attributes:
        architecture: Graph encoder: messages on directed bonds (`dmpnn`), or one of torch_geometric's layers, which
            train and predict several times slower (`molgraph.models.encoders.ZOO`).
        hidden: Width of the encoder.
        depth: Message-passing steps, counting the first hidden state.
        readout: How atoms become a molecule: `sum`, `mean`, or `norm`, the sum over the mean size of the training
            molecules. (chemprop divides by 100 whatever the size; small molecules are then learned slowly.) Or a mean
            with learned weights (`attention`), or several looks at all atoms (`set2set`).
        virtual_node: Give each molecule a node that all its atoms hear from; not for `dmpnn` and `attentive_fp`.
        molecule_features: Descriptors that the head reads beside the embedding (`molgraph.features.blocks.BLOCKS`).
            Counts of the atoms' and bonds' `codes` come from the graph for nothing; RDKit's `properties` (43) and
            `descriptors` (217) need structures, and make screening slower.
        dropout: Share of hidden values dropped in training. Where `uncertainty.method` samples thinned networks
            (`dropout`), a `TrainConfig` makes `DEFAULT_DROPOUT` of 0.
        head_hidden: Width of the head's hidden layers.
        head_layers: Hidden layers of the head.
    """

    architecture: Architecture = "dmpnn"
    hidden: int = 300
    depth: int = 3
    readout: Readout = "norm"
    virtual_node: bool = False
    molecule_features: MoleculeFeatures = "codes"
    dropout: float = 0.0
    head_hidden: int = 300
    head_layers: int = 1

    def __repr__(self) -> str:
        return short_repr(self)

    def __post_init__(self) -> None:
        require_choices(self)
        if self.virtual_node and self.architecture in {"dmpnn", "attentive_fp"}:
            raise InputError(f"architecture {self.architecture!r} has no virtual node; choose gine, gatv2, pna or gps")
        require_range(self, "hidden", self.hidden, 1, 10_000)
        require_range(self, "depth", self.depth, 1, 100)
        require_range(self, "dropout", self.dropout, 0.0, 0.95)
        require_range(self, "head_hidden", self.head_hidden, 1, 10_000)
        require_range(self, "head_layers", self.head_layers, 0, 20)


#: Share of hidden values dropped where Monte-Carlo dropout is asked for and `ModelConfig.dropout` is 0.
DEFAULT_DROPOUT = 0.1

#: Passes over the training rows: of a network that begins with fresh weights or reads columns alone, and of one whose
#: pretrained encoder learns on. What decided them is in `benchmarks/README.md`.
FRESH_EPOCHS, TUNING_EPOCHS = 50, 30


@checked_settings
@dataclass(frozen=True)
class TrainConfig:
    """How an ensemble is trained.

    Attributes:
        preset: Learners that are blended: `lean` the network and a Gaussian process on the embedding, `fast` those that
            leave half of the network's rate when a library is screened, `accurate` all.
        learner: One learner alone, instead of a preset (`molgraph.config.learners.LEARNERS`).
        model: Shape of each network.
        encoder: The encoder that the network starts from.
        optimizer: Learning rates and weight decay of each network.
        uncertainty: Where the spread of a prediction comes from, and how it is calibrated.
        folds: Members of the ensemble, each trained without its own fold. 1 trains a single model with a held-out
            tenth.
        split: How rows are put into folds.
        epochs: Passes over the training rows, at most; None for what suits (`n_epochs`).
        batch_size: Molecules a step.
        patience: A member stops after so many epochs without progress on its inner rows; None for never.
        inner_fraction: Share of a member's own training rows that decides when it stops.
        balance_classes: Weigh classes so that each counts the same (per task).
        loss: What is made small where values are learned; absolute errors let a few wild labels count less.
        target_scaling: What learners fit in the place of measured values: these in deviations from their mean
            (`standard`) or quartile distances from their median (`robust`), their logarithms (`log`), or normal scores
            (`quantile`); `auto` looks at the training labels of each member (`molgraph.training.targets`).
        task_weights: How much each task counts in the loss of a network, by name; 1 for those that are not named.
        seed: Seed of folds, weights and batches.
        device: Where to train; `auto` takes a CUDA device if there is one.
        precision: Number format of the products; `auto` takes bfloat16 where the processor is fast at it.
        members_per_pass: Members trained in one pass; None for all on a GPU and one on a CPU.
        standardizer: What is done to structures, at training and at prediction alike.
    """

    preset: Preset = "fast"
    learner: LearnerName | None = None
    model: ModelConfig = field(default_factory=ModelConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    uncertainty: UncertaintyConfig = field(default_factory=UncertaintyConfig)
    folds: int = 5
    split: FoldSplit = "random"
    epochs: int | None = None
    batch_size: int = 64
    patience: int | None = None
    inner_fraction: float = 0.1
    balance_classes: bool = False
    loss: Loss = "squared"
    target_scaling: TargetScaling = "auto"
    task_weights: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    device: Device = "auto"
    precision: Precision = "auto"
    members_per_pass: int | None = None
    standardizer: StandardizerChoice = DEFAULT_STANDARDIZER

    def __repr__(self) -> str:
        return short_repr(self)

    def __post_init__(self) -> None:
        require_groups(self)
        require_choices(self)
        require_range(self, "folds", self.folds, 1, 100)
        if self.epochs is not None:
            require_range(self, "epochs", self.epochs, 1, 100_000)
        require_range(self, "batch_size", self.batch_size, 1, 1_000_000)
        if self.patience is not None:
            require_range(self, "patience", self.patience, 1, float("inf"))
        if self.members_per_pass is not None:
            require_range(self, "members_per_pass", self.members_per_pass, 1, float("inf"))
        require_range(self, "inner_fraction", self.inner_fraction, 0.0, 0.5)
        require_range(self, "seed", self.seed, 0, 2**32 - 1)
        for name, weight in self.task_weights.items():
            require_range(self, f"task_weights[{name!r}]", weight, 0.0, 1e6)
        method = UNCERTAINTY_METHODS[self.uncertainty.method]
        if self.loss == "absolute" and method.has_own_loss:
            raise InputError(
                f"loss is 'absolute', and uncertainty.method {method.name!r} has a loss of its own; "
                + choose_method(lambda spec: not spec.has_own_loss)
            )
        if method.networks_only and self.learner not in (None, "network"):
            raise InputError(
                f"uncertainty.method is {method.name!r}, which is of networks, and learner is {self.learner!r}; "
                f"{choose_method(lambda spec: not spec.networks_only)}, or another learner"
            )
        if method.is_sampled and self.model.dropout == 0:  # without any there would be no spread
            object.__setattr__(self, "model", dataclasses.replace(self.model, dropout=DEFAULT_DROPOUT))

    @property
    def tunes_encoder(self) -> bool:
        """Whether a pretrained encoder learns on in the network.

        This, and what is below, is asked of settings as a training has decided on them: `encoder.pretrained` is none
        where there is none, and `encoder.tuning` is not auto.
        """
        return self.encoder.pretrained != "none" and self.encoder.tuning == "full"

    @property
    def n_epochs(self) -> int:
        """Passes over the training rows, at most: as asked for, or as suits what the network begins with."""
        if self.epochs is not None:
            return self.epochs
        return TUNING_EPOCHS if self.tunes_encoder else FRESH_EPOCHS

    def reads_network(self, learner: LearnerName) -> bool:
        """Whether a learner reads what the member's own network makes of a molecule."""
        return LEARNERS[learner].reads_network and self.encoder.tuning == "full"

    def blocks_of(self, learner: LearnerName) -> tuple[str, ...]:
        """Columns of molecules that a learner reads (`molgraph.features.blocks`)."""
        own: tuple[str, ...]
        if learner == "network":
            own = () if self.model.molecule_features == "none" else (self.model.molecule_features,)
        else:
            own = LEARNERS[learner].blocks
        when = LEARNERS[learner].reads_encoder
        reads_it = when == "always" or (when == "frozen" and self.encoder.tuning == "frozen")
        return ("encoder", *own) if reads_it and self.encoder.pretrained != "none" else own


@checked_settings
@dataclass(frozen=True)
class PretrainConfig:
    """How an encoder is pretrained (`molgraph.training.pretraining`).

    Attributes:
        model: Shape of the encoder; its head is not used.
        decoder_hidden: Width of the layer between the encoder and the targets.
        per_library: Records of each library, drawn at random where it has more; None for all.
        held_out_fraction: Share of the molecules that only judge.
        hidden_fraction: Share of the targets that a step does not see, drawn anew each time.
        epochs: Passes over the molecules.
        batch_size: Molecules a step.
        peak_lr: Learning rate at the top of its one cycle.
        weight_decay: Decoupled weight decay of AdamW.
        gradient_clip: Largest norm of the gradient.
        standardizer: What is done to structures.
        seed: Seed of the sample, the order, the weights and the hidden targets.
        device: Where to train; `auto` takes a CUDA device if there is one.
        precision: Number format of the products; `auto` takes bfloat16 where the processor is fast at it.
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    decoder_hidden: int = 2048
    per_library: int | None = None
    held_out_fraction: float = 0.02
    hidden_fraction: float = 0.3
    epochs: int = 4
    batch_size: int = 128
    peak_lr: float = 6e-3
    weight_decay: float = 0.0
    gradient_clip: float = 1.0
    standardizer: StandardizerChoice = DEFAULT_STANDARDIZER
    seed: int = 0
    device: Device = "auto"
    precision: Precision = "auto"

    def __repr__(self) -> str:
        return short_repr(self)

    def __post_init__(self) -> None:
        require_choices(self)
        require_range(self, "decoder_hidden", self.decoder_hidden, 1, 100_000)
        if self.per_library is not None:
            require_range(self, "per_library", self.per_library, 1, float("inf"))
        require_range(self, "held_out_fraction", self.held_out_fraction, 0.001, 0.5)
        require_range(self, "hidden_fraction", self.hidden_fraction, 0.0, 0.95)
        require_range(self, "epochs", self.epochs, 1, 100_000)
        require_range(self, "batch_size", self.batch_size, 1, 1_000_000)
        require_range(self, "peak_lr", self.peak_lr, 0.0, 10.0)
        require_range(self, "weight_decay", self.weight_decay, 0.0, 1e3)
        require_range(self, "gradient_clip", self.gradient_clip, 1e-6, 1e6)
        require_range(self, "seed", self.seed, 0, 2**32 - 1)


def config_from_dict(values: Mapping[str, Any], *, source: str) -> TrainConfig:
    """The settings named in `values`, defaults for the others; each group is a table.

    Raises:
        InputError: A setting is unknown or has the wrong type; `source` is named in the message.
    """
    return decode(TrainConfig, values, source, noun="setting")


def pretrain_config_from_dict(values: Mapping[str, Any], *, source: str) -> PretrainConfig:
    """As `config_from_dict`, of a pretraining.

    Raises:
        InputError: A setting is unknown or has the wrong type; `source` is named in the message.
    """
    return decode(PretrainConfig, values, source, noun="setting")


def config_from_toml(path: str | Path) -> TrainConfig:
    """The settings in a TOML file.

    Raises:
        InputError: The file cannot be read, is not TOML, or holds an unknown setting or a wrong type.
    """
    return config_from_dict(read_toml(path), source=str(path))


def pretrain_config_from_toml(path: str | Path) -> PretrainConfig:
    """As `config_from_toml`, of a pretraining.

    Raises:
        InputError: The file cannot be read, is not TOML, or holds an unknown setting or a wrong type.
    """
    return pretrain_config_from_dict(read_toml(path), source=str(path))


def config_to_dict(config: TrainConfig | PretrainConfig) -> dict[str, Any]:
    """Plain values, as `config_from_dict` takes them."""
    return dataclasses.asdict(config)


def settings_by_name(config: TrainConfig | PretrainConfig) -> dict[str, Any]:
    """Each setting by its name, with that of its group before it.

    >>> settings = settings_by_name(TrainConfig())
    >>> settings["folds"], settings["optimizer.peak_lr"]
    (5, 0.001)
    """
    values: dict[str, Any] = {}
    for own in fields(config):
        value = getattr(config, own.name)
        if is_dataclass(value):
            values |= {f"{own.name}.{part.name}": getattr(value, part.name) for part in fields(value)}
        else:
            values[own.name] = value
    return values
