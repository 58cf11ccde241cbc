"""Diverse picking: few compounds of a ranking that differ from each other."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from molgraph.metrics.similarity import packed_bits


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
    bits = packed_bits(fingerprints)
    largest = bits[0].tanimoto(bits)
    while len(picked) < min(n, len(fingerprints)):
        largest[picked[-1]] = np.inf  # itself is not picked again
        picked.append(int(np.argmin(largest)))
        largest = np.maximum(largest, bits[picked[-1]].tanimoto(bits))
    return picked


def clusters(fingerprints: NDArray[np.uint8], similarity: float) -> list[int]:
    """The cluster of each row: that of the first row of all that it is as similar to as that, else one of its own.

    Directed sphere exclusion (Gobbi and Lee 2003, doi:10.1021/ci025554v): the best compound of a cluster is its centre,
    the clusters are numbered by their centres, and the order of the rows decides alone.

    Args:
        fingerprints: `[B, W]` packed bits, best compound first.
        similarity: Least Tanimoto similarity to the centre of a cluster.

    >>> clusters(np.array([[0b1100], [0b0011], [0b1101], [0b0111]], dtype=np.uint8), 0.6)
    [0, 1, 0, 1]
    """
    bits = packed_bits(fingerprints)
    cluster = np.full(len(fingerprints), -1, dtype=np.int64)
    n_clusters = 0
    for row in range(len(fingerprints)):
        if cluster[row] < 0:
            is_like = bits[row].tanimoto(bits) >= similarity
            cluster[is_like & (cluster < 0)] = n_clusters
            cluster[row] = n_clusters  # also if it has no bit at all, and is like nothing, not even itself
            n_clusters += 1
    return [int(number) for number in cluster]


def best_of_each(kinds: Sequence[Hashable], n: int) -> list[int]:
    """Rows picked so that no kind comes a second time before all have come once, and so on; the better rows first.

    Args:
        kinds: `[B]` the kind of each row, best compound first.
        n: Rows to pick; all where there are fewer.

    >>> best_of_each(["a", "a", "b", "a", "c"], 4)
    [0, 2, 4, 1]
    """
    seen: dict[Hashable, int] = {}
    turn = []
    for kind in kinds:
        turn.append(seen.get(kind, 0))
        seen[kind] = turn[-1] + 1
    order = np.argsort(np.array(turn, dtype=np.int64), kind="stable")
    return [int(row) for row in order[:n]]


def pick_above_floor(
    worth: NDArray[np.float64], n: int, pick: Callable[[int, int], list[int]], *, most_lost: float
) -> tuple[list[int], int]:
    """Rows that differ, picked from as much of the top of a ranking as their worth allows, and how much that is.

    The worth of the picked, summed, is at least 1 - `most_lost` of that of the first n rows; these themselves have it.

    Args:
        worth: `[B]` of each row, best compound first, 0 or more.
        n: Rows to pick.
        pick: Picks so many of the first so many rows.
        most_lost: Share of the worth that may be given up for differing.

    >>> worth = np.array([0.9, 0.9, 0.8, 0.7, 0.0, 0.0])
    >>> pick_above_floor(worth, 2, lambda m, n: [0, m - 1], most_lost=0.2)
    ([0, 3], 4)
    """
    floor = (1.0 - most_lost) * float(worth[:n].sum()) * (1.0 - 1e-12)
    enough, too_many = n, len(worth) + 1
    picked = list(range(min(n, len(worth))))
    while too_many - enough > 1:
        # All first, for in a good list nothing has to be given up; then halved.
        m = len(worth) if too_many > len(worth) else (enough + too_many) // 2
        if m == enough:
            break
        found = pick(m, n)
        if float(worth[found].sum()) >= floor:
            picked, enough = found, m
        else:
            too_many = m
    return picked, enough
