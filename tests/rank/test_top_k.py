import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph.rank import top_k as module
from molgraph.rank.top_k import TopK

SCORES = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e3, 1e3))
SEEDS = st.integers(0, 2**32 - 1)


class Stream:
    """A stream of (score, key) whose keys are inside or not; the payload is the row."""

    def __init__(self, entries, inside):
        self.entries = entries
        self.inside = inside
        self.looks = []
        self.keys = []

    def top(self, capacity):
        return TopK(capacity, are_inside=self.are_inside, key_of=self.key_of)

    def are_inside(self, payloads):
        self.looks += payloads
        return [self.entries[row][1] in self.inside for row in payloads]

    def key_of(self, payload):
        self.keys.append(payload)
        return self.entries[payload][1]

    def into(self, top):
        largest = 0
        for row, (score, _) in enumerate(self.entries):
            top.offer(score, row, row)
            largest = max(largest, len(top._pool))
        return largest

    def best(self, capacity):
        """Everything looked at and sorted: of each key the best entry, ties in the order of the rows."""
        chosen = {}
        for row, (score, key) in sorted(enumerate(self.entries), key=lambda item: (-item[1][0], item[0])):
            chosen.setdefault(key, (score, row, key))
        inside = [entry for entry in chosen.values() if entry[2] in self.inside][:capacity]
        outside = [entry for entry in chosen.values() if entry[2] not in self.inside]
        if len(inside) == capacity:
            worst = (-inside[-1][0], inside[-1][1])
            outside = [entry for entry in outside if (-entry[0], entry[1]) < worst]
        return inside, outside[:capacity]


def plain(ranking):
    assert all(entry.payload == entry.row for entry in ranking)
    return [(entry.score, entry.row, entry.key) for entry in ranking]


def small_pool(top, *, block=1):
    """Prune as often as is possible, so that short streams try all there is to try."""
    top.pool_limit = 2 * top.capacity + block
    return top


def long_stream(seed, n_keys, share_inside):
    """Some 300 entries with many ties and equal keys; a list of that length costs hypothesis more than the test."""
    rng = np.random.default_rng(seed)
    n_rows = rng.integers(200, 400)
    keys = [str(key) for key in rng.integers(0, n_keys, n_rows)]
    scores = rng.integers(-8, 8, n_rows).astype(float).tolist()
    inside = {key for key in sorted(set(keys)) if rng.random() < share_inside}
    return Stream(list(zip(scores, keys, strict=True)), inside)


@given(st.integers(1, 5), st.lists(st.tuples(SCORES, st.integers(0, 40).map(str)), max_size=60), st.data())
def test_equals_sorting_everything(capacity, entries, data):
    keys = sorted({key for _, key in entries})
    stream = Stream(entries, set(data.draw(st.lists(st.sampled_from(keys)) if keys else st.just([]))))
    top = small_pool(stream.top(capacity))
    stream.into(top)
    assert (plain(top.inside()), plain(top.outside())) == stream.best(capacity)


