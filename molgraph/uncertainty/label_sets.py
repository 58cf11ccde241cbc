"""Label sets for two classes, each class with its own coverage (Mondrian conformal prediction; Vovk et al. 2005)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from molgraph.uncertainty.conformal import conformal_rank
from molgraph.uncertainty.cross_conformal import cross_counts

#: Scores of the rows of one class, for each judge, sorted; one entry for each class.
ClassScores = tuple[Sequence[NDArray[np.float64]], Sequence[NDArray[np.float64]]]


def strangeness(probability: NDArray[np.float64], label: int) -> NDArray[np.float64]:
    """One minus the probability of the label: how strange the label is."""
    return probability if label == 0 else 1.0 - probability


def class_p_values(judged: NDArray[np.float64], scores: ClassScores) -> NDArray[np.float64]:
    """p-value of each label, `[B, 2]`: the share of the rows of its class that are as strange as the new molecule.

    Below t for the true label with probability t at most (2t for several judges; see `cross_conformal`), in each class.

    Args:
        judged: `[G, B]` probabilities of the class 1 by each judge.
        scores: Strangeness of the rows of class 0 and class 1 (see `strangeness`).

    >>> rows = np.array([0.1, 0.2, 0.3, 0.4])
    >>> class_p_values(np.array([[0.25]]), ([rows], [rows]))
    array([[0.6, 0.2]])
    """
    columns = []
    for label in (0, 1):
        n = sum(len(part) for part in scores[label])
        columns.append((1 + cross_counts(strangeness(judged, label), scores[label])) / (n + 1))
    is_missing = np.asarray(np.isnan(judged).any(axis=0))
    return np.where(is_missing[:, None], np.nan, np.stack(columns, axis=1))


def label_sets(judged: NDArray[np.float64], scores: ClassScores, level: float) -> NDArray[np.object_]:
    """Sets such as `{0}`, `{1}`, `{0,1}` or `{}` as text, `[B]`: the labels whose p-value is above 1 - `level`.

    Of the molecules of each class, the share `level` or more has its label in the set. A class of which there are too
    few rows for the level is never excluded. The empty set says that neither class looks like its calibration rows.
    Empty text where there is no prediction.

    >>> rows = np.arange(9) / 20
    >>> label_sets(np.array([[0.1, 0.5, np.nan]]), ([rows], [rows]), level=0.9).tolist()
    ['{0}', '{}', '']
    """
    has = []
    for label in (0, 1):
        n = sum(len(part) for part in scores[label])
        # As many rows must be as strange as if the new score were at most the conformal quantile.
        least = n + 1 - conformal_rank(n, level)
        has.append(cross_counts(strangeness(judged, label), scores[label]) >= least)
    names = np.array(["{}", "{0}", "{1}", "{0,1}"], dtype=object)[has[0] + 2 * has[1]]
    return np.where(np.isnan(judged).any(axis=0), "", names)
