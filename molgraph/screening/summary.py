"""What a screen did: in numbers for people, and as `summary.json`."""

import json
import reprlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from molgraph.applicability.shift import ShiftReport
from molgraph.prediction.panel import Panel
from molgraph.results.prediction import Rejected
from molgraph.screening.diverse_hits import DiversityReport
from molgraph.screening.hit_table import HitTable
from molgraph.screening.selection_report import SelectionReport
from molgraph.version import __version__

#: Version of `summary.json`.
FORMAT_VERSION = 3


@dataclass(frozen=True)
class ScreenResult:
    """What a screen did; `rows_read = scored + rejected + duplicates`.

    Attributes:
        output: The folder that it wrote.
        rows_read: Rows of the library.
        scored: Rows that were predicted.
        rejected: Rows that could not be used; `rejected.csv` says why.
        duplicates: Rows whose structure is spelled as in an earlier row; they are not scored again.
        duplicates_are_complete: False if the library was too large to remember all structures.
        hits: The hit list, best first; its length is their number.
        outside: Structures that score as well but are outside the applicability domain, in `outside.csv`; as many as
            the hit list may hold at most.
        selected: All that was selected, in memory: at a high rate that can be a good part of the library. None if it
            no hit is defined.
        diverse: What was picked of the hits because it differs; None if it was not asked for, or there are no hits.
        diversity: What that costs; None likewise.
        selection: What the selection rests on; None if no hit is defined.
        shift: Whether the library is like the calibration compounds; None if their structures are not known. With a
            selection only what was considered for it was compared.
        rows_before: Rows of these that an earlier run had done, which was stopped.
        seconds: Wall time of this run.
        goal: What ranked them.
        first_rejected: The first few rejected rows.
        no_better_than_chance: Tasks whose calibration compounds are ranked no better than by chance.
        notes: What was chosen where the library left a choice, e.g. of two columns of structures.
    """

    output: Path
    rows_read: int
    scored: int
    rejected: int
    duplicates: int
    duplicates_are_complete: bool
    hits: HitTable
    outside: HitTable
    selected: HitTable | None
    diverse: HitTable | None
    diversity: DiversityReport | None
    selection: SelectionReport | None
    shift: ShiftReport | None
    rows_before: int
    seconds: float
    goal: str
    first_rejected: tuple[Rejected, ...]
    no_better_than_chance: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        duplicates = f", {self.duplicates:,} duplicates" if self.duplicates else ""
        lists = {"selected": self.selected, "diverse": self.diverse, "outside the domain": self.outside}
        others = "".join(f", {len(table):,} {name}" for name, table in lists.items() if table is not None)
        return (
            f"ScreenResult({self.rows_read:,} rows: {self.scored:,} scored, {self.rejected:,} rejected{duplicates}; "
            f"{len(self.hits):,} hits{others}; in {reprlib.repr(str(self.output))})"
        )

    @property
    def molecules_per_second(self) -> float:
        """Rows of this run for each second of wall time, start-up included."""
        return (self.rows_read - self.rows_before) / self.seconds if self.seconds > 0 else 0.0


def write_summary(path: Path, result: ScreenResult, panel: Panel, settings: Mapping[str, Any], *, run: str) -> None:
    """Write `summary.json`: the same, to the byte, whenever and however often the screen is run.

    Args:
        path: Where.
        result: What the screen did.
        panel: The models.
        settings: The options.
        run: Identity of the run (see `molgraph.screening.screen_checkpoint.run_id`).
    """
    values = summary_values(result, panel, settings, run)
    path.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def write_timing(path: Path, result: ScreenResult, *, processes: int) -> None:
    """Write `timing.json`: what differs from run to run.

    Args:
        path: Where.
        result: What the screen did.
        processes: Processes that shared the work.
    """
    values = {
        "seconds": round(result.seconds, 3),
        "molecules_per_second": round(result.molecules_per_second, 1),
        "rows_done_before": result.rows_before,
        "processes": processes,
    }
    path.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def summary_values(result: ScreenResult, panel: Panel, settings: Mapping[str, Any], run: str) -> dict[str, Any]:
    """The content of `summary.json`, as plain values."""
    return {
        "format_version": FORMAT_VERSION,
        "molgraph_version": __version__,
        "rows": {
            "read": result.rows_read,
            "scored": result.scored,
            "rejected": result.rejected,
            "duplicates": result.duplicates,
            "duplicates_are_complete": result.duplicates_are_complete,
        },
        "hits": {"written": len(result.hits), "outside_domain": len(result.outside)},
        "diversity": None if result.diversity is None else asdict(result.diversity),
        "selection": None if result.selection is None else asdict(result.selection),
        "shift": _shift_values(result.shift),
        "no_better_than_chance": list(result.no_better_than_chance),
        "run": run,
        "settings": dict(settings),
        "models": [
            {
                "sha256": predictor.digest,
                "tasks": [dict(vars(task)) for task in predictor.tasks],
                "members": predictor.card.n_members,
                "trained_on": predictor.card.data.name,
                "molgraph_version": predictor.card.molgraph_version,
            }
            for predictor in panel.predictors
        ],
    }


def _shift_values(shift: ShiftReport | None) -> dict[str, Any] | None:
    if shift is None:
        return None
    values = {"auc": shift.auc, "p_value": shift.p_value, "power": shift.power}
    checked = values if shift.was_checked else dict.fromkeys(values)
    return {
        "n_calibration": shift.n_calibration,
        "n_library": shift.n_library,
        **checked,
        "was_checked": shift.was_checked,
        "fires": shift.fires,
    }