@given(
    capacity=st.integers(1, 40),
    n_keys=st.sampled_from([3, 40, 10_000]),
    share_inside=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
    block=st.sampled_from([1, 30, 1000]),
    seed=SEEDS,
)
def test_long_streams(capacity, n_keys, share_inside, block, seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MIN_BLOCK", 4)
        stream = long_stream(seed, n_keys, share_inside)
        top = small_pool(stream.top(capacity), block=block)
        assert stream.into(top) < top.pool_limit
        assert (plain(top.inside()), plain(top.outside())) == stream.best(capacity)
        assert len(set(stream.looks)) == len(stream.looks)  # what a look told is remembered
        assert len(set(stream.keys)) == len(stream.keys)
        assert (plain(top.inside()), plain(top.outside())) == stream.best(capacity)


@given(SEEDS, st.sampled_from([0.1, 1.0]))
def test_whatever_is_not_above_the_threshold_need_not_be_offered(seed, share_inside):
    stream = long_stream(seed, 10_000, share_inside)
    everything, filtered = (small_pool(stream.top(3), block=20) for _ in range(2))
    stream.into(everything)
    for row, (score, _) in enumerate(stream.entries):
        if score > filtered.threshold:
            filtered.offer(score, row, row)
    assert filtered.inside() == everything.inside()
    assert filtered.outside() == everything.outside()
    assert filtered.threshold > float("-inf")


@given(SEEDS, st.integers(1, 12), st.sampled_from([1, 30, 1000]), st.sampled_from([0.3, 1.0]), st.sampled_from([2, 10]))
def test_repeats_are_those_above_the_last(seed, capacity, block, share_inside, n_remembered):
    stream = long_stream(seed, 60, share_inside)
    rng = np.random.default_rng(seed)
    score_of = {
        key: float(score) for key, score in zip({key for _, key in stream.entries}, rng.permutation(100), strict=False)
    }
    stream.entries = [(score_of[key], key) for _, key in stream.entries]
    rows = {key: [row for row, (_, own) in enumerate(stream.entries) if own == key] for key in score_of}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MIN_BLOCK", 4)
        patch.setattr(module, "MOST_REPEATS", n_remembered)
        top = small_pool(stream.top(capacity), block=block)
        stream.into(top)
        for ranking in (top.inside(), top.outside()):
            for entry in ranking:
                is_last = len(ranking) == capacity and entry is ranking[-1]
                assert entry.repeats == (() if is_last else tuple(rows[entry.key][1 : 1 + n_remembered]))


def test_only_the_best_are_looked_at():
    scores = np.random.default_rng(0).permutation(50_000).astype(float).tolist()
    stream = Stream([(score, str(row)) for row, score in enumerate(scores)], {str(row) for row in range(50_000)})
    top = stream.top(100)
    stream.into(top)
    assert plain(top.inside()) == stream.best(100)[0]
    assert top.outside() == []
    assert len(stream.looks) < 400


def test_keys_are_asked_for_where_they_matter():
    scores = np.random.default_rng(0).permutation(50_000).astype(float).tolist()
    stream = Stream([(score, str(row)) for row, score in enumerate(scores)], {"7"})
    top = stream.top(100)
    stream.into(top)
    assert (plain(top.inside()), plain(top.outside())) == stream.best(100)
    assert len(stream.looks) == 50_000  # the one that is inside could be any
    assert len(stream.keys) < 400


@pytest.mark.parametrize("inside", [set(), {"7", "11999"}, {str(row) for row in range(12_000)}])
def test_memory_is_bounded(inside):
    stream = Stream([(float(row), str(row)) for row in range(12_000)], inside)  # ever better: each one is taken
    top = stream.top(10)
    assert stream.into(top) < top.pool_limit == 10 + 4096
    assert (plain(top.inside()), plain(top.outside())) == stream.best(10)
    assert len(top._pool) <= 2 * 10
    assert stream.top(5000).pool_limit == 4 * 5000


def test_a_stream_may_go_on_after_a_look_at_the_ranking():
    stream = Stream([(1.0, "a"), (2.0, "b"), (3.0, "a"), (2.5, "odd"), (2.0, "c")], {"a", "b", "c"})
    top = stream.top(2)
    for row, (score, _) in enumerate(stream.entries):
        top.offer(score, row, row)
        top.inside()
    assert plain(top.inside()) == [(3.0, 2, "a"), (2.0, 1, "b")]
    assert plain(top.outside()) == [(2.5, 3, "odd")]


def test_fewer_than_the_capacity():
    assert Stream([], set()).top(5).inside() == []
    stream = Stream([(1.0, "a"), (2.0, "odd")], {"a"})
    top = stream.top(5)
    stream.into(top)
    assert (plain(top.inside()), plain(top.outside())) == ([(1.0, 0, "a")], [(2.0, 1, "odd")])
    assert top.threshold == float("-inf")
