"""Prediction sets for two classes, each class with its own coverage (Mondrian conformal; Vovk et al. 2005).

A call puts such a set into a word. It agrees with the calibrated probability beside it: a set that would exclude the
more likely class and keep the other holds both instead, which only adds to its coverage.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from molgraph.uncertainty.conformal import conformal_rank
from molgraph.uncertainty.cross_conformal import cross_counts

#: Scores of the rows of one class, for each judge, sorted; one entry for each class.
ClassScores = tuple[Sequence[NDArray[np.float64]], Sequence[NDArray[np.float64]]]


def nonconformity(probability: NDArray[np.float64], label: int) -> NDArray[np.float64]:
    """One minus the probability of the label."""
    return probability if label == 0 else 1.0 - probability


def plausible_classes(judged: NDArray[np.float64], scores: ClassScores, level: float) -> NDArray[np.bool_]:
    """Whether class 0 and class 1 are plausible, `[B, 2]`: their p-value is above 1 - `level`.

    Of the molecules of each class, the share `level` or more has its class among these. A class of which there are too
    few rows for the level is never excluded. Where there is no prediction, neither is plausible.

    >>> rows = np.arange(9) / 20
    >>> plausible_classes(np.array([[0.1, 0.5, np.nan]]), ([rows], [rows]), level=0.9).tolist()
    [[True, False], [False, False], [False, False]]
    """
    has = []
    for label in (0, 1):
        n = sum(len(part) for part in scores[label])
        # As many rows must conform as little as if the new score were at most the conformal quantile.
        least = n + 1 - conformal_rank(n, level)
        has.append(cross_counts(nonconformity(judged, label), scores[label]) >= least)
    is_known: NDArray[np.bool_] = ~np.asarray(np.isnan(judged).any(axis=0))
    return np.stack(has, axis=1) & is_known[:, None]


def without_contradiction(plausible: NDArray[np.bool_], probability: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The plausible classes `[B, 2]`, with the more likely one wherever only the other would be left.

    >>> plausible = np.array([[True, False], [True, False], [False, False]])
    >>> without_contradiction(plausible, np.array([0.8, 0.2, 0.8])).tolist()
    [[True, True], [True, False], [False, False]]
    """
    is_likelier = np.stack([probability < 0.5, probability > 0.5], axis=1)
    has_any: NDArray[np.bool_] = np.asarray(plausible.any(axis=1))
    return plausible | (is_likelier & has_any[:, None])


def calls(plausible: NDArray[np.bool_], words: Sequence[str]) -> NDArray[np.object_]:
    """Plausible classes `[B, 2]` in words, `[B]`.

    Args:
        plausible: Whether class 0 and class 1 are.
        words: For neither, class 0 alone, class 1 alone and both (`TaskSpec.calls`).
    """
    return np.array(words, dtype=object)[plausible[:, 0] + 2 * plausible[:, 1]]
