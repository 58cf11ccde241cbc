"""Rejected molecules, and predictions with their uncertainty."""

import math
from dataclasses import KW_ONLY, dataclass, field, replace
from itertools import islice
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from molgraph.errors import InputError
from molgraph.results.html import html_table
from molgraph.results.tasks import TaskKind, TaskSpec, ranges
from molgraph.spelling import counted

_LN_10 = math.log(10.0)

#: Rows that a notebook shows.
_SHOWN_ROWS = 10

Step = Literal["read", "parse", "standardize", "featurize"]

#: How near a compound is to what a model was trained on (see `molgraph.applicability.applicability`).
DomainDegree = Literal["inside", "edge", "outside"]


@dataclass(frozen=True)
class Rejected:
    """A molecule that could not be used. A value, never an exception; falsy.

    Attributes:
        row: Position in the input, counted from 0.
        id: Identifier in the input, or the row number as text.
        text: The structure as it came (cut to a bounded length).
        step: Where it failed.
        reason: Why; RDKit's message where it gave one.
        line: Line of the file in which the record begins, counted from 1; None where the input has no lines.
    """

    row: int
    id: str
    text: str
    step: Step
    reason: str
    line: int | None = None

    def __bool__(self) -> bool:
        return False

    @property
    def place(self) -> str:
        """Its position for messages: the line where there are lines, else the row."""
        return f"row {self.row}" if self.line is None else f"line {self.line}"


def value_endings(kind: TaskKind, *, is_log: bool) -> tuple[str, ...]:
    """Endings of the names of the output columns of one task.

    >>> value_endings("classification", is_log=False)
    ('pred', 'std', 'call')
    """
    return ("pred", "std_log10" if is_log else "std", *(("lower", "upper") if kind == "regression" else ("call",)))


