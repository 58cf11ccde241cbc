"""Selecting hits of a library at a false discovery rate, while it streams by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.fingerprints import morgan_fingerprints
from molgraph.chem.scaffold import murcko_scaffold
from molgraph.domain.shift import DensityRatio
from molgraph.errors import InputError
from molgraph.rank.diverse_selection import diverse_selection
from molgraph.rank.hit import HitRule, parse_hit
from molgraph.rank.selection import calibrate_hits, checked_fdr, selection_threshold
from molgraph.rank.weighted_selection import calibrate_weighted_hits, weighted_selection
from molgraph.results import Prediction

if TYPE_CHECKING:  # loading a model loads torch: helpers are started before that
    from molgraph.predictor import Predictor

#: `cfbh`: all that conformal selection finds; `weighted`: for a library that is drawn differently from the table;
#: `diverse`: fewer, spread over scaffolds.
FdrMethod = Literal["cfbh", "weighted", "diverse"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SelectionReport:
    """What was selected, and what it rests on.

    Attributes:
        hit: What a hit is.
        fdr: The false discovery rate that was asked for, q.
        method: How it was selected.
        n_calibration: Calibration compounds whose answer is known.
        n_calibration_hits: Hits among them.
        n_considered: Compounds of the library that could be selected, m: those in the domain of the model.
        selected: Compounds that were selected.
        expected_true_hits: (1 - q)·selected: so many of them are hits on average, or more.
        threshold: The largest p-value that was selected; None if none was.
        least_p_value: The smallest p-value that so many calibration compounds allow.
        least_selection: The fewest compounds that they allow to be selected, m·`least_p_value`/q.
        effective_calibration: Calibration compounds of equal weight that would say as much; None without weights.
    """

    hit: str
    fdr: float
    method: FdrMethod
    n_calibration: int
    n_calibration_hits: int
    n_considered: int
    selected: int
    expected_true_hits: float
    threshold: float | None
    least_p_value: float
    least_selection: int
    effective_calibration: float | None

    def sentences(self) -> list[str]:
        """What came, and under which assumption, in plain words."""
        considered = f"{self.n_considered:,} compounds in the domain of the model"
        if self.selected:
            told = [
                f"Selected {self.selected:,} of {considered} as hits ({self.hit}); on average at most {self.fdr:.0%} of "
                f"such a selection are not, i.e. {self.expected_true_hits:.0f} or more are."
            ]
        else:
            told = [
                f"Selected none of {considered} as hits ({self.hit}) at a false discovery rate of {self.fdr:.0%}: "
                f"{self.n_calibration:,} calibration compounds allow no fewer than {self.least_selection:,} at once, and "
                "not so many score well enough. Ask for a higher --fdr, a lower limit, or measure more compounds."
            ]
        assumption = "the library is drawn like the training compounds, up to the weights of the shift check"
        if self.method != "weighted":
            assumption = "the compounds in the domain are drawn like the training compounds (see the shift check)"
        weights = "" if self.effective_calibration is None else f", worth {self.effective_calibration:,.0f} after weighting"
        told.append(
            f"This rests on {self.n_calibration:,} calibration compounds{weights} ({self.n_calibration_hits:,} hits), "
            f"and assumes that {assumption}."
        )
        return told


class LibrarySelection:
    """Takes in the predictions of a library batch by batch; remembers what may still be selected.

    A compound is considered if it lies in the domain of the model by its latent distance, which comes with its
    prediction, and can be selected if its nearest training compound is near enough too: that is looked up only where the
    p-value is small. Compounds that are considered and not near enough only make the selection smaller.

    Args:
        predictor: The model.
        hit: What a hit is, see `molgraph.rank.hit.parse_hit`.
        fdr: False discovery rate.
        method: How to select.
        restrict: Consider compounds in the domain only.
        ratio: Weights of the calibration compounds and of any others, for `weighted`.

    Raises:
        InputError: The hit or the rate cannot be used, or the calibration compounds say nothing about the hit.
    """

    def __init__(
        self,
        predictor: Predictor,
        hit: str,
        fdr: float,
        method: FdrMethod,
        *,
        restrict: bool,
        ratio: DensityRatio | None = None,
    ) -> None:
        self.rule: HitRule = parse_hit(hit, predictor.tasks)
        self._fdr = checked_fdr(fdr)
        self._method = method
        self._restrict = restrict
        self._ratio = ratio
        self._predictor = predictor
        data = predictor.calibration.data
        self.rule.check(data.labels)
        self._scale = predictor.calibration.residual_std
        scores, is_hit = self.rule.score(data.mean, self._scale), self.rule.is_hit(data.labels)
        # New compounds are scored by the mean of all members, which errs less than the one member that judged a
        # calibration compound. So one table of scores serves all, and p-values err on the safe side.
        nobody = np.zeros(len(scores), dtype=np.int64)
        self._calibration = calibrate_hits(scores, is_hit, nobody, 1)
        self._weighted = None
        if ratio is not None:
            self._weighted = calibrate_weighted_hits(scores, is_hit, ratio.calibration_weights, nobody, 1)
        self.n_considered = 0
        self._rows: list[NDArray[np.int64]] = []
        self._scores: list[Floats] = []
        self._strengths: list[Floats] = []
        self._weights: list[Floats] = []
        self._scaffolds: dict[str, int] = {}
        self._kinds: list[NDArray[np.int64]] = []

    def scores(self, prediction: Prediction) -> Floats:
        """How clearly each compound is predicted to be a hit, `[B]`; NaN where it was rejected."""
        return np.asarray(self.rule.score(prediction.members, self._scale).mean(axis=0))

    def offer(
        self, rows: NDArray[np.int64], structures: Sequence[str], prediction: Prediction, scores: Floats
    ) -> Floats:
        """p-values `[B]` of a batch; NaN for compounds that are not considered.

        Args:
            rows: `[B]` rows of the library.
            structures: `[B]` as the library has them.
            prediction: With its latent distance.
            scores: `[B]` see `scores`.
        """
        is_considered = np.isfinite(scores)
        if self._restrict and prediction.latent_distance is not None:
            is_considered &= prediction.latent_distance <= 1.0
        self.n_considered += int(is_considered.sum())
        p_values = np.where(is_considered, self._calibration.p_values(scores[None]), np.nan)
        strength = p_values
        if self._weighted is not None:
            strength = np.where(is_considered, self._weighted.mass_above(scores[None]), np.nan)
            p_values = strength / self._weighted.total  # without its own weight: smaller, so nobody is lost
        candidates = np.flatnonzero(p_values <= self._fdr * (1.0 + 1e-9))
        if len(candidates) == 0:
            return p_values
        texts = self._predictor.standardized([structures[i] for i in candidates])
        if self._restrict:
            neighbours = self._predictor.neighbours(texts)
            if neighbours is not None:
                candidates = candidates[neighbours.in_domain]
                texts = [text for text, is_in in zip(texts, neighbours.in_domain, strict=True) if is_in]
        if self._weighted is not None and self._ratio is not None and texts:
            own = self._ratio.weights(morgan_fingerprints(texts))
            p_values[candidates] = self._weighted.p_values(strength[candidates], own)
            self._weights.append(own)
        self._rows.append(rows[candidates])
        self._scores.append(scores[candidates])
        self._strengths.append(strength[candidates])
        if self._method == "diverse":
            kinds = [self._scaffolds.setdefault(str(murcko_scaffold(text)), len(self._scaffolds)) for text in texts]
            self._kinds.append(np.array(kinds, dtype=np.int64))
        return p_values

    def finish(self) -> tuple[SelectionReport, frozenset[int]]:
        """What was selected: in numbers, and the rows of the library."""
        rows = np.concatenate(self._rows) if self._rows else np.zeros(0, dtype=np.int64)
        scores, strengths = (np.concatenate(parts) if parts else np.zeros(0) for parts in (self._scores, self._strengths))
        weights = np.concatenate(self._weights) if self._weights else np.zeros(0)
        if self._weighted is not None:
            chosen = weighted_selection(
                self._weighted, strengths, scores, weights, n_new=self.n_considered, q=self._fdr
            )
            p_values = self._weighted.p_values(strengths, weights)
        else:
            # All that were considered and are not among these have a p-value of no interest.
            p_values = strengths
            everyone = np.concatenate([p_values, np.ones(self.n_considered - len(p_values))])
            threshold = selection_threshold(everyone, self._fdr)
            chosen = p_values <= threshold
            if self._method == "diverse":
                kinds = np.concatenate(self._kinds) if self._kinds else np.zeros(0, dtype=np.int64)
                chosen = diverse_selection(
                    p_values, scores, kinds, threshold=threshold, n_new=self.n_considered, q=self._fdr
                )
        n_selected = int(chosen.sum())
        least = 1.0 / (self._calibration.n_rows + 1)
        report = SelectionReport(
            hit=str(self.rule),
            fdr=self._fdr,
            method=self._method,
            n_calibration=self._calibration.n_rows,
            n_calibration_hits=self._calibration.n_hits,
            n_considered=self.n_considered,
            selected=n_selected,
            expected_true_hits=(1.0 - self._fdr) * n_selected,
            threshold=float(p_values[chosen].max()) if n_selected else None,
            least_p_value=least,
            least_selection=self._calibration.least_selection(self.n_considered, self._fdr),
            effective_calibration=None if self._ratio is None else self._ratio.effective_rows,
        )
        return report, frozenset(rows[chosen].tolist())


def check_method(method: str, hit: str | None, fdr: float | None) -> None:
    """Refuse options of a selection that do not belong together.

    Raises:
        InputError: They do not.
    """
    allowed = ("cfbh", "weighted", "diverse")
    if method not in allowed:
        raise InputError(f"fdr_method is {method!r}; choose one of {', '.join(allowed)}")
    if fdr is not None:
        checked_fdr(fdr)
    if hit is None and (fdr is not None or method != "cfbh"):
        raise InputError("a false discovery rate needs a hit; say what a hit is, e.g. --hit 'pIC50 >= 7'")
