"""Progress of a run over a library."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StreamProgress:
    """Progress of a run.

    Attributes:
        rows: Rows done.
        rejected: Rejected rows among them.
        bytes_read: Approximate bytes of the input, as stored, that these rows took.
        bytes_total: Size of the input as stored; None where unknown.
        seconds_after: Approximate seconds of work after the last row.
    """

    rows: int
    rejected: int
    bytes_read: int
    bytes_total: int | None
    seconds_after: float = 0.0
