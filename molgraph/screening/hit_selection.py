"""Selecting hits of a library at a false discovery rate, while it streams by."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from molgraph.applicability.shift import LARGEST_WEIGHT, DensityRatio
from molgraph.chem.fingerprints import morgan_fingerprints
from molgraph.chem.scaffold import murcko_scaffold
from molgraph.config.screening import FdrMethod
from molgraph.errors import InputError
from molgraph.prediction.predictor import Predictor
from molgraph.rank.discovery_bound import bound_false_discoveries
from molgraph.rank.diverse_selection import diverse_selection
from molgraph.rank.hit_probability import fit_hit_probability
from molgraph.rank.hit_rule import HitRule
from molgraph.rank.other_limits import count_above, lowest_rate, most_demanding_limit, p_values_at, thresholds_of
from molgraph.rank.selection import HitCalibration, calibrate_hits, selection_threshold
from molgraph.rank.top_k import Ranked
from molgraph.rank.weighted_selection import WeightedHitCalibration, calibrate_weighted_hits, weighted_selection
from molgraph.results.prediction import Prediction
from molgraph.screening.calibration_compounds import out_of_fold_rows
from molgraph.screening.candidates import CandidateFile
from molgraph.screening.chunk import ChunkResult
from molgraph.screening.close_look import key_of, look_closely
from molgraph.screening.hit import Hit
from molgraph.screening.selectable_hits import SelectableHits
from molgraph.screening.selection_report import SelectionReport

Floats = NDArray[np.float64]

#: Candidates that are looked at together.
_BLOCK = 512


@dataclass(frozen=True)
class SelectionSettings:
    """What is selected, and how.

    Attributes:
        rule: What a hit is.
        fdr: False discovery rate.
        method: How to select.
        restrict: Consider compounds in the domain of the model only.
    """

    rule: HitRule
    fdr: float
    method: FdrMethod
    restrict: bool


class LibrarySelection:
    """Takes in the predictions of a library batch by batch; remembers what may still be selected.

    A row is considered unless it is outside the domain of the model, and so is a calibration compound. What may be
    selected by its p-value goes to a file. At the end those that can be selected are looked at closely: training
    compounds and repeats drop out, and are considered no longer. Rows that cannot be selected are not looked at. Some
    of them would drop out too, so m is rather too large, and the selection rather too small.

    A new compound is scored by the mean of all members, a calibration compound by its out-of-fold member,
    which errs more. So the p-values err on the safe side.

    Args:
        predictor: The model; see `check_calibration`.
        candidates: Where candidates are kept.
        settings: What is selected.
        ratio: Weights of the calibration compounds and of any others, for `weighted`.
    """

    def __init__(
        self,
        predictor: Predictor,
        candidates: CandidateFile,
        settings: SelectionSettings,
        ratio: DensityRatio | None = None,
    ) -> None:
        self._predictor = predictor
        self._candidates = candidates
        self._settings = settings
        self._ratio = ratio
        data = predictor.calibration.data
        scores, is_hit = self._score(data.mean), _calibration_hits(settings, predictor)
        no_fold = np.zeros(len(scores), dtype=np.int64)
        self._calibration_scores, self._is_hit = scores, is_hit
        weights = np.ones(len(scores)) if ratio is None else ratio.calibration_weights
        if settings.restrict:  # errors outside the domain are others, and nothing from there is considered
            weights = weights * predictor.calibration_in_domain
        self.probability = fit_hit_probability(settings.rule, [out_of_fold_rows(predictor, weights=weights)])
        self._calibration: HitCalibration = calibrate_hits(scores, is_hit, no_fold, 1)
        self._weighted: WeightedHitCalibration | None = None
        if ratio is not None:
            self._weighted = calibrate_weighted_hits(scores, is_hit, ratio.calibration_weights, no_fold, 1)
        self._thresholds = thresholds_of(np.where(np.isfinite(is_hit), scores, np.nan))
        self._above_each = np.zeros(len(self._thresholds), dtype=np.int64)
        self._n_considered = self._n_scored = 0
        self._strengths: list[Floats] = []

    @property
    def hit(self) -> HitRule:
        """What a hit is."""
        return self._settings.rule

    @property
    def first_task(self) -> int:
        """Position of the first task that makes a hit."""
        return self._settings.rule.conditions[0].column

    def scores(self, prediction: Prediction) -> Floats:
        """How clearly each compound is predicted to be a hit, `[B]`; NaN where it was rejected."""
        members = prediction.members[: self._predictor.card.n_members]  # a panel may hold models with more of them
        return np.asarray(self._score(members).mean(axis=0))

    def _score(self, means: Floats) -> Floats:
        calibration = self._predictor.calibration
        return self._settings.rule.score(means, calibration.residual_std, calibration.is_log)

    def are_considered(self, prediction: Prediction, scores: Floats) -> NDArray[np.bool_]:
        """Which rows of a batch are considered, `[B]`."""
        is_considered = np.isfinite(scores)
        if self._settings.restrict:
            is_considered &= ~prediction.is_outside
        return is_considered

    def above_each(self, scores: Floats) -> tuple[int, ...]:
        """How many of the rows that are considered lie above each of the thresholds at which the library is counted."""
        return count_above(scores, self._thresholds)

    def count(self, found: ChunkResult) -> None:
        """Take note of how many rows there are."""
        self._n_scored += found.scored
        self._n_considered += found.considered
        if len(found.above_each) != len(self._above_each):
            raise InputError(
                f"a chunk that is done counts above {len(found.above_each)} thresholds, and this screen has "
                f"{len(self._above_each)}; begin anew with `overwrite=True`"
            )
        self._above_each += np.array(found.above_each, dtype=np.int64)

    def may_be_selected(self, scores: Floats) -> NDArray[np.bool_]:
        """Which rows may be selected by their p-value alone, `[B]`; these are to be kept."""
        return np.asarray(self._least_p_values(self._strength(scores)) <= self._settings.fdr * (1.0 + 1e-9))

    def keep(self, hits: Sequence[Hit]) -> None:
        """Remember rows that are considered and may be selected."""
        if hits:
            self._candidates.write(hits)
            self._strengths.append(self._strength(np.array([hit.hit_score for hit in hits])))

    def p_values_and_probabilities(self, ranking: Sequence[Ranked[Hit]]) -> tuple[dict[int, float], dict[int, float]]:
        """p-values and probabilities of a hit by row of the library.

        Of those that are considered and no training compounds.
        """
        known = self._predictor.in_training([entry.key for entry in ranking]) or [False] * len(ranking)
        asked = [
            entry
            for entry, is_known in zip(ranking, known, strict=True)
            if not is_known and not (self._settings.restrict and entry.payload.is_outside)
        ]
        rows = [entry.row for entry in asked]
        p = self._strength(np.array([entry.payload.hit_score for entry in asked]))
        if self._weighted is not None and self._ratio is not None:
            texts = look_closely(self._predictor, [entry.payload for entry in asked])
            p = self._weighted.p_values(p, self._ratio.weights(morgan_fingerprints(texts)))
        chances = self.hit_probabilities(asked)
        return dict(zip(rows, p.tolist(), strict=True)), dict(zip(rows, chances.tolist(), strict=True))

    def finish(
        self, standard_of: Mapping[str, str] = MappingProxyType({})
    ) -> tuple[SelectionReport, list[Ranked[Hit]]]:
        """What was selected: in numbers, and the compounds, the smallest p-value first.

        Args:
            standard_of: By text the standardized structures that are there already.
        """
        strengths = np.concatenate(self._strengths) if self._strengths else np.zeros(0)
        look = self._look_closely(strengths, standard_of)
        strengths, scores, q = strengths[look.positions], look.scores, self._settings.fdr
        n_new = self._n_considered - look.n_dropped
        if self._weighted is not None:
            p_values = self._weighted.p_values(strengths, look.weights)
            chosen = weighted_selection(
                self._weighted, strengths, scores, look.weights, n_new=n_new, q=q, seed=_seed_of(scores)
            )
        else:
            p_values = strengths
            threshold = _threshold(p_values, n_new, q)
            chosen = p_values <= threshold
            if self._settings.method == "diverse":
                chosen = diverse_selection(p_values, scores, look.kinds, threshold=threshold, n_new=n_new, q=q)
        order = np.lexsort((-scores, p_values))
        selected = [look.entries[i] for i in order[chosen[order]].tolist()]
        return self._report(look, n_new, p_values[chosen], selected), selected

    def _strength(self, scores: Floats) -> Floats:
        """What orders the compounds, smaller is better: the p-value, or the weight of the non-hits above."""
        if self._weighted is not None:
            return self._weighted.mass_above(scores[None])
        return self._calibration.p_values(scores[None])

    def _least_p_values(self, strength: Floats) -> Floats:
        """A bound below the p-values, and below those that count when another compound joins the calibration."""
        return strength if self._weighted is None else strength / (self._weighted.total + LARGEST_WEIGHT)

    def _look_closely(self, strengths: Floats, standard_of: Mapping[str, str]) -> SelectableHits:
        """Look at all candidates that can be selected, until no other can be: to drop some lets others in."""
        look = SelectableHits(len(strengths))
        while True:
            is_asked = ~look.was_seen
            if self._weighted is None:
                n_new = self._n_considered - look.n_dropped
                is_asked &= strengths <= _threshold(strengths[~look.was_dropped], n_new, self._settings.fdr)
            if not is_asked.any():
                return look
            for block in _blocks(self._candidates.read(is_asked.__getitem__)):
                self._look_at(block, look, standard_of)

    def _look_at(self, block: list[tuple[int, Hit]], look: SelectableHits, standard_of: Mapping[str, str]) -> None:
        texts = look_closely(self._predictor, [hit for _, hit in block], standard_of)
        keys = [key_of(self._predictor, hit) for _, hit in block]
        known = self._predictor.in_training(keys) or [False] * len(block)
        kept = [i for i, (position, _) in enumerate(block) if look.takes(position, keys[i], is_known=known[i])]
        dropped = np.array([hit.hit_score for position, hit in block if look.was_dropped[position]])
        dropped_above = np.array(count_above(dropped, self._thresholds), dtype=np.int64)
        self._above_each = np.maximum(self._above_each - dropped_above, 0)  # a changed checkpoint may count too few
        for i in kept:
            position, hit = block[i]
            look.positions.append(position)
            look.entries.append(Ranked(hit.score, hit.row, keys[i], hit))
        if self._settings.method == "diverse":
            look.kind_names += [str(murcko_scaffold(texts[i])) for i in kept]
        if self._ratio is not None and kept:
            look.own_weights.append(self._ratio.weights(morgan_fingerprints([texts[i] for i in kept])))

    def _report(
        self, look: SelectableHits, n_new: int, p_values: Floats, selected: Sequence[Ranked[Hit]]
    ) -> SelectionReport:
        scores = np.array([entry.payload.hit_score for entry in selected])
        is_above = self._calibration_scores >= scores.min(initial=np.inf)
        non_hits_above = int((is_above & (self._is_hit == 0)).sum())
        return SelectionReport(
            hit=str(self._settings.rule),
            fdr=self._settings.fdr,
            method=self._settings.method,
            selected=len(selected),
            expected_true_hits=float(self.hit_probabilities(selected).sum()),
            most_false=self._most_false(len(selected), non_hits_above, n_new),
            threshold=float(p_values.max()) if selected else None,
            hits_above=int((is_above & (self._is_hit == 1)).sum()),
            non_hits_above=non_hits_above,
            n_scored=self._n_scored,
            n_considered=n_new,
            in_training=look.in_training,
            repeated=look.repeated,
            n_calibration=self._calibration.n_rows,
            n_calibration_hits=self._calibration.n_hits,
            least_selection=self._calibration.least_selection(n_new, self._settings.fdr),
            effective_calibration=None if self._ratio is None else self._ratio.effective_rows,
            lowest_rate=None if selected or self._weighted is not None else self._lowest_rate(n_new),
            easier_hit=None if selected or self._weighted is not None else self._easier_hit(n_new),
        )

    def _lowest_rate(self, n_new: int) -> tuple[float, int] | None:
        p_values = p_values_at(self._thresholds, self._calibration.non_hits[0], self._calibration.n_rows)
        return lowest_rate(self._above_each.tolist(), p_values, n_new)

    def _easier_hit(self, n_new: int) -> tuple[str, int] | None:
        if len(self.hit.conditions) > 1:
            return None
        (condition,), data = self.hit.conditions, self._predictor.calibration.data
        known = np.where(np.isfinite(self._is_hit), self._calibration_scores, np.nan)
        found = most_demanding_limit(
            condition, data.labels.task(condition.column), known, self._above_each.tolist(),
            n_new=n_new, q=self._settings.fdr,
        )  # fmt: skip
        return None if found is None else (str(found[0]), found[1])

    def hit_probabilities(self, ranking: Sequence[Ranked[Hit]]) -> Floats:
        """Calibrated probability that each compound is a hit, `[B]`."""
        if not ranking:
            return np.zeros(0)
        return self.probability(np.stack([entry.payload.mean for entry in ranking]))

    def _most_false(self, n_selected: int, non_hits_above: int, n_new: int) -> int | None:
        """See `SelectionReport.most_false`: some of the compounds above a threshold hold no more non-hits than all."""
        if self._weighted is not None:
            return None
        n_rows, n_hits = self._calibration.n_rows, self._calibration.n_hits
        bound = bound_false_discoveries(n_rows - n_hits, n_rows, n_new)
        return min(n_selected, bound.at(non_hits_above))


def check_calibration(settings: SelectionSettings, predictor: Predictor) -> None:
    """Refuse hits and rates that the calibration compounds do not allow.

    Raises:
        InputError: All of them are hits or none is, they are too few for the rate, or they cannot be weighted.
    """
    data = predictor.calibration.data
    rows = predictor.calibration_in_domain if settings.restrict else np.ones(len(data.labels), dtype=np.bool_)
    settings.rule.check(data.labels.take(rows))
    n_rows = int(np.isfinite(_calibration_hits(settings, predictor)).sum())
    needed = int(np.ceil(1.0 / settings.fdr - 1e-9)) - 1
    if n_rows < needed:
        raise InputError(
            f"fdr is {settings.fdr:g}, which needs at least {needed:,} calibration compounds, and the model has "
            f"{n_rows:,} that say whether {settings.rule}; ask for a higher rate, or measure more compounds"
        )
    if settings.method == "weighted" and predictor.structures is None:
        raise InputError(
            "fdr_method is 'weighted', but the model was saved without its structures, so there is nothing to weigh; "
            "train with `keep_structures=True`, or choose cfbh"
        )


def _calibration_hits(settings: SelectionSettings, predictor: Predictor) -> Floats:
    """Which calibration rows are hits, `[n]`; NaN where that is not known, and where they are outside the domain."""
    data = predictor.calibration.data
    is_hit = settings.rule.is_hit(data.labels)
    return np.where(predictor.calibration_in_domain, is_hit, np.nan) if settings.restrict else is_hit


def _threshold(p_values: Floats, n_new: int, q: float) -> float:
    """The largest p-value that is selected; all rows that are considered and not here count as 1."""
    return selection_threshold(np.concatenate([p_values, np.ones(n_new - len(p_values))]), q)


def _seed_of(scores: Floats) -> int:
    """A seed for the chance that the weighted procedure needs: another one for each library, the same in each run."""
    return zlib.crc32(scores.astype(np.float32).tobytes())


def _blocks(entries: Iterator[tuple[int, Hit]]) -> Iterator[list[tuple[int, Hit]]]:
    while block := list(islice(entries, _BLOCK)):
        yield block
