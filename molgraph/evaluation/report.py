"""What an evaluation found, as plain values."""

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
    """One metric.

    Attributes:
        metric: Its name.
        value: NaN where it is not defined.
        lower: Lower end of the 95% bootstrap interval; NaN for none.
        upper: Upper end.
        reference: What a perfectly right spread would give, where that is not obvious; None elsewhere.
    """

    metric: str
    value: float
    lower: float
    upper: float
    reference: float | None = None


@dataclass(frozen=True)
class Coverage:
    """Whether intervals or calls of one level held the truth, in one group of compounds.

    Attributes:
        level: What was promised.
        group: `all`, `class 0`, `class 1`, or a range of similarities to the nearest training compound.
        n_rows: Compounds in the group.
        coverage: Share of them whose truth was held; NaN without any.
        size: Median width of the intervals, or mean number of classes that the calls leave.
    """

    level: float
    group: str
    n_rows: int
    coverage: float
    size: float


@dataclass(frozen=True)
class TaskEvaluation:
    """All that is known of one task.

    Attributes:
        task: Its name.
        kind: Its kind.
        n_rows: Compounds with a label and a prediction.
        n_bounds: Others of which a bound such as `>10` tells whether they are hits; enrichment counts them too.
        n_hits: All that are hits, where it is known what a hit is; None elsewhere.
        in_log10: Whether the metrics that compare errors with spreads (`nll`, `crps`, `ence`, `miscalibration_area`,
            `spread_spearman`) are of decimal logarithms, because the model learned logarithms.
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
        return {found.metric: found.value for found in self.estimates}[metric]


@dataclass(frozen=True)
class CoverageVerdict:
    """What the measured coverage of one level says of its promise.

    Attributes:
        task: The task.
        group: All compounds, or those of a class.
        level: What was promised.
        n_rows: Compounds that were judged.
        coverage: Share of them whose truth was held.
        expected: Range in which that lies in 99 of 100 evaluations if the promise is kept.
    """

    task: str
    group: str
    level: float
    n_rows: int
    coverage: float
    expected: tuple[float, float]

    @property
    def is_kept(self) -> bool:
        """Whether it is not below what chance allows."""
        return self.coverage >= self.expected[0]

    def sentence(self) -> str:
        """In plain words."""
        of = "" if self.group == "all" else f" of {self.group}"
        low, high = self.expected
        held = f"{self.level:.0%} of {self.task}{of}: held {self.coverage:.0%} of {self.n_rows:,} truths"
        chance = f"{low:.0%} to {high:.0%} is chance"
        if not self.is_kept:
            return f"Measured coverage: {held} ({chance}): THE PROMISE IS NOT KEPT on these compounds."
        wide = ", wider than need be" if self.coverage > high else ""
        return f"Measured coverage: {held} ({chance}): as promised{wide}."


@dataclass(frozen=True)
class Evaluation:
    """What `molgraph.evaluate` found. `rows_read = used + in_training + unlabelled + merged_away + len(rejected)`.

    Attributes:
        model: sha256 of the model.
        table: Name of the table.
        rows_read: Rows of the table.
        used: Compounds that were judged.
        only_bounds: Those of them of which no more than bounds such as `>10` are known.
        in_training: Compounds left out because the model was trained or calibrated on them; None if it
            holds neither their structures nor hashes of this RDKit, so that nobody can tell.
        unlabelled: Rows without a label.
        merged_away: Rows fewer because of structures that came several times.
        rejected: Rows that gave no molecule.
        tasks: One for each task of the table.
        shift: Whether these compounds are like those of the calibration; None if their structures are not known.
        verdicts: Whether the measured coverage of 90% intervals and sets is what was promised; it outweighs the shift
            check, which sees structures alone.
        no_better_than_chance: Tasks in which the compounds that a model was recalibrated with are ranked no better than
            by chance; none where it was not recalibrated.
        pictures: Names of the files that were drawn.
        other_scales: A sentence for each task whose values are not of the scale that the model learned: its metrics and
            coverage say nothing then.
        notes: What was made of the columns of the table, in sentences.
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


def evaluation_values(found: Evaluation) -> dict[str, Any]:
    """The content of `evaluation.json`: plain values, null for what is not defined."""
    return {"format_version": FORMAT_VERSION, **_plain(found)}


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
