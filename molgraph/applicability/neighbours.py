"""Nearest training compounds, by Tanimoto similarity of packed fingerprints or by Euclidean distance of embeddings."""

import numpy as np
from numpy.typing import NDArray

from molgraph.metrics.similarity import packed_bits

#: Pairs compared at once; bounds the memory of a search to some ten megabytes.
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
    query_bits, reference_bits = packed_bits(queries), packed_bits(references)
    k = min(k, len(references))
    index = np.empty((len(queries), k), dtype=np.int64)
    similarity = np.empty((len(queries), k))
    chunk = max(1, _PAIRS_AT_ONCE // max(len(references), 1))
    for start in range(0, len(queries), chunk):
        tanimoto = query_bits[start : start + chunk][:, None].tanimoto(reference_bits)
        row = np.arange(len(tanimoto))
        for place in range(k):
            best = tanimoto.argmax(axis=1)
            index[start : start + chunk, place] = best
            similarity[start : start + chunk, place] = tanimoto[row, best]
            tanimoto[row, best] = -1.0
    return index, similarity


def k_closest(queries: NDArray[np.float32], references: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Indices of the k references of the least Euclidean distance to each query, `[Q, k]`, the closest first.

    The first reference wins a tie; one with a NaN comes last.

    Args:
        queries: `[Q, C]` vectors.
        references: `[R, C]` vectors, at least one.
        k: References for each query; as many as there are where there are fewer.

    >>> k_closest(np.zeros((1, 2), np.float32), np.array([[3, 4], [0, 1], [1, 1]], np.float32), 2).tolist()
    [[1, 2]]
    """
    squares = np.einsum("rc,rc->r", references, references)
    k = min(k, len(references))
    index = np.empty((len(queries), k), dtype=np.int64)
    chunk = max(1, _PAIRS_AT_ONCE // len(references))
    for start in range(0, len(queries), chunk):
        distance = squares - 2.0 * (
            queries[start : start + chunk] @ references.T
        )  # less the squared norm of the query, which does not change the order
        index[start : start + chunk] = np.argsort(distance, axis=1, kind="stable")[:, :k]
    return index


def similarities(
    queries: NDArray[np.uint8], references: NDArray[np.uint8], index: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Tanimoto similarity of each query to the references that are named, `[Q, k]`; see `k_nearest`.

    Args:
        queries: `[Q, W]` packed bits; W a multiple of 8.
        references: `[R, W]` packed bits.
        index: `[Q, k]` references.

    >>> bits = np.array([[1] * 8, [3] * 8, [4] * 8], dtype=np.uint8)
    >>> similarities(bits[:1], bits, np.array([[1, 0, 2]])).tolist()
    [[0.5, 1.0, 0.0]]
    """
    query_bits, reference_bits = packed_bits(queries), packed_bits(references)
    similarity = np.empty(index.shape)
    chunk = max(1, _PAIRS_AT_ONCE // max(index.shape[1], 1))
    for start in range(0, len(queries), chunk):
        part = query_bits[start : start + chunk][:, None]
        similarity[start : start + chunk] = part.tanimoto(reference_bits[index[start : start + chunk]])
    return similarity
