import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph.datasets import duplicates
from molgraph.datasets.duplicates import CONFLICT_SPREAD, merge_duplicates, replicate_weight
from molgraph.results.labels import Labels
from molgraph.results.tasks import TaskSpec

Y = TaskSpec("y", "regression")
C = TaskSpec("c", "classification")
NAN = float("nan")


def merge(structures, labels, tasks, weights=None, bounds=None):
    labels = np.array(labels, dtype=float).reshape(len(structures), len(tasks))
    ids = [f"id{i}" for i in range(len(structures))]
    weights = np.ones(len(ids)) if weights is None else np.array(weights)
    bounds = () if bounds is None else np.array(bounds, dtype=float).reshape(2, *labels.shape)
    return merge_duplicates(structures, ids, Labels(labels, *bounds), weights, tasks)


def test_median_for_regression_first_id_and_mean_weight(monkeypatch):
    monkeypatch.setattr(duplicates, "replicate_weight", lambda _n, _variance, _noise: 1.0)
    merged = merge("ABABA", [1.0, 9.0, 3.0, 9.0, 10.0], [Y], weights=[1.0, 2.0, 2.0, 2.0, 6.0])
    assert merged.index.tolist() == [0, 1]
    assert merged.labels.values.tolist() == [[3.0], [9.0]]
    assert merged.weights.tolist() == [3.0, 2.0]
    first, second = merged.report.groups
    assert (first.smiles, first.ids, first.values) == ("A", ("id0", "id2", "id4"), ((1.0,), (3.0,), (10.0,)))
    assert first.conflict
    assert not second.conflict
    assert merged.report.n_rows_removed == 3
    assert merged.report.conflicts == (first,)


def test_a_conflict_is_a_spread_above_the_deviation_of_all_labels():
    labels = np.array([0.0, 1.0, 5.0, -5.0, 2.5, -2.5])
    limit = CONFLICT_SPREAD * labels.std()
    for distance, conflict in ((0.9 * limit, False), (1.1 * limit, True)):
        values = [*labels, 0.0, distance]
        threshold = CONFLICT_SPREAD * np.std(values)
        merged = merge([*"abcdef", "X", "X"], values, [Y])
        assert merged.report.groups[0].conflict == (distance > threshold)
        assert merged.report.groups[0].conflict == conflict


def test_concentrations_are_compared_as_logarithms():
    """A hundredfold difference is a conflict between small values too, and a twofold one is none between large ones."""
    others = np.exp(np.random.default_rng(0).normal(5, 2, size=200))
    names = [f"other {n}" for n in range(200)]
    merged = merge(["A", "A", "B", "B", "B", "C", "C", *names], [0.5, 50.0, 8e4, 2e4, 3e4, 2e4, 4e4, *others], [Y])
    a, b, c = merged.report.groups
    assert (a.conflict, b.conflict, c.conflict) == (True, False, False)
    assert merged.labels.values[:3, 0].tolist() == pytest.approx([5.0, 3e4, np.sqrt(8) * 1e4])
    logs = merge(["A", "A", "B", "B", "B", "C", "C", *names],
                 np.log([0.5, 50.0, 8e4, 2e4, 3e4, 2e4, 4e4, *others]), [Y])  # fmt: skip
    np.testing.assert_allclose(np.log(merged.labels.values), logs.labels.values, atol=1e-12)
    np.testing.assert_allclose(merged.weights, logs.weights)
    assert [group.conflict for group in merged.report.groups] == [group.conflict for group in logs.report.groups]


def test_classes_agree_or_become_unmeasured():
    merged = merge("AABBCC", [1, 1, 0, 1, NAN, 0], [C])
    assert merged.index.tolist() == [0, 4]
    assert merged.labels.values.tolist() == [[1.0], [0.0]]
    agree, disagree, half = merged.report.groups
    assert not agree.conflict
    assert disagree.conflict
    assert disagree.dropped
    assert not half.conflict
    assert merged.report.n_rows_removed == 4


