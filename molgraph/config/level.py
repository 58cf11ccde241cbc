"""The nominal coverage of intervals and prediction sets: its default, and what it may be."""

from molgraph.errors import InputError

#: Probability with which intervals and calls hold the truth, where none is named.
DEFAULT_LEVEL = 0.9


def check_level(level: float) -> None:
    """Raise an `InputError` if `level` is no probability strictly between 0 and 1."""
    if not 0 < level < 1:
        raise InputError(f"level is {level}; it must lie between 0 and 1, e.g. {DEFAULT_LEVEL}")
