"""Diverse picking: few compounds of a ranking that differ from each other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def max_min(fingerprints: NDArray[np.uint8], n: int) -> list[int]:
    """Rows picked one after the other, each as unlike those before as can be; the first row comes first.

    Greedy MaxMin (Ashton et al. 2002, doi:10.1002/qsar.200290002) with Tanimoto distances. Of equal distances the row
    in front wins, so the order of the rows breaks ties.

    Args:
        fingerprints: `[B, W]` packed bits, best compound first.
        n: Rows to pick; all where there are fewer.

    >>> max_min(np.array([[0b1100], [0b1101], [0b0011]], dtype=np.uint8), 2)
    [0, 2]
    """
    if len(fingerprints) == 0:
        return []
    picked = [0]
    n_bits = np.bitwise_count(fingerprints).sum(axis=1, dtype=np.int64)
    largest = _similarity(fingerprints, n_bits, 0)
    while len(picked) < min(n, len(fingerprints)):
        largest[picked[-1]] = np.inf  # itself is not picked again
        picked.append(int(np.argmin(largest)))
        largest = np.maximum(largest, _similarity(fingerprints, n_bits, picked[-1]))
    return picked


def best_of_each(kinds: Sequence[str], n: int) -> list[int]:
    """Rows picked so that no kind comes a second time before all have come once, and so on; the better rows first.

    Args:
        kinds: `[B]` the kind of each row, best compound first.
        n: Rows to pick; all where there are fewer.

    >>> best_of_each(["a", "a", "b", "a", "c"], 4)
    [0, 2, 4, 1]
    """
    seen: dict[str, int] = {}
    turn = []
    for kind in kinds:
        turn.append(seen.get(kind, 0))
        seen[kind] = turn[-1] + 1
    order = np.argsort(np.array(turn, dtype=np.int64), kind="stable")
    return [int(row) for row in order[:n]]


def _similarity(fingerprints: NDArray[np.uint8], n_bits: NDArray[np.int64], row: int) -> NDArray[np.float64]:
    """Tanimoto similarity of a row to all, `[B]`; 0 where neither has a bit."""
    shared = np.bitwise_count(fingerprints & fingerprints[row]).sum(axis=1, dtype=np.int64)
    either = n_bits + n_bits[row] - shared
    return np.asarray(np.divide(shared, either, out=np.zeros(len(either)), where=either > 0))
