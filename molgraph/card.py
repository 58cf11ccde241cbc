"""ModelCard: all that is known of a trained model, as `card.json` in its folder says it."""

from dataclasses import dataclass
from typing import Any, Literal

from molgraph.config import TrainConfig, config_from_dict, config_to_dict
from molgraph.errors import InputError
from molgraph.tasks import TaskSpec

#: Version of the model folder. A folder of another version is refused, with the molgraph that wrote it.
FORMAT_VERSION = 1


@dataclass(frozen=True)
class DataAccount:
    """The rows that a model was trained on, and those that it was not.

    `rows_read = rows_used + rejected + unlabelled + merged_away`.

    Attributes:
        name: Name of the data set or table.
        fingerprint: sha256 of structures, labels and weights.
        rows_read: Rows of the table.
        rows_used: Distinct structures with a label.
        rejected: Rows that gave no molecule.
        unlabelled: Rows without a label.
        merged_away: Rows fewer because of structures that came several times.
        merged_groups: Structures that came several times.
        conflicting_groups: Those whose labels contradict each other.
    """

    name: str
    fingerprint: str
    rows_read: int
    rows_used: int
    rejected: int
    unlabelled: int
    merged_away: int
    merged_groups: int
    conflicting_groups: int


@dataclass(frozen=True)
class MetricRecord:
    """One out-of-fold metric of one task; None where it is not defined."""

    task: str
    metric: str
    mean: float | None
    std: float | None
    folds: tuple[float | None, ...]
    n_rows: int


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
        config: Settings of the training.
        data: The rows.
        metrics: Out-of-fold metrics.
        best_epochs: Epoch whose weights each member kept.
        calibration_rows: Out-of-fold rows of each task behind the intervals.
        has_structures: Whether the training structures are in the folder.
        libraries: Versions of what the model was trained with.
        files: sha256 of each other file of the folder.
    """

    molgraph_version: str
    tasks: tuple[TaskSpec, ...]
    schema: str
    schema_hash: str
    standardizer: Literal["none", "default"]
    standardizer_version: int
    n_members: int
    config: TrainConfig
    data: DataAccount
    metrics: tuple[MetricRecord, ...]
    best_epochs: tuple[int, ...]
    calibration_rows: tuple[int, ...]
    has_structures: bool
    libraries: dict[str, str]
    files: dict[str, str]

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
    values["metrics"] = [dict(vars(record)) for record in card.metrics]
    return {"format_version": FORMAT_VERSION, **values}


def card_from_dict(values: dict[str, Any], *, source: str) -> ModelCard:
    """The card that `card_to_dict` took apart.

    Raises:
        InputError: A field is missing, unknown, or of the wrong type.
    """
    fields = {key: value for key, value in values.items() if key != "format_version"}
    try:
        fields["tasks"] = tuple(TaskSpec(**task) for task in fields["tasks"])
        fields["config"] = config_from_dict(fields["config"], source=source)
        fields["data"] = DataAccount(**fields["data"])
        fields["metrics"] = tuple(_metric(record) for record in fields["metrics"])
        fields["best_epochs"] = tuple(int(epoch) for epoch in fields["best_epochs"])
        fields["calibration_rows"] = tuple(int(count) for count in fields["calibration_rows"])
        card = ModelCard(**fields)
        _check(card)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{source}: the card is not one of format {FORMAT_VERSION} ({error})") from error
    return card


def _metric(record: dict[str, Any]) -> MetricRecord:
    return MetricRecord(**{**record, "folds": tuple(record["folds"])})


def _check(card: ModelCard) -> None:
    """Refuse values that would be trusted later, where dataclasses alone take anything."""
    if not card.tasks or any(task.kind not in ("regression", "classification") for task in card.tasks):
        raise ValueError("tasks must each be regression or classification")
    if any(not isinstance(task.name, str) for task in card.tasks):
        raise ValueError("task names must be text")
    if not isinstance(card.n_members, int) or not 1 <= card.n_members <= 1000:
        raise ValueError(f"n_members is {card.n_members!r}")
    if not all(isinstance(name, str) and isinstance(digest, str) for name, digest in card.files.items()):
        raise ValueError("files must map names to sha256")
