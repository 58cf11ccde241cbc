"""Prediction sets for two classes, each class with its own coverage (Mondrian conformal; Vovk et al. 2005).

A call names such a set. It agrees with the calibrated probability beside it: a set that would exclude the
more likely class and keep the other holds both instead, which only adds to its coverage.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from molgraph.uncertainty.conformal import conformal_rank
from molgraph.uncertainty.cross_conformal import cross_counts

#: Nonconformity scores of the rows of one class, for each model, sorted; one entry for each class.
ClassScores = tuple[Sequence[NDArray[np.float64]], Sequence[NDArray[np.float64]]]


def nonconformity(probability: NDArray[np.float64], label: int) -> NDArray[np.float64]:
    """Nonconformity score of a label, `[B]`: one minus its probability."""
    return probability if label == 0 else 1.0 - probability


def plausible_classes(probability: NDArray[np.float64], scores: ClassScores, level: float) -> NDArray[np.bool_]:
    """Whether class 0 and class 1 are plausible, `[B, 2]`: their p-value is above 1 - `level`.

    Of the molecules of each class, the share `level` or more has its class among these. A class of which there are too
    few rows for the level is never excluded. Where there is no prediction, neither is plausible.

    >>> rows = np.arange(9) / 20
    >>> plausible_classes(np.array([[0.1, 0.5, np.nan]]), ([rows], [rows]), level=0.9).tolist()
    [[True, False], [False, False], [False, False]]
    """
    in_set = []
    for label in (0, 1):
        n = sum(len(part) for part in scores[label])
        # At least as many rows as if the new score were at most the conformal quantile.
        least = n + 1 - conformal_rank(n, level)
        in_set.append(cross_counts(nonconformity(probability, label), scores[label]) >= least)
    is_known: NDArray[np.bool_] = ~np.asarray(np.isnan(probability).any(axis=0))
    return np.stack(in_set, axis=1) & is_known[:, None]


def without_contradiction(plausible: NDArray[np.bool_], probability: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The plausible classes `[B, 2]`, with the more likely one wherever only the other would be left.

    >>> plausible = np.array([[True, False], [True, False], [False, False]])
    >>> without_contradiction(plausible, np.array([0.8, 0.2, 0.8])).tolist()
    [[True, True], [True, False], [False, False]]
    """
    is_likelier = np.stack([probability < 0.5, probability > 0.5], axis=1)
    has_any: NDArray[np.bool_] = np.asarray(plausible.any(axis=1))
    return plausible | (is_likelier & has_any[:, None])


def calls(plausible: NDArray[np.bool_], names: Sequence[str]) -> NDArray[np.object_]:
    """The call of each molecule, `[B]`, from its plausible classes `[B, 2]`.

    Args:
        plausible: Whether class 0 and class 1 are.
        names: For neither, class 0 alone, class 1 alone and both (`TaskSpec.calls`).
    """
    return np.array(names, dtype=object)[plausible[:, 0] + 2 * plausible[:, 1]]
