"""A profile: what a good compound is, in several respects at once, from a TOML file.

rank_by = "mean"                  # or lower_bound, or probability
require = ["pIC50 >= 6", "hERG <= 0.3"]   # predictions, of a class its probability, without which nothing is listed
criteria = ["pIC50 >= 7", "not hERG"]   # what must hold, for rank_by = "probability"

[[objective]]
task = "pIC50"
curve = "sigmoid"                 # or reverse_sigmoid, double_sigmoid, step
low = 6.0
high = 8.0
weight = 2.0                      # 1 if left out

    [filters]                         # what a compound must be like, see `molgraph.screening.filters`
    no_alerts_of = ["pains"]
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from molgraph.errors import InputError
from molgraph.rank.desirability import CURVES, CurveName, geometric_mean
from molgraph.rank.hit_probability import HitProbability
from molgraph.rank.hit_rule import HitRule
from molgraph.rank.pareto import pareto_fronts
from molgraph.rank.parse_hit import parse_hit, parse_requirement
from molgraph.results.prediction import Prediction
from molgraph.results.tasks import TaskSpec
from molgraph.spelling import did_you_mean
from molgraph.storage.decode import decode_toml, read_bounded
from molgraph.storage.decode_typed import decode

Floats = NDArray[np.float64]

#: What the score is: the desirability of the predicted values, that of the ends of their intervals which are less
#: wanted, or the probability that all criteria hold.
RankBy = Literal["mean", "lower_bound", "probability"]

_MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Objective:
    """One respect.

    Attributes:
        task: Name of the task.
        column: Its position among the tasks of the models.
        curve: Key of `molgraph.rank.desirability.CURVES`.
        low: Lower end of the curve, in units of the task.
        high: Upper end.
        weight: In the geometric mean.
    """

    task: str
    column: int
    curve: CurveName
    low: float
    high: float
    weight: float

    def __str__(self) -> str:
        wanted = CURVES[self.curve].wants
        ends = f" between {self.low:g} and {self.high:g}" if wanted == "between" else f" ({wanted} is better)"
        return f"{self.task}{ends}"

    def desirability(self, values: Floats) -> Floats:
        """How much each value is wanted, 0 to 1."""
        return CURVES[self.curve].function(values, self.low, self.high)


@dataclass(frozen=True)
class Profile:
    """What a good compound is.

    Attributes:
        rank_by: What the score is.
        objectives: Respects in which compounds are compared.
        require: Conditions on the predictions without which a compound is not listed; None for none.
        criteria: What must hold; None for nothing.
        level: Of the intervals for `lower_bound`.
        filters: What a compound must be like, as the file has it.
        probability: That the criteria hold, estimated from the calibration compounds of the models (see
            `molgraph.rank.hit_probability`); None before it was fitted.
    """

    rank_by: RankBy
    objectives: tuple[Objective, ...]
    require: HitRule | None
    criteria: HitRule | None
    level: float
    filters: Mapping[str, Any]
    probability: HitProbability | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        if self.rank_by == "probability":
            return f"probability of {self.criteria}"
        names = ", ".join(str(objective) for objective in self.objectives)
        return f"{'desirability' if self.rank_by == 'mean' else 'lower bound of the desirability'} of {names}"

    @property
    def column(self) -> int:
        """The task that is shown beside a compound: the first that is named."""
        if self.objectives:
            return self.objectives[0].column
        return self.criteria.conditions[0].column if self.criteria else 0

    def scores(self, prediction: Prediction) -> Floats:
        """How good each compound is, 0 to 1, `[B]`; NaN where it was rejected or is not listed.

        Raises:
            InputError: It is ranked by a probability that was not fitted.
        """
        if self.rank_by == "probability":
            if self.probability is None:
                raise InputError(
                    "rank_by is 'probability', which calibration compounds tell: set Profile.probability, see "
                    "molgraph.screening.calibration_compounds.hit_probability"
                )
            scores = self.probability(prediction.mean)
        elif self.rank_by == "lower_bound":
            scores = self._desirability(prediction, prediction.interval(self.level))
        else:
            scores = self._desirability(prediction, (prediction.mean, prediction.mean))
        if self.require is not None:
            scores = np.where(self.require.is_predicted(prediction.mean), scores, np.nan)
        return scores

    def fronts(self, means: Floats) -> NDArray[np.int64]:
        """Pareto front of each of B compounds, `[B]`, by the desirability of the predicted values `[B, T]`."""
        columns = [objective.desirability(means[:, objective.column]) for objective in self.objectives]
        return pareto_fronts(np.stack(columns, axis=1))

    def _desirability(self, prediction: Prediction, ends: tuple[Floats, Floats]) -> Floats:
        worst = []
        for objective in self.objectives:
            values = [end[:, objective.column] for end in ends]
            if prediction.tasks[objective.column].kind == "classification":
                values = [prediction.mean[:, objective.column]]  # a probability has no interval of its own
            worst.append(np.minimum.reduce([objective.desirability(value) for value in values]))
        return geometric_mean(worst, [objective.weight for objective in self.objectives])


def read_profile(path: str | Path, tasks: Sequence[TaskSpec], *, level: float) -> Profile:
    """The profile in a TOML file.

    Args:
        path: The file.
        tasks: The tasks of the models.
        level: Of the intervals for `rank_by = "lower_bound"`.

    Raises:
        InputError: The file cannot be read, or says something that cannot be done.
    """
    try:
        content = read_bounded(path, _MOST_BYTES)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give the TOML file of a profile") from error
    except InputError as error:
        raise InputError(f"{error}; a profile is a few lines of TOML") from error
    try:
        values = decode_toml(content)
    except InputError as error:
        raise InputError(f"{path} is no TOML file ({error}); see docs/screening.md for an example") from error
    try:
        return parse_profile(values, tasks, level=level)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def parse_profile(values: Mapping[str, Any], tasks: Sequence[TaskSpec], *, level: float = 0.9) -> Profile:
    """The profile that the values of a TOML file describe; see `read_profile`.

    >>> tasks = [TaskSpec("pIC50", "regression"), TaskSpec("hERG", "classification")]
    >>> objective = {"task": "pIC50", "curve": "sigmoid", "low": 6, "high": 8}
    >>> str(parse_profile({"objective": [objective], "require": ["not hERG"]}, tasks))
    'desirability of pIC50 (more is better)'
    """
    file = decode(_ProfileFile, values, "")
    require, criteria = _conjunction("require", file.require), _conjunction("criteria", file.criteria)
    profile = Profile(
        rank_by=file.rank_by,
        objectives=tuple(_objective(objective, tasks) for objective in file.objective),
        require=None if require is None else parse_requirement(require, tasks),
        criteria=None if criteria is None else parse_hit(criteria, tasks, field="criteria"),
        level=level,
        filters=file.filters,
    )
    if file.rank_by == "probability" and profile.criteria is None:
        raise InputError('rank_by is \'probability\', of what? list it, e.g. criteria = ["pIC50 >= 7", "not hERG"]')
    if file.rank_by != "probability" and not profile.objectives:
        raise InputError(f"rank_by is {file.rank_by!r} and there is no objective; give one [[objective]] or more")
    return profile


@dataclass(frozen=True)
class _ObjectiveTable:
    """An `[[objective]]` of the file."""

    task: str
    curve: CurveName
    low: float
    high: float
    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise InputError(f"low is {self.low:g} and high is {self.high:g}; low must be less")
        if self.weight <= 0:
            raise InputError(f"weight is {self.weight:g}; it must be above 0")


@dataclass(frozen=True)
class _ProfileFile:
    """The file as it is written."""

    rank_by: RankBy = "mean"
    objective: tuple[_ObjectiveTable, ...] = ()
    require: tuple[str, ...] | None = None
    criteria: tuple[str, ...] | None = None
    filters: dict[str, Any] = field(default_factory=dict)


def _objective(objective: _ObjectiveTable, tasks: Sequence[TaskSpec]) -> Objective:
    names = [task.name for task in tasks]
    if objective.task not in names:
        near = did_you_mean(objective.task, names)
        raise InputError(f"an objective has the task {objective.task!r}; {near}the models have {', '.join(names)}")
    return Objective(column=names.index(objective.task), **vars(objective))


def _conjunction(name: str, conditions: Sequence[str] | None) -> str | None:
    """The conditions of a list, joined by `and`; None without a list."""
    if conditions is None:
        return None
    if not conditions or not all(condition.strip() for condition in conditions):
        raise InputError(f'{name} is {[*conditions]}; it must be a list of conditions, e.g. ["pIC50 >= 7", "not hERG"]')
    return " and ".join(conditions)
