"""Options of `molgraph train`: each that sets a field of `TrainConfig` has its name, and no default of its own."""

from typing import Annotated

import typer

from molgraph.config import encoder, uncertainty, uncertainty_methods
from molgraph.config import training as config
from molgraph.config.learners import LearnerName, Preset
from molgraph.config.training import TrainConfig

from . import completion
from .options import DEVICE, PRECISION, SEED, STANDARDIZER, default_text, names, with_default

_TRAIN = TrainConfig()


def _weights(given: str | None) -> dict[str, float] | None:
    """The weights in `a=2,b=0.5`."""
    if given is None:
        return None
    from molgraph.errors import InputError

    weights = {}
    for part in names(given):
        name, _, number = part.rpartition("=")
        try:
            weights[name] = float(number)
        except ValueError:
            name = ""
        if not name:
            raise InputError(f"--task-weights is {given!r}; it must be like pIC50=2,hERG=0.5")
    return weights


PresetName = Annotated[
    Preset | None,
    typer.Option(
        help="Blended learners. fast: screens at half of the network's rate; lean: the network and a Gaussian process "
        f"on the encoder's embedding; accurate: descriptors too, slower. {default_text(_TRAIN.preset)}"
    ),
]
Learner = Annotated[LearnerName | None, typer.Option(help="A single learner instead of a preset.")]
Encoder = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        metavar="auto|none|FOLDER",
        help="Initial weights of the network: the built-in encoder, random, or an encoder folder. "
        f"{default_text(_TRAIN.encoder.pretrained)}",
    ),
]
EncoderTuning = Annotated[
    encoder.EncoderTuning | None,
    typer.Option(
        "--encoder-tuning",
        help="Fine-tune the pretrained encoder (full), or keep it frozen, which trains in seconds. "
        "[default: frozen up to 2,000 rows]",
    ),
]
Folds = Annotated[
    int | None,
    typer.Option(
        help=f"Ensemble members, each trained without one fold; 1 for a single model. {default_text(_TRAIN.folds)}"
    ),
]
Split = Annotated[
    config.FoldSplit | None, typer.Option(help=f"How rows are assigned to folds. {default_text(_TRAIN.split)}")
]
Epochs = Annotated[
    int | None,
    typer.Option(
        help=f"Maximum number of epochs. [default: {config.FRESH_EPOCHS}; {config.TUNING_EPOCHS} where a pretrained "
        "encoder is fine-tuned]"
    ),
]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", "-b", help=f"Molecules per batch. {default_text(_TRAIN.batch_size)}")
]
Patience = Annotated[int | None, typer.Option(help="Early stopping: epochs without improvement. [default: never]")]
Hidden = Annotated[
    int | None,
    typer.Option("--message-hidden-dim", "--hidden", help=f"Width of the network. {default_text(_TRAIN.model.hidden)}"),
]
Depth = Annotated[int | None, typer.Option(help=f"Message-passing steps. {default_text(_TRAIN.model.depth)}")]
Dropout = Annotated[
    float | None,
    typer.Option(
        help=f"Dropout rate. [default: {_TRAIN.model.dropout:g}; {config.DEFAULT_DROPOUT:g} with --uncertainty "
        f"{' or '.join(uncertainty_methods.methods_that(lambda spec: spec.is_sampled))}]"
    ),
]
MoleculeFeaturesName = Annotated[
    config.MoleculeFeatures | None,
    typer.Option(
        help="Descriptors appended to the graph embedding: counts of atom and bond types; RDKit's 43 properties and "
        f"217 descriptors make screening slower. {default_text(_TRAIN.model.molecule_features)}"
    ),
]
UncertaintyName = Annotated[
    uncertainty_methods.Uncertainty | None,
    typer.Option(
        "--uncertainty",
        help="Source of predictive variance, in addition to the disagreement of the members. "
        f"{default_text(_TRAIN.uncertainty.method)}",
    ),
]
CalibrationName = Annotated[
    uncertainty.CalibrationRows | None,
    typer.Option(
        help="Calibrate with the out-of-fold predictions of all rows, or with a fifth that no model is trained on, for "
        f"exact guarantees. {default_text(_TRAIN.uncertainty.calibration)}"
    ),
]
ClassCalibrationName = Annotated[
    uncertainty.ClassCalibration | None,
    typer.Option(help=f"Method of probability calibration. {default_text(_TRAIN.uncertainty.class_calibration)}"),
]
LossName = Annotated[
    config.Loss | None,
    typer.Option(help=f"Loss of regression tasks; absolute is robust to outliers. {default_text(_TRAIN.loss)}"),
]
TargetScalingName = Annotated[
    config.TargetScaling | None,
    typer.Option(
        help="Transform of the targets: standard or robust scaling, logarithms, or normal scores (quantile); auto "
        f"looks at their distribution. {default_text(_TRAIN.target_scaling)}"
    ),
]
TaskWeights = Annotated[
    str | None,
    typer.Option(metavar="NAME=W,...", callback=_weights, help="Weights of tasks in the loss. [default: 1 each]"),
]
BalanceClasses = Annotated[
    bool | None,
    typer.Option(
        "--class-balance/--no-class-balance",
        help=f"Balance the class weights of a task. {default_text('yes' if _TRAIN.balance_classes else 'no')}",
    ),
]
Standardizer = Annotated[config.StandardizerChoice | None, with_default(STANDARDIZER, _TRAIN.standardizer)]
PrecisionChoice = Annotated[config.Precision | None, with_default(PRECISION, _TRAIN.precision)]
DeviceChoice = Annotated[config.Device | None, with_default(DEVICE, _TRAIN.device)]
Seed = Annotated[int | None, with_default(SEED, _TRAIN.seed)]

# Options of this training or of the table, not of the model.
Minimize = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMNS",
        autocompletion=completion.columns,
        help="Columns of which less is better, where the name does not say so: screens rank accordingly.",
    ),
]
Maximize = Annotated[
    str | None,
    typer.Option(metavar="COLUMNS", autocompletion=completion.columns, help="Columns of which more is better."),
]
WeightColumn = Annotated[
    str | None, typer.Option(help="Column with the weight of each row.", autocompletion=completion.column)
]
KeepStructures = Annotated[
    bool,
    typer.Option(
        "--structures/--no-structures",
        help="Store the training structures in the model, to show the neighbours of hits. Without them only latent "
        "coordinates for the domain are stored, and learners that store training rows are not used.",
    ),
]
