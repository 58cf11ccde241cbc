"""The coverage that one model may have with its number of calibration compounds, in sentences."""

from collections.abc import Sequence

from molgraph.results.tasks import TaskSpec
from molgraph.uncertainty.conformal import coverage_range, rows_needed

#: Tasks that have a sentence of their own.
_MOST_TASKS = 10


def coverage_lines(
    tasks: Sequence[TaskSpec], rows_of: Sequence[tuple[int, ...]], level: float = 0.9
) -> tuple[str, ...]:
    """A sentence for each of the first tasks, and for each class that is too rare ever to be excluded.

    Args:
        tasks: The tasks.
        rows_of: Calibration rows of each: of all for values, of class 0 and of class 1 for classes.
        level: The level.

    >>> coverage_lines([TaskSpec("toxic", "classification")], [(57, 3)])
    ('toxic: calls at 90% never exclude active (9 compounds of it are needed, there are 3)',)
    """
    lines, needed = [], rows_needed(level)
    for task, counts in zip(tasks, rows_of, strict=True):
        if task.kind == "regression":
            lines.append(f"{task.name}: {interval_line(counts[0], level)}")
            continue
        lines += [
            f"{task.name}: calls at {level:.0%} never exclude {name} ({needed} compounds of it are needed, "
            f"there are {count})"
            for name, count in zip(task.calls[1:3], counts, strict=True)
            if count < needed
        ]
    return tuple(lines[:_MOST_TASKS])


def interval_line(n_rows: int, level: float = 0.9) -> str:
    """The range of coverage of the intervals of one model with so many calibration compounds, as a sentence.

    >>> interval_line(199), interval_line(5)
    ('90% intervals hold 86% to 93% of compounds like these', '90% intervals are infinite (9 compounds are needed)')
    """
    if n_rows < rows_needed(level):
        return f"{level:.0%} intervals are infinite ({rows_needed(level)} compounds are needed)"
    low, high = coverage_range(n_rows, level)
    return f"{level:.0%} intervals hold {low:.0%} to {high:.0%} of compounds like these"
