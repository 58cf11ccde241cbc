"""Groups that no split may separate: salts, stereoisomers, isotopologues and tautomers of one parent compound.

Learners hardly distinguish such rows, so a fold that holds out one of them while another is in the training rows
measures memorisation, not generalisation to new compounds (data leakage).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.identity import parent_key
from molgraph.errors import InputError
from molgraph.results.prediction import Rejected

Indices = NDArray[np.int64]


def parent_groups(smiles: Sequence[str]) -> Indices:
    """Number `[B]` of the parent compound of each row, counted in the order of first rows.

    Args:
        smiles: `[B]` structures.

    Raises:
        InputError: A structure cannot be parsed.

    Example:
        >>> parent_groups(["C[C@H](N)O", "CCO", "C[C@@H](N)O"]).tolist()
        [0, 1, 0]
    """
    numbers: dict[str, int] = {}
    groups = np.empty(len(smiles), dtype=np.int64)
    for row, text in enumerate(smiles):
        key = parent_key(text)
        if isinstance(key, Rejected):
            raise InputError(f"no parent compound of {key.text!r}: {key.reason}; leave out structures that fail")
        groups[row] = numbers.setdefault(key, len(numbers))
    return groups


def merged_groups(first: Indices, second: Indices) -> Indices:
    """The finest groups `[B]` that keep those of `first` and of `second` whole, in the order of first rows.

    Args:
        first: `[B]` group of each row, 0 or more.
        second: `[B]` group of each row, 0 or more.

    Example:
        >>> merged_groups(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])).tolist()
        [0, 0, 0, 1]
    """
    root = list(range(len(first)))

    def find(row: int) -> int:
        while root[row] != row:
            root[row] = root[root[row]]
            row = root[row]
        return row

    for groups in (first, second):
        seen: dict[int, int] = {}
        for row, group in enumerate(groups.tolist()):
            one, other = find(row), find(seen.setdefault(group, row))
            root[max(one, other)] = min(one, other)
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(find(row), len(numbers)) for row in range(len(root))], dtype=np.int64)


def rows_of_groups(groups: Indices) -> list[list[int]]:
    """Rows of each group, in the order of first rows.

    >>> rows_of_groups(np.array([0, 1, 0]))
    [[0, 2], [1]]
    """
    rows: dict[int, list[int]] = {}
    for row, group in enumerate(groups.tolist()):
        rows.setdefault(group, []).append(row)
    return list(rows.values())


def numbers_of_groups(groups: Sequence[Sequence[int]], n: int) -> Indices:
    """Number `[n]` of the group of each row, the inverse of `rows_of_groups`.

    >>> numbers_of_groups([[0, 2], [1]], 3).tolist()
    [0, 1, 0]
    """
    numbers = np.empty(n, dtype=np.int64)
    for number, rows in enumerate(groups):
        numbers[rows] = number
    return numbers
