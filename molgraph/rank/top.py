"""The best N of a stream, in memory for about 2N."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Payload = TypeVar("Payload")


@dataclass(frozen=True)
class Ranked(Generic[Payload]):
    """One kept entry.

    Attributes:
        score: Larger is better.
        row: Position in the stream; the earlier of two equal scores is better.
        key: What makes two entries the same thing.
        payload: What belongs to it.
        n_same: Further entries with the same key that were offered while this one was kept, above the threshold.
    """

    score: float
    row: int
    key: str
    payload: Payload
    n_same: int = 0


class TopEntries(Generic[Payload]):
    """Keeps the best `capacity` distinct keys of a stream that is offered in the order of its rows.

    >>> top = TopEntries[str](2)
    >>> for row, (score, key) in enumerate([(1.0, "a"), (3.0, "b"), (2.0, "c"), (3.0, "b")]):
    ...     top.offer(score, row, key, payload="")
    >>> [(entry.key, entry.score, entry.n_same) for entry in top.ranking()]
    [('b', 3.0, 1), ('c', 2.0, 0)]
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        #: A score must be above this to be kept; everything else need not be offered.
        self.threshold = float("-inf")
        self._entries: dict[str, Ranked[Payload]] = {}

    def offer(self, score: float, row: int, key: str, payload: Payload) -> None:
        """Keep the entry if it is among the best; of two with the same key the better one stays."""
        if score <= self.threshold:
            return
        kept = self._entries.get(key)
        if kept is None:
            self._entries[key] = Ranked(score, row, key, payload)
        elif score > kept.score:
            self._entries[key] = Ranked(score, row, key, payload, kept.n_same + 1)
        else:
            self._entries[key] = Ranked(kept.score, kept.row, key, kept.payload, kept.n_same + 1)
        if len(self._entries) >= 2 * self.capacity + 64:
            self._prune()

    def ranking(self) -> list[Ranked[Payload]]:
        """The kept entries, best first; ties in the order of their rows."""
        return sorted(self._entries.values(), key=lambda entry: (-entry.score, entry.row))[: self.capacity]

    def _prune(self) -> None:
        best = self.ranking()
        self._entries = {entry.key: entry for entry in best}
        # A later entry of the same score as the worst would come behind it.
        self.threshold = best[-1].score if len(best) == self.capacity else float("-inf")
