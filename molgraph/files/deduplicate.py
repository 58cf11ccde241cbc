"""Deduplication of a stream of structures by 64-bit hashes, eight bytes each."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from molgraph.storage.hashes import text_hashes

#: Structures that are remembered, in 128 MiB (twice that while runs are merged). A library beyond this is still
#: screened; duplicates of its later structures are then not detected.
MAX_REMEMBERED = 2**24


class DuplicateFilter:
    """Detects duplicate texts in a stream of batches by a 64-bit hash (8 bytes a text, sorted arrays).

    Two different texts have the same hash with probability n²/2⁶⁵: 3e-6 for ten million of them.

    >>> seen = DuplicateFilter()
    >>> seen.repeats(["CCO", "CC", "CCO"]).tolist(), seen.repeats(["CC", "C"]).tolist()
    ([False, False, True], [True, False])
    """

    def __init__(self) -> None:
        self._runs: list[NDArray[np.uint64]] = []
        self._n_remembered = 0

    @property
    def is_full(self) -> bool:
        """Whether later duplicates are no longer detected."""
        return self._n_remembered >= MAX_REMEMBERED

    def repeats(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each text came before, in an earlier batch or in this one."""
        hashes = text_hashes(texts)
        unique, first = np.unique(hashes, return_index=True)
        is_repeat = np.ones(len(hashes), dtype=bool)
        is_seen = np.zeros(len(unique), dtype=bool)
        for run in self._runs:
            position = np.minimum(np.searchsorted(run, unique), len(run) - 1)
            is_seen |= run[position] == unique
        is_repeat[first[~is_seen]] = False
        if not self.is_full and not is_seen.all():
            self._remember(unique[~is_seen])
        return is_repeat

    def _remember(self, run: NDArray[np.uint64]) -> None:
        """Add a sorted run; runs of similar size are merged, so that there are only a few."""
        self._n_remembered += len(run)
        self._runs.append(run)
        while len(self._runs) > 1 and len(self._runs[-1]) * 2 >= len(self._runs[-2]):
            last = self._runs.pop()
            merged = np.concatenate([self._runs.pop(), last])
            merged.sort()
            self._runs.append(merged)