class IntervalCalibration(Protocol):
    """Turns predictions into intervals and calls at any level (see `molgraph.uncertainty.calibration`)."""

    @property
    def is_log(self) -> tuple[bool, ...]:
        """`[T]` tasks whose errors are those of logarithms."""
        ...

    def interval(self, prediction: "Prediction", level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper ends, `[B, T]` each; NaN where a task has no interval."""
        ...

    def calls(self, prediction: "Prediction", level: float) -> NDArray[np.object_]:
        """Labels of `TaskSpec.calls`, `[B, T]`; empty where a task has none."""
        ...


@dataclass(frozen=True)
class Prediction:
    """Predictions aligned with the input rows: B molecules, T tasks, M members. Rejected rows hold NaN.

    Attributes:
        tasks: The T task specs, in column order.
        mean: `[B, T]` value (regression, in label units) or calibrated probability of the class 1.
        epistemic_var: `[B, T]` variance that more data would reduce: between the members, and as each predicts it.
        aleatoric_var: `[B, T]` irreducible variance: the scatter of the measurement around the best prediction.
        members: `[M, B, T]` predictions of the members, before calibration.
        latent_distance: `[B]` distance to the nearest training compounds, 1 at the boundary of the domain (see
            `molgraph.applicability.latent`); None where it was not asked for.
        leverage: `[B]` distance from the centre of the training compounds, likewise.
        domain: `[B, T]` `inside`, `edge` or `outside` of the applicability domain of the model of each task (see
            `molgraph.applicability.applicability`), empty text for rejected rows; None where it was not asked for.
        is_measured: `[B, T]` whether the training compounds of each task's model hold one of the same structure but for
            stereo; None where it was not asked for or is not known.
        measured: `[B, T]` measured values of such compounds, e.g. `6.52 (same structure)`, empty text for others; None
            where it was not looked up or is not known (see `molgraph.prediction.panel.Panel.measured`).
        percentiles: `[B, T]` per cent of the model's reference compounds, e.g. of approved drugs, that are predicted
            lower; NaN for tasks of models without any, None where no model has some.
        quantiles: `[B, T, Q]` values at `molgraph.results.member_outputs.QUANTILE_LEVELS`; None where no task has them.
        rejected: The rows that could not be used.
        calibration: The calibration that gives intervals and calls; None if there was none.
    """

    tasks: tuple[TaskSpec, ...]
    mean: NDArray[np.float64]
    epistemic_var: NDArray[np.float64]
    aleatoric_var: NDArray[np.float64]
    members: NDArray[np.float64]
    _: KW_ONLY
    latent_distance: NDArray[np.float64] | None = None
    leverage: NDArray[np.float64] | None = None
    domain: NDArray[np.object_] | None = None
    is_measured: NDArray[np.bool_] | None = None
    measured: NDArray[np.object_] | None = None
    percentiles: NDArray[np.float64] | None = None
    quantiles: NDArray[np.float64] | None = None
    rejected: tuple[Rejected, ...] = ()
    calibration: IntervalCalibration | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.mean)

    def __repr__(self) -> str:
        names = ", ".join(task.name for task in self.tasks[:3]) + (", ..." if len(self.tasks) > 3 else "")
        lost = f", {len(self.rejected):,} of them rejected" if self.rejected else ""
        return f"Prediction({counted(len(self), 'row')}{lost}; {counted(len(self.tasks), 'task')}: {names})"

    def _repr_html_(self) -> str:
        """The first rows, for a notebook: values and standard deviations."""
        names = [f"{task.name}_{ending}" for task in self.tasks for ending in ("pred", "std")]
        std = self.std
        rows = (np.stack([self.mean[row], std[row]], axis=1).ravel().tolist() for row in range(len(self)))
        return html_table(repr(self), names, islice(rows, _SHOWN_ROWS))

    @property
    def var(self) -> NDArray[np.float64]:
        """Total variance `[B, T]`."""
        return self.epistemic_var + self.aleatoric_var

    @property
    def std(self) -> NDArray[np.float64]:
        """`[B, T]`: square root of the total variance, in label units; for classes the members' spread alone.

        A class is 0 or 1, so its own variance p(1 - p) adds nothing to the probability. Of tasks that were
        learned as logarithms (`is_log`) it is in log10 units, as their errors are: of an IC50 of 35 nM and a standard
        deviation of 0.3, `10**0.3` is the factor by which it may be off.
        """
        is_class = np.array([task.kind == "classification" for task in self.tasks])
        std = np.sqrt(np.where(is_class, self.epistemic_var, self.var))
        log = np.flatnonzero(self.is_log)
        std[:, log] /= self.mean[:, log] * _LN_10
        return std

    @property
    def is_log(self) -> tuple[bool, ...]:
        """`[T]` tasks whose errors are those of logarithms."""
        return (False,) * len(self.tasks) if self.calibration is None else self.calibration.is_log

    @property
    def is_outside(self) -> NDArray[np.bool_]:
        """`[B]` whether a compound is outside of the domain of the first task's model; all are not if it is not known.

        Rejected rows are not.
        """
        if self.domain is None:
            return np.zeros(len(self), dtype=np.bool_)
        return np.asarray(self.domain[:, 0] == "outside", dtype=np.bool_)

    def interval(self, level: float = 0.9) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper ends `[B, T]` of intervals that hold the truth with probability `level`.

        NaN for classification tasks (see `calls`) and for rejected rows. No end is outside of the task's range, where
        no truth can be.

        Raises:
            InputError: The model carries no calibration, or `level` is not between 0 and 1.
        """
        lower, upper = self._calibrated().interval(self, _checked_level(level))
        low, high = ranges(self.tasks)
        return np.clip(lower, low, high), np.clip(upper, low, high)

    def calls(self, level: float = 0.9) -> NDArray[np.object_]:
        """Conformal calls of the classification tasks, `[B, T]`; empty text for other tasks and for rejected rows.

        The name of a class (`active` or `inactive` where the task has no names) means that the other one is
        excluded at this level; `uncertain` that neither is; `atypical` that the molecule looks like the calibration
        compounds of neither. Of the molecules of each class, the share `level` or more is called by its class or
        `uncertain`. A class that the probability calls less likely than the other is never named alone.
        """
        return self._calibrated().calls(self, _checked_level(level))

    def to_pandas(self, level: float = 0.9) -> Any:
        """A `pandas.DataFrame` with a row for each molecule and the columns of `molgraph predict`.

        Of each task `T`: `T_pred`, `T_std` (`T_std_log10` where logarithms were learned), `T_lower` and `T_upper` or
        `T_call`, and `T_percentile`, `T_domain` and `T_measured` where they are known. `reason` says why a row was
        rejected.

        Args:
            level: Probability with which intervals and calls hold the truth.

        Raises:
            InputError: The model carries no calibration, or `level` is not between 0 and 1.
        """
        import pandas as pd  # type: ignore[import-untyped]  # half a second

        lower, upper = self.interval(level)
        values = {"pred": self.mean, "lower": lower, "upper": upper, "call": self.calls(level)}
        values |= {"std": self.std, "std_log10": self.std}
        known = {"percentile": self.percentiles, "domain": self.domain, "measured": self.measured}
        columns: dict[str, Any] = {}
        for t, (task, is_log) in enumerate(zip(self.tasks, self.is_log, strict=True)):
            columns |= {
                f"{task.name}_{ending}": values[ending][:, t] for ending in value_endings(task.kind, is_log=is_log)
            }
            columns |= {f"{task.name}_{ending}": own[:, t] for ending, own in known.items() if own is not None}
        reasons = {bad.row: f"{bad.step}: {bad.reason}" for bad in self.rejected}
        return pd.DataFrame({**columns, "reason": [reasons.get(row, "") for row in range(len(self))]})

    def take(self, index: NDArray[np.int64]) -> "Prediction":
        """The molecules at `index`, in that order; rejected ones hold NaN as before and are no longer listed."""
        return replace(
            self,
            mean=self.mean[index],
            epistemic_var=self.epistemic_var[index],
            aleatoric_var=self.aleatoric_var[index],
            members=self.members[:, index],
            latent_distance=None if self.latent_distance is None else self.latent_distance[index],
            leverage=None if self.leverage is None else self.leverage[index],
            domain=None if self.domain is None else self.domain[index],
            is_measured=None if self.is_measured is None else self.is_measured[index],
            measured=None if self.measured is None else self.measured[index],
            percentiles=None if self.percentiles is None else self.percentiles[index],
            quantiles=None if self.quantiles is None else self.quantiles[index],
            rejected=(),
        )

    def _calibrated(self) -> IntervalCalibration:
        if self.calibration is None:
            raise InputError("this model carries no calibration, so there is no interval; train with molgraph train")
        return self.calibration


def _checked_level(level: float) -> float:
    if not 0.0 < level < 1.0:
        raise InputError(f"level is {level}; it must lie between 0 and 1, e.g. 0.9")
    return level
