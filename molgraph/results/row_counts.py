"""What became of the rows of a table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RowCounts:
    """The rows that a model was trained on, and those that it was not.

    `rows_read = rows_used + rejected + unlabelled + merged_away`.

    Attributes:
        name: Name of the data set or table.
        fingerprint: sha256 of structures, labels and weights.
        rows_read: Rows of the table.
        rows_used: Distinct structures with a label.
        rejected: Rows that gave no molecule.
        unlabelled: Rows without a label.
        merged_away: Rows fewer because of structures that came several times.
        merged_groups: Structures that came several times.
        conflicting_groups: Those whose labels contradict each other.
        bounds: Labels of which no more than a bound is known.
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
