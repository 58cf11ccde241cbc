"""Weighted conformal selection, for a library that is drawn differently from the calibration compounds.

Calibration compounds count by how much more frequent compounds like them are in the library, w(x) = dP_library /
dP_calibration (see `molgraph.applicability.shift.density_ratio`). The false discovery rate is at most q if these
weights are right and the measurement depends on the structure in the same way in both (Jin and Candès 2023,
arXiv:2307.09291).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from molgraph.rank.selection import checked_fdr

Floats = NDArray[np.float64]

#: How the first selection is thinned out: by a chance of each compound's own, by one for all, or without chance.
Pruning = Literal["hete", "homo", "dtm"]


@dataclass(frozen=True)
class WeightedHitCalibration:
    """Scores and weights of the calibration compounds that are no hits, ready to give p-values.

    Attributes:
        non_hits: For each of G folds the sorted scores of its non-hits.
        mass_from: For each fold `[n_g + 1]` the weight of its non-hits from each score upwards.
        total: Weight of all calibration compounds, hits included.
    """

    non_hits: tuple[Floats, ...]
    mass_from: tuple[Floats, ...]
    total: float

    def mass_above(self, new_scores: Floats) -> Floats:
        """Weight of the non-hits that score at least as high as new compounds with scores `[G, B]`, `[B]`."""
        mass = np.zeros(new_scores.shape[1])
        for scores, from_here, own in zip(self.non_hits, self.mass_from, new_scores, strict=True):
            mass += from_here[np.searchsorted(scores, own, side="left")]
        return np.where(np.isnan(new_scores).any(axis=0), np.inf, mass)

    def p_values(self, mass_above: Floats, weights: Floats) -> Floats:
        """p-values `[B]` of new compounds, from `mass_above` and their own weights.

        A compound without a score has p = 1.

        >>> fold = np.zeros(2, dtype=np.int64)
        >>> rows = calibrate_weighted_hits(np.array([1.0, 2.0]), np.zeros(2), np.ones(2), fold, 1)
        >>> rows.p_values(rows.mass_above(np.array([[2.5, 1.5]])), np.ones(2)).round(3)
        array([0.333, 0.667])
        """
        with np.errstate(invalid="ignore"):
            p = (mass_above + weights) / (self.total + weights)
        return np.where(np.isfinite(mass_above), p, 1.0)


def calibrate_weighted_hits(
    scores: Floats, is_hit: Floats, weights: Floats, fold: NDArray[np.int64], n_folds: int
) -> WeightedHitCalibration:
    """What is known of the calibration compounds.

    Args:
        scores: `[n]` out-of-fold score of each, larger = more likely a hit.
        is_hit: `[n]` 1 or 0; compounds with NaN here or in the scores are left out.
        weights: `[n]` their weights.
        fold: `[n]` fold of each.
        n_folds: G, or 1 where all members score a calibration set.
    """
    is_known = np.isfinite(is_hit) & ~np.isnan(scores)
    parts, masses = [], []
    for g in range(n_folds):
        rows = np.flatnonzero(is_known & (is_hit == 0) & (fold == g))
        rows = rows[np.argsort(scores[rows], kind="stable")]
        parts.append(scores[rows])
        masses.append(np.append(np.cumsum(weights[rows][::-1])[::-1], 0.0))
    return WeightedHitCalibration(tuple(parts), tuple(masses), total=float(weights[is_known].sum()))


def weighted_selection(
    calibration: WeightedHitCalibration,
    mass_above: Floats,
    scores: Floats,
    weights: Floats,
    *,
    n_new: int,
    q: float,
    pruning: Pruning = "homo",
    seed: int = 0,
) -> NDArray[np.bool_]:
    """Which of the compounds are selected at the false discovery rate `q`, `[B]`.

    The exact procedure: for each compound j the others get auxiliary p-values in which j counts as a calibration
    compound, R_j is what Benjamini and Hochberg select among these and p_j = 0, and j is a first choice if
    p_j ≤ q R_j/m. First choices with ξ_j R_j ≤ r* are selected, r* the largest r for which at least r are. ξ is 1
    (`dtm`), one uniform draw (`homo`) or one for each (`hete`); all three hold the rate. R_j counts j itself, so
    without chance everything is lost where the R_j are one larger than the number of first choices.

    Compounds that cannot be selected need not be given, as long as they are counted in `n_new`: those whose mass is
    above q·(total + the largest weight).

    Args:
        calibration: The calibration compounds.
        mass_above: `[B]` see `WeightedHitCalibration.mass_above`.
        scores: `[B]` which of two compounds of equal mass is the better one.
        weights: `[B]` their own weights.
        n_new: m, the compounds of the library.
        q: False discovery rate.
        pruning: How first choices are thinned out.
        seed: Seed of ξ.
    """
    checked_fdr(q)
    if len(scores) == 0:
        return np.zeros(0, dtype=np.bool_)
    p_values = calibration.p_values(mass_above, weights)
    order = np.lexsort((-scores, mass_above))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    # Compounds of one mass share their auxiliary p-values, so only the last of each such cell has to be looked at.
    cell_mass, cell_end = np.unique(mass_above[order], return_counts=True)
    cell_end = np.cumsum(cell_end)
    counts = np.zeros(len(scores))
    first = np.flatnonzero(p_values <= q)
    for j in first.tolist():
        bound = q * (1 + 1e-12) / n_new * (calibration.total + weights[j])
        counts[j] = _selected_with(place[j], weights[j], cell_mass, cell_end, bound)
    is_first = (p_values <= q * (1 + 1e-12) * counts / n_new) & (counts > 0)
    chance = _chances(len(scores), pruning, seed)
    thinned = np.sort((chance * counts)[is_first])
    kept = np.flatnonzero(thinned <= np.arange(1, len(thinned) + 1))
    return is_first & (chance * counts <= (kept[-1] + 1 if len(kept) else 0))


def _selected_with(place: int, weight: float, cell_mass: Floats, cell_end: NDArray[np.int64], bound: float) -> int:
    """R_j: how many are selected when the compound at `place` of the order is a calibration compound of this weight.

    Those before it keep their mass, and rank one place later since it comes first itself with p = 0; those after it
    have its weight added. The k best are selected if the mass of the last of them is at most `bound`·k.
    """
    is_before = cell_end <= place
    ranks = np.where(is_before, cell_end + 1, cell_end)
    mass = np.where(is_before, cell_mass, cell_mass + weight)
    best = 1
    passing = np.flatnonzero(mass <= bound * ranks)
    if len(passing):
        best = max(best, int(ranks[passing[-1]]))
    # The cell that it lies in falls apart: those before it in the cell keep their mass.
    own = int(np.searchsorted(cell_end, place, side="right"))
    start = int(cell_end[own - 1]) if own else 0
    if place > start and cell_mass[own] <= bound * (place + 1):
        best = max(best, place + 1)
    return best


def _chances(n: int, pruning: Pruning, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    if pruning == "hete":
        return rng.random(n)
    return np.full(n, rng.random() if pruning == "homo" else 1.0)
