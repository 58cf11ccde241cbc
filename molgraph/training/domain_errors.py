"""How much larger errors are at the edge of the applicability domain and outside, out of fold."""

import numpy as np
from numpy.typing import NDArray

from molgraph.applicability.applicability import DEGREES, Degrees
from molgraph.datasets.dataset import Dataset
from molgraph.model_folder.card import DomainRecord
from molgraph.results.tasks import TaskSpec
from molgraph.training.out_of_fold import TrainedEnsemble

Floats = NDArray[np.float64]

#: With fewer compounds of a degree their errors are not reported.
LEAST_ROWS = 10


def domain_records(dataset: Dataset, trained: TrainedEnsemble) -> tuple[DomainRecord, ...]:
    """A record for each task and degree, from out-of-fold predictions."""
    is_log = trained.calibration.is_log
    return tuple(
        record
        for t, task in enumerate(dataset.tasks)
        for record in degree_records(
            task, dataset.labels.values[:, t], trained.out_of_fold[:, t], trained.degrees, is_log=is_log[t]
        )
    )


def degree_records(
    task: TaskSpec, labels: Floats, predicted: Floats, degrees: Degrees, *, is_log: bool
) -> tuple[DomainRecord, ...]:
    """The errors of one task inside the domain, at its edge and outside.

    Args:
        task: The task.
        labels: `[B]`, NaN = not measured.
        predicted: `[B]` out of fold, NaN = none.
        degrees: `[B]` positions in `DEGREES`.
        is_log: Whether errors are those of decimal logarithms.

    >>> labels, predicted = np.zeros(30), np.repeat([1.0, 2.0, 3.0], 10)
    >>> spec = TaskSpec("y", "regression")
    >>> found = degree_records(spec, labels, predicted, np.repeat([0, 1, 2], 10).astype(np.int8), is_log=False)
    >>> [(one.degree, one.rmse, one.ratio) for one in found]
    [('inside', 1.0, 1.0), ('edge', 2.0, 2.0), ('outside', 3.0, 3.0)]
    """
    if is_log:
        labels, predicted = _logarithms(labels), _logarithms(predicted)
    errors = predicted - labels
    rmse: list[float | None] = []
    counts: list[int] = []
    for code in range(len(DEGREES)):
        own = errors[(degrees == code) & np.isfinite(errors)]
        counts.append(len(own))
        rmse.append(float(np.sqrt(np.mean(own**2))) if len(own) >= LEAST_ROWS else None)
    first = rmse[0]
    return tuple(
        DomainRecord(
            task=task.name,
            degree=degree,
            n_rows=counts[code],
            rmse=rmse[code],
            ratio=_ratio(rmse[code], first),
        )
        for code, degree in enumerate(DEGREES)
    )


def _ratio(value: float | None, first: float | None) -> float | None:
    return value / first if value is not None and first else None


def _logarithms(values: Floats) -> Floats:
    return np.log10(np.where(values > 0, values, np.nan))
