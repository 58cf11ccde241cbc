"""A screen under way: takes in what is found, in the order of the library."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from molgraph.files.records import RecordBatch
from molgraph.files.table_writers import TableWriter
from molgraph.prediction.panel import Panel
from molgraph.prediction.shift_sample import Sample
from molgraph.rank.goal import Goal
from molgraph.rank.profile import Profile
from molgraph.rank.top_k import TopK
from molgraph.results.prediction import Prediction, Rejected
from molgraph.screening.chunk import ChunkResult
from molgraph.screening.hit import Hit, hits_at
from molgraph.screening.hit_selection import LibrarySelection

#: Rejected rows that a summary shows.
_SHOWN = 5


@dataclass
class ScreenState:
    """A screen under way.

    What is found in a batch depends on what was found before, because rows without a chance are left out; what comes
    out at the end does not. So the parts can be stored, and taken in again by another run.

    Attributes:
        panel: The models.
        goal: What ranks; None to rank by how clearly a compound is a hit.
        level: Of the intervals.
        top: The ranking.
        is_parted: Whether structures outside the domain have a ranking of their own.
        keep_columns: Columns of the library that are carried along.
        selection: What selects hits; None if nothing is selected.
        sample: Of the rows that count for the shift check.
        scored: Rows that were predicted.
        rejected: Rows that could not be used.
        first_rejected: The first few of them.
    """

    panel: Panel
    goal: Goal | Profile | None
    level: float
    top: TopK[Hit]
    is_parted: bool
    keep_columns: tuple[str, ...]
    selection: LibrarySelection | None
    sample: Sample = field(default_factory=Sample)
    scored: int = 0
    rejected: int = 0
    first_rejected: list[Rejected] = field(default_factory=list)

    def find(self, batch: RecordBatch, prediction: Prediction) -> ChunkResult:
        """What there is in a batch."""
        hit_scores = None if self.selection is None else self.selection.scores(prediction)
        goal_scores = hit_scores if self.goal is None else self.goal.scores(prediction)
        scores = as_shown(np.full(len(batch), np.nan) if goal_scores is None else goal_scores)
        is_ranked = scores > self._thresholds(prediction)  # a rejected row's NaN is above nothing
        is_candidate = np.zeros(len(batch), dtype=np.bool_)
        is_considered = ~np.isnan(scores)
        above_each: tuple[int, ...] = ()
        if self.selection is not None and hit_scores is not None:
            is_considered = self.selection.are_considered(prediction, hit_scores)
            is_candidate = is_considered & self.selection.may_be_selected(hit_scores)
            above_each = self.selection.above_each(hit_scores[is_considered])
        index = np.flatnonzero(is_ranked | is_candidate)
        found = hits_at(index, batch, prediction, scores, hit_scores, level=self.level, keep=self.keep_columns)
        return ChunkResult(
            scored=len(batch) - len(prediction.rejected),
            considered=int(is_considered.sum()),
            above_each=above_each,
            rejected=tuple(sorted([*batch.rejected, *prediction.rejected], key=lambda rejected: rejected.row)),
            hits=_chosen(found, is_ranked[index]),
            candidates=_chosen(found, is_candidate[index]),
            sample=tuple(self.sample.draw([batch.smiles[i] for i in np.flatnonzero(is_considered).tolist()])),
        )

    def has_chance(self, hit: Hit) -> bool:
        """Whether a hit may still be in a ranking."""
        is_far = self.is_parted and hit.is_outside
        least = max(self.top.threshold, self.top.outside_threshold) if is_far else self.top.threshold
        return hit.score >= least

    def _thresholds(self, prediction: Prediction) -> NDArray[np.float64]:
        """What each row must exceed to get into a ranking, `[B]`."""
        least = np.full(len(prediction), self.top.threshold)
        if self.is_parted:
            least[prediction.is_outside] = max(self.top.threshold, self.top.outside_threshold)
        return least

    def take(self, found: ChunkResult, rejected_file: TableWriter) -> None:
        """Take in what was found in the next rows, by this run or an earlier one."""
        self.scored += found.scored
        self.rejected += len(found.rejected)
        self.first_rejected += found.rejected[: _SHOWN - len(self.first_rejected)]
        if found.rejected:
            _write_rejected(rejected_file, found.rejected)
        self.sample.offer(found.sample)
        for hit in found.hits:
            self.top.offer(hit.score, hit.row, hit)
        if self.selection is not None:
            self.selection.count(found)
            self.selection.keep(found.candidates)


def _chosen(hits: Sequence[Hit], is_chosen: NDArray[np.bool_]) -> tuple[Hit, ...]:
    return tuple(hit for hit, chosen in zip(hits, is_chosen.tolist(), strict=True) if chosen)


def _write_rejected(file: TableWriter, rejected: Sequence[Rejected]) -> None:
    file.write(
        {
            "row": [r.row for r in rejected],
            "line": [r.line for r in rejected],
            "id": [r.id for r in rejected],
            "smiles": [r.text for r in rejected],
            "step": [r.step for r in rejected],
            "reason": [r.reason for r in rejected],
        }
    )


def as_shown(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores to the six significant digits that tables show.

    The last digits of a float32 sum depend on the order of the atoms in the text, and on the machine. Ranked like this,
    spellings of one structure tie, and ties go by row.
    """
    return np.array([float(f"{score:.6g}") for score in scores.tolist()])
