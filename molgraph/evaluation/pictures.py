"""Pictures of an evaluation, each as PNG and SVG.

Names come from files: they are drawn as plain text, never as a formula, and cut to a length that fits.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from molgraph.evaluation.judge import LEVELS, TaskRows, coverage_groups, held, held_at_all
from molgraph.metrics.spread import (
    COVERAGE_LEVELS,
    INTERVAL_LEVELS,
    class_calibration_bins,
    observed_coverage,
    spread_bins,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

#: Points that are drawn with their intervals at most, evenly spaced; more are a blot.
_MOST_POINTS = 1000

_LONGEST_NAME = 60
_BLUE, _GREY, _RED = "#1f5f99", "#8a8a8a", "#b5362f"


def draw_task(folder: Path, prefix: str, rows: TaskRows, level: float) -> list[str]:
    """Draw all pictures of a task into `folder`; returns the names of the files.

    Args:
        folder: An existing folder.
        prefix: How the names of the files begin.
        rows: The compounds, at least one.
        level: Level of the intervals in the parity plot.
    """
    drawings: dict[str, Callable[[Axes], None]] = {}
    if rows.task.kind == "regression":
        drawings["parity"] = lambda axes: _parity(axes, rows, level)
        if np.all(rows.spread > 0):
            drawings["calibration"] = lambda axes: _calibration(axes, rows)
            drawings["spread"] = lambda axes: _spread(axes, rows)
    else:
        drawings["reliability"] = lambda axes: _reliability(axes, rows)
    if rows.similarity is not None:
        drawings["coverage"] = lambda axes: _coverage(axes, rows)
    if rows.is_hit is not None and 0 < rows.is_hit.sum() < len(rows.is_hit):
        drawings["enrichment"] = lambda axes: _enrichment(axes, rows)
    names = []
    for what, draw in drawings.items():
        names += _save(folder, f"{prefix}{what}", draw, rows.task.name)
    return names


def _save(folder: Path, stem: str, draw: "Callable[[Axes], None]", title: str) -> list[str]:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # Neither a date nor random names go into the files, so equal evaluations give equal files.
    with mpl.rc_context({"svg.hashsalt": stem, "text.parse_math": False, "font.size": 10, "svg.fonttype": "none"}):
        figure = Figure(figsize=(5.2, 4.4), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        axes.set_title(_shown(title))
        axes.spines[["top", "right"]].set_visible(False)
        # Tight: as large as the longest name or unit makes it.
        figure.savefig(folder / f"{stem}.png", dpi=150, bbox_inches="tight")
        figure.savefig(folder / f"{stem}.svg", metadata={"Date": None}, bbox_inches="tight")
    return [f"{stem}.png", f"{stem}.svg"]


def _shown(text: str) -> str:
    """A name or unit from a file, so that it can stand in a picture."""
    printable = "".join(c if c.isprintable() else "?" for c in text)
    return printable if len(printable) <= _LONGEST_NAME else printable[: _LONGEST_NAME - 1] + "…"


def _parity(axes: "Axes", rows: TaskRows, level: float) -> None:
    lower, upper = (ends[:, rows.column] for ends in rows.prediction.interval(level))
    finite = np.flatnonzero(np.isfinite(lower) & np.isfinite(upper))
    shown = finite[np.unique(np.linspace(0, len(finite) - 1, min(len(finite), _MOST_POINTS)).astype(np.int64))]
    is_held = (rows.labels >= lower) & (rows.labels <= upper)
    share = f"{is_held.mean():.0%} of {len(is_held):,}"
    for inside, colour, label in (
        (True, _BLUE, f"{level:.0%} interval holds the truth: {share}"),
        (False, _RED, "misses it"),
    ):
        part = shown[is_held[shown] == inside]
        ends = np.maximum([rows.mean[part] - lower[part], upper[part] - rows.mean[part]], 0.0)
        axes.errorbar(rows.labels[part], rows.mean[part], yerr=ends, fmt="o", markersize=3, color=colour,
                      ecolor=colour, elinewidth=0.6, alpha=0.5, label=label, rasterized=True)  # fmt: skip
    ends = np.array([min(rows.labels.min(), rows.mean.min()), max(rows.labels.max(), rows.mean.max())])
    axes.plot(ends, ends, color=_GREY, linewidth=1)
    if rows.in_log10:
        axes.set(xscale="log", yscale="log")
        for axis in (axes.xaxis, axes.yaxis):
            _write_plainly(axis)
    unit = f" ({_shown(rows.task.unit)})" if rows.task.unit else ""
    axes.set_xlabel(f"measured{unit}")
    axes.set_ylabel(f"predicted{unit}")
    axes.legend(fontsize=8, frameon=False, loc="upper left")


def _write_plainly(axis: "Axis") -> None:
    """Numbers beside the ticks of a logarithmic axis, where formulas would be written otherwise."""
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(lambda _value, _: "")


def _calibration(axes: "Axes", rows: TaskRows) -> None:
    observed = observed_coverage(rows.error, rows.spread)
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, label="calibrated")
    axes.fill_between(COVERAGE_LEVELS, COVERAGE_LEVELS, observed, color=_BLUE, alpha=0.2, linewidth=0)
    axes.plot(COVERAGE_LEVELS, observed, color=_BLUE, label="predicted spread, as if Gaussian")
    held_shares = held_at_all(rows).mean(axis=1)
    axes.plot(INTERVAL_LEVELS, held_shares, ".-", color=_RED, label="intervals as given")
    axes.set_xlabel("nominal coverage")
    axes.set_ylabel("observed coverage")
    axes.legend(fontsize=8, frameon=False)


def _spread(axes: "Axes", rows: TaskRows) -> None:
    spread, error = spread_bins(rows.error, rows.spread)
    end = 1.05 * max(spread.max(), error.max())
    axes.plot([0, end], [0, end], color=_GREY, linewidth=1, label="calibrated")
    axes.plot(spread, error, "o-", color=_BLUE, label="groups of like spread")
    unit = " of log10" if rows.in_log10 else ""
    axes.set_xlabel(f"predicted spread{unit}")
    axes.set_ylabel(f"error found{unit} (RMSE)")
    axes.legend(fontsize=8, frameon=False)


def _reliability(axes: "Axes", rows: TaskRows) -> None:
    mean, share, count = class_calibration_bins(rows.labels, rows.mean)
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, label="calibrated")
    deviation = np.sqrt(np.maximum(share * (1 - share), 0) / count)
    axes.errorbar(mean, share, yerr=deviation, fmt="o-", color=_BLUE, label="groups of like probability")
    axes.set_xlabel("predicted probability of class 1")
    axes.set_ylabel("share of class 1")
    axes.legend(fontsize=8, frameon=False)


def _coverage(axes: "Axes", rows: TaskRows) -> None:
    groups = {name: members for name, members in coverage_groups(rows).items() if name.startswith("similarity")}
    place = np.arange(len(groups))
    for level, colour in zip(LEVELS, ("#c6d9ea", "#8fb6d9", "#4f8dc0", _BLUE), strict=True):
        holds, _ = held(rows, level)
        share = np.array([holds[members].mean() if members.any() else np.nan for members in groups.values()])
        axes.plot(place, share, "o-", color=colour, label=f"{level:.0%}")
        axes.axhline(level, color=colour, linewidth=0.8, linestyle=":")
    axes.set_xticks(place, [f"{name.removeprefix('similarity ')}\nn = {m.sum():,}" for name, m in groups.items()])
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("similarity to the nearest training compound")
    axes.set_ylabel("observed coverage")
    axes.legend(title="promised", fontsize=8, frameon=False, loc="lower right")


def _enrichment(axes: "Axes", rows: TaskRows) -> None:
    if rows.is_hit is None or rows.hit_score is None:
        return
    hit = rows.is_hit[np.argsort(-rows.hit_score, kind="stable")]
    place = np.arange(1, len(hit) + 1) / len(hit)
    axes.plot(place, np.cumsum(hit) / hit.sum(), color=_BLUE, label="model")
    axes.plot(place, np.minimum(place / hit.mean(), 1), color=_GREY, linewidth=1, linestyle=":", label="perfect")
    axes.plot(place, place, color=_GREY, linewidth=1, label="chance")
    axes.set_xscale("log")
    _write_plainly(axes.xaxis)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("share of the ranking")
    axes.set_ylabel(f"share of the {int(hit.sum()):,} hits found")
    axes.legend(fontsize=8, frameon=False)
