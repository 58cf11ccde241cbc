"""A random sample of a stream, in bounded memory."""

from collections.abc import Sequence

import numpy as np

#: Structures that are kept.
SAMPLE_SIZE = 2000


class Sample:
    """Keeps `size` of the texts that it is offered, each with the same chance, whatever the batches.

    >>> sample = Sample(2)
    >>> sample.offer(["a", "b", "c"])
    >>> len(sample.texts), sample.n_offered
    (2, 3)
    """

    def __init__(self, size: int = SAMPLE_SIZE, *, seed: int = 0) -> None:
        self.n_offered = 0
        self._size = size
        self._rng = np.random.default_rng(seed)
        self._kept: list[tuple[float, str]] = []
        self._bound = 1.0

    def offer(self, texts: Sequence[str]) -> None:
        """Take in some of the texts: every text draws a number, and those with the smallest stay."""
        self.n_offered += len(texts)
        drawn = self._rng.random(len(texts))
        self._kept += [(float(drawn[i]), texts[i]) for i in np.flatnonzero(drawn < self._bound).tolist()]
        if len(self._kept) > 2 * self._size:
            self._prune()

    @property
    def texts(self) -> list[str]:
        """What was kept, in random order."""
        self._prune()
        return [text for _, text in self._kept]

    def _prune(self) -> None:
        self._kept = sorted(self._kept)[: self._size]
        if len(self._kept) == self._size:
            self._bound = self._kept[-1][0]
