"""Hits that differ from each other, without giving up many of the hits that a plain list would have."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.fingerprints import morgan_fingerprints
from molgraph.chem.scaffold import murcko_scaffold
from molgraph.config.screening import DiversityRule, ScreenConfig
from molgraph.prediction.panel import Panel
from molgraph.rank.diverse import best_of_each, clusters, max_min, pick_above_floor
from molgraph.rank.goal import Goal
from molgraph.rank.hit_rule import Condition, HitRule
from molgraph.rank.profile import Profile
from molgraph.rank.top_k import Ranked
from molgraph.screening.calibration_compounds import hit_probability
from molgraph.screening.close_look import look_closely
from molgraph.screening.hit import Hit
from molgraph.screening.state import ScreenState

Floats = NDArray[np.float64]

#: Compounds of a cluster are at least as similar as that to its best one (Tanimoto, Morgan radius 2, 2,048 bits): what
#: chemists see as one series is usually above it.
CLUSTER_SIMILARITY = 0.5

#: The share of the expected hits of the first N of the list that N compounds which differ may lack at most.
MOST_LOST = 0.2


@dataclass(frozen=True)
class DiversityReport:
    """What differing costs.

    Attributes:
        picked: Compounds.
        of_best: They were picked from so many at the top of the hit list: from more of them, more would be lost.
        counts: What is counted, in words.
        expected: How many of the picked that is, by their calibrated probabilities.
        expected_plain: How many of the first `picked` of the hit list it is.
    """

    picked: int
    of_best: int
    counts: str
    expected: float
    expected_plain: float

    def sentence(self) -> str:
        """All that in plain words."""
        return (
            f"{self.picked:,} of them that differ, of the best {self.of_best:,}: expect {self.expected:.3g} "
            f"{self.counts} among them; the first {self.picked:,} of the list have {self.expected_plain:.3g} "
            f"(at most {MOST_LOST:.0%} are given up)"
        )


def diverse_hits(
    ranking: Sequence[Ranked[Hit]], state: ScreenState, config: ScreenConfig
) -> tuple[DiversityReport | None, list[Ranked[Hit]]]:
    """The hits that are asked for, and what they cost; none if they ask for none.

    Args:
        ranking: The hits, best first.
        state: What ranked them.
        config: How many, and how they are picked.
    """
    if config.diverse is None or not ranking:
        return None, []
    n = min(config.diverse, len(ranking))
    counts, worth = _worth(ranking, state, n)
    texts = look_closely(state.panel.first, [entry.payload for entry in ranking])
    places, of_best = pick_above_floor(worth, n, _picker(texts, config.diverse_by), most_lost=MOST_LOST)
    report = DiversityReport(n, of_best, counts, float(worth[places].sum()), float(worth[:n].sum()))
    return report, [ranking[place] for place in places]


def _worth(ranking: Sequence[Ranked[Hit]], state: ScreenState, n: int) -> tuple[str, Floats]:
    """What counts of a pick, in words, and how much of it each compound is, `[B]`, 0 to 1.

    That is the probability of being a hit; where none was named, of being as good as the n-th is predicted to be.
    """
    if state.selection is not None:
        return f"true hits ({state.selection.hit})", state.selection.hit_probabilities(ranking)
    means = np.stack([entry.payload.mean for entry in ranking])
    if isinstance(state.goal, Goal):
        rule = _as_good_as(state.goal, state.panel, float(means[n - 1, state.goal.column]))
        return f"with {rule}", hit_probability(rule, state.panel.predictors)(means)
    is_probability = isinstance(state.goal, Profile) and state.goal.rank_by == "probability"
    scores = np.array([entry.score for entry in ranking])
    return "that meet all criteria" if is_probability else "desirability in sum", scores


def _as_good_as(goal: Goal, panel: Panel, value: float) -> HitRule:
    """The rule that a compound is of the wanted class, or has at least the value."""
    if panel.tasks[goal.column].kind == "classification":
        return HitRule(
            (Condition(goal.task, goal.column, is_class=True, sign="=", limit=float(goal.direction == "maximize")),)
        )
    sign = ">=" if goal.direction == "maximize" else "<="
    return HitRule((Condition(goal.task, goal.column, is_class=False, sign=sign, limit=value),))


def _picker(texts: Sequence[str], rule: DiversityRule) -> Callable[[int, int], list[int]]:
    """What picks n of the first m."""
    if rule == "scaffold":
        scaffolds = [murcko_scaffold(text) for text in texts]
        return lambda m, n: best_of_each(scaffolds[:m], n)
    fingerprints = morgan_fingerprints(texts)
    if rule == "cluster":
        cluster = clusters(fingerprints, CLUSTER_SIMILARITY)
        return lambda m, n: best_of_each(cluster[:m], n)
    return lambda m, n: max_min(fingerprints[:m], n)
