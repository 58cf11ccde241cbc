"""Structures that may still be selected: on the disk, since they can be a good part of a large library."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from molgraph.screening.chunk import hit_from_values, hit_values
from molgraph.screening.hit import Hit
from molgraph.storage.decode import decode_json


class CandidateFile:
    """Hits that are written once and read in the same order, as often as needed."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, hits: Sequence[Hit]) -> None:
        """Append hits."""
        self._file.writelines(json.dumps(hit_values(hit)) + "\n" for hit in hits)

    def read(self, wanted: Callable[[int], bool]) -> Iterator[tuple[int, Hit]]:
        """The hits at the wanted positions, counted from 0, with their positions."""
        self._file.seek(0)
        for position, line in enumerate(self._file):
            if wanted(position):
                yield position, hit_from_values(decode_json(line.encode(), allows_nonfinite=True))
        self._file.seek(0, 2)


@contextmanager
def candidate_file(path: Path) -> Iterator[CandidateFile]:
    """An empty file of hits, which is gone afterwards."""
    with path.open("x+", encoding="utf-8") as file:
        try:
            yield CandidateFile(file)
        finally:
            path.unlink()
