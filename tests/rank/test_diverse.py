"""Diverse picking beside RDKit's own picker."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rdkit import DataStructs
from rdkit.SimDivFilters import rdSimDivPickers

from molgraph.rank.diverse import best_of_each, clusters, max_min, pick_above_floor


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


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=60),
    st.integers(1, 20),
    st.sampled_from([0.0, 0.2, 0.5, 1.0]),
    st.booleans(),
)
def test_what_differs_is_never_worth_less_than_the_floor(worth, n, most_lost, from_the_end):
    ranked = np.sort(worth)[::-1]
    picked, of_best = pick_above_floor(
        ranked, n, lambda m, k: list(range(m))[-k:] if from_the_end else list(range(m))[:k], most_lost=most_lost
    )
    assert len(set(picked)) == len(picked) == min(n, len(worth))
    assert max(picked) < of_best
    assert ranked[picked].sum() >= (1 - most_lost) * ranked[:n].sum() - 1e-9
    if not from_the_end or most_lost == 1.0:
        assert of_best >= len(worth)  # nothing has to be given up


def test_two_actives_series_and_a_tail_of_others():
    """Two series that are good and many odd compounds that are not: MaxMin alone buys the odd ones."""
    rng = np.random.default_rng(0)
    series = [np.packbits(rng.random(256) < 0.3) for _ in range(2)]

    def analogue(bits):
        flipped = np.unpackbits(bits)
        flipped[rng.choice(256, 12, replace=False)] ^= 1
        return np.packbits(flipped)

    good = [analogue(series[i % 2]) for i in range(40)]
    odd = [np.packbits(rng.random(256) < 0.3) for _ in range(160)]
    fingerprints = np.array(good + odd)
    worth = np.concatenate([np.linspace(0.9, 0.6, 40), np.full(160, 0.01)])
    alone = max_min(fingerprints, 20)
    assert worth[alone].sum() < 0.2 * worth[:20].sum()
    picked, of_best = pick_above_floor(worth, 20, lambda m, n: max_min(fingerprints[:m], n), most_lost=0.2)
    assert worth[picked].sum() >= 0.8 * worth[:20].sum()
    assert 30 < of_best < 60
    assert {place % 2 for place in picked if place < 40} == {0, 1}
