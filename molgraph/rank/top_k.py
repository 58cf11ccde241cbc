"""The best N of a stream, in bounded memory, with a close look at as few entries as the ranking needs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Generic, TypeVar

Payload = TypeVar("Payload")

#: Entries that are looked at together at least; a block of a few costs hardly more than one.
_MIN_BLOCK = 64

#: Other entries of a key that are remembered beside its best one.
MOST_REPEATS = 10


@dataclass(frozen=True)
class Ranked(Generic[Payload]):
    """One entry of a ranking.

    Attributes:
        score: Larger is better.
        row: Position in the stream; the earlier of two equal scores is better.
        key: What makes two entries the same thing.
        payload: What belongs to it.
        repeats: What belongs to the next best entries of the same key, `MOST_REPEATS` at most, in the order of their
            rows. Of the last entry of a full ranking, and of what ties with it, none are known.
    """

    score: float
    row: int
    key: str
    payload: Payload
    repeats: tuple[Payload, ...] = ()


class _Entry(Generic[Payload]):
    """One entry of the pool; what a close look adds is None before it."""

    __slots__ = ("is_inside", "is_listed", "key", "payload", "repeats", "row", "score")

    def __init__(self, score: float, row: int, payload: Payload) -> None:
        self.score = score
        self.row = row
        self.payload = payload
        self.is_inside: bool | None = None
        self.is_listed: bool = True
        self.key: str | None = None
        self.repeats: list[_Entry[Payload]] = []

    @property
    def order(self) -> tuple[float, int]:
        """The better of two entries comes first."""
        return -self.score, self.row

    def add_repeat(self, other: "_Entry[Payload]") -> None:
        """Remember an entry of the same key, that is no better, and what was remembered with it."""
        everything = [*self.repeats, other, *other.repeats]
        self.repeats = nsmallest(MOST_REPEATS, everything, key=lambda entry: entry.order)


class TopK(Generic[Payload]):
    """Keeps the best `capacity` distinct keys of a stream that is offered in the order of its rows, inside and outside.

    To offer an entry costs next to nothing: it is looked at only if it is still among the best when the pool of entries
    is full, or at the end. The rankings are the same as if everything had been looked at and sorted.

    Args:
        capacity: Distinct keys in a ranking at most.
        are_inside: Whether each of a block of payloads belongs into the main ranking, or with None into neither; asked
            once for each.
        key_of: What makes two payloads the same thing. The same things are all inside, or all outside.

    >>> top = TopK[str](2, are_inside=lambda names: [name != "odd" for name in names], key_of=str)
    >>> for row, (score, name) in enumerate([(1.0, "a"), (3.0, "b"), (2.0, "c"), (3.0, "b"), (2.5, "odd")]):
    ...     top.offer(score, row, name)
    >>> [(entry.key, entry.score) for entry in top.inside()], [entry.key for entry in top.outside()]
    ([('b', 3.0), ('c', 2.0)], ['odd'])
    """

    def __init__(
        self,
        capacity: int,
        *,
        are_inside: Callable[[Sequence[Payload]], Sequence[bool | None]],
        key_of: Callable[[Payload], str],
    ) -> None:
        self.capacity = capacity
        #: A score must be above this to be kept; everything else need not be offered.
        self.threshold = float("-inf")
        #: What is known to be outside must be above this; it need not be offered otherwise.
        self.outside_threshold = float("-inf")
        #: Entries at which the pool is pruned; at most half of them can survive that.
        self.pool_limit = max(4 * capacity, capacity + 4096)
        self._are_inside = are_inside
        self._key_of = key_of
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

    def payloads(self) -> Iterator[Payload]:
        """What belongs to all entries that are kept, those of the same key included, in no order."""
        for entry in self._pool:
            yield entry.payload
            yield from (repeat.payload for repeat in entry.repeats)

    def _ranking(self, *, is_inside: bool) -> list[Ranked[Payload]]:
        self._prune()
        return [
            Ranked(entry.score, entry.row, self._key(entry), entry.payload, self._known_repeats(entry))
            for entry in self._pool
            if entry.is_inside == is_inside
        ]

    def _known_repeats(self, entry: _Entry[Payload]) -> tuple[Payload, ...]:
        """The repeats that were certainly offered, whenever the pool was pruned: those above both thresholds."""
        least = max(self.threshold, self.outside_threshold) if not entry.is_inside else self.threshold
        known = [repeat for repeat in entry.repeats if repeat.score > least]
        return tuple(repeat.payload for repeat in sorted(known, key=lambda repeat: repeat.row))

    def _prune(self) -> None:
        """Drop what can be in neither ranking: what remains was looked at, is distinct, and in order."""
        pool = sorted(self._pool, key=lambda entry: entry.order)
        kept: list[_Entry[Payload]] = []
        best: dict[str, _Entry[Payload]] = {}
        n_inside = n_outside = n_looked_at = 0
        while n_inside < self.capacity and n_looked_at < len(pool):
            block = pool[n_looked_at : n_looked_at + max(self.capacity - n_inside, _MIN_BLOCK)]
            n_looked_at += len(block)
            self._look_at(block)
            for entry in block:
                # Of what is too far down outside not even the key is asked for: in some streams that is nearly all.
                if not entry.is_listed or (not entry.is_inside and n_outside == self.capacity):
                    continue
                first = best.setdefault(self._key(entry), entry)
                if first is not entry:
                    first.add_repeat(entry)
                    continue
                kept.append(entry)
                n_inside += bool(entry.is_inside)
                n_outside += not entry.is_inside
                if not entry.is_inside and n_outside == self.capacity:
                    self.outside_threshold = entry.score
                if n_inside == self.capacity:
                    # A later entry of the same score would come behind this one.
                    self.threshold = entry.score
                    break
        self._pool = kept

    def _look_at(self, block: Sequence[_Entry[Payload]]) -> None:
        new = [entry for entry in block if entry.is_inside is None]
        if new:
            for entry, is_inside in zip(new, self._are_inside([entry.payload for entry in new]), strict=True):
                entry.is_inside, entry.is_listed = bool(is_inside), is_inside is not None

    def _key(self, entry: _Entry[Payload]) -> str:
        if entry.key is None:
            entry.key = self._key_of(entry.payload)
        return entry.key
