"""Diverse picking beside RDKit's own picker."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rdkit import DataStructs
from rdkit.SimDivFilters import rdSimDivPickers

from molgraph.rank.diverse import best_of_each, clusters, max_min


def as_rdkit(bits):
    found = []
    for row in np.unpackbits(bits, axis=1):
        vector = DataStructs.ExplicitBitVect(len(row))
        vector.SetBitsFromList(np.flatnonzero(row).tolist())
        found.append(vector)
    return found


@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 2**31))
def test_as_far_apart_as_rdkit_picks(n_rows, n, seed):
    bits = np.random.default_rng(seed).integers(0, 256, (n_rows, 8)).astype(np.uint8)
    picked, vectors = max_min(bits, n), as_rdkit(bits)
    assert len(picked) == len(set(picked)) == min(n, n_rows)
    assert picked[0] == 0
    theirs = list(rdSimDivPickers.MaxMinPicker().LazyBitVectorPick(vectors, n_rows, min(n, n_rows), [0]))

    def gaps(rows):
        return [min((1 - DataStructs.TanimotoSimilarity(vectors[row], vectors[other]) for other in rows[:i]), default=0)
                for i, row in enumerate(rows)]  # fmt: skip

    if len(set(gaps(picked))) == len(picked):  # of equal distances each may take another one
        assert picked == theirs
    assert np.allclose(gaps(picked)[:2], gaps(theirs)[:2])


@given(st.integers(1, 40), st.sampled_from([0.2, 0.35, 0.5, 1.0]), st.integers(0, 2**31))
def test_the_centres_of_clusters_are_the_leaders_that_rdkit_picks(n_rows, similarity, seed):
    bits = np.random.default_rng(seed).integers(1, 256, (n_rows, 2)).astype(np.uint8)
    cluster, vectors = clusters(bits, similarity), as_rdkit(bits)
    centres = [cluster.index(number) for number in range(max(cluster) + 1)]
    # RDKit leaves out what is nearer than the limit, and here what is as near as that belongs to the cluster too.
    assert centres == list(rdSimDivPickers.LeaderPicker().LazyBitVectorPick(vectors, n_rows, 1 - similarity + 1e-9))
    for row, number in enumerate(cluster):
        near = [c for c in centres if DataStructs.TanimotoSimilarity(vectors[row], vectors[c]) >= similarity]
        assert centres[number] == near[0]


def test_nothing_to_pick():
    assert clusters(np.zeros((0, 8), dtype=np.uint8), 0.5) == []
    assert clusters(np.zeros((2, 8), dtype=np.uint8), 0.5) == [0, 1]
    assert max_min(np.zeros((0, 8), dtype=np.uint8), 3) == []
    assert max_min(np.zeros((3, 8), dtype=np.uint8), 2) == [0, 1]  # without any bits all are alike
    assert best_of_each([], 3) == []


@given(st.lists(st.sampled_from("abcd"), max_size=20), st.integers(1, 25))
def test_each_kind_comes_before_any_comes_again(kinds, n):
    picked = best_of_each(kinds, n)
    assert len(picked) == len(set(picked)) == min(n, len(kinds))
    counts = [sum(kinds[row] == kind for row in picked) for kind in set(kinds)]
    available = [kinds.count(kind) for kind in set(kinds)]
    most = max(counts, default=0)
    assert all(count == have or count >= most - 1 for count, have in zip(counts, available, strict=True))
