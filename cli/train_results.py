"""What `molgraph train` shows: the rows that were read, and how well the model predicts."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .domain_text import domain_lines
from .few_of_a_class import tell_few_of_a_class
from .new_series import new_series_lines, tell_worse_on_new_series
from .options import SHOWN, tell_no_better_than_chance, tell_notes, tell_rejected
from .text import show_line, show_table, significant, tell

if TYPE_CHECKING:
    from molgraph import Predictor
    from molgraph.datasets.dataset import Dataset
    from molgraph.datasets.duplicates import MergedGroup

#: Least weight of a learner in a blend that is shown.
_LEAST_SHARE = 0.005

#: Tasks whose errors by applicability domain are shown; `molgraph models show` has more.
_SHOWN_DOMAINS = 12


def tell_rows(dataset: "Dataset") -> None:
    """Print what was read, the first rejected rows, and the first duplicates that disagree."""
    for line in dataset.summary():
        tell(line)
    tell_notes(dataset.notes)
    tell_rejected(dataset.rejected, len(dataset.rejected), "--json lists all")
    conflicts = dataset.merges.conflicts
    task_names = [task.name for task in dataset.tasks]
    for group in conflicts[:SHOWN]:
        tell(f"  conflict: {group.smiles[:60]}: {_disagreement(group, task_names)}")
    if len(conflicts) > SHOWN:
        tell(f"  and {len(conflicts) - SHOWN:,} more; --json lists all")


def _disagreement(group: "MergedGroup", task_names: Sequence[str]) -> str:
    """The values of the tasks in which rows of one structure differ, and what became of them."""
    parts = []
    for t, name in enumerate(task_names):
        measured = [
            (row[t], label) for row, label in zip(group.values, group.ids, strict=True) if not math.isnan(row[t])
        ]
        if len({value for value, _ in measured}) > 1:
            values = ", ".join(f"{value:g} ({label[:20]})" for value, label in measured[:SHOWN])
            more = f" and {len(measured) - SHOWN} more" if len(measured) > SHOWN else ""
            is_vote = {value for value, _ in measured} == {0.0, 1.0}
            what = "the majority" if is_vote else "the median"
            outcome = "left out" if math.isnan(group.kept[t]) else f"{what} {group.kept[t]:g} is used"
            parts.append(f"{name} {values}{more}: {outcome}")
    return "; ".join(parts[:SHOWN])


def show_metrics(model: "Predictor", dataset: "Dataset", output: Path) -> None:
    """Print the cross-validated metrics of the model, and warnings."""
    from molgraph.config.learners import LEARNERS
    from molgraph.uncertainty.coverage import coverage_lines

    n_folds = model.card.config.folds
    show_line(f"Cross-validation ({n_folds}-fold):" if n_folds > 1 else "Held-out validation (10% of the rows):")
    rows = [("task", "metric", "value", "std over folds" if n_folds > 1 else "standard error", "compounds")]
    for record in model.card.metrics:
        std = "" if record.std is None else f"± {significant(record.std)}"
        rows.append((record.task, record.metric, significant(record.mean), std, f"{record.n_rows:,}"))
    show_table(rows, right=(2, 3, 4))
    for line in new_series_lines(model.card):
        show_line(line)
    for record in model.card.metrics:
        if record.metric == "median_factor":
            show_line(
                f"{record.task}: learned as logarithms; half of the predictions are within that median fold error"
            )
    for line in domain_lines(model.card.domain)[:_SHOWN_DOMAINS]:
        show_line(f"By applicability domain, {line}")
    if len(model.card.learners) > 1:
        heaviest = sorted(model.shares.items(), key=lambda pair: -pair[1])
        shown = ", ".join(f"{LEARNERS[name].title} {share:.0%}" for name, share in heaviest if share >= _LEAST_SHARE)
        show_line(f"Model weights: {shown}" + (" (mean over the tasks)" if len(model.tasks) > 1 else ""))
    for line in coverage_lines(model.tasks, model.calibration.rows_of):
        show_line(line)
    tell_few_of_a_class(model.card, dataset)
    tell_worse_on_new_series(model.card)
    tell_no_better_than_chance(_no_better_than_chance(model), "held-out compounds")
    show_line(f"Model written to {output}")


def _no_better_than_chance(model: "Predictor") -> list[str]:
    return [model.tasks[t].name for t in model.calibration.no_better_than_chance]


def result_values(model: "Predictor", dataset: "Dataset", output: Path) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "model": str(output),
        "model_sha256": model.digest,
        "metrics": [dataclasses.asdict(record) for record in model.card.metrics],
        "new_series": [dataclasses.asdict(record) for record in model.card.new_series],
        "new_series_unknown": model.card.new_series_unknown,
        "no_better_than_chance": _no_better_than_chance(model),
        "data": dataclasses.asdict(model.card.data),
        "rejected": [dataclasses.asdict(row) for row in dataset.rejected],
        "notes": dataset.notes,
        "merged": [dataclasses.asdict(group) for group in dataset.merges.groups],
    }
