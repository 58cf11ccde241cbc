"""What a screen looks for: a task, and which way is better."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.errors import InputError, setting
from molgraph.quantities.names import p_name_of
from molgraph.results.prediction import Prediction
from molgraph.results.tasks import Direction, TaskSpec
from molgraph.spelling import did_you_mean

#: Names of concentrations: IC50, Ki, MIC and the like, or a unit in the name.
_CONCENTRATION = re.compile(
    r"(?<![A-Za-z])(?:(?:IC|EC|AC|XC|CC|GI|ED|LC|TC)[ _-]?(?:50|90)|Ki|Kd|MIC(?:[ _-]?(?:50|90))?|[pnuµμm]M)"
    r"(?![A-Za-z0-9])"
)
_CONCENTRATION_UNIT = re.compile(r"[pnuµμm]?(?:M|mol/L|g/mL|g/L)")

_SIGNS: dict[Direction, float] = {"maximize": 1.0, "minimize": -1.0}


@dataclass(frozen=True)
class Goal:
    """The task that ranks the library.

    Attributes:
        task: Its name.
        column: Its position among the tasks of the model.
        direction: Which way is better.
    """

    task: str
    column: int
    direction: Direction

    @property
    def sign(self) -> float:
        """1 or -1: what the prediction is multiplied by, so that a larger score is better."""
        return _SIGNS[self.direction]

    def scores(self, prediction: Prediction) -> NDArray[np.float64]:
        """How good each compound is, larger is better, `[B]`; NaN where it was rejected."""
        return self.sign * prediction.mean[:, self.column]

    def __str__(self) -> str:
        return f"{self.direction} {self.task}"


def parse_goal(text: str | None, tasks: Sequence[TaskSpec]) -> Goal:
    """The goal in words: a task name, or `maximize NAME` or `minimize NAME`.

    The task of a p-value can be named by its concentration, which is then the other way round. Without words it is the
    only task of the model. Without a direction it is the task's own, else `maximize`; of what
    reads like a concentration the direction has to be given, because the largest is usually the worst.

    Raises:
        InputError: No such task, several tasks and no word about which, or a concentration and no word about which way
            is better.

    >>> parse_goal("minimize hERG", [TaskSpec("hERG", "classification"), TaskSpec("logD", "regression")])
    Goal(task='hERG', column=0, direction='minimize')
    >>> str(parse_goal("minimize IC50 (nM)", [TaskSpec("pIC50", "regression")]))
    'maximize pIC50'
    """
    names = [task.name for task in tasks]
    if text is None or not text.strip():
        if len(tasks) > 1:
            raise InputError(
                f"the model has the tasks {', '.join(names)}; say which ranks, e.g. {setting('goal', names[0])}"
            )
        return Goal(names[0], 0, _direction(tasks[0]))
    name, asked = text.strip(), None
    for direction in _SIGNS:
        if name not in names and name.lower().startswith(direction + " "):
            name, asked = name[len(direction) :].strip(), direction
    p_name = p_name_of(name)
    if name not in names and asked is not None and p_name in names:  # the smallest IC50 is the largest pIC50
        return Goal(p_name, names.index(p_name), "minimize" if asked == "maximize" else "maximize")
    if name not in names:
        raise InputError(
            f"goal is {text!r}; {did_you_mean(name, names)}it must be a task of the model ({', '.join(names)}), "
            "alone or after maximize or minimize"
        )
    column = names.index(name)
    return Goal(name, column, asked or _direction(tasks[column]))


def reads_like_concentration(task: TaskSpec) -> bool:
    """Whether the name or the unit of a task is that of a concentration at which something happens.

    A solubility is none of these: more of it is better.

    >>> names = ["IC50 (nM)", "Ki", "pIC50", "tox_uM", "solubility_uM", "Kissing number", "logD"]
    >>> [name for name in names if reads_like_concentration(TaskSpec(name, "regression"))]
    ['IC50 (nM)', 'Ki', 'tox_uM']
    """
    if task.kind != "regression" or "solub" in task.name.lower():
        return False
    return bool(_CONCENTRATION.search(task.name) or (task.unit and _CONCENTRATION_UNIT.fullmatch(task.unit.strip())))


def _direction(task: TaskSpec) -> Direction:
    if task.direction is None and reads_like_concentration(task):
        raise InputError(
            f"{task.name} reads like a concentration, and it is unknown whether less of it is better; "
            f"give {setting('goal', f'minimize {task.name}')} or {setting('goal', f'maximize {task.name}')}, or train "
            "with `directions`"
        )
    return task.direction or "maximize"
