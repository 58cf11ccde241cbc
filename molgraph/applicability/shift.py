"""Covariate shift between library and calibration compounds: classifier two-sample test, and density-ratio weights.

The guarantees of intervals and selections hold for compounds drawn like those of the calibration. If a classifier can
separate the two on compounds that it was not fitted to, they were not drawn alike (Lopez-Paz and Oquab 2017,
arXiv:1610.06545). Its odds are the ratio of the densities, by which calibration compounds can be weighted (Tibshirani
et al. 2019, arXiv:1904.06019).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Compounds of each side that are compared at most: enough to notice an area of 0.55, in half a second.
MOST_COMPARED = 500

#: With fewer than this on one side there is no test: a clear difference would mostly be missed.
LEAST_COMPARED = 100

#: The difference for which the power of the test is reported.
NOTED_AUC = 0.6

#: The check fires below this p-value: for one library in a hundred that is drawn like the calibration compounds.
ALPHA = 0.01

_FOLDS = 5

#: Random permutations of the two sides.
_PERMUTATIONS = 299

#: Penalty of the classifier of the check, chosen like the one below.
_RIDGE = 20.0

#: Strength of the penalty on the weights of the bits (inverse, as scikit-learn has it). Chosen on random and scaffold
#: splits of BACE and Lipophilicity: weaker penalties overfit 2,048 bits and separate other compounds less well.
_INVERSE_PENALTY = 0.05

#: Weights are cut off here, at both ends: a compound may count a twentieth of, or twenty times as much as another.
LARGEST_WEIGHT = 20.0


@dataclass(frozen=True)
class ShiftReport:
    """Result of the two-sample test.

    Attributes:
        n_calibration: Calibration compounds that were compared.
        n_library: Library compounds that were compared.
        auc: ROC AUC of a classifier between them on compounds that it was not fitted to: 0.5 alike, 1 fully separated;
            NaN if there were too few.
        p_value: Probability of such an AUC or a larger one if both were drawn alike, 1 in 300 at least; NaN likewise.
        power: Probability that a difference with an AUC of `NOTED_AUC` would have been found; NaN likewise.
    """

    n_calibration: int
    n_library: int
    auc: float
    p_value: float
    power: float

    @property
    def was_checked(self) -> bool:
        """Whether there were enough compounds on both sides."""
        return bool(np.isfinite(self.p_value))

    @property
    def fires(self) -> bool:
        """Whether the library differs."""
        return self.was_checked and self.p_value < ALPHA

    def sentences(self, *, is_weighted: bool = False, has_coverage: bool = False) -> list[str]:
        """The result, its power and what to do, as sentences.

        Args:
            is_weighted: Whether the selection takes the difference into account.
            has_coverage: Whether the coverage of the intervals was measured, which then counts and is reported apart.
        """
        if not self.was_checked:
            few = f"{self.n_calibration:,} calibration and {self.n_library:,} new compounds"
            return [f"Shift check: {few} are too few (at least {LEAST_COMPARED} of each)."]
        result = (
            f"a classifier separates {self.n_library:,} new from {self.n_calibration:,} calibration compounds "
            f"with AUC {self.auc:.2f} (0.5 = alike)"
        )
        if not self.fires:
            unseen = "differences in assay, conditions or fraction of actives are not tested"
            return [
                f"Shift check: no difference in structure was found; {result}.",
                f"An AUC of {NOTED_AUC} would have been found in {self._shown_power} of cases; {unseen}.",
            ]
        size = "slightly" if self.auc < 0.65 else "clearly" if self.auc < 0.85 else "very"
        sentences = [
            f"Shift check: THESE COMPOUNDS ARE {size.upper()} DIFFERENT from those of the calibration; {result}."
        ]
        if not has_coverage:
            doubted = "intervals" if is_weighted else "intervals and false discovery rates"
            sentences.append(
                f"Do not trust {doubted} as stated: errors may be larger than on compounds like those of the table."
            )
        cure = "measure some of them and calibrate with these (evaluate, with `recalibrate`)"
        weights = (
            "" if is_weighted or self.auc >= 0.85 else "; for a small difference, weights (`fdr_method='weighted'`)"
        )
        return [*sentences, f"Remedy: {cure}{weights}."]

    @property
    def _shown_power(self) -> str:
        return "over 99%" if self.power > 0.99 else "under 1%" if self.power < 0.01 else f"{self.power:.0%}"


def shift_check(calibration: NDArray[np.uint8], library: NDArray[np.uint8], *, seed: int = 0) -> ShiftReport:
    """Whether a library is drawn like the calibration compounds.

    A ridge classifier on fingerprint bits is fitted to four fifths of both and applied to the other fifth, five times.
    Its AUC is compared with what the same procedure finds when the sides are permuted at random, which is exact: no
    formula covers how the five parts depend on each other. At most `MOST_COMPARED`
    compounds of each side are drawn.

    Args:
        calibration: `[n, W]` packed fingerprint bits.
        library: `[m, W]` likewise, a random sample.
        seed: Seed of the sample, the folds and the permutations.
    """
    rng = np.random.default_rng(seed)
    sides = [_draw(bits, rng) for bits in (calibration, library)]
    sizes = [len(side) for side in sides]
    if min(sizes) < LEAST_COMPARED:
        return ShiftReport(sizes[0], sizes[1], auc=math.nan, p_value=math.nan, power=math.nan)
    # In random order, so that neither folds nor ties know which side a compound is on.
    order = rng.permutation(sum(sizes))
    features = _unpacked(np.concatenate(sides)[order])
    side = np.repeat([False, True], sizes)[order]
    permuted = np.column_stack([side, *(rng.permutation(side) for _ in range(_PERMUTATIONS))])
    areas = _areas(_out_of_fold_scores(features, permuted), permuted)
    p_value = (1 + np.sum(areas[1:] >= areas[0])) / (1 + _PERMUTATIONS)
    return ShiftReport(
        sizes[0], sizes[1], auc=float(areas[0]), p_value=float(p_value), power=_power(areas[1:], NOTED_AUC)
    )


def _power(null_areas: Floats, area: float) -> float:
    """Probability that the check fires if the AUC varies around `area` as it does where sides are alike."""
    spread = max(float(np.std(null_areas)), 1e-9)
    distance = (area - float(np.quantile(null_areas, 1.0 - ALPHA))) / spread
    return 0.5 * (1.0 + math.erf(distance / math.sqrt(2.0)))


@dataclass(frozen=True)
class DensityRatio:
    """How much more frequent a compound is in the library than among the calibration compounds.

    Attributes:
        calibration_weights: `[n]` weights of the calibration compounds, out of fold; mean 1.
        coefficients: `[F]` of the logarithm of the ratio.
        intercept: Its constant.
    """

    calibration_weights: Floats
    coefficients: Floats
    intercept: float

    def weights(self, fingerprints: NDArray[np.uint8]) -> Floats:
        """Weights `[B]` of compounds with packed fingerprints `[B, W]`."""
        return _bounded_exp(_unpacked(fingerprints) @ self.coefficients + self.intercept)

    @property
    def effective_rows(self) -> float:
        """Effective sample size of the calibration compounds (Kish 1965)."""
        weights = self.calibration_weights
        return float(weights.sum() ** 2 / np.sum(weights**2))


def density_ratio(calibration: NDArray[np.uint8], library: NDArray[np.uint8], *, seed: int = 0) -> DensityRatio:
    """Weights under which the calibration compounds represent the library.

    Args:
        calibration: `[n, W]` packed fingerprint bits; all of them are weighted.
        library: `[m, W]` likewise, a random sample.
        seed: Seed of the folds.
    """
    rng = np.random.default_rng(seed)
    n, m = len(calibration), len(library)
    features, side = _unpacked(np.concatenate([calibration, library])), np.repeat([0, 1], [n, m])
    prior = np.log(n / m)  # the odds of a classifier are those of the sides as they were given
    weights = _bounded_exp(_out_of_fold_logits(features, side, rng)[:n] + prior)
    centre = float(np.log(weights.mean()))
    model = _classifier().fit(features, side)
    return DensityRatio(
        calibration_weights=weights / weights.mean(),
        coefficients=np.asarray(model.coef_[0], dtype=np.float64),
        intercept=float(model.intercept_[0]) + float(prior) - centre,
    )


def _draw(bits: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    if len(bits) <= MOST_COMPARED:
        return bits
    return bits[np.sort(rng.choice(len(bits), MOST_COMPARED, replace=False))]


def _unpacked(bits: NDArray[np.uint8]) -> Floats:
    return np.unpackbits(bits, axis=1).astype(np.float64)


def _classifier() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=_INVERSE_PENALTY, max_iter=200, tol=1e-3)


def _out_of_fold_scores(features: Floats, permuted: NDArray[np.bool_]) -> Floats:
    """Scores `[n, P]` of compounds, out of fold; P permutations of the sides.

    Least squares to ±1 with a penalty, solved in the space of the rows: it separates the sides as well as a
    logistic regression, and one solution serves all permutations.
    """
    products = features @ features.T + 1.0
    targets = np.where(permuted, 1.0, -1.0)
    scores = np.empty(permuted.shape)
    for k in range(_FOLDS):
        asked = np.arange(len(features)) % _FOLDS == k
        system = products[np.ix_(~asked, ~asked)]
        system[np.diag_indices_from(system)] += _RIDGE
        weights = np.linalg.solve(system, products[np.ix_(~asked, asked)])
        scores[asked] = weights.T @ targets[~asked]
    return scores


def _areas(scores: Floats, permuted: NDArray[np.bool_]) -> Floats:
    """Area under the ROC curve of each column, `[P]`."""
    order = np.argsort(scores.T, axis=1, kind="stable")
    n_high = permuted.sum(axis=0)
    ranks = np.take_along_axis(permuted.T, order, axis=1) @ np.arange(1.0, len(permuted) + 1)
    return np.asarray((ranks - n_high * (n_high + 1) / 2) / (n_high * (len(permuted) - n_high)))


def _out_of_fold_logits(features: Floats, side: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """Logits `[n]` of the side 1, out of fold."""
    fold = np.empty(len(side), dtype=np.int64)
    for value in (0, 1):  # as many of each side in every fold, so that no fold has odds of its own
        rows = np.flatnonzero(side == value)
        fold[rng.permutation(rows)] = np.arange(len(rows)) % _FOLDS
    logit = np.empty(len(side))
    for k in range(_FOLDS):
        model = _classifier().fit(features[fold != k], side[fold != k])
        logit[fold == k] = model.decision_function(features[fold == k])
    return logit


def _bounded_exp(logit: Floats) -> Floats:
    bound = np.log(LARGEST_WEIGHT)
    return np.asarray(np.exp(np.clip(logit, -bound, bound)))
