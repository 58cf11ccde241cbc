"""ModelCard: all that is known of a trained model, as `card.json` in its folder says it."""

import math
import reprlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from molgraph.config.learners import LearnerName
from molgraph.config.training import CalibrationSettings, StandardizerChoice, TrainConfig, config_to_dict
from molgraph.errors import InputError
from molgraph.results.prediction import DomainDegree
from molgraph.results.row_counts import RowCounts
from molgraph.results.tasks import TaskSpec
from molgraph.storage.decode_typed import decode

#: Version of the model folder. A folder of another version is refused, with the molgraph that wrote it.
FORMAT_VERSION = 3

#: More members than this are no ensemble.
MAX_MEMBERS = 1000

#: What a metric can be; others are errors, 0 or more.
_RANGES = MappingProxyType(
    {
        "roc_auc": (0.0, 1.0),
        "average_precision": (0.0, 1.0),
        "r2": (-math.inf, 1.0),
        "r2_log10": (-math.inf, 1.0),
        "spearman": (-1.0, 1.0),
        "median_factor": (1.0, math.inf),
    }
)

#: Standard errors on either side that hold 95% of a normal distribution.
_NORMAL_95 = 1.96

#: An error that is so many times larger on new series is warned of.
WORSE_ON_NEW_SERIES = 1.3


@dataclass(frozen=True)
class DomainRecord:
    """How large errors are in one part of the applicability domain, out of fold.

    Attributes:
        task: Name of the task.
        degree: The part.
        n_rows: Compounds of it that were judged.
        rmse: Root mean square error, of logarithms where the task learns these, of probabilities for classes; None with
            fewer than `molgraph.training.domain_errors.LEAST_ROWS`.
        ratio: The same over that of the compounds inside; None where one of them is not known.
    """

    task: str
    degree: DomainDegree
    n_rows: int
    rmse: float | None
    ratio: float | None


EndpointGroup = Literal["toxicity", "ADME", "physical chemistry", "efficacy"]


@dataclass(frozen=True)
class MetricRecord:
    """One out-of-fold metric of one task; None where it is not defined.

    Attributes:
        task: Name of the task.
        metric: Name of the metric.
        mean: Mean over the folds; of `r2` the value of all rows together.
        std: Standard deviation over the folds; of a single fold, the standard error by a bootstrap of its rows.
        folds: The value of each.
        n_rows: Compounds that were judged.
    """

    task: str
    metric: str
    mean: float | None
    std: float | None
    folds: tuple[float | None, ...]
    n_rows: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """95% interval of the mean over the folds, or of the value of a single one; None where `std` is not defined.

        The folds' training rows overlap, so their spread alone would make it too narrow: the variance of the mean is
        taken as `(1/k + 1/(k-1))` of theirs (Nadeau and Bengio 2003, doi:10.1023/A:1024068626366).

        >>> low, high = MetricRecord("y", "rmse", 0.5, 0.1, (0.4, 0.5, 0.6), 30).interval
        >>> round(low, 2), round(high, 2)
        (0.11, 0.89)
        """
        k = sum(fold is not None for fold in self.folds)
        if self.mean is None or self.std is None:
            return None
        if len(self.folds) == 1:
            half = _NORMAL_95 * self.std
        else:
            from scipy.special import stdtrit  # cards are read where it is not needed

            half = float(stdtrit(k - 1, 0.975)) * self.std * math.sqrt(1 / k + 1 / (k - 1))
        lowest, highest = _RANGES.get(self.metric, (0.0, math.inf))
        return max(self.mean - half, lowest), min(self.mean + half, highest)


@dataclass(frozen=True)
class SeriesRecord:
    """The error of one task to expect on compounds like those of the table, and on new series.

    One of the two was measured out of fold, by the kind of folds that the training had; the other follows from it by
    the ratio of the errors of a quick learner that was judged by both kinds (`molgraph.training.new_series`).

    Attributes:
        task: Name of the task.
        metric: `rmse`, `rmse_log10` where logarithms were learned, or `roc_auc`.
        like_table: What to expect of compounds whose relatives are in the table.
        new_series: What to expect of a series that the table does not have.
        ratio: How many times larger the error on new series is; of classes the error is 1 - ROC AUC.
        ratio_low: It is larger than this with 95% confidence.
        series: What a series is: a Murcko `scaffold`, or a `cluster` of similar compounds.
        learner: The quick learner.
        n_rows: Compounds that the ratio rests on.
    """

    task: str
    metric: Literal["rmse", "rmse_log10", "roc_auc"]
    like_table: float
    new_series: float
    ratio: float
    ratio_low: float
    series: Literal["scaffold", "cluster"]
    learner: str
    n_rows: int

    @property
    def warns(self) -> bool:
        """Whether the error that random folds tell must not be expected on new series."""
        return self.ratio >= WORSE_ON_NEW_SERIES and self.ratio_low > 1


