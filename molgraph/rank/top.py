"""The best N of a stream, in bounded memory, with a close look at as few entries as the ranking needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

Payload = TypeVar("Payload")

#: Entries that are resolved together at least; a block of a few costs hardly more than one.
_MIN_BLOCK = 64


class Resolved(NamedTuple):
    """What a close look at an entry tells.

    Attributes:
        key: What makes two entries the same thing.
        is_inside: Whether the thing belongs into the main ranking; the same for all entries with the same key.
    """

    key: str
    is_inside: bool


@dataclass(frozen=True)
class Ranked(Generic[Payload]):
    """One entry of a ranking.

    Attributes:
        score: Larger is better.
        row: Position in the stream; the earlier of two equal scores is better.
        key: What makes two entries the same thing.
        payload: What belongs to it.
    """

    score: float
    row: int
    key: str
    payload: Payload


class _Entry(Generic[Payload]):
    """One entry of the pool; `resolved` is None until it had its close look."""

    __slots__ = ("payload", "resolved", "row", "score")

    def __init__(self, score: float, row: int, payload: Payload) -> None:
        self.score = score
        self.row = row
        self.payload = payload
        self.resolved: Resolved | None = None


class TopEntries(Generic[Payload]):
    """Keeps the best `capacity` distinct keys of a stream that is offered in the order of its rows, inside and outside.

    To offer an entry costs next to nothing: it is resolved only if it is still among the best when the pool of entries
    is full, or at the end. The rankings are the same as if everything had been resolved and sorted.

    Args:
        capacity: Distinct keys in a ranking at most.
        resolve: Looks closely at a block of payloads; one `Resolved` for each.

    >>> top = TopEntries[str](2, lambda names: [Resolved(name, name != "odd") for name in names])
    >>> for row, (score, name) in enumerate([(1.0, "a"), (3.0, "b"), (2.0, "c"), (3.0, "b"), (2.5, "odd")]):
    ...     top.offer(score, row, name)
    >>> [(entry.key, entry.score) for entry in top.inside()], [entry.key for entry in top.outside()]
    ([('b', 3.0), ('c', 2.0)], ['odd'])
    """

    def __init__(self, capacity: int, resolve: Callable[[Sequence[Payload]], Sequence[Resolved]]) -> None:
        self.capacity = capacity
        #: A score must be above this to be kept; everything else need not be offered.
        self.threshold = float("-inf")
        #: Entries at which the pool is pruned; at most half of them can survive that.
        self.pool_limit = max(4 * capacity, capacity + 4096)
        self._resolve = resolve
        self._pool: list[_Entry[Payload]] = []

    def offer(self, score: float, row: int, payload: Payload) -> None:
        """Keep the entry for as long as it may be among the best."""
        if score <= self.threshold:
            return
        self._pool.append(_Entry(score, row, payload))
        if len(self._pool) >= self.pool_limit:
            self._prune()

    def inside(self) -> list[Ranked[Payload]]:
        """The main ranking: the best entry of each key, best first, ties in the order of the rows."""
        return self._ranking(is_inside=True)

    def outside(self) -> list[Ranked[Payload]]:
        """The entries that do not belong into the main ranking but come before its last one, in the same order.

        At most `capacity` of them. If the main ranking is not full, they are the best there are.
        """
        return self._ranking(is_inside=False)

    def _ranking(self, *, is_inside: bool) -> list[Ranked[Payload]]:
        self._prune()
        return [
            Ranked(entry.score, entry.row, entry.resolved.key, entry.payload)
            for entry in self._pool
            if entry.resolved and entry.resolved.is_inside == is_inside
        ]

    def _prune(self) -> None:
        """Drop what can be in neither ranking: what remains is resolved, distinct and in order."""
        pool = sorted(self._pool, key=lambda entry: (-entry.score, entry.row))
        kept: list[_Entry[Payload]] = []
        keys: set[str] = set()
        n_inside = n_outside = n_looked_at = 0
        while n_inside < self.capacity and n_looked_at < len(pool):
            block = pool[n_looked_at : n_looked_at + max(self.capacity - n_inside, _MIN_BLOCK)]
            n_looked_at += len(block)
            for entry, (key, is_inside) in zip(block, self._look_at(block), strict=True):
                if key in keys or (not is_inside and n_outside == self.capacity):
                    continue
                keys.add(key)
                kept.append(entry)
                n_inside += is_inside
                n_outside += not is_inside
                if n_inside == self.capacity:
                    # A later entry of the same score would come behind this one.
                    self.threshold = entry.score
                    break
        self._pool = kept

    def _look_at(self, block: Sequence[_Entry[Payload]]) -> list[Resolved]:
        pending = [entry for entry in block if entry.resolved is None]
        if pending:
            for entry, resolved in zip(pending, self._resolve([entry.payload for entry in pending]), strict=True):
                entry.resolved = resolved
        return [entry.resolved for entry in block if entry.resolved]
