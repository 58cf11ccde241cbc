"""Repeats in a stream of texts."""

from hypothesis import given
from hypothesis import strategies as st

from molgraph.files import deduplicate as seen
from molgraph.files.deduplicate import DuplicateFilter


@given(batches=st.lists(st.lists(st.text(alphabet="CNO", max_size=3), max_size=12), max_size=12))
def test_duplicates_are_those_of_a_set(batches):
    memory, seen = DuplicateFilter(), set()
    for batch in batches:
        expected = []
        for text in batch:
            expected.append(text in seen)
            seen.add(text)
        assert memory.repeats(batch).tolist() == expected


def test_memory_is_a_few_sorted_runs():
    memory = DuplicateFilter()
    for batch in range(200):
        assert not memory.repeats([f"{batch}-{i}" for i in range(100)]).any()
    assert memory.repeats([f"{batch}-7" for batch in range(200)]).all()
    assert sum(len(run) for run in memory._runs) == 20_000
    assert len(memory._runs) < 10
    assert all((run[1:] > run[:-1]).all() for run in memory._runs)


def test_a_full_memory_still_detects_its_duplicates(monkeypatch):
    monkeypatch.setattr(seen, "MAX_REMEMBERED", 3)
    memory = DuplicateFilter()
    assert not memory.is_full
    memory.repeats(["a", "b", "c"])
    assert memory.is_full
    assert memory.repeats(["c", "d", "d"]).tolist() == [True, False, True]
    assert memory.repeats(["d"]).tolist() == [False]
