"""Nearest training compounds by Tanimoto similarity of packed fingerprints."""

import numpy as np
from numpy.typing import NDArray

#: Pairs of fingerprints compared at once; bounds the memory of a search to some ten megabytes.
_PAIRS_AT_ONCE = 2**16


def nearest(queries: NDArray[np.uint8], references: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Index of the most similar reference of each query, `[Q]`, and the similarity, `[Q]`; see `k_nearest`.

    >>> import numpy as np
    >>> bits = np.array([[1] * 8, [3] * 8, [4] * 8], dtype=np.uint8)
    >>> index, similarity = nearest(bits[:1], bits[1:])
    >>> index.tolist(), similarity.tolist()
    ([0], [0.5])
    """
    index, similarity = k_nearest(queries, references, 1)
    return index[:, 0], similarity[:, 0]


def k_nearest(
    queries: NDArray[np.uint8], references: NDArray[np.uint8], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Indices of the k most similar references of each query, `[Q, k]`, and the similarities, most similar first.

    Tanimoto similarity is shared bits over all bits set in either; 0 where neither has any. The first reference wins
    a tie.

    Args:
        queries: `[Q, W]` packed bits; W a multiple of 8.
        references: `[R, W]` packed bits, at least one.
        k: References for each query; as many as there are where there are fewer.
    """
    query_words, reference_words = _words(queries), _words(references)
    reference_counts = _count(reference_words)
    k = min(k, len(references))
    index = np.empty((len(queries), k), dtype=np.int64)
    similarity = np.empty((len(queries), k))
    chunk = max(1, _PAIRS_AT_ONCE // max(len(references), 1))
    for start in range(0, len(queries), chunk):
        part = query_words[start : start + chunk]
        shared = _count(part[:, None, :] & reference_words)
        either = _count(part)[:, None] + reference_counts - shared
        tanimoto = np.divide(shared, either, out=np.zeros(shared.shape), where=either > 0)
        row = np.arange(len(part))
        for place in range(k):
            best = tanimoto.argmax(axis=1)
            index[start : start + chunk, place] = best
            similarity[start : start + chunk, place] = tanimoto[row, best]
            tanimoto[row, best] = -1.0
    return index, similarity


def _words(fingerprints: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return np.ascontiguousarray(fingerprints).view(np.uint64)


def _count(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.bitwise_count(words).sum(axis=-1, dtype=np.int64)
    return counts
