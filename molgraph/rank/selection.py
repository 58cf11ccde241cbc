"""Conformal selection: compounds of a library that are hits, with few false discoveries among them.

Each compound gets a p-value for "this is no hit" by comparing its score with those of calibration compounds whose
answer is known, and Benjamini and Hochberg's procedure selects among the p-values (Jin and Candès 2023,
arXiv:2210.01408).

Guarantee: the mean fraction of non-hits among the selected (the false discovery rate, FDR) is at most q, if the
calibration compounds and those of the library are exchangeable, i.e. drawn alike, and the model saw none of them. That
is a mean over many tables and libraries, in which a list that stays empty counts as free of error: of the lists that
are not empty more may be false, and one model has a rate of its own. A rate or a hit that is chosen after looking voids
it. Bounds for one list are in `molgraph.rank.discovery_bound` and `molgraph.rank.hit_probability`.

With several out-of-fold models (see `molgraph.uncertainty.cross_conformal`) the p-values may be too small by a factor
of two in the worst case, and are right in practice.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from molgraph.errors import InputError

Ties = Literal["deterministic", "random"]


def _shares(n: int, ties: Ties, seed: int) -> NDArray[np.float64]:
    """U for each of n compounds: 1, or uniform on (0, 1]."""
    return np.ones(n) if ties == "deterministic" else 1.0 - np.random.default_rng(seed).random(n)


@dataclass(frozen=True)
class HitCalibration:
    """Scores of calibration compounds whose answer is known, ready to give p-values.

    The score of conformal selection is clipped: a calibration compound that is a hit counts as infinitely far from
    being a false discovery, so only the scores s of the non-hits matter: p = (1 + #{non-hits with s_i ≥ s})/(n + 1).

    Attributes:
        non_hits: For each of G folds the sorted scores of its non-hits.
        n_rows: n, hits included.
        n_hits: Hits among them.
    """

    non_hits: tuple[NDArray[np.float64], ...]
    n_rows: int
    n_hits: int

    def p_values(
        self, new_scores: NDArray[np.float64], *, ties: Ties = "deterministic", seed: int = 0
    ) -> NDArray[np.float64]:
        """p-values `[B]` of new compounds, from their scores `[G, B]` by the model of each fold; NaN gives p = 1.

        With U uniform on (0, 1] for `random` ties, which makes the p-values exact, and U = 1 for `deterministic` ones,
        which errs on the safe side and does not change from run to run: p = (#{above} + U (1 + #{equal}))/(n + 1).
        A new compound counts as a tie with itself, so random ties also separate two compounds that no calibration
        compound lies between, by chance.

        Args:
            new_scores: The scores.
            ties: What is done with equal scores.
            seed: Seed of U.
        """
        above, equal = np.zeros(new_scores.shape[1], dtype=np.int64), np.ones(new_scores.shape[1], dtype=np.int64)
        for scores, own in zip(self.non_hits, new_scores, strict=True):
            beyond = np.searchsorted(scores, own, side="right")
            above += len(scores) - beyond
            equal += beyond - np.searchsorted(scores, own, side="left")
        p = (above + _shares(new_scores.shape[1], ties, seed) * equal) / (self.n_rows + 1)
        return np.where(np.isnan(new_scores).any(axis=0), 1.0, p)

    @property
    def least_p_value(self) -> float:
        """The smallest p-value that a compound can get."""
        return 1.0 / (self.n_rows + 1)

    def least_selection(self, n_new: int, q: float) -> int:
        """The fewest of `n_new` compounds that can be selected: with fewer none is, however good their scores.

        >>> HitCalibration((np.zeros(0),), n_rows=99, n_hits=99).least_selection(1000, q=0.1)
        100
        """
        return math.ceil(n_new * self.least_p_value / q - 1e-9)


def calibrate_hits(
    scores: NDArray[np.float64], is_hit: NDArray[np.float64], fold: NDArray[np.int64], n_folds: int
) -> HitCalibration:
    """What is known of the calibration compounds.

    Args:
        scores: `[n]` out-of-fold score of each, larger = more likely a hit.
        is_hit: `[n]` 1 or 0; compounds with NaN here or in the scores are left out.
        fold: `[n]` fold of each.
        n_folds: G, or 1 where all members score a calibration set.

    Raises:
        InputError: No compound is left.
    """
    is_known = np.isfinite(is_hit) & ~np.isnan(scores)
    if not is_known.any():
        raise InputError("no calibration compound has all the measurements that the hit names; there are no p-values")
    is_miss = is_known & (is_hit == 0)
    return HitCalibration(
        non_hits=tuple(np.sort(scores[is_miss & (fold == g)]) for g in range(n_folds)),
        n_rows=int(is_known.sum()),
        n_hits=int(is_hit[is_known].sum()),
    )


def benjamini_hochberg(p_values: NDArray[np.float64], q: float) -> NDArray[np.bool_]:
    """Which of the p-values `[m]` are selected at the false discovery rate `q`.

    All p ≤ q·k/m with the largest k for which at least k of them are (Benjamini and Hochberg 1995).

    Raises:
        InputError: `q` is not between 0 and 1.

    >>> benjamini_hochberg(np.array([0.01, 0.9, 0.02, 0.04]), q=0.05).tolist()
    [True, False, True, False]
    """
    return np.asarray(p_values <= selection_threshold(p_values, q))


def selection_threshold(p_values: NDArray[np.float64], q: float) -> float:
    """The largest p-value that Benjamini and Hochberg's procedure selects; -1 if it selects none."""
    checked_fdr(q)
    ordered = np.sort(p_values)
    bounds = q * np.arange(1, len(ordered) + 1) / max(len(ordered), 1)
    passing = np.flatnonzero(ordered <= bounds * (1.0 + 1e-12))
    return float(ordered[passing[-1]]) if len(passing) else -1.0


def checked_fdr(q: float) -> float:
    """`q`, if it is a rate that can be asked for.

    Raises:
        InputError: It is not between 0 and 1.
    """
    if not 0.0 < q < 1.0:
        raise InputError(f"fdr is {q:g}; it must lie between 0 and 1, e.g. 0.1 for one false discovery in ten")
    return q
