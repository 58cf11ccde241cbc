"""Plot of mean ranks with critical differences (Nemenyi), after Demsar 2006."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from molgraph.benchmark.statistics import RankComparison
from molgraph.storage.atomic import atomic_path


def draw_ranks(names: Sequence[str], ranking: RankComparison, n_blocks: int, path: Path) -> None:
    """Draw mean ranks with half the critical difference to each side: bars that do not overlap differ (Nemenyi, 5%).

    Args:
        names: Learners, the best first.
        ranking: Their ranks.
        n_blocks: Pairs of data set and split that were ranked.
        path: PNG file to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ranks = ranking.ranks
    half = min(ranking.critical_difference / 2, float(len(names)))
    figure = Figure(figsize=(6.0, 0.9 + 0.35 * len(names)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    positions = np.arange(len(names))[::-1]
    is_tied = ranks <= ranks[0] + ranking.critical_difference
    for position, rank, name, tied in zip(positions, ranks, names, is_tied, strict=True):
        axes.errorbar(rank, position, xerr=half, fmt="o", color="#1f5f8b" if tied else "#8b8b8b", capsize=3, label=name)
    axes.axvspan(ranks[0] - half, ranks[0] + half, color="#1f5f8b", alpha=0.08, linewidth=0)
    axes.set_yticks(positions, names)
    axes.set_xlabel(
        f"mean rank over {n_blocks} pairs of data set and split (1 is best)\noverlap: no significant difference"
    )
    axes.set_xlim(min(0.5, ranks[0] - half - 0.1), max(len(names) + 0.5, ranks[-1] + half + 0.1))
    axes.set_xticks(np.arange(1, len(names) + 1))
    axes.grid(axis="x", alpha=0.3)
    with atomic_path(path) as temporary:
        # Tight: as wide as the longest name of a learner makes it.
        figure.savefig(temporary, format="png", dpi=150, bbox_inches="tight")
