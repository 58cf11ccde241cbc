"""Tanimoto similarity of packed fingerprints: shared bits over all bits set in either; 0 where neither has any."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PackedBits:
    """Fingerprints as words of 64 bits, with their numbers of set bits.

    Attributes:
        words: `[..., W]` bits.
        counts: `[...]` set bits.
    """

    words: NDArray[np.uint64]
    counts: NDArray[np.int64]

    def __getitem__(self, index: int | slice | tuple[slice | None, ...] | NDArray[np.int64]) -> "PackedBits":
        return PackedBits(self.words[index], self.counts[index])

    def tanimoto(self, other: "PackedBits") -> NDArray[np.float64]:
        """Similarity of these to others; shapes are broadcast.

        >>> bits = packed_bits(np.array([[1], [3], [4], [0]], dtype=np.uint8))
        >>> bits[0].tanimoto(bits).tolist()
        [1.0, 0.5, 0.0, 0.0]
        """
        shared = _count(self.words & other.words)
        either = self.counts + other.counts - shared
        return np.asarray(np.divide(shared, either, out=np.zeros(shared.shape), where=either > 0))


def packed_bits(fingerprints: NDArray[np.uint8]) -> PackedBits:
    """`fingerprints [B, W]` of packed bits, ready to be compared; filled up with zeros to whole words."""
    missing = -fingerprints.shape[-1] % 8
    whole = np.pad(fingerprints, ((0, 0), (0, missing))) if missing else fingerprints
    words = np.ascontiguousarray(whole).view(np.uint64)
    return PackedBits(words, _count(words))


def _count(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.bitwise_count(words).sum(axis=-1, dtype=np.int64)
    return counts
