"""ModelCard: metadata of a trained model (tasks, data, metrics, calibration, provenance), stored as `card.json`."""

import math
import reprlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from molgraph.config.learners import LearnerName
from molgraph.config.training import StandardizerChoice, TrainConfig, config_to_dict
from molgraph.config.uncertainty import CalibrationSettings
from molgraph.errors import InputError
from molgraph.results.prediction import DomainDegree
from molgraph.results.row_counts import RowCounts
from molgraph.results.tasks import TaskSpec
from molgraph.storage.decode_typed import decode

#: Version of the model folder. A folder of another version is refused, with the molgraph that wrote it.
FORMAT_VERSION = 3

#: Largest number of ensemble members that a card may name.
MAX_MEMBERS = 1000

#: Ranges of the metrics that are not errors (0 or more).
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

#: Ratio of the errors on new series and on known ones from which a warning is shown.
WORSE_ON_NEW_SERIES = 1.3


@dataclass(frozen=True)
class DomainRecord:
    """Out-of-fold error in one part of the applicability domain.

    Attributes:
        task: Name of the task.
        degree: The part.
        n_rows: Compounds in it with an out-of-fold prediction.
        rmse: Root mean square error, of logarithms where the task learns these, of probabilities for classes; None with
            fewer than `molgraph.training.domain_errors.LEAST_ROWS`.
        ratio: Its ratio to that of the compounds inside; None where one of them is not defined.
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
        mean: Mean over the folds; for `r2` the value of all rows pooled.
        std: Standard deviation over the folds; for a single fold, the bootstrap standard error.
        folds: Value in each fold.
        n_rows: Compounds with an out-of-fold prediction.
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
    """Expected error of one task on compounds similar to those of the table, and on new series.

    One of the two was measured out of fold, with the kind of split that the training had; the other follows from it by
    the ratio of the errors of a quick learner with both kinds of split (`molgraph.training.new_series`).

    Attributes:
        task: Name of the task.
        metric: `rmse`, `rmse_log10` where logarithms were learned, or `roc_auc`.
        like_table: Expected error on compounds with analogues in the table.
        new_series: Expected error on a series that is not in the table.
        ratio: Error on new series over that on known ones; for classes the error is 1 - ROC AUC.
        ratio_low: Lower 95% confidence bound of the ratio.
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
        """Whether the error of random folds is too optimistic for new series."""
        return self.ratio >= WORSE_ON_NEW_SERIES and self.ratio_low > 1


@dataclass(frozen=True)
class About:
    """Description of a built-in model, beyond the metadata of any model.

    Attributes:
        title: What it predicts, in a line.
        group: What kind of endpoint it is.
        source: Origin of its measured values.
        licence: Terms of use of these values, and of the model.
        not_for: What it must not be used for.
        defects: Known defects of the table that it was trained on.
    """

    title: str
    group: EndpointGroup
    source: str
    licence: str
    not_for: str
    defects: tuple[str, ...]


@dataclass(frozen=True)
class ModelCard:
    """Metadata of a trained model.

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
        blocks: Identity of each descriptor block that they read, which differs where an installation computes other
            values (`molgraph.features.blocks.BLOCKS`), by name.
        config: Settings of the training.
        encoder: sha256 of the card of the pretrained encoder that the network started from; None for random weights.
        data: The rows.
        metrics: Out-of-fold metrics.
        best_epochs: Epoch whose weights each member of the network kept; none without a network.
        calibration: Settings of the calibration.
        calibration_rows: Calibration rows of each task.
        recalibrated_on: The table of a later recalibration; None without one.
        has_structures: Whether the training structures are in the folder.
        domain: Out-of-fold errors inside, at the edge of and outside the applicability domain.
        reference: The compounds that percentiles refer to, e.g. "1,203 approved drugs"; None without any.
        about: Description of a built-in model; None for others.
        libraries: Versions of what the model was trained with.
        files: sha256 of each other file of the folder.
        new_series: Expected errors on compounds similar to those of the table, and on new series.
        new_series_unknown: Why these could not be estimated; None where they were.
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
    """Inverse of `card_to_dict`; every value is checked for its type.

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
