"""Whether the coverage that was measured is what was promised, given how many compounds were judged and calibrated."""

from collections.abc import Sequence

import numpy as np

from molgraph.evaluation.report import CoverageVerdict, TaskEvaluation

#: A promise is called broken where so few or so many held truths would come up in one of a hundred evaluations.
_RARE = 0.01

#: With fewer judged compounds nothing is said.
_LEAST_ROWS = 20


def coverage_verdicts(
    tasks: Sequence[TaskEvaluation], calibration_rows: Sequence[Sequence[int]], *, level: float
) -> tuple[CoverageVerdict, ...]:
    """A verdict for each task of measured values, and for each class of the others, where there are enough compounds.

    The number of truths held is binomial, and its probability varies with the calibration compounds as a Beta
    distribution (Vovk 2012, doi:10.1007/s10994-013-5355-6): the two together are the beta-binomial.

    Args:
        tasks: What was measured.
        calibration_rows: Calibration compounds of each task: all of them, or those of each class.
        level: The level that is looked at.
    """
    verdicts = []
    for task, counts in zip(tasks, calibration_rows, strict=True):
        groups = ("all",) if task.kind == "regression" else tuple(f"class {c}" for c in range(len(counts)))
        for group, n_calibration in zip(groups, counts, strict=True):
            for own in task.coverage:
                if own.level == level and own.group == group and own.n_rows >= _LEAST_ROWS and n_calibration:
                    expected = _expected(own.n_rows, n_calibration, level)
                    verdicts.append(CoverageVerdict(task.task, group, level, own.n_rows, own.coverage, expected))
    return tuple(verdicts)


def _expected(n_rows: int, n_calibration: int, level: float) -> tuple[float, float]:
    """Range that holds the coverage of `n_rows` compounds in 99 of 100 evaluations.

    >>> low, high = _expected(200, 100, 0.9)
    >>> 0.78 < low < 0.81, 0.96 < high < 1.0
    (True, True)
    """
    from scipy.stats import betabinom

    rank = min(int(np.ceil((n_calibration + 1) * level - 1e-9)), n_calibration)
    held = betabinom(n_rows, rank, n_calibration + 1 - rank)
    return float(held.ppf(_RARE / 2)) / n_rows, float(held.ppf(1.0 - _RARE / 2)) / n_rows
