"""Columns of a prediction, as tables show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgraph.prediction.panel import Panel
from molgraph.results.column_spec import ColumnSpec
from molgraph.results.prediction import Prediction, value_endings
from molgraph.results.tasks import TaskSpec

Columns = dict[str, Sequence[object] | NDArray[Any]]
Floats = NDArray[np.float64]

#: Identity of a row.
ROW_COLUMNS = (
    ColumnSpec(
        "id",
        "text",
        "identifier in the input, or the row number",
        "files",
    ),
    ColumnSpec(
        "smiles",
        "text",
        "structure as in the input",
        "files",
    ),
)

#: Status of a row of `predict_file`.
STATUS_COLUMNS = (
    ColumnSpec(
        "status",
        "text",
        "of predictions: `ok` or `rejected`",
        "features",
    ),
    ColumnSpec(
        "reason",
        "text",
        "of predictions: the step at which a row was rejected, and why",
        "features",
    ),
)

#: Columns of the input that are carried along.
KEPT_COLUMN = ColumnSpec(
    "{column}",
    "text",
    "column of the input, unchanged (of a library: those of `keep_columns`); `input_C` where the "
    "output itself has a column C",
    "files",
)

#: Columns of each task, by the suffix of the name.
TASK_COLUMNS: Mapping[str, ColumnSpec] = MappingProxyType(
    {
        spec.name.removeprefix("{task}_"): spec
        for spec in (
            ColumnSpec(
                "{task}_pred",
                "number",
                "predicted value; of a classification task the probability of the positive class",
                "models",
                "{unit}",
            ),
            ColumnSpec(
                "{task}_std",
                "number",
                "predicted standard deviation; of a classification task the standard deviation between the "
                "ensemble members",
                "uncertainty",
                "{unit}",
            ),
            ColumnSpec(
                "{task}_std_log10",
                "number",
                "instead of `T_std` for tasks learned as logarithms: standard deviation in log10 units (0.3 is "
                "a factor of 2)",
                "uncertainty",
                "log10",
            ),
            ColumnSpec(
                "{task}_lower",
                "number",
                "lower end of the prediction interval; at `level=0.9`, nine in ten measured values lie between "
                "the ends",
                "uncertainty",
                "{unit}",
            ),
            ColumnSpec(
                "{task}_upper",
                "number",
                "upper end of the prediction interval",
                "uncertainty",
                "{unit}",
            ),
            ColumnSpec(
                "{task}_call",
                "text",
                "classification: the class, if the other one can be excluded at that `level` (`active`, "
                "`inactive` or the task's class names); `uncertain` if neither can be, `atypical` if the "
                "compound conforms to neither. Never the class that is less likely by `T_pred`",
                "uncertainty",
            ),
            ColumnSpec(
                "{task}_percentile",
                "number",
                "built-in models: percentage of 1,203 approved drugs with a lower prediction",
                "model_folder",
                "%",
            ),
            ColumnSpec(
                "{task}_domain",
                "text",
                "of predictions, and of hits of several models: `inside`, `edge` or `outside` of the "
                "applicability domain of the task's model",
                "applicability",
            ),
            ColumnSpec(
                "{task}_measured",
                "text",
                "of predictions: the compound was measured for the training of this model, e.g. `6.52 (same "
                "structure)`, or the same but for stereo or salt; without the value where the model does not "
                "store it",
                "prediction",
            ),
        )
    }
)

#: The columns that `predict_file` writes.
PREDICT_COLUMNS = (*ROW_COLUMNS, *STATUS_COLUMNS, KEPT_COLUMN, *TASK_COLUMNS.values())


@dataclass(frozen=True)
class ShownTask:
    """What a table shows of one task.

    Attributes:
        task: The task.
        percentile: Whether its value is compared with reference compounds.
        domain: Whether the table says where a compound lies in the domain of its model.
        is_log: Whether its spread is in log10 units, because logarithms were learned.
        measured: Whether the table says what was measured of the compound.
    """

    task: TaskSpec
    percentile: bool = False
    domain: bool = False
    is_log: bool = False
    measured: bool = False

    @property
    def endings(self) -> tuple[str, ...]:
        """Endings of the names of its columns."""
        percentile, domain = ("percentile",) * self.percentile, ("domain",) * self.domain
        measured = ("measured",) * self.measured
        return (*value_endings(self.task.kind, is_log=self.is_log), *percentile, *domain, *measured)


def shown_tasks(panel: Panel, *, first_domain: bool, measured: bool = False) -> tuple[ShownTask, ...]:
    """The tasks of a panel; the domain of the first model is shown with its tasks, or left to a column of its own.

    Args:
        panel: The models.
        first_domain: Whether the domain of the first model is shown too.
        measured: Whether it is shown what was measured, where a model can tell.
    """
    n_first = 0 if first_domain else len(panel.first.tasks)
    facts = zip(panel.tasks, panel.has_reference, panel.calibration.is_log, strict=True)
    tells = [measured and own.domain.measured is not None for own in panel.predictors for _ in own.tasks]
    return tuple(ShownTask(task, has, t >= n_first, is_log, tells[t]) for t, (task, has, is_log) in enumerate(facts))


@dataclass(frozen=True)
class TaskValues:
    """What a table shows of B molecules and T tasks, `[B, T]` each.

    Attributes:
        pred: Values or probabilities.
        std: Spread; in log10 units where `ShownTask.is_log`.
        lower: Lower ends of the intervals; NaN for classes.
        upper: Upper ends.
        call: Calls of classes; empty for regression.
        percentile: Per cent of the reference compounds below; NaN without any.
        domain: `inside`, `edge` or `outside` of the domain of its model; empty where that was not asked for.
        measured: What is known of the compound from the training; likewise.
    """

    pred: Floats
    std: Floats
    lower: Floats
    upper: Floats
    call: NDArray[np.object_]
    percentile: Floats
    domain: NDArray[np.object_]
    measured: NDArray[np.object_]


def task_values(prediction: Prediction, level: float) -> TaskValues:
    """The values of a prediction; NaN and empty text where a row was rejected or something is not known."""
    lower, upper = prediction.interval(level)
    unknown = np.full(prediction.mean.shape, np.nan)
    empty = np.full(prediction.mean.shape, "", dtype=np.object_)
    return TaskValues(
        pred=prediction.mean,
        std=prediction.std,
        lower=lower,
        upper=upper,
        call=prediction.calls(level),
        percentile=unknown if prediction.percentiles is None else prediction.percentiles,
        domain=empty if prediction.domain is None else prediction.domain,
        measured=empty if prediction.measured is None else prediction.measured,
    )


def prediction_columns(shown: Sequence[ShownTask]) -> dict[str, ColumnSpec]:
    """The columns that a prediction of these tasks fills, by name.

    >>> [*prediction_columns([ShownTask(TaskSpec("pIC50", "regression"))])]
    ['pIC50_pred', 'pIC50_std', 'pIC50_lower', 'pIC50_upper']
    """
    specs = [TASK_COLUMNS[ending].of(task=one.task.name, unit=one.task.unit) for one in shown for ending in one.endings]
    return {spec.name: spec for spec in specs}


def prediction_values(values: TaskValues, shown: Sequence[ShownTask]) -> dict[str, NDArray[Any]]:
    """The columns of `prediction_columns`."""
    return {
        f"{one.task.name}_{ending}": getattr(values, ending.removesuffix("_log10"))[:, t]
        for t, one in enumerate(shown)
        for ending in one.endings
    }


def free_names(names: Sequence[str], taken: Sequence[str]) -> Mapping[str, str]:
    """A name in the output for each input column: its own, or `input_<name>` where the output has that name itself.

    >>> dict(free_names(["price", "status"], taken=["id", "status"]))
    {'price': 'price', 'status': 'input_status'}
    """
    used = set(taken)
    given: dict[str, str] = {}
    for name in names:
        free = name
        while free in used:
            free = f"input_{free}"
        used.add(free)
        given[name] = free
    return given
