"""Diverse conformal selection: few compounds of many kinds, with the false discovery rate still held.

Any subset of the compounds that conformal selection finds may be bought instead of all of them, as long as it is not
too small: with e-values e = (n + 1)/(1 + false ones expected so far), a set R of compounds that reach the threshold
holds the rate q if |R| ≥ m/(q e) (Wang and Ramdas 2022, arXiv:2009.02824). Which ones may be chosen freely, so they can
be chosen to differ. This is diversity-aware conformal selection (DACS, arXiv:2506.16229) with the threshold of plain
conformal selection, which is a stopping time of its filtration; its search for a better one is not done here.
"""

import math

import numpy as np
from numpy.typing import NDArray

from molgraph.rank.selection import checked_fdr


def diverse_selection(
    p_values: NDArray[np.float64],
    scores: NDArray[np.float64],
    kinds: NDArray[np.int64],
    *,
    threshold: float,
    n_new: int,
    q: float,
) -> NDArray[np.bool_]:
    """The smallest selection that holds the rate, spread over as many kinds as it can be, `[B]`.

    The best compound of each kind comes first, the best kinds before others, then the second best of each, and so on.

    Args:
        p_values: `[B]` deterministic p-values of compounds; those above the threshold are not chosen.
        scores: `[B]` larger = more likely a hit.
        kinds: `[B]` number of the kind, e.g. of the scaffold.
        threshold: The largest p-value that plain selection selects (`selection_threshold`); below 0 for none.
        n_new: m, the compounds of the library.
        q: False discovery rate.

    >>> p, s, kinds = np.full(4, 0.01), np.array([4.0, 3.0, 2.0, 1.0]), np.array([0, 0, 1, 1])
    >>> diverse_selection(p, s, kinds, threshold=0.01, n_new=20, q=0.1).tolist()
    [True, False, True, False]
    """
    checked_fdr(q)
    is_chosen = np.zeros(len(p_values), dtype=np.bool_)
    eligible = np.flatnonzero(p_values <= threshold)
    if len(eligible) == 0:
        return is_chosen
    least = min(len(eligible), math.ceil(n_new * threshold / q - 1e-9))
    ranked = eligible[np.argsort(-scores[eligible], kind="stable")]
    is_chosen[ranked[np.argsort(_turn(kinds[ranked]), kind="stable")[:least]]] = True
    return is_chosen


def _turn(kinds: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of its kind come before each."""
    order = np.argsort(kinds, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(kinds[order]) != 0])
    lengths = np.diff(np.r_[starts, len(kinds)])
    turn = np.empty(len(kinds), dtype=np.int64)
    turn[order] = np.arange(len(kinds)) - np.repeat(starts, lengths)
    return turn
