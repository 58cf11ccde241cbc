"""Options of `molgraph train`: each that sets a field of `TrainConfig` has its name, and no default of its own."""

from typing import Annotated

import typer

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
        help="fast blends learners that screen at half of the network's rate, lean only the network and a Gaussian "
        f"process on the encoder's embedding, accurate whatever helps. {default_text(_TRAIN.preset)}"
    ),
]
Learner = Annotated[LearnerName | None, typer.Option(help="One learner alone, in the place of a preset's.")]
Encoder = Annotated[
    str | None,
    typer.Option(
        metavar="auto|none|FOLDER",
        help="What the network begins with: the built-in encoder, fresh weights, or one of your own. "
        f"{default_text(_TRAIN.encoder)}",
    ),
]
EncoderTuning = Annotated[
    config.EncoderTuning | None,
    typer.Option(
        help="What becomes of a pretrained encoder: it learns on, or stays as it is, which trains in seconds. "
        "[default: frozen up to 2,000 rows]"
    ),
]
Folds = Annotated[
    int | None,
    typer.Option(
        help=f"Models of the ensemble, each trained without one fold; 1 for a single one. {default_text(_TRAIN.folds)}"
    ),
]
Split = Annotated[
    config.FoldSplit | None, typer.Option(help=f"How rows are put into folds. {default_text(_TRAIN.split)}")
]
Epochs = Annotated[
    int | None,
    typer.Option(
        help=f"Passes over the rows, at most. [default: {config.FRESH_EPOCHS}; {config.TUNING_EPOCHS} where a "
        "pretrained encoder learns on]"
    ),
]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", "-b", help=f"Molecules a step. {default_text(_TRAIN.batch_size)}")
]
Patience = Annotated[
    int | None, typer.Option(help="Stop a model after this many epochs without progress. [default: never]")
]
Hidden = Annotated[
    int | None,
    typer.Option("--message-hidden-dim", "--hidden", help=f"Width of the network. {default_text(_TRAIN.model.hidden)}"),
]
Depth = Annotated[int | None, typer.Option(help=f"Message-passing steps. {default_text(_TRAIN.model.depth)}")]
Dropout = Annotated[
    float | None,
    typer.Option(
        help=f"Share of hidden values dropped in training. [default: {_TRAIN.model.dropout:g}; "
        f"{config.DEFAULT_DROPOUT:g} with --uncertainty dropout]"
    ),
]
MoleculeFeaturesName = Annotated[
    config.MoleculeFeatures | None,
    typer.Option(
        help="Columns that the network's head reads beside the graph: counts of atom and bond codes; RDKit's 43 "
        f"properties and 217 descriptors make screening slower. {default_text(_TRAIN.model.molecule_features)}"
    ),
]
UncertaintyName = Annotated[
    config.Uncertainty | None,
    typer.Option(
        help="What gives the spread of a prediction beside the disagreement of the models. "
        f"{default_text(_TRAIN.uncertainty)}"
    ),
]
CalibrationName = Annotated[
    config.CalibrationRows | None,
    typer.Option(
        help="Calibrate with the out-of-fold predictions of all rows, or with a fifth that no model is trained on, for "
        f"exact guarantees. {default_text(_TRAIN.calibration)}"
    ),
]
ClassCalibrationName = Annotated[
    config.ClassCalibration | None,
    typer.Option(
        help=f"How probabilities are brought to the shares that were seen. {default_text(_TRAIN.class_calibration)}"
    ),
]
LossName = Annotated[
    config.Loss | None,
    typer.Option(
        help=f"Errors that are made small; absolute ones let wild labels count less. {default_text(_TRAIN.loss)}"
    ),
]
TargetScalingName = Annotated[
    config.TargetScaling | None,
    typer.Option(
        help="What is learned in the place of the values: deviations (standard, robust), logarithms, or normal scores "
        f"(quantile); auto looks at their distribution. {default_text(_TRAIN.target_scaling)}"
    ),
]
TaskWeights = Annotated[
    str | None,
    typer.Option(metavar="NAME=W,...", callback=_weights, help="How much tasks count in the loss. [default: 1 each]"),
]
BalanceClasses = Annotated[
    bool | None,
    typer.Option(
        "--class-balance/--no-class-balance",
        help=f"Weigh both classes of a task the same. {default_text('yes' if _TRAIN.balance_classes else 'no')}",
    ),
]
Standardizer = Annotated[config.StandardizerChoice | None, with_default(STANDARDIZER, _TRAIN.standardizer)]
PrecisionChoice = Annotated[config.Precision | None, with_default(PRECISION, _TRAIN.precision)]
DeviceChoice = Annotated[config.Device | None, with_default(DEVICE, _TRAIN.device)]
Seed = Annotated[int | None, with_default(SEED, _TRAIN.seed)]

# What is no setting of a model, but of this training or of the table.
Minimize = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMNS",
        autocompletion=completion.columns,
        help="Columns of which less is better, where that is not known: screens rank them so.",
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
        help="Keep the training structures in the model, to show the neighbours of hits. Without them it keeps no row "
        "of a compound but its place in the domain: learners that hold rows are left out.",
    ),
]
