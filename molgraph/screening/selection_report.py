"""The result of a selection, in numbers and in sentences with its guarantee and its bound."""

from dataclasses import dataclass

from molgraph.config.screening import FdrMethod
from molgraph.errors import setting
from molgraph.rank.discovery_bound import BOUND_LEVEL
from molgraph.spelling import counted

#: With fewer non-hits than this above the threshold a list rests on too few to lean on.
_FEW_NON_HITS = 5


@dataclass(frozen=True)
class SelectionReport:
    """What was selected, and what it rests on.

    Attributes:
        hit: What a hit is.
        fdr: The false discovery rate that was asked for, q: over many tables and libraries, where a list without any
            compound counts as free of error.
        method: How it was selected.
        selected: Compounds that were selected.
        expected_true_hits: Hits among them: the sum of their calibrated probabilities.
        most_false: With probability `BOUND_LEVEL` no more of them than that are no hits, whichever rate was asked for;
            None with weights, for which there is no such bound.
        threshold: The largest p-value that was selected; None if none was.
        hits_above: Calibration compounds that score as well as the last one selected and are hits.
        non_hits_above: Likewise those that are none.
        n_scored: Rows of the library that were predicted.
        n_considered: Rows of the library that could be selected, m: those in the domain of the model.
        in_training: Compounds that score well enough and are training compounds: their answer is known.
        repeated: Rows that score well enough and are another spelling of an earlier row.
        n_calibration: Calibration compounds whose answer is known.
        n_calibration_hits: Hits among them.
        least_selection: The fewest compounds that can be selected at once, given so many calibration compounds.
        effective_calibration: Effective sample size of the calibration compounds; None without weights.
        lowest_rate: Where nothing was selected, the lowest rate that selects any, and about how many; None if there is
            none up to a half, or with weights.
        easier_hit: Likewise the most demanding condition that selects any at the rate; None if the hit has several
            conditions, or is a class.
        expected_of_best: Compounds at the top of a list that is ranked by the hit, and the hits expected among them;
            None where something else ranks.
    """

    hit: str
    fdr: float
    method: FdrMethod
    selected: int
    expected_true_hits: float
    most_false: int | None
    threshold: float | None
    hits_above: int
    non_hits_above: int
    n_scored: int
    n_considered: int
    in_training: int
    repeated: int
    n_calibration: int
    n_calibration_hits: int
    least_selection: int
    effective_calibration: float | None
    lowest_rate: tuple[float, int] | None = None
    easier_hit: tuple[str, int] | None = None
    expected_of_best: tuple[int, float] | None = None

    def sentences(self) -> list[str]:
        """What came, and under which assumption, in plain words."""
        of = f"of {self.n_considered:,} rows in the domain of the model"
        if self.selected:
            sentences = [
                f"Selected {self.selected:,} {of} as hits ({self.hit}).",
                *self._this_list(),
                self._guarantee(),
            ]
        elif not self.n_considered:
            sentences = [
                f"Selected none: no row of the library is new to the model and in its domain (hit: {self.hit}).",
                f"With `domain='ignore'` all {self.n_scored:,} rows are considered; no rate is guaranteed for these.",
            ]
        else:
            sentences = [
                f"Selected none {of} as hits ({self.hit}) at a false discovery rate of {self.fdr:.0%}.",
                (
                    f"{self.n_calibration:,} calibration compounds allow no fewer than {self.least_selection:,} at "
                    "once, and not so many score well enough."
                ),
                *self._alternatives(),
            ]
        sentences += [self._basis(), *self._left_out()]
        return sentences

    def _this_list(self) -> list[str]:
        """What is known of this very list."""
        bound = ""
        if self.most_false is not None and self.most_false < self.selected:
            bound = f"; with {BOUND_LEVEL:.0%} probability no more than {self.most_false:,} of them are no hits"
        elif self.most_false is not None:
            bound = "; how many of them are no hits at most cannot be bounded with so few calibration compounds"
        few = ", which is little to rest on" if self.non_hits_above < _FEW_NON_HITS else ""
        return [
            (
                f"Expect {self.expected_true_hits:,.0f} true hits among these {self.selected:,} "
                f"(the sum of their calibrated probabilities){bound}."
            ),
            (
                f"Of the calibration compounds {self.non_hits_above:,} non-hits and {self.hits_above:,} hits score as "
                f"well{few}."
            ),
        ]

    def _alternatives(self) -> list[str]:
        """What would have been selected otherwise."""
        others = []
        if self.lowest_rate is not None:
            others.append(
                f"{setting('fdr', float(f'{self.lowest_rate[0]:g}'))} would select about {self.lowest_rate[1]:,}"
            )
        if self.easier_hit is not None:
            others.append(f"{setting('hit', self.easier_hit[0])} would select about {self.easier_hit[1]:,}")
        sentences = ["Ask for a higher `fdr`, for a less demanding `hit`, or measure more compounds."]
        if others:
            sentences = [f"{', and '.join(others)}: choosing by looking like this, the rate is not held."]
        if self.expected_of_best is not None:
            n_best, hits = self.expected_of_best
            sentences.append(f"Expect {hits:,.1f} hits among the best {n_best:,} of the list all the same.")
        return sentences

    def _guarantee(self) -> str:
        """What the rate guarantees, and for which lists."""
        return (
            f"The rate of {self.fdr:.0%} is one over many tables and libraries, counting lists that stay empty as free "
            f"of error: on average at most {self.fdr:.0%} of the selected are no hits. It does not hold for a rate or "
            "a limit that was tried until something came."
        )

    def _basis(self) -> str:
        if self.effective_calibration is None:
            return (
                f"It rests on {self.n_calibration:,} calibration compounds ({self.n_calibration_hits:,} hits), and on "
                "the library in the domain being drawn like them."
            )
        return (
            f"It rests on {self.n_calibration:,} calibration compounds ({self.n_calibration_hits:,} hits), worth "
            f"{self.effective_calibration:,.0f} once weighted to look like the library, and on the weights being right."
        )

    def _left_out(self) -> list[str]:
        reasons = {
            counted(self.in_training, "training compound"): self.in_training,
            counted(self.repeated, "repeat"): self.repeated,
        }
        named = [reason for reason, count in reasons.items() if count]
        return [f"Not selected though they score as well: {', '.join(named)}."] if named else []
