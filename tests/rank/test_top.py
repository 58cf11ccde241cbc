import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from molgraph.rank.top import TopEntries

SCORES = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e3, 1e3))


SEEDS = st.integers(0, 2**32 - 1)


def long_stream(seed):
    """Some 300 scores with many ties; a list of that length costs hypothesis more than the test."""
    rng = np.random.default_rng(seed)
    return rng.integers(-8, 8, rng.integers(200, 400)).astype(float).tolist()


def fill(capacity, entries):
    top = TopEntries[int](capacity)
    for row, (score, key) in enumerate(entries):
        top.offer(score, row, key, payload=row)
    return top


def best(capacity, entries):
    """Everything sorted: of each key the best entry, ties in the order of the rows."""
    chosen = {}
    for row, (score, key) in sorted(enumerate(entries), key=lambda item: (-item[1][0], item[0])):
        chosen.setdefault(key, (score, row, key))
    return list(chosen.values())[:capacity]


@given(st.integers(1, 5), st.lists(st.tuples(SCORES, st.integers(0, 400).map(str)), max_size=600))
def test_equals_sorting_everything(capacity, entries):
    ranking = fill(capacity, entries).ranking()
    assert [(entry.score, entry.row, entry.key) for entry in ranking] == best(capacity, entries)
    assert all(entry.payload == entry.row for entry in ranking)


@given(st.integers(1, 40), SEEDS)
def test_distinct_keys(capacity, seed):
    scores = long_stream(seed)
    entries = [(score, str(row)) for row, score in enumerate(scores)]
    top = fill(capacity, entries)
    assert [(entry.score, entry.row, entry.key) for entry in top.ranking()] == best(capacity, entries)
    assert sum(entry.n_same for entry in top.ranking()) == 0


@given(SEEDS)
def test_whatever_is_not_above_the_threshold_need_not_be_offered(seed):
    scores = long_stream(seed)
    everything, filtered = TopEntries[None](3), TopEntries[None](3)
    for row, score in enumerate(scores):
        everything.offer(score, row, str(row), None)
        if score > filtered.threshold:
            filtered.offer(score, row, str(row), None)
    assert filtered.ranking() == everything.ranking()
    assert filtered.threshold > float("-inf")


def test_memory_is_bounded():
    top = TopEntries[None](10)
    for row in range(5000):
        top.offer(float(row), row, str(row), None)  # ever better, so that each one is taken
        assert len(top._entries) < 2 * 10 + 64
    assert [entry.row for entry in top.ranking()] == list(range(4999, 4989, -1))


def test_same_key_counts():
    ranking = fill(2, [(1.0, "a"), (2.0, "b"), (1.0, "a"), (3.0, "a"), (0.5, "b")]).ranking()
    assert [(entry.key, entry.score, entry.row, entry.n_same) for entry in ranking] == [
        ("a", 3.0, 3, 2),
        ("b", 2.0, 1, 1),
    ]


def test_fewer_than_the_capacity():
    assert fill(5, []).ranking() == []
    assert len(fill(5, [(1.0, "a")]).ranking()) == 1
