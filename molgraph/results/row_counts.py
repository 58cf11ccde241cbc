"""Row counts of a table: read, used, rejected, unlabelled, merged."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RowCounts:
    """How many rows a model was trained on, and how many were left out and why.

    `rows_read = rows_used + rejected + unlabelled + merged_away`.

    Attributes:
        name: Name of the data set or table.
        fingerprint: sha256 of structures, labels and weights.
        rows_read: Rows of the table.
        rows_used: Distinct structures with a label.
        rejected: Rows that gave no molecule.
        unlabelled: Rows without a label.
        merged_away: Rows removed by merging duplicates.
        merged_groups: Structures with duplicates.
        conflicting_groups: Those whose labels contradict each other.
        bounds: Censored labels, of which only a bound is known.
    """

    name: str
    fingerprint: str
    rows_read: int
    rows_used: int
    rejected: int
    unlabelled: int
    merged_away: int
    merged_groups: int
    conflicting_groups: int
    bounds: int
