"""Oblivious trees beside a walk from node to node."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from molgraph.learners.oblivious_trees import ObliviousTrees


@given(st.integers(0, 30), st.integers(0, 5), st.integers(1, 4), st.integers(0, 2**31))
def test_any_oblivious_trees(n_rows, n_trees, depth, seed):
    rng = np.random.default_rng(seed)
    trees = ObliviousTrees(
        rng.integers(0, 6, (n_trees, depth)).astype(np.int32),
        rng.choice([0.0, 1.0, 2.5, np.inf], (n_trees, depth)).astype(np.float32),
        rng.normal(size=(n_trees, 2**depth)).astype(np.float32),
        bias=float(rng.normal()),
    )
    columns = rng.choice([0.0, 1.0, 2.0, 3.0, np.nan], (n_rows, 6)).astype(np.float32)
    expected = np.full(n_rows, trees.bias)
    for row in range(n_rows):
        for k in range(n_trees):
            answers = [columns[row, f] > b for f, b in zip(trees.feature[k], trees.border[k], strict=True)]
            expected[row] += trees.leaf[k, sum(int(answer) << place for place, answer in enumerate(answers))]
    np.testing.assert_allclose(trees.predict(columns), expected, rtol=1e-5, atol=1e-6)
