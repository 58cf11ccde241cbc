"""What a hit is: conditions on the tasks of a model, all of which have to hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.errors import InputError
from molgraph.results.labels import Labels

#: Probabilities are kept this far from 0 and 1 in a logit.
_LEAST_PROBABILITY = 1e-12

#: A limit below what any logarithm reaches counts as this.
_LEAST_LIMIT = 1e-300


@dataclass(frozen=True)
class Condition:
    """One condition on one task.

    Attributes:
        task: Name of the task.
        column: Its position among the tasks of the model.
        is_class: Whether the task is one of classes; with the sign `=` `limit` is then the class, 0 or 1, and with any
            other the limit of its predicted probability, which only a requirement on predictions has.
        sign: `>`, `>=`, `<`, `<=` or `=`.
        limit: What the value is compared with.
    """

    task: str
    column: int
    is_class: bool
    sign: str
    limit: float

    def __str__(self) -> str:
        return f"{self.task} {self.sign} {self.limit:g}"

    @property
    def wants_less(self) -> bool:
        """Whether a smaller value is rather a hit."""
        return self.sign.startswith("<")

    def holds(self, labels: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether labels `[...]` of the task fulfil the condition; False where not measured."""
        compare = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal, "=": np.equal}
        return np.asarray(compare[self.sign](labels, self.limit))

    def verdict(self, labels: Labels) -> NDArray[np.float64]:
        """1 or 0, whether labels `[B]` of the task fulfil it; NaN where neither they nor their bounds decide.

        A bound is what the value lies above or below: of `>10` and `>=10` only that it is no less than 10 is known, so
        that a value of just 10 is left out of account.
        """
        is_measured = labels.is_measured
        found = np.where(is_measured, self.holds(labels.values), np.nan)
        if not self.is_class:
            wants_more = self.sign.startswith(">")
            lower, upper = labels.bounds
            found[~is_measured & (lower >= self.limit)] = float(wants_more)
            found[~is_measured & (upper <= self.limit)] = float(not wants_more)
        return found

    def margin(
        self, means: NDArray[np.float64], scale: float | NDArray[np.float64], *, is_log: bool = False
    ) -> NDArray[np.float64]:
        """How clearly predictions `[...]` of the task fulfil it: in units of `scale`, or as a logit.

        With `is_log` predictions are above 0, and their logarithms are compared with that of the limit.
        """
        if self.is_class:
            p = np.clip(means, _LEAST_PROBABILITY, 1.0 - _LEAST_PROBABILITY)
            return np.asarray(np.log(p / (1.0 - p)) * (1.0 if self.limit == 1 else -1.0))
        apart = np.log(means) - np.log(max(self.limit, _LEAST_LIMIT)) if is_log else means - self.limit
        return np.asarray(apart / scale * (1.0 if self.sign.startswith(">") else -1.0))


@dataclass(frozen=True)
class HitRule:
    """Conditions that make a compound a hit, joined by *and*.

    >>> from molgraph.rank.parse_hit import parse_hit
    >>> from molgraph.results.tasks import TaskSpec
    >>> tasks = [TaskSpec("pIC50", "regression"), TaskSpec("hERG", "classification")]
    >>> rule = parse_hit("pIC50 >= 7 and not hERG", tasks)
    >>> str(rule), rule.is_hit(Labels(np.array([[7.2, 0.0], [7.2, 1.0], [7.2, np.nan]])))
    ('pIC50 >= 7 and hERG = 0', array([ 1.,  0., nan]))
    """

    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        return " and ".join(str(condition) for condition in self.conditions)

    def is_hit(self, labels: Labels) -> NDArray[np.float64]:
        """1 or 0 for each row of `labels [B, T]`, `[B]`; NaN where a value that matters is not known well enough.

        A row that fails one condition is a non-hit, also if the others were not measured.
        """
        verdicts = [condition.verdict(labels.task(condition.column)) for condition in self.conditions]
        # One condition that fails is enough for a non-hit, whatever was not measured besides; of a hit all is known.
        fails = np.any(np.equal(verdicts, 0.0), axis=0)
        return np.asarray(np.where(fails, 0.0, np.min(verdicts, axis=0)))  # NaN wins over 1

    def score(
        self, means: NDArray[np.float64], scale: NDArray[np.float64], is_log: Sequence[bool]
    ) -> NDArray[np.float64]:
        """Hit score of predictions `[..., T]`, `[...]`; larger is more clearly a hit.

        For one condition it is the distance from the limit in units of `scale`, or the logit of the class: the order is
        that of the predictions. For several it is the log probability that all hold, if the errors are independent and
        Gaussian with the deviation `scale`. NaN where a prediction is missing.

        Args:
            means: Values or probabilities.
            scale: `[T]` typical error of each task, of its logarithm where `is_log`; not used for classes.
            is_log: `[T]` tasks whose errors are factors, as an IC50 has them: their logarithms are compared.
        """
        from scipy.special import log_expit, log_ndtr

        margins = [
            condition.margin(
                means[..., condition.column], _usable_scale(scale[condition.column]), is_log=is_log[condition.column]
            )
            for condition in self.conditions
        ]
        if len(margins) == 1:
            return margins[0]
        logs = [
            log_expit(margin) if condition.is_class else log_ndtr(margin)
            for condition, margin in zip(self.conditions, margins, strict=True)
        ]
        return np.asarray(np.sum(logs, axis=0))

    def is_predicted(self, means: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether predictions `[B, T]` fulfil all conditions, `[B]`; a class if it is the more probable one."""
        parts = []
        for condition in self.conditions:
            mean = means[:, condition.column]
            if condition.is_class and condition.sign == "=":
                parts.append(mean > 0.5 if condition.limit == 1 else mean <= 0.5)
            else:
                parts.append(condition.holds(mean))
        return np.asarray(np.all(parts, axis=0))

    def check(self, labels: Labels) -> None:
        """Refuse a rule without hits, or without non-hits, among the calibration rows `[n, T]`.

        Raises:
            InputError: There are none; the message holds the range of what was measured.
        """
        is_hit = self.is_hit(labels)
        n_hits, n_rows = int(np.nansum(is_hit)), int(np.isfinite(is_hit).sum())
        if 0 < n_hits < n_rows:
            return
        what = "all of them are" if n_rows and n_hits else "none of them is"
        ranges = "; ".join(_range(condition, labels.values[:, condition.column]) for condition in self.conditions)
        raise InputError(
            f"hit is {str(self)!r}, and of the {n_rows} calibration compounds with these measurements {what}; "
            f"choose a limit that separates hits from the others ({ranges})"
        )


def _range(condition: Condition, labels: NDArray[np.float64]) -> str:
    measured = labels[np.isfinite(labels)]
    if len(measured) == 0:
        return f"{condition.task} was not measured"
    if condition.is_class:
        return (
            f"{condition.task} has {int((measured == 0).sum())} of class 0 and {int((measured == 1).sum())} of class 1"
        )
    return f"{condition.task} was measured from {measured.min():g} to {measured.max():g}"


def _usable_scale(scale: float) -> float:
    """A model without a known error, or with none at all, is compared in label units."""
    return scale if np.isfinite(scale) and scale > 0 else 1.0
