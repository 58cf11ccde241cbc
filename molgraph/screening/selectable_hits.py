"""Candidates of a selection that were looked at closely, and which of them can be selected."""

import numpy as np
from numpy.typing import NDArray

from molgraph.rank.top_k import Ranked
from molgraph.screening.hit import Hit

Floats = NDArray[np.float64]


class SelectableHits:
    """Of n candidates those that can be selected: neither training compounds nor another spelling of an earlier one.

    Args:
        n_candidates: n.

    Attributes:
        was_seen: `[n]` which were looked at.
        was_dropped: `[n]` which of these cannot be selected.
        in_training: How many of these are training compounds.
        repeated: How many are another spelling of an earlier one.
        positions: `[m]` which can be selected.
        entries: `[m]` the same as entries of a ranking.
        kind_names: `[m]` scaffold of each, where that counts.
        own_weights: Weights of each, in blocks, where these count.
    """

    def __init__(self, n_candidates: int) -> None:
        self.was_seen = np.zeros(n_candidates, dtype=np.bool_)
        self.was_dropped = np.zeros(n_candidates, dtype=np.bool_)
        self.in_training = self.repeated = 0
        self.positions: list[int] = []
        self.entries: list[Ranked[Hit]] = []
        self.kind_names: list[str] = []
        self.own_weights: list[Floats] = []
        self._keys: set[str] = set()

    def takes(self, position: int, key: str, *, is_known: bool) -> bool:
        """Whether a candidate can be selected; each is asked once, and counted."""
        is_repeat = key in self._keys
        self._keys.add(key)
        self.was_seen[position] = True
        self.was_dropped[position] = is_repeat or is_known
        if is_repeat:
            self.repeated += 1
        elif is_known:
            self.in_training += 1
        return not self.was_dropped[position]

    @property
    def n_dropped(self) -> int:
        """How many cannot be selected."""
        return int(self.was_dropped.sum())

    @property
    def scores(self) -> Floats:
        """`[m]` how clearly each is a hit."""
        return np.array([entry.payload.hit_score for entry in self.entries])

    @property
    def kinds(self) -> NDArray[np.int64]:
        """`[m]` number of the scaffold of each."""
        return np.unique(self.kind_names, return_inverse=True)[1] if self.kind_names else np.zeros(0, dtype=np.int64)

    @property
    def weights(self) -> Floats:
        """`[m]` how much each counts."""
        return np.concatenate(self.own_weights) if self.own_weights else np.zeros(0)
