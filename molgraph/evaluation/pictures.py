"""Plots of an evaluation (parity, calibration, reliability, coverage, enrichment), each as PNG and SVG.

Names of tasks and units come from files: they are drawn as plain text, never as a formula, and are cut to fit.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from molgraph.evaluation.task_metrics import LEVELS, TaskRows, coverage_groups, covered, covered_at_all_levels
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

#: Points that are drawn with their intervals at most, evenly spaced; more would overlap.
_MOST_POINTS = 1000

_LONGEST_NAME = 60
_BLUE, _GREY, _RED = "#1f5f99", "#8a8a8a", "#b5362f"


def draw_task(folder: Path, prefix: str, rows: TaskRows, level: float) -> list[str]:
    """Draw all plots of a task into `folder`; returns the names of the files.

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
    """A name or unit from a file, made safe and short enough for a plot."""
    printable = "".join(c if c.isprintable() else "?" for c in text)
    return printable if len(printable) <= _LONGEST_NAME else printable[: _LONGEST_NAME - 1] + "…"


def _parity(axes: "Axes", rows: TaskRows, level: float) -> None:
    lower, upper = (ends[:, rows.column] for ends in rows.prediction.interval(level))
    finite = np.flatnonzero(np.isfinite(lower) & np.isfinite(upper))
    shown = finite[np.unique(np.linspace(0, len(finite) - 1, min(len(finite), _MOST_POINTS)).astype(np.int64))]
    is_covered = (rows.labels >= lower) & (rows.labels <= upper)
    share = f"{is_covered.mean():.0%} of {len(is_covered):,}"
    for inside, colour, label in (
        (True, _BLUE, f"measured value in the {level:.0%} interval: {share}"),
        (False, _RED, "outside of it"),
    ):
        part = shown[is_covered[shown] == inside]
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
    """Plain numbers at the ticks of a logarithmic axis, where matplotlib would write powers of ten."""
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(lambda _value, _: "")


def _calibration(axes: "Axes", rows: TaskRows) -> None:
    observed = observed_coverage(rows.error, rows.spread)
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, label="perfectly calibrated")
    axes.fill_between(COVERAGE_LEVELS, COVERAGE_LEVELS, observed, color=_BLUE, alpha=0.2, linewidth=0)
    axes.plot(COVERAGE_LEVELS, observed, color=_BLUE, label="Gaussian of the predicted std")
    coverage = covered_at_all_levels(rows).mean(axis=1)
    axes.plot(INTERVAL_LEVELS, coverage, ".-", color=_RED, label="conformal intervals")
    axes.set_xlabel("nominal coverage")
    axes.set_ylabel("observed coverage")
    axes.legend(fontsize=8, frameon=False)


def _spread(axes: "Axes", rows: TaskRows) -> None:
    spread, error = spread_bins(rows.error, rows.spread)
    end = 1.05 * max(spread.max(), error.max())
    axes.plot([0, end], [0, end], color=_GREY, linewidth=1, label="perfectly calibrated")
    axes.plot(spread, error, "o-", color=_BLUE, label="bins of predicted standard deviation")
    unit = " of log10" if rows.in_log10 else ""
    axes.set_xlabel(f"predicted standard deviation{unit}")
    axes.set_ylabel(f"observed RMSE{unit}")
    axes.legend(fontsize=8, frameon=False)


def _reliability(axes: "Axes", rows: TaskRows) -> None:
    mean, fraction, count = class_calibration_bins(rows.labels, rows.mean)
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, label="perfectly calibrated")
    deviation = np.sqrt(np.maximum(fraction * (1 - fraction), 0) / count)
    axes.errorbar(mean, fraction, yerr=deviation, fmt="o-", color=_BLUE, label="bins of predicted probability")
    axes.set_xlabel("predicted probability of class 1")
    axes.set_ylabel("observed fraction of class 1")
    axes.legend(fontsize=8, frameon=False)


def _coverage(axes: "Axes", rows: TaskRows) -> None:
    groups = {name: members for name, members in coverage_groups(rows).items() if name.startswith("similarity")}
    position = np.arange(len(groups))
    for level, colour in zip(LEVELS, ("#c6d9ea", "#8fb6d9", "#4f8dc0", _BLUE), strict=True):
        is_covered, _ = covered(rows, level)
        coverage = np.array([is_covered[members].mean() if members.any() else np.nan for members in groups.values()])
        axes.plot(position, coverage, "o-", color=colour, label=f"{level:.0%}")
        axes.axhline(level, color=colour, linewidth=0.8, linestyle=":")
    axes.set_xticks(position, [f"{name.removeprefix('similarity ')}\nn = {m.sum():,}" for name, m in groups.items()])
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("similarity to the nearest training compound")
    axes.set_ylabel("observed coverage")
    axes.legend(title="nominal", fontsize=8, frameon=False, loc="lower right")


def _enrichment(axes: "Axes", rows: TaskRows) -> None:
    if rows.is_hit is None or rows.hit_score is None:
        return
    hit = rows.is_hit[np.argsort(-rows.hit_score, kind="stable")]
    top = np.arange(1, len(hit) + 1) / len(hit)
    axes.plot(top, np.cumsum(hit) / hit.sum(), color=_BLUE, label="model")
    axes.plot(top, np.minimum(top / hit.mean(), 1), color=_GREY, linewidth=1, linestyle=":", label="perfect")
    axes.plot(top, top, color=_GREY, linewidth=1, label="chance")
    axes.set_xscale("log")
    _write_plainly(axes.xaxis)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("top fraction of the ranking")
    axes.set_ylabel(f"fraction of the {int(hit.sum()):,} hits found")
    axes.legend(fontsize=8, frameon=False)
