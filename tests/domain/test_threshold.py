import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph.chem.fingerprints import morgan_fingerprints
from molgraph.domain import threshold
from molgraph.domain.threshold import domain_threshold


def tanimoto(first, second):
    first, second = np.unpackbits(first), np.unpackbits(second)
    either = (first | second).sum()
    return (first & second).sum() / either if either else 0.0


def by_hand(fingerprints, fold, asked):
    """The first percentile of the nearest similarity, pair by pair."""
    nearest = []
    for row in asked:
        others = [other for other in range(len(fold)) if other != row]
        of_other_folds = [other for other in others if fold[row] >= 0 and fold[other] != fold[row]]
        nearest.append(max(tanimoto(fingerprints[row], fingerprints[other]) for other in of_other_folds or others))
    return sorted(nearest)[(len(nearest) - 1) // 100]


@given(st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_equals_all_pairs(n_rows, seed):
    rng = np.random.default_rng(seed)
    fingerprints = rng.integers(0, 256, (n_rows, 8), dtype=np.uint8) & rng.integers(0, 256, (n_rows, 8), dtype=np.uint8)
    fold = rng.integers(-1, 3, n_rows)
    assert domain_threshold(fingerprints, fold) == pytest.approx(by_hand(fingerprints, fold, range(n_rows)))


def test_a_large_table_is_asked_evenly(monkeypatch):
    monkeypatch.setattr(threshold, "_MAX_ASKED", 7)
    fingerprints = np.random.default_rng(0).integers(0, 256, (61, 8), dtype=np.uint8)
    fold = np.arange(61) % 4
    expected = by_hand(fingerprints, fold, range(0, 61, 10))
    assert domain_threshold(fingerprints, fold) == pytest.approx(expected)


def test_one_in_a_hundred_falls_outside(assay):
    fingerprints = morgan_fingerprints(assay[0][:900])
    fold = np.arange(900) % 5
    least = domain_threshold(fingerprints, fold)
    nearest = [
        max(tanimoto(fingerprints[row], other) for other in fingerprints[fold != fold[row]])
        for row in range(0, 900, 90)
    ]
    assert 0.1 < least < 0.9
    assert sum(value < least for value in nearest) <= 1
    # 17 compounds of 900 in a group of their own, like nothing else: more than one in a hundred.
    fingerprints = fingerprints.copy()
    fingerprints[:17] = 0
    assert domain_threshold(fingerprints, fold) == 0
    fingerprints[5:17] = fingerprints[20]
    assert domain_threshold(fingerprints, fold) > 0


def test_the_same_in_one_fold_or_in_none(assay):
    fingerprints = morgan_fingerprints(assay[0][:40])
    lone = domain_threshold(fingerprints, np.full(40, -1))
    assert lone == domain_threshold(fingerprints, np.zeros(40, dtype=np.int64))
    assert lone == pytest.approx(by_hand(fingerprints, np.full(40, -1), range(40)))
    assert lone >= domain_threshold(fingerprints, np.arange(40) % 2)


@pytest.mark.parametrize("n_rows", [0, 1])
def test_nothing_to_compare_with(n_rows):
    assert domain_threshold(np.ones((n_rows, 8), np.uint8), np.zeros(n_rows, np.int64)) == 0.0