@dataclass(frozen=True)
class About:
    """What a model that comes along says of itself, beyond what is known of any model.

    Attributes:
        title: What it predicts, in a line.
        group: What kind of endpoint it is.
        source: Where its measured values come from.
        licence: Under which terms these were published, and the model is.
        not_for: What it must not be used for.
        defects: What is wrong with the table that it was trained on.
    """

    title: str
    group: EndpointGroup
    source: str
    licence: str
    not_for: str
    defects: tuple[str, ...]


@dataclass(frozen=True)
class ModelCard:
    """What a model is and where it comes from.

    Attributes:
        molgraph_version: The version that wrote the folder.
        tasks: What the model predicts, in column order.
        schema: Name of the feature schema.
        schema_hash: sha256 of its definition.
        standardizer: Name of the standardizer.
        standardizer_version: Its version.
        n_members: Members of the ensemble.
        learners: Kinds of learners that are blended in each member, in the order of
            `molgraph.config.learners.LEARNERS`.
        blocks: What tells that an installation computes the same columns for them
            (`molgraph.features.blocks.BLOCKS`), by name.
        config: Settings of the training.
        encoder: sha256 of the card of the pretrained encoder that the network began with; None for fresh weights.
        data: The rows.
        metrics: Out-of-fold metrics.
        best_epochs: Epoch whose weights each member of the network kept; none without a network.
        calibration: What the calibration was fitted to, and how.
        calibration_rows: Rows of each task behind it.
        recalibrated_on: The table that it was fitted to, where that is not the one of the training.
        has_structures: Whether the training structures are in the folder.
        domain: How much larger errors are at the edge of the applicability domain and outside, out of fold.
        reference: The compounds that predictions are compared with, e.g. "1,203 approved drugs"; None without any.
        about: What a model that comes along says of itself; None for others.
        libraries: Versions of what the model was trained with.
        files: sha256 of each other file of the folder.
        new_series: The errors to expect on compounds like those of the table, and on new series.
        new_series_unknown: Why these are not known; None where they are.
    """

    molgraph_version: str
    tasks: tuple[TaskSpec, ...]
    schema: str
    schema_hash: str
    standardizer: StandardizerChoice
    standardizer_version: int
    n_members: int
    learners: tuple[LearnerName, ...]
    blocks: dict[str, str]
    config: TrainConfig
    encoder: str | None
    data: RowCounts
    metrics: tuple[MetricRecord, ...]
    best_epochs: tuple[int, ...]
    calibration: CalibrationSettings
    calibration_rows: tuple[int, ...]
    recalibrated_on: RowCounts | None
    has_structures: bool
    domain: tuple[DomainRecord, ...]
    reference: str | None
    about: About | None
    libraries: dict[str, str]
    files: dict[str, str]
    new_series: tuple[SeriesRecord, ...] = ()
    new_series_unknown: str | None = None

    @property
    def task_names(self) -> tuple[str, ...]:
        """Names of the tasks, in column order."""
        return tuple(task.name for task in self.tasks)


def card_to_dict(card: ModelCard) -> dict[str, Any]:
    """Plain values for JSON."""
    values = {name: getattr(card, name) for name in card.__dataclass_fields__}
    values["tasks"] = [dict(vars(task)) for task in card.tasks]
    values["config"] = config_to_dict(card.config)
    values["data"] = dict(vars(card.data))
    values["recalibrated_on"] = None if card.recalibrated_on is None else dict(vars(card.recalibrated_on))
    values["calibration"] = dict(vars(card.calibration))
    values["about"] = None if card.about is None else dict(vars(card.about))
    values["metrics"] = [dict(vars(record)) for record in card.metrics]
    values["new_series"] = [dict(vars(record)) for record in card.new_series]
    values["domain"] = [dict(vars(record)) for record in card.domain]
    return {"format_version": FORMAT_VERSION, **values}


def card_from_dict(values: object, *, source: str) -> ModelCard:
    """The card that `card_to_dict` took apart; every value is checked for its type.

    Raises:
        InputError: A field is missing, unknown, or of the wrong type.
    """
    card = decode(ModelCard, values, source, beside=("format_version",))
    if not card.tasks or len(set(card.task_names)) < len(card.tasks):
        raise InputError(f"{source}: tasks are {reprlib.repr(card.task_names)}; at least one, each name once")
    if not 1 <= card.n_members <= MAX_MEMBERS:
        raise InputError(f"{source}: n_members is {reprlib.repr(card.n_members)}; it must be 1 to {MAX_MEMBERS}")
    if not card.learners or len(set(card.learners)) < len(card.learners):
        raise InputError(f"{source}: learners are {reprlib.repr(card.learners)}; at least one, each once")
    return card
