"""Labels: measured, censored and missing values, row by row and task by task."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph.errors import InputError
from molgraph.results.labels import Labels, labels_from_arrays, labels_of_columns

NAN = float("nan")

#: A value, a lower and an upper bound, each perhaps missing.
CELLS = st.tuples(*[st.sampled_from([NAN, 0.0, 1.0, 2.5])] * 3)


@st.composite
def labels(draw):
    """Labels `[B, T]` of 0 to 6 rows and 1 to 3 tasks, with or without bounds."""
    n_rows, n_tasks = draw(st.integers(0, 6)), draw(st.integers(1, 3))
    cells = draw(st.lists(CELLS, min_size=n_rows * n_tasks, max_size=n_rows * n_tasks))
    values, lower, upper = np.array(cells, dtype=float).reshape(n_rows, n_tasks, 3).transpose(2, 0, 1).copy()
    return Labels(values, lower, upper) if draw(st.booleans()) else Labels(values)


def assert_same(one, other):
    np.testing.assert_array_equal(one.values, other.values)
    assert (one.lower is None, one.upper is None) == (other.lower is None, other.upper is None)
    np.testing.assert_array_equal(one.bounds, other.bounds)


@given(labels(), st.data())
def test_rows_are_taken_with_their_bounds(own, data):
    assert len(own) == own.values.shape[0]
    rows = data.draw(st.lists(st.integers(0, len(own) - 1))) if len(own) else []
    taken = own.take(np.array(rows, dtype=np.int64))
    assert len(taken) == len(rows)
    for name in ("is_measured", "is_censored", "is_known"):
        np.testing.assert_array_equal(getattr(taken, name), getattr(own, name)[np.array(rows, dtype=np.int64)])
    order = np.array(data.draw(st.permutations(range(len(own)))), dtype=np.int64)
    assert_same(own.take(order).take(np.argsort(order)), own)
    assert_same(own.take(slice(None)), own)
    assert_same(own.take(own.is_known.any(axis=1)), own.take(np.flatnonzero(own.is_known.any(axis=1))))


@given(labels())
def test_a_cell_is_measured_censored_or_missing(own):
    lower, upper = own.bounds
    for cell in np.ndindex(own.values.shape):
        is_measured = not np.isnan(own.values[cell])
        has_bound = not (np.isnan(lower[cell]) and np.isnan(upper[cell]))
        assert own.is_measured[cell] == is_measured
        assert own.is_censored[cell] == (has_bound and not is_measured)
        assert own.is_known[cell] == (has_bound or is_measured)
    assert len(own.measured) == own.is_measured.sum()


@given(labels(), st.data())
def test_tasks_are_taken_and_put_together(own, data):
    columns = data.draw(st.lists(st.integers(0, own.n_tasks - 1), min_size=1))
    assert_same(own.for_tasks(columns), labels_of_columns([own.task(column) for column in columns]))
    assert own.for_tasks(columns).n_tasks == len(columns)


@given(labels())
def test_stored_arrays_come_back(own):
    arrays = own.to_arrays()
    assert {name: array.shape for name, array in arrays.items()} == {"labels": own.values.shape} | (
        {} if own.lower is None else {"bounds": (2, *own.values.shape)}
    )
    assert_same(labels_from_arrays(arrays), own)


def test_columns_with_and_without_bounds():
    none = np.array([NAN, NAN])
    both = labels_of_columns([Labels(np.array([1.0, 2.0])), Labels(np.array([3.0, NAN]), none, np.array([NAN, 4.0]))])
    np.testing.assert_array_equal(both.bounds, [[[NAN, NAN], [NAN, NAN]], [[NAN, NAN], [NAN, 4.0]]])
    assert both.is_censored.tolist() == [[False, False], [False, True]]
    assert labels_of_columns([Labels(none)]).lower is None


def test_neighbours_and_members():
    own = Labels(np.arange(6.0).reshape(3, 2), np.full((3, 2), NAN), np.full((3, 2), 9.0))
    assert own.take(np.array([[0, 1], [2, 0]])).upper.shape == (2, 2, 2)
    assert own.map(lambda side: np.stack([side, side + 1])).take(1).values.tolist() == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ((np.zeros((3, 1)),), "bounds on one side alone"),
        ((None, np.zeros((3, 1))), "bounds on one side alone"),
        ((np.zeros((2, 1)), np.zeros((3, 1))), r"labels \(3, 1\) got bounds \(2, 1\) and \(3, 1\)"),
        ((np.zeros((3, 2)), np.zeros((3, 2))), r"labels \(3, 1\) got bounds \(3, 2\) and \(3, 2\)"),
    ],
)
def test_bounds_that_do_not_fit(bounds, words):
    with pytest.raises(InputError, match=words):
        Labels(np.zeros((3, 1)), *bounds)
