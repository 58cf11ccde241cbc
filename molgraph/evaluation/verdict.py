"""Beta-binomial test of observed against nominal coverage, for given numbers of test and calibration compounds."""

from collections.abc import Sequence

import numpy as np

from molgraph.evaluation.report import CoverageVerdict, TaskEvaluation

#: Significance level (two-sided): coverage is reported as off where chance gives such a one in one of 100 evaluations.
_ALPHA = 0.01

#: With fewer test compounds the coverage is not tested.
_LEAST_ROWS = 20


def coverage_verdicts(
    tasks: Sequence[TaskEvaluation], calibration_rows: Sequence[Sequence[int]], *, level: float
) -> tuple[CoverageVerdict, ...]:
    """A verdict for each regression task, and for each class of a classification task, with enough compounds.

    The number of covered labels is binomial, and its probability varies with the calibration compounds as a Beta
    distribution (Vovk 2012, doi:10.1007/s10994-013-5355-6): the two together are the beta-binomial.

    Args:
        tasks: Observed coverage, by task.
        calibration_rows: Calibration compounds of each task: all of them, or those of each class.
        level: The nominal coverage to test.
    """
    verdicts = []
    for task, counts in zip(tasks, calibration_rows, strict=True):
        groups = ("all",) if task.kind == "regression" else tuple(f"class {c}" for c in range(len(counts)))
        for group, n_calibration in zip(groups, counts, strict=True):
            for row in task.coverage:
                if row.level == level and row.group == group and row.n_rows >= _LEAST_ROWS and n_calibration:
                    expected = _expected(row.n_rows, n_calibration, level)
                    verdicts.append(CoverageVerdict(task.task, group, level, row.n_rows, row.coverage, expected))
    return tuple(verdicts)


def _expected(n_rows: int, n_calibration: int, level: float) -> tuple[float, float]:
    """99% range of the coverage observed on `n_rows` compounds if the nominal coverage holds.

    >>> low, high = _expected(200, 100, 0.9)
    >>> 0.78 < low < 0.81, 0.96 < high < 1.0
    (True, True)
    """
    from scipy.stats import betabinom

    rank = min(int(np.ceil((n_calibration + 1) * level - 1e-9)), n_calibration)
    n_covered = betabinom(n_rows, rank, n_calibration + 1 - rank)
    return float(n_covered.ppf(_ALPHA / 2)) / n_rows, float(n_covered.ppf(1.0 - _ALPHA / 2)) / n_rows
