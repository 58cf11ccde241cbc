"""Lines on the out-of-fold errors inside and outside the applicability domain of a model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .text import significant

if TYPE_CHECKING:
    from molgraph.model_folder.card import DomainRecord

_DEGREES = 3


def domain_lines(records: "Sequence[DomainRecord]") -> list[str]:
    """A line for each task: the out-of-fold RMSE inside, and its ratio at the edge and outside."""
    return [_line(records[start : start + _DEGREES]) for start in range(0, len(records), _DEGREES)]


def _line(records: "Sequence[DomainRecord]") -> str:
    first, *others = records
    shown = "unknown" if first.rmse is None else significant(first.rmse)
    parts = [f"inside {shown} (n = {first.n_rows:,})"]
    too_few = []
    for record in others:
        if record.ratio is None:
            too_few.append(f"{record.degree} (n = {record.n_rows:,})")
        else:
            parts.append(f"{record.degree} {significant(record.ratio, 2)} times that (n = {record.n_rows:,})")
    few = f"; too few compounds {' and '.join(too_few)}" if too_few else ""
    return f"{first.task}: out-of-fold RMSE {', '.join(parts)}{few}"