def test_a_conflict_in_one_task_keeps_the_other():
    merged = merge("AA", [[0, 1.0], [1, 2.0]], [C, Y])
    assert np.isnan(merged.labels.values[0, 0])
    assert merged.labels.values[0, 1] == 1.5
    assert not merged.report.groups[0].dropped


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from("ABCDE"),
            st.one_of(st.just(NAN), st.floats(-1e6, 1e6)),
            st.sampled_from([NAN, 0.0, 1.0]),
            st.floats(0.0, 10.0),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_merging_reports_every_row(rows):
    structures = [row[0] for row in rows]
    labels = np.array([row[1:3] for row in rows])
    labelled = ~np.isnan(labels).all(axis=1)
    structures = [s for s, keep in zip(structures, labelled, strict=True) if keep]
    weights = np.array([row[3] for row in rows])[labelled]
    labels = labels[labelled]
    merged = merge(structures, labels, [Y, C], weights)
    left = [structures[i] for i in merged.index]
    assert len(set(left)) == len(left)
    assert (np.diff(merged.index) > 0).all()
    assert len(left) + merged.report.n_rows_removed == len(structures)
    dropped = {group.smiles for group in merged.report.groups if group.dropped}
    assert set(left) | dropped == set(structures)
    for structure, kept, weight in zip(left, merged.labels.values, merged.weights, strict=True):
        mine = np.array([s == structure for s in structures])
        measured = labels[mine, 0][~np.isnan(labels[mine, 0])]
        assert np.isnan(kept[0]) if len(measured) == 0 else measured.min() <= kept[0] <= measured.max()
        votes = labels[mine, 1][~np.isnan(labels[mine, 1])]
        share = votes.mean() if len(votes) else 0.5
        assert kept[1] == round(share) if max(share, 1 - share) >= 0.75 else np.isnan(kept[1])
        assert 0 <= weight <= 2 * weights[mine].max() * (1 + 1e-9)
        assert (weight == 0) == (weights[mine].max() == 0)


def test_no_rows_and_no_duplicates():
    assert len(merge([], [], [Y]).index) == 0
    merged = merge("ABC", [1.0, 2.0, 3.0], [Y])
    assert merged.index.tolist() == [0, 1, 2]
    assert merged.report.groups == ()


def test_the_tightest_bounds_stay_where_nothing_was_measured():
    lower = [5.0, 7.0, NAN, NAN, 9.0, NAN, 4.0, NAN]
    upper = [NAN, NAN, 3.0, NAN, NAN, 2.0, NAN, 6.0]
    labels = [NAN, NAN, NAN, 2.0, NAN, NAN, NAN, NAN]
    merged = merge("AABBCCDD", labels, [Y], bounds=[lower, upper])
    a, b, c, d = merged.report.groups
    assert merged.index.tolist() == [0, 2, 6]
    np.testing.assert_array_equal(merged.labels.task(0).bounds, [[7.0, NAN, 4.0], [NAN, NAN, 6.0]])
    np.testing.assert_array_equal(merged.labels.values[:, 0], [NAN, 2.0, NAN])
    assert (a.conflict, b.conflict, c.conflict, d.conflict) == (False, False, True, False)
    assert (a.dropped, c.dropped) == (False, True)
    measured = merge("AA", [1.0, NAN], [Y], bounds=[[NAN, 5.0], [NAN, NAN]])
    assert measured.report.groups[0].conflict
    assert np.isnan(measured.labels.bounds).all()


@given(n=st.integers(2, 50), variance=st.floats(0, 1e6), noise=st.floats(1e-3, 1e3))
def test_replicate_weights(n, variance, noise):
    worth = replicate_weight(n, variance, noise)
    assert 0 < worth <= 2
    assert replicate_weight(n + 1, noise, noise) > replicate_weight(n, noise, noise) > 1
    assert replicate_weight(n, variance + 1.0, noise) < worth
    assert replicate_weight(n, variance, 0.0) == 1


def test_replicates_that_agree_count_more_and_those_that_do_not_less():
    pairs = [f"pair {n}" for n in range(30) for _ in range(2)]
    merged = merge(["A", "A", "B", "B", "C", *pairs], [1.0, 1.1, 1.0, 4.0, 2.0, *[3.0, 3.1] * 30], [Y])
    agree, disagree, single, *_ = merged.weights
    assert agree > 1 > disagree
    assert single == 1
    classes = merge("AAB", [1, 1, 0], [C])
    assert classes.weights.tolist() == [1, 1]


def test_a_clear_majority_of_classes_is_kept():
    merged = merge("AAAABBBCCCC", [0.0, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0], [C])
    a, b, c = merged.report.groups
    assert (a.conflict, b.conflict, c.conflict) == (True, True, True)
    assert (a.dropped, b.dropped, c.dropped) == (False, True, True)
    assert a.kept == (0.0,)
    assert merged.index.tolist() == [0]
