"""Columns of a prediction, as tables show them."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from molgraph.results import Prediction
from molgraph.tasks import TaskSpec

Columns = dict[str, Sequence[object] | NDArray[Any]]


def prediction_columns(tasks: Sequence[TaskSpec]) -> list[str]:
    """Names of the columns that a prediction of these tasks fills.

    >>> prediction_columns([TaskSpec("pIC50", "regression"), TaskSpec("toxic", "classification")])
    ['pIC50_pred', 'pIC50_std', 'pIC50_lower', 'pIC50_upper', 'toxic_pred', 'toxic_std', 'toxic_set']
    """
    endings = {"regression": ("pred", "std", "lower", "upper"), "classification": ("pred", "std", "set")}
    return [f"{task.name}_{ending}" for task in tasks for ending in endings[task.kind]]


def prediction_values(prediction: Prediction, level: float) -> Columns:
    """The columns of `prediction_columns`, a value for each row; NaN and empty text where a row was rejected."""
    lower, upper = prediction.interval(level)
    sets = prediction.label_sets(level)
    values: Columns = {}
    for t, task in enumerate(prediction.tasks):
        values[f"{task.name}_pred"] = prediction.mean[:, t]
        values[f"{task.name}_std"] = prediction.std[:, t]
        if task.kind == "classification":
            values[f"{task.name}_set"] = sets[:, t]
        else:
            values[f"{task.name}_lower"] = lower[:, t]
            values[f"{task.name}_upper"] = upper[:, t]
    return values


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
