"""Results of an evaluation: metrics, coverage and verdicts of each task, as dataclasses and as JSON values."""

import reprlib
from dataclasses import dataclass
from typing import Any

from molgraph.applicability.shift import ShiftReport
from molgraph.results.prediction import Rejected
from molgraph.results.tasks import TaskKind
from molgraph.spelling import counted

#: Version of `evaluation.json`.
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Estimate:
    """One metric with its confidence interval.

    Attributes:
        metric: Its name.
        value: NaN where it is not defined.
        lower: Lower end of the 95% bootstrap interval; NaN for none.
        upper: Upper end.
        reference: Value for perfectly calibrated standard deviations, where that is not obvious, or the maximum of an
            enrichment factor; None elsewhere.
    """

    metric: str
    value: float
    lower: float
    upper: float
    reference: float | None = None


@dataclass(frozen=True)
class Coverage:
    """Observed coverage of intervals or calls of one nominal level, in one group of compounds.

    Attributes:
        level: Nominal coverage.
        group: `all`, `class 0`, `class 1`, or a range of similarities to the nearest training compound.
        n_rows: Compounds in the group.
        coverage: Fraction of them whose interval or call covers the measured label; NaN without any.
        size: Median width of the intervals, or mean size of the prediction sets.
    """

    level: float
    group: str
    n_rows: int
    coverage: float
    size: float


@dataclass(frozen=True)
class TaskEvaluation:
    """Metrics and coverage of one task.

    Attributes:
        task: Its name.
        kind: Its kind.
        n_rows: Compounds with a label and a prediction.
        n_bounds: Others with a censored label, such as `>10`, that decides whether they are hits; enrichment counts
            them too.
        n_hits: Number of hits, where a hit is defined; None elsewhere.
        in_log10: Whether the metrics that compare errors with predicted standard deviations (`nll`, `crps`, `ence`,
            `miscalibration_area`, `spread_spearman`) are of decimal logarithms, because the model learned logarithms.
        estimates: The metrics.
        coverage: By level and group.
    """

    task: str
    kind: TaskKind
    n_rows: int
    n_bounds: int
    n_hits: int | None
    in_log10: bool
    estimates: tuple[Estimate, ...]
    coverage: tuple[Coverage, ...]

    def value(self, metric: str) -> float:
        """The value of a metric.

        Raises:
            KeyError: It was not computed.
        """
        return {estimate.metric: estimate.value for estimate in self.estimates}[metric]


@dataclass(frozen=True)
class CoverageVerdict:
    """Test of the observed coverage of one nominal level.

    Attributes:
        task: The task.
        group: All compounds, or those of a class.
        level: Nominal coverage.
        n_rows: Compounds it was observed on.
        coverage: Fraction of them whose interval or call covers the measured label.
        expected: 99% range of that fraction if the nominal coverage holds.
    """

    task: str
    group: str
    level: float
    n_rows: int
    coverage: float
    expected: tuple[float, float]

    @property
    def is_valid(self) -> bool:
        """Whether the observed coverage is not significantly below the nominal one."""
        return self.coverage >= self.expected[0]

    def sentence(self) -> str:
        """The observed coverage, its expected range, and the conclusion, in one line."""
        is_whole = self.group == "all"
        what, labels = ("intervals", "values") if is_whole else (f"prediction sets of {self.group}", "labels")
        low, high = self.expected
        observed = f"{self.level:.0%} {what} contain {self.coverage:.0%} of {self.n_rows:,} measured {labels}"
        conclusion = "as expected"
        if not self.is_valid:
            conclusion = "BELOW THE NOMINAL COVERAGE on these compounds"
        elif self.coverage > high:
            conclusion = "above the nominal coverage: wider than necessary"
        return f"Coverage of {self.task}: {observed} (within chance: {low:.0%} to {high:.0%}): {conclusion}."


@dataclass(frozen=True)
class Evaluation:
    """Result of `molgraph.evaluate`. `rows_read = used + in_training + unlabelled + merged_away + len(rejected)`.

    Attributes:
        model: sha256 of the model.
        table: Name of the table.
        rows_read: Rows of the table.
        used: Compounds that the model was evaluated on.
        only_bounds: Those of them with censored labels alone, such as `>10`.
        in_training: Compounds left out because the model was trained or calibrated on them; None if unknown, since it
            holds neither their structures nor hashes of them by this version of RDKit.
        unlabelled: Rows without a label.
        merged_away: Rows fewer because duplicate structures were merged.
        rejected: Rows that gave no molecule.
        tasks: One for each task of the table.
        shift: Covariate shift check against the calibration compounds; None if their structures are not stored.
        verdicts: Tests of the observed coverage of 90% intervals and prediction sets; these outweigh the shift check,
            which compares structures alone.
        no_better_than_chance: Tasks in which the compounds that a model was recalibrated with are ranked no better than
            by chance; none where it was not recalibrated.
        pictures: Names of the files that were drawn.
        other_scales: A message for each task whose values are not on the scale of the training values: its metrics and
            coverage are meaningless then.
        notes: How the columns of the table were read, in sentences.
    """

    model: str
    table: str
    rows_read: int
    used: int
    only_bounds: int
    in_training: int | None
    unlabelled: int
    merged_away: int
    rejected: tuple[Rejected, ...]
    tasks: tuple[TaskEvaluation, ...]
    shift: ShiftReport | None
    verdicts: tuple[CoverageVerdict, ...] = ()
    no_better_than_chance: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    other_scales: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        names = ", ".join(task.task for task in self.tasks[:3]) + (", ..." if len(self.tasks) > 3 else "")
        used, tasks = counted(self.used, "compound"), counted(len(self.tasks), "task")
        return f"Evaluation({used} of {reprlib.repr(self.table)}; {tasks}: {names})"


def evaluation_values(evaluation: Evaluation) -> dict[str, Any]:
    """The content of `evaluation.json`: plain values, null for what is not defined."""
    return {"format_version": FORMAT_VERSION, **_plain(evaluation)}


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
