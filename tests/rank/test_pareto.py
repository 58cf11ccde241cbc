"""Pareto fronts beside their definition."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from molgraph.rank.pareto import pareto_fronts


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), max_size=25))
def test_each_front_is_what_is_best_without_those_before(rows):
    fronts = pareto_fronts(np.array(rows, dtype=float).reshape(len(rows), 3))
    for i, row in enumerate(rows):
        better = [fronts[j] for j, other in enumerate(rows) if other != row and all(map(int.__ge__, other, row))]
        assert fronts[i] == max(better, default=0) + 1
