"""Structures that may still be selected: on the disk, since they can be a good part of a large library."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from molgraph.screening.hits import Hit


class CandidateFile:
    """Hits that are written once and read in the same order, as often as needed."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, hits: Sequence[Hit]) -> None:
        """Append hits."""
        self._file.writelines(json.dumps(_plain(hit)) + "\n" for hit in hits)

    def read(self, wanted: Callable[[int], bool]) -> Iterator[tuple[int, Hit]]:
        """The hits at the wanted positions, counted from 0, with their positions."""
        self._file.seek(0)
        for position, line in enumerate(self._file):
            if wanted(position):
                yield position, _hit(json.loads(line))
        self._file.seek(0, 2)


@contextmanager
def candidate_file(path: Path) -> Iterator[CandidateFile]:
    """An empty file of hits, which is gone afterwards."""
    with path.open("x+", encoding="utf-8") as file:
        try:
            yield CandidateFile(file)
        finally:
            path.unlink()


def _plain(hit: Hit) -> dict[str, Any]:
    values = {field.name: getattr(hit, field.name) for field in fields(hit)}
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}


def _hit(values: dict[str, Any]) -> Hit:
    arrays = {name: np.array(values[name], dtype=np.float64) for name in ("mean", "std", "lower", "upper")}
    return Hit(**{**values, **arrays, "sets": tuple(values["sets"]), "kept": tuple(values["kept"])})
