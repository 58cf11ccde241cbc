"""The error for an input without any valid molecule: most likely a mistake in the command, so no result."""

from collections.abc import Sequence

from molgraph.errors import InputError
from molgraph.files.frames import Readable
from molgraph.files.library_reader import LibraryReader
from molgraph.results.prediction import Rejected

_SHOWN_REASONS = 3


def nothing_usable(source: Readable, reader: LibraryReader, rejected: Sequence[Rejected]) -> InputError:
    """The error, with the reasons of the first rows."""
    reasons = "; ".join(f"{row.text[:40]!r}: {row.reason}" for row in rejected[:_SHOWN_REASONS])
    question = "is the file complete?"
    if reader.format != "sdf":
        question = f"is {reader.smiles_column!r} the column of structures?"
    return InputError(f"{source}: no row gives a molecule ({reasons}); {question}")
