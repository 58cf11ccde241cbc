"""Measured values of a table in the units of a model's tasks, and detection of values on another scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from molgraph.datasets.companions import is_generic
from molgraph.datasets.dataset import Dataset
from molgraph.datasets.tables import TargetColumn, read_columns
from molgraph.errors import InputError
from molgraph.files.frames import Readable
from molgraph.prediction.predictor import Predictor
from molgraph.quantities.names import named
from molgraph.quantities.units import P_UNIT, unit_of
from molgraph.results.tasks import TaskSpec

Floats = NDArray[np.float64]

#: With more than this fraction of values outside the range of training, widened by half on either side, the scale is
#: another.
_FRACTION_BEYOND = 0.5

#: Values that are needed to compare the scales.
_LEAST_LEARNED, _LEAST_MEASURED = 10, 5

#: Median error of logarithms, in powers of ten, above which another unit is suspected.
_MOST_OFF = 2.5

#: Units that are tried where values may be concentrations.
_TRIED = ("nM", "uM", "mM", "M")

#: What one nanomolar is in mol/L.
_NANO = 1e-9


@dataclass(frozen=True)
class TableOptions:
    """How a table of measured values is read; see `molgraph.datasets.tables.read_table`."""

    target_columns: Sequence[str] | None = None
    smiles_column: str | None = None
    id_column: str | None = None
    missing: Sequence[str] = ()
    where: Mapping[str, str] = field(default_factory=dict)


def read_measured(predictor: Predictor, table: Readable, options: TableOptions) -> Dataset:
    """The table, with a column of labels for each task of the model; NaN for tasks that it lacks.

    Values are converted to the unit of the task, or to its negative logarithm of mol/L: a column `IC50 (nM)` holds
    measured values of the task `pIC50`.

    Raises:
        InputError: The table has no column of a task, or its values cannot be converted to the unit of the task.
    """
    tasks = predictor.tasks
    columns: dict[str, str] = {}

    def choose(header: Sequence[str]) -> list[TargetColumn]:
        columns.update(_columns(predictor, table, options, header))
        return [
            TargetColumn(columns[task.name], task.kind, as_is=not _has_scale(task))
            for task in tasks
            if task.name in columns
        ]

    read = read_columns(
        table,
        choose,
        smiles_column=options.smiles_column,
        id_column=options.id_column,
        standardizer=predictor.card.standardizer,
        missing=options.missing,
        where=options.where,
    )
    with_column = [task for task in tasks if task.name in columns]
    index = [tasks.index(task) for task in with_column]
    factors = [
        _factor(task, read_task, columns[task.name], table)
        for task, read_task in zip(with_column, read.tasks, strict=True)
    ]

    def converted(side: Floats) -> Floats:
        of_tasks = np.full((len(read), len(tasks)), np.nan)
        of_tasks[:, index] = side * np.array(factors)
        return of_tasks

    return Dataset(
        name=read.name,
        smiles=read.smiles,
        ids=read.ids,
        labels=read.labels.map(converted),
        weights=read.weights,
        tasks=tasks,
        rejected=read.rejected,
        merges=read.merges,
        rows_read=read.rows_read,
        n_unlabelled=read.n_unlabelled,
        notes=read.notes,
    )


def _columns(predictor: Predictor, table: Readable, options: TableOptions, header: Sequence[str]) -> dict[str, str]:
    """The column of each task that the table has."""
    names = predictor.card.task_names
    given = options.target_columns
    if given is not None and len(given) != len(names):
        raise InputError(
            f"target columns are {', '.join(given)}; name one for each task of the model, in its order: "
            f"{', '.join(names)}"
        )
    if given is not None:
        return dict(zip(names, given, strict=True))
    columns = {task.name: column for task in predictor.tasks if (column := _column_of(task, header)) is not None}
    if not columns:
        raise InputError(
            f"{table} has no column of a task of the model ({', '.join(names)}), but has {', '.join(header)}; name the "
            "columns of labels with `target_columns`"
        )
    return columns


def _column_of(task: TaskSpec, header: Sequence[str]) -> str | None:
    """The column of that name, or the only one whose p-value has that name."""
    if task.name in header:
        return task.name
    if not is_p_value(task):
        return None
    quantities = {column: named(column) for column in header}
    same = [column for column, name in quantities.items() if name and name.unit and name.p_name == task.name]
    generic = [column for column in header if is_generic(column)]
    return same[0] if len(same) == 1 else generic[0] if not same and len(generic) == 1 else None


def _has_scale(task: TaskSpec) -> bool:
    """Whether the values of a task have a unit that others can be converted to."""
    return task.kind == "regression" and (is_p_value(task) or unit_of(task.unit or "") is not None)


def is_p_value(task: TaskSpec) -> bool:
    """Whether a task is the negative logarithm of a molar concentration, by its unit or else its name.

    >>> is_p_value(TaskSpec("bace", "regression", unit="pIC50")), is_p_value(TaskSpec("IC50", "regression"))
    (True, False)
    """
    quantity = named(task.unit or task.name)
    return task.unit == P_UNIT or (quantity is not None and quantity.scale == "p")


def _factor(task: TaskSpec, read_task: TaskSpec, column: str, table: Readable) -> float:
    """Factor that converts values as they were read to the unit of the task."""
    task_unit, table_unit = unit_of(task.unit or ""), unit_of(read_task.unit or "")
    if task_unit is None or table_unit is None or read_task.unit is None:
        return 1.0
    if task_unit.dimension != table_unit.dimension:
        raise InputError(
            f"{table}: {column!r} is in {table_unit.name}, and the model learned {task.name!r} in {task_unit.name}, "
            "which cannot be converted into each other; give a table in the unit of the model"
        )
    return table_unit.factor / task_unit.factor


def other_scales(predictor: Predictor, dataset: Dataset, mean: Floats) -> tuple[str, ...]:
    """A message for each task whose values in the table are not on the scale of the training values.

    Args:
        predictor: The model.
        dataset: n compounds; labels are `[n, T]`.
        mean: `[n, T]` predictions.
    """
    sentences = []
    calibration = predictor.calibration
    for t, task in enumerate(predictor.tasks):
        if task.kind != "regression":
            continue
        learned = calibration.data.labels.values[:, t]
        measured = dataset.labels.values[:, t]
        rows = np.isfinite(measured) & np.isfinite(mean[:, t])
        sentence = scale_sentence(
            task, learned[np.isfinite(learned)], measured[rows], mean[rows, t], is_log=calibration.is_log[t]
        )
        if sentence:
            sentences.append(sentence)
    return tuple(sentences)


def scale_sentence(task: TaskSpec, learned: Floats, measured: Floats, mean: Floats, *, is_log: bool) -> str:
    """Why values `measured [n]` are not on the scale of the training values `learned [m]`; empty if they may be.

    Args:
        task: The task.
        learned: Values that the model was trained or calibrated on.
        measured: Values of new compounds.
        mean: `[n]` predictions of these.
        is_log: Whether the task was learned as logarithms.

    >>> task = TaskSpec("pIC50", "regression")
    >>> scale_sentence(task, np.linspace(4, 9, 20), np.geomspace(10, 1e5, 9), np.full(9, 6.0), is_log=False)
    'pIC50: the values of the table (10 to 1e+05) are not on the scale of the training values (4 to 9); ...'
    """
    if len(learned) < _LEAST_LEARNED or len(measured) < _LEAST_MEASURED:
        return ""
    ranges = f"{measured.min():.3g} to {measured.max():.3g}"
    trained = f"{learned.min():.3g} to {learned.max():.3g}"
    beyond = f"{task.name}: the values of the table ({ranges}) are not on the scale of the training values ({trained})"
    if is_log and (measured <= 0).any():
        return f"{beyond}; the model learned logarithms, which values of 0 or less do not have"
    old, new = (np.log10(learned), np.log10(measured)) if is_log else (learned, measured)
    if _fraction_beyond(old, new) > _FRACTION_BEYOND:
        return f"{beyond}; {_guess(old, measured, is_log=is_log)}"
    if is_log or is_p_value(task):
        off = float(np.median(new - (np.log10(mean) if is_log else mean)))
        if abs(off) > _MOST_OFF:
            return f"{beyond}: half of them are off by a factor of {10 ** abs(off):.0g} or more; is the unit the same?"
    return ""


def _fraction_beyond(old: Floats, new: Floats) -> float:
    slack = (old.max() - old.min()) / 2
    return float(((new < old.min() - slack) | (new > old.max() + slack)).mean())


def _guess(old: Floats, measured: Floats, *, is_log: bool) -> str:
    """The likely reason, and what to do."""
    if not is_log and (measured > 0).all():
        for name in _TRIED:
            unit = unit_of(name)
            if unit is not None and _fraction_beyond(old, -np.log10(measured * unit.factor)) == 0:
                return (
                    f"-log10 of them is, if they are in {name}: rename the column, e.g. to IC50 ({name}), and give its "
                    "name with `target_columns`"
                )
    if is_log and _fraction_beyond(old, -measured - np.log10(_NANO)) == 0:
        return "they are probably negative logarithms of mol/L: give concentrations, as in the training set"
    return "are they in another unit, or logarithms?"
