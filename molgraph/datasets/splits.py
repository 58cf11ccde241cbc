"""Splits and folds: random, by Murcko scaffold, or by Butina cluster, so that held-out chemistry is new.

Folds keep salts, stereoisomers, isotopologues and tautomers of one compound together (`molgraph.datasets.parents`). The
splits into three parts are those of the literature, so that figures are comparable with published ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.fingerprints import morgan_fingerprints
from molgraph.chem.scaffold import murcko_scaffold
from molgraph.config.training import FoldSplit
from molgraph.datasets.parents import merged_groups, numbers_of_groups, parent_groups, rows_of_groups
from molgraph.errors import InputError

Sizes = tuple[float, float, float]
Indices = NDArray[np.int64]

#: Fractions of training, validation and test rows in MoleculeNet.
DEFAULT_SIZES: Sizes = (0.8, 0.1, 0.1)


@dataclass(frozen=True)
class Split:
    """Row numbers of three disjoint parts that together hold every row.

    Attributes:
        train: Training rows.
        valid: Validation rows, to choose settings with.
        test: Test rows, to report on.
    """

    train: Indices
    valid: Indices
    test: Indices


@dataclass(frozen=True)
class SplitSpec:
    """One method to split a data set into folds.

    Attributes:
        name: Name in options and reports.
        description: What it keeps apart, in one line.
        assign: `(smiles [B], parents [B], k, rng, classes [B] or None) -> fold number of each row [B]`.
    """

    name: FoldSplit
    description: str
    assign: Callable[[Sequence[str], Indices, int, np.random.Generator, NDArray[np.float64] | None], Indices]


def random_split(n: int, sizes: Sizes = DEFAULT_SIZES, *, seed: int = 0) -> Split:
    """Random split of the rows `0..n-1` into parts of the given fractions.

    Raises:
        InputError: The sizes are not three fractions that sum to 1, or a part of a size above 0 would be empty.

    Example:
        >>> split = random_split(10, seed=1)
        >>> len(split.train), len(split.valid), len(split.test)
        (8, 1, 1)
    """
    _check_sizes(sizes)
    order = np.random.default_rng(seed).permutation(n).astype(np.int64)
    # The cuts are rounded, not the sizes, so that the parts always sum to n.
    cuts = np.rint(np.cumsum(sizes)[:2] * n).astype(np.int64)
    train, valid, test = np.split(order, cuts)
    for name, part, size in zip(("training", "validation", "test"), (train, valid, test), sizes, strict=True):
        if size > 0 and len(part) == 0:
            raise InputError(f"{n} rows are too few for a {name} part of {size:.0%}; give more rows or other sizes")
    return Split(train, valid, test)


def scaffold_split(smiles: Sequence[str], sizes: Sizes = DEFAULT_SIZES) -> Split:
    """Scaffold split: no scaffold is in two parts; common scaffolds go to training, rare ones to the rest.

    The same parts, in the same order, as `deepchem.splits.ScaffoldSplitter` gives. Molecules without a ring share
    one empty scaffold.

    Raises:
        InputError: The sizes are not three fractions that sum to 1.

    Example:
        >>> scaffold_split(["c1ccccc1", "Cc1ccccc1", "CCO", "C1CC1"], sizes=(0.5, 0.25, 0.25)).train
        array([0, 1])
    """
    _check_sizes(sizes)
    groups = sorted(scaffold_groups(smiles), key=lambda rows: (len(rows), rows[0]), reverse=True)
    # The cuts are computed as DeepChem computes them, since their rounding decides about whole scaffolds.
    train_cut, valid_cut = sizes[0] * len(smiles), (sizes[0] + sizes[1]) * len(smiles)
    train: list[int] = []
    valid: list[int] = []
    test: list[int] = []
    for rows in groups:
        if len(train) + len(rows) <= train_cut:
            train += rows
        elif len(train) + len(valid) + len(rows) <= valid_cut:
            valid += rows
        else:
            test += rows
    return Split(*(np.array(part, dtype=np.int64) for part in (train, valid, test)))


def balanced_scaffold_split(smiles: Sequence[str], sizes: Sizes = DEFAULT_SIZES, *, seed: int = 0) -> Split:
    """Random scaffold split: no scaffold is in two parts.

    Scaffolds that are too large for the small parts go to training; the small parts then hold diverse chemistry.

    Raises:
        InputError: The sizes are not three fractions that sum to 1.

    Example:
        >>> split = balanced_scaffold_split(["c1ccccc1", "Cc1ccccc1", "C1CC1", "C1CCC1", "C1CCCC1"], (0.6, 0.2, 0.2))
        >>> len(split.train), len(split.valid), len(split.test)
        (3, 1, 1)
    """
    return _grouped_split(scaffold_groups(smiles), len(smiles), sizes, seed)


def butina_split(
    smiles: Sequence[str], sizes: Sizes = DEFAULT_SIZES, *, seed: int = 0, similarity: float = 0.5
) -> Split:
    """Random cluster split: no cluster of similar compounds is in two parts.

    The clusters are those of Butina (1999, doi:10.1021/ci9803381) on Morgan fingerprints (radius 2, 2,048 bits).

    Args:
        smiles: `[B]` structures that RDKit parses.
        sizes: Fractions of training, validation and test rows.
        seed: The same seed gives the same parts.
        similarity: Least Tanimoto similarity of a compound to the centre of its cluster.

    Raises:
        InputError: The sizes are not three fractions that sum to 1, or a structure cannot be parsed.

    Example:
        >>> split = butina_split(["CCCCO", "CCCCCO", "c1ccccc1", "Cc1ccccc1C", "N"], (0.6, 0.2, 0.2), similarity=0.4)
        >>> sorted(len(part) for part in (split.train, split.valid, split.test))
        [1, 1, 3]
    """
    return _grouped_split(butina_groups(morgan_fingerprints(smiles), similarity), len(smiles), sizes, seed)


def folds(
    smiles: Sequence[str],
    *,
    k: int = 5,
    split: FoldSplit = "random",
    seed: int = 0,
    labels: NDArray[np.float64] | None = None,
    parents: Indices | None = None,
) -> Indices:
    """Fold number `[B]`, 0 to k-1, of each row: every row is held out exactly once.

    Rows of one parent compound are always in one fold. `random` assigns parents to folds as even as these allow,
    stratified by the two classes of a single classification task. `scaffold` keeps scaffolds whole, and evens out the
    sizes as far as these allow.

    Args:
        smiles: `[B]` structures.
        k: Number of folds, at least 2.
        split: What is kept apart.
        seed: The same seed gives the same folds.
        labels: `[B, T]` labels, used only where T is 1 and all labels are 0 or 1.
        parents: `[B]` parent compound of each row (`parent_groups`); computed if None.

    Raises:
        InputError: Fewer rows, parent compounds or scaffolds than folds; an unknown split.

    Example:
        >>> folds(["C", "CC", "CCC", "CCCC"], k=2, seed=3).tolist()
        [1, 0, 1, 0]
        >>> fold = folds(["C[C@H](N)O", "CCO", "C[C@@H](N)O", "CCN"], k=2)
        >>> bool(fold[0] == fold[2])
        True
    """
    if split not in SPLITS:
        raise InputError(f"there is no split {split!r}; choose one of: {', '.join(SPLITS)}")
    if k < 2:
        raise InputError(f"cannot make {k} folds; at least 2 are needed")
    if len(smiles) < k:
        raise InputError(f"cannot make {k} folds of {len(smiles)} rows; give at least {k} rows or fewer folds")
    groups = parent_groups(smiles) if parents is None else parents
    return SPLITS[split].assign(smiles, groups, k, np.random.default_rng(seed), _classes(labels))


def _random_folds(
    smiles: Sequence[str], parents: Indices, k: int, rng: np.random.Generator, classes: NDArray[np.float64] | None
) -> Indices:
    groups = rows_of_groups(parents)
    if len(groups) < k:
        raise InputError(
            f"cannot make {k} folds of {len(smiles)} rows: they are salts, stereoisomers or tautomers of "
            f"{len(groups)} compounds, which stay together; use fewer folds or more compounds"
        )
    strata = np.zeros(len(smiles)) if classes is None else classes
    kinds, kind = np.unique(strata, return_inverse=True)
    order = [groups[i] for i in rng.permutation(len(groups))]
    # The largest groups first, while there is room to even them out; then one class after the other.
    order.sort(key=lambda rows: (-len(rows), kind[rows[0]]))
    counts, fold = np.zeros((k, len(kinds)), dtype=np.int64), np.empty(len(smiles), dtype=np.int64)
    for rows in order:
        row_kinds = kind[rows]
        emptiest = int(np.lexsort((counts.sum(axis=1), counts[:, row_kinds].sum(axis=1)))[0])
        fold[rows] = emptiest
        np.add.at(counts[emptiest], row_kinds, 1)
    return fold


def _scaffold_folds(
    smiles: Sequence[str], parents: Indices, k: int, rng: np.random.Generator, classes: NDArray[np.float64] | None
) -> Indices:
    del classes  # only scaffolds count
    groups = rows_of_groups(merged_groups(numbers_of_groups(scaffold_groups(smiles), len(smiles)), parents))
    if len(groups) < k:
        raise InputError(
            f"cannot make {k} scaffold folds of {len(groups)} different scaffolds; use fewer folds or a random split"
        )
    return even_folds(groups, k, rng, len(smiles))


def even_folds(groups: Sequence[Sequence[int]], k: int, rng: np.random.Generator, n: int) -> Indices:
    """Fold number `[n]` of each row, whole groups in k folds as even as these allow.

    >>> even_folds([[0, 1], [2], [3]], 2, np.random.default_rng(0), 4).tolist()
    [0, 0, 1, 1]
    """
    # Largest first into the smallest fold evens out the sizes; the shuffle decides between groups of one size.
    shuffled = [groups[i] for i in rng.permutation(len(groups))]
    sizes = np.zeros(k, dtype=np.int64)
    fold = np.empty(n, dtype=np.int64)
    for rows in sorted(shuffled, key=len, reverse=True):
        smallest = int(sizes.argmin())
        fold[rows] = smallest
        sizes[smallest] += len(rows)
    return fold


def _grouped_split(groups: Sequence[Sequence[int]], n: int, sizes: Sizes, seed: int) -> Split:
    """Whole groups assigned to parts: those larger than half of a small part to training, the others at random."""
    _check_sizes(sizes)
    rng = np.random.default_rng(seed)
    shuffled = [groups[i] for i in rng.permutation(len(groups))]
    smallest = min(size for size in sizes if size > 0) * n / 2
    ordered = sorted(shuffled, key=lambda rows: len(rows) <= smallest)  # stable: each half stays shuffled
    cuts = np.array(sizes) * n
    parts: list[list[int]] = [[], [], []]
    for rows in ordered:
        # The first part that still has room, and else the one that is the least too full.
        fits = [part for part in range(3) if len(parts[part]) + len(rows) <= round(float(cuts[part]))]
        chosen = (
            fits[0]
            if fits
            else int(np.argmin([len(part) + len(rows) - cut for part, cut in zip(parts, cuts, strict=True)]))
        )
        parts[chosen] += rows
    return Split(*(np.array(part, dtype=np.int64) for part in parts))


def butina_groups(fingerprints: NDArray[np.uint8], similarity: float) -> list[list[int]]:
    """Rows of each cluster of packed fingerprints `[B, 256]`, the centre first.

    Taylor-Butina clustering: a centre is always the row with the most neighbours (the first of equals), and its cluster
    the neighbours that are left.
    """
    neighbours = _neighbours(fingerprints, similarity)
    order = sorted(range(len(neighbours)), key=lambda row: (-len(neighbours[row]), row))
    is_free = np.ones(len(neighbours), dtype=np.bool_)
    groups = []
    for row in order:
        if is_free[row]:
            members = [row, *(other for other in neighbours[row].tolist() if is_free[other] and other != row)]
            is_free[members] = False
            groups.append(members)
    return groups


def _neighbours(fingerprints: NDArray[np.uint8], similarity: float) -> list[Indices]:
    """For each row the rows of at least that Tanimoto similarity."""
    bits = np.ascontiguousarray(fingerprints).view(np.uint64)
    counts = np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
    neighbours = []
    for row in range(len(bits)):
        shared = np.bitwise_count(bits & bits[row]).sum(axis=1, dtype=np.int64)
        neighbours.append(np.flatnonzero(shared >= similarity * (counts + counts[row] - shared)))
    return neighbours


def scaffold_groups(smiles: Sequence[str]) -> list[list[int]]:
    """Rows of each scaffold, in the order of first rows."""
    groups: dict[str, list[int]] = {}
    for row, text in enumerate(smiles):
        groups.setdefault(murcko_scaffold(text), []).append(row)
    return list(groups.values())


def _classes(labels: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
    """The labels `[B]` of a single classification task, or None."""
    if labels is None or labels.shape[1] != 1:
        return None
    column = labels[:, 0]
    return column if bool((np.isin(column, (0.0, 1.0)) | np.isnan(column)).all()) else None


def _check_sizes(sizes: Sizes) -> None:
    if len(sizes) != 3 or min(sizes) < 0 or abs(sum(sizes) - 1.0) > 1e-6:
        raise InputError(f"split sizes are {tuple(sizes)}; give three fractions that sum to 1, e.g. (0.8, 0.1, 0.1)")


#: All split methods, by name.
SPLITS: Mapping[FoldSplit, SplitSpec] = MappingProxyType(
    {
        "random": SplitSpec("random", "rows at random; both classes in every fold", _random_folds),
        "scaffold": SplitSpec("scaffold", "whole Murcko scaffolds; held-out chemistry is new", _scaffold_folds),
    }
)
