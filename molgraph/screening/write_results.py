"""The files with the best of a library, and what belongs into each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from molgraph.applicability.shift import ShiftReport
from molgraph.config.screening import ScreenConfig
from molgraph.prediction.output_columns import Columns
from molgraph.prediction.parallel_predict import ParallelPredictor
from molgraph.prediction.shift_sample import check_shift
from molgraph.rank.goal import Goal
from molgraph.rank.profile import Profile
from molgraph.rank.top_k import Ranked
from molgraph.screening.diverse_hits import DiversityReport, diverse_hits
from molgraph.screening.duplicate_rows import duplicate_ids_of
from molgraph.screening.fill_hit_table import HitFacts, ShownFacts, hit_table
from molgraph.screening.hit import Hit
from molgraph.screening.hit_quality import quality_columns
from molgraph.screening.hit_table import HitTable
from molgraph.screening.selection_report import SelectionReport
from molgraph.screening.state import ScreenState

HITS = "hits.csv"
SELECTED = "selected.csv"
OUTSIDE = "outside.csv"
DIVERSE = "diverse.csv"
DUPLICATES = "duplicates.csv"

#: Compounds at the top of the list of which the expected hits are reported: about as many as are bought at once.
_BEST = 50


@dataclass(frozen=True)
class WrittenResults:
    """What was written.

    Attributes:
        hits: The hit list, in `hits.csv`.
        outside: What scores as well but is outside the applicability domain, in `outside.csv` if there is any.
        selected: What was selected, in `selected.csv` if there is any; None if no hit is defined.
        diverse: What was picked of the hits, in `diverse.csv`; None if that was not asked for, or there are no hits.
        diversity: What was picked into `diverse.csv`, and what it costs; None if that was not asked for.
        selection: What was selected; None if no hit is defined.
        shift: Whether the library is like the calibration compounds; None if their structures are not known.
    """

    hits: HitTable
    outside: HitTable
    selected: HitTable | None
    diverse: HitTable | None
    diversity: DiversityReport | None
    selection: SelectionReport | None
    shift: ShiftReport | None


def write_results(state: ScreenState, folder: Path, config: ScreenConfig, stream: ParallelPredictor) -> WrittenResults:
    """Write `hits.csv`, and `selected.csv`, `diverse.csv` and `outside.csv` if there is anything for them.

    Args:
        state: All that was found.
        folder: Where to write; has `duplicates.csv` if there were any.
        config: What is asked for.
        stream: Has processes that do a part of the work.
    """
    inside, outside = state.top.inside(), state.top.outside()
    standard_of = _standard_structures(state)
    report, selected = (None, []) if state.selection is None else state.selection.finish(standard_of)
    if report is not None and state.selection is not None and state.goal is None:
        best = [*state.selection.p_values_and_probabilities(inside)[1].values()][:_BEST]  # of what is not known already
        report = replace(report, expected_of_best=(len(best), sum(best)) if best else None)
    keys = frozenset(entry.key for entry in selected)
    # Alerts and drug-likeness are computed for listed compounds inside the domain alone.
    wanted = {entry.key: entry for entry in (*inside, *selected)}
    quality = quality_columns([*wanted.values()], state.panel.first, config.alerts, stream.begin)
    shift = check_shift(state.panel.first, state.sample, standard_of)  # while worker processes are at work on that
    shown = ShownFacts(
        state.keep_columns,
        task=_shown_task(state),
        nearest=config.nearest,
        nearest_by=config.nearest_by,
        has_selection=state.selection is not None,
        ranked_by=_ranked_by(state),
        sign=state.goal.sign if isinstance(state.goal, Goal) else 1.0,
    )
    duplicates = duplicate_ids_of((inside, selected, outside), folder / DUPLICATES)
    diversity, diverse = diverse_hits(inside, state, config)
    tables: dict[str, HitTable] = {}
    for name, ranking in ((HITS, inside), (DIVERSE, diverse), (SELECTED, selected), (OUTSIDE, outside)):
        facts = HitFacts(duplicates, selected=keys)
        if name != OUTSIDE:
            p_values, chances = (
                ({}, {}) if state.selection is None else state.selection.p_values_and_probabilities(ranking)
            )
            facts = HitFacts(duplicates, p_values, chances, keys, _front_column(state, inside, ranking), quality)
        tables[name] = hit_table(state.panel, ranking, shown, facts)
        if ranking or name == HITS:
            tables[name].to_csv(folder / name)
    return WrittenResults(
        hits=tables[HITS],
        outside=tables[OUTSIDE],
        selected=None if report is None else tables[SELECTED],
        diverse=None if diversity is None else tables[DIVERSE],
        diversity=diversity,
        selection=report,
        shift=shift,
    )


def _standard_structures(state: ScreenState) -> dict[str, str]:
    """By text the standardized structures of what was looked at for the rankings, and of the sample of the library."""
    standard_of = {hit.smiles: hit.standard for hit in state.top.payloads() if hit.standard}
    if state.panel.first.structures is None:  # nothing to compare the sample with
        return standard_of
    new = [text for text in state.sample.texts if text not in standard_of]
    return standard_of | dict(zip(new, state.panel.first.standardized(new), strict=True))


def _front_column(state: ScreenState, hits: Sequence[Ranked[Hit]], ranking: Sequence[Ranked[Hit]]) -> Columns:
    """The Pareto front of each row of a ranking among all hits, where a profile has several objectives."""
    if not isinstance(state.goal, Profile) or len(state.goal.objectives) < 2 or not hits:
        return {}
    fronts = state.goal.fronts(np.stack([entry.payload.mean for entry in hits]))
    of_key = dict(zip([entry.key for entry in hits], fronts.tolist(), strict=True))
    return {"pareto_front": [of_key.get(entry.key) for entry in ranking]}


def _ranked_by(state: ScreenState) -> str:
    return f"hit: {state.selection.hit}" if state.goal is None and state.selection is not None else str(state.goal)


def _shown_task(state: ScreenState) -> int:
    """The task whose measured values stand beside a hit: the one that ranks, else the first that makes a hit."""
    if state.goal is not None:
        return state.goal.column
    return 0 if state.selection is None else state.selection.first_task
