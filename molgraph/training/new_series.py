"""The error to expect on new series beside that on compounds like those of the table, by a quick learner.

Random folds hold out compounds whose near relatives are learned from; folds of whole series do not. One Gaussian
process is evaluated by both, and how many times worse it is on new series is taken to hold for the model, too: training
all of it again for each kind of folds would double the time of a training.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from molgraph.config.training import FoldSplit
from molgraph.datasets.dataset import Dataset
from molgraph.datasets.series import SeriesFolds, series_folds
from molgraph.datasets.splits import folds
from molgraph.learners.gaussian_process import likeliest
from molgraph.learners.gp_embedding import LENGTHS
from molgraph.learners.kernels import distances, root_counts, steps_of, tanimoto
from molgraph.metrics.scores import roc_auc
from molgraph.model_folder.card import SeriesRecord

Floats = NDArray[np.float64]

#: Rows that are looked at; more are sampled.
MOST_ROWS = 1500
#: Rows that choose length and noise of a process.
_CHOOSING = 400
#: Tasks and rows of a task for which it is done.
MOST_TASKS, LEAST_ROWS, LEAST_OF_CLASS = 20, 40, 10
FOLDS = 5
_RESAMPLES = 200


@dataclass(frozen=True)
class Described:
    """Rows as the quick learner sees them.

    Attributes:
        columns: `[B, F]` vectors of an encoder that has seen no label, or counts of atom environments.
        is_counts: Which.
    """

    columns: NDArray[np.float32]
    is_counts: bool


def new_series_records(  # noqa: PLR0917
    dataset: Dataset,
    described: Described,
    parents: NDArray[np.int64],
    out_of_fold: Floats,
    is_log: Sequence[bool],
    split: FoldSplit,
) -> tuple[tuple[SeriesRecord, ...], str | None]:
    """What to expect of each task on compounds like those of the table and on new series; or why that is not known.

    Args:
        dataset: B rows.
        described: The same for the quick learner.
        parents: `[B]` parent compound of each row.
        out_of_fold: `[B, T]` out-of-fold predictions; NaN where there is none.
        is_log: `[T]` tasks that were learned as logarithms, whose errors are those of log10.
        split: What `out_of_fold` was measured by.
    """
    if len(dataset.tasks) > MOST_TASKS:
        return (), f"it is not estimated for more than {MOST_TASKS} tasks; compare with `split='scaffold'`"
    if len(dataset) < LEAST_ROWS:
        return (), f"fewer than {LEAST_ROWS} compounds are too few"
    rows = np.sort(np.random.default_rng(0).permutation(len(dataset))[:MOST_ROWS])
    smiles = [dataset.smiles[row] for row in rows]
    series = series_folds(smiles, parents[rows], k=FOLDS, seed=0)
    if series is None:
        return (), "the compounds are too much alike: most share one scaffold and one cluster"
    alike = folds(smiles, k=FOLDS, seed=0, labels=dataset.labels.values[rows], parents=parents[rows])
    process = _Process(described.columns[rows], is_counts=described.is_counts)
    found = [
        _record(dataset, t, process, rows, (alike, series), out_of_fold[:, t], split, is_log=bool(is_log[t]))
        for t in range(len(dataset.tasks))
    ]
    records = tuple(record for record in found if record is not None)
    return records, None if records else "too few measured compounds, or of one of the classes"


def _record(  # noqa: PLR0917
    dataset: Dataset,
    t: int,
    process: "_Process",
    rows: NDArray[np.int64],
    both: tuple[NDArray[np.int64], SeriesFolds],
    out_of_fold: Floats,
    split: FoldSplit,
    *,
    is_log: bool,
) -> SeriesRecord | None:
    task, labels = dataset.tasks[t], dataset.labels.values[:, t]
    is_class = task.kind == "classification"
    truth = _learned(labels, is_log=is_log)
    known = np.flatnonzero(np.isfinite(truth[rows]))
    if len(known) < LEAST_ROWS or np.ptp(truth[rows][known]) == 0:
        return None
    if is_class and min(np.bincount(truth[rows][known].astype(int), minlength=2)) < LEAST_OF_CLASS:
        return None
    is_measured = np.isfinite(truth) & np.isfinite(out_of_fold)
    own = _error(truth[is_measured], _learned(out_of_fold[is_measured], is_log=is_log), is_class=is_class)
    alike, series = both
    y = truth[rows][known]
    predicted = [process.out_of_fold(known, y, fold[known]) for fold in (alike, series.fold)]
    quick, quick_new = (_error(y, one, is_class=is_class) for one in predicted)
    if not np.isfinite([own, quick, quick_new]).all() or min(own, quick, quick_new) <= 0:
        return None
    ratio = quick_new / quick
    like, new = (own / ratio, own) if split == "scaffold" else (own, own * ratio)
    if is_class:
        like, new = 1 - like, 1 - min(new, 0.5 if new > own else new)
    return SeriesRecord(
        task=task.name,
        metric="roc_auc" if is_class else "rmse_log10" if is_log else "rmse",
        like_table=like,
        new_series=new,
        ratio=ratio,
        ratio_low=_least_ratio(y, predicted[0], predicted[1], is_class=is_class),
        series=series.kind,
        learner=f"a Gaussian process on {process.reads}",
        n_rows=len(known),
    )


def _learned(values: Floats, *, is_log: bool) -> Floats:
    """Values, or their log10 where logarithms were learned; NaN where that is not defined."""
    if not is_log:
        return values
    return np.log10(values, out=np.full(values.shape, np.nan), where=values > 0)


def _error(truth: Floats, predicted: Floats, *, is_class: bool) -> float:
    """Root mean squared error; of classes the share of pairs in the wrong order, 1 - ROC AUC."""
    if is_class:
        return 1 - roc_auc(truth, predicted, np.ones(len(truth)))
    error = truth - predicted
    return float(np.sqrt(np.mean(error[np.isfinite(error)] ** 2)))


def _least_ratio(truth: Floats, alike: Floats, new: Floats, *, is_class: bool) -> float:
    """Lower end of the one-sided 95% interval of the ratio of both errors, over samples of the compounds."""
    rng = np.random.default_rng(0)
    ratios = []
    for _ in range(_RESAMPLES):
        rows = rng.integers(0, len(truth), len(truth))
        below = _error(truth[rows], alike[rows], is_class=is_class)
        ratio = _error(truth[rows], new[rows], is_class=is_class) / below if below > 0 else np.nan
        ratios.append(ratio)
    defined = np.array([ratio for ratio in ratios if np.isfinite(ratio)])
    return float(np.quantile(defined, 0.05)) if len(defined) else 0.0


class _Process:
    """Out-of-fold means of a Gaussian process whose length and noise were chosen once, on rows of all folds.

    Args:
        columns: `[n, F]` numbers of each row.
        is_counts: Compare counts by their Tanimoto similarity, and not vectors by their distance.
    """

    def __init__(self, columns: NDArray[np.float32], *, is_counts: bool) -> None:
        self.is_counts = is_counts
        self.reads = "counts of atom environments" if is_counts else "the encoder's embedding"
        unit = float(np.sqrt(2.0 * columns.shape[1]))
        self._lengths = (1.0,) if is_counts else tuple(unit * length for length in LENGTHS)
        if is_counts:
            roots = root_counts(columns)
            self._kernel = tanimoto(roots, roots).astype(np.float64)
        else:
            steps = steps_of(columns)
            self._kernel = distances(steps, steps).astype(np.float64)

    def out_of_fold(self, places: NDArray[np.int64], labels: Floats, fold: NDArray[np.int64]) -> Floats:
        """Predictions `[n]` of the rows `places`, each without its own fold."""
        centre = float(labels.mean())
        residual = (labels - centre)[:, None]
        chosen = np.sort(np.random.default_rng(0).permutation(len(places))[:_CHOOSING])
        ((length, noise),) = likeliest(
            self._similar, places[chosen], np.ones(len(chosen)), residual[chosen], self._lengths
        )
        kernel = self._similar(places, length)
        predicted = np.full(len(places), centre)
        for own in np.unique(fold):
            seen, held = np.flatnonzero(fold != own), np.flatnonzero(fold == own)
            if len(seen):
                system = kernel[np.ix_(seen, seen)]
                system[np.diag_indices_from(system)] += noise
                factor = cho_factor(system, lower=True, overwrite_a=True)
                predicted[held] += kernel[np.ix_(held, seen)] @ cho_solve(factor, residual[seen, 0])
        return predicted

    def _similar(self, places: NDArray[np.int64], length: float) -> Floats:
        own = self._kernel[np.ix_(places, places)]
        return own if self.is_counts else np.exp(-own / length)
