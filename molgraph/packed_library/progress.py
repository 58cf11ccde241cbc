"""Where a run over a library is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StreamProgress:
    """Where a run is.

    Attributes:
        rows: Rows done.
        rejected: Of these, rows that could not be used.
        bytes_read: Bytes of the input that these rows took, as stored, about.
        bytes_total: Size of the input as stored; None where unknown.
        seconds_after: Seconds, about, that are taken once the last row is done.
    """

    rows: int
    rejected: int
    bytes_read: int
    bytes_total: int | None
    seconds_after: float = 0.0
