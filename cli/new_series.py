"""Lines on the expected error: on compounds similar to those of the table, and on new series."""

from typing import TYPE_CHECKING

from .text import significant, tell

if TYPE_CHECKING:
    from molgraph.model_folder.card import ModelCard, SeriesRecord

#: Tasks that are listed.
_SHOWN = 10

_METRICS = {"rmse": "rmse", "rmse_log10": "rmse of log10", "roc_auc": "roc_auc"}


def new_series_lines(card: "ModelCard") -> list[str]:
    """Expected errors of each task and how they were estimated, or why they were not."""
    if not card.new_series:
        unknown = card.new_series_unknown
        return [] if unknown is None else [f"error on a new series: not estimated, {unknown}"]
    first = card.new_series[0]
    lines = [_line(record) for record in card.new_series[:_SHOWN]]
    if len(card.new_series) > _SHOWN:
        lines.append(f"and {len(card.new_series) - _SHOWN} more tasks; --json lists all")
    groups = "Murcko scaffolds" if first.series == "scaffold" else "clusters of similar compounds"
    measured = "former" if card.config.split == "random" else "latter"
    lines.append(
        f"(the {measured} was measured in cross-validation; the other is estimated from the ratio of the errors of "
        f"{first.learner} with random folds and with folds of whole {groups}, on {first.n_rows:,} compounds)"
    )
    return lines


def tell_worse_on_new_series(card: "ModelCard") -> None:
    """Warn of tasks whose error with random folds is too optimistic for a new series."""
    if card.config.split != "random":
        return
    for record in [record for record in card.new_series if record.warns][:_SHOWN]:
        tell(
            f"WARNING: {record.task}: for a new series expect {_METRICS[record.metric]} about "
            f"{significant(record.new_series)}, not {significant(record.like_table)}: errors are about "
            f"{record.ratio:.1f} times larger there, and intervals too narrow; --split scaffold measures the error on "
            "new scaffolds, and calibrates intervals for them"
        )


def _line(record: "SeriesRecord") -> str:
    return (
        f"{record.task}: expect {_METRICS[record.metric]} about {significant(record.like_table)} on analogues of the "
        f"compounds of the table, about {significant(record.new_series)} on a new series"
    )
