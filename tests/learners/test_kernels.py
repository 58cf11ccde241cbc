"""Distances of embeddings are exact."""

import numpy as np

from molgraph.learners import kernels


def test_products_of_steps_are_exact_with_and_without_hardware_for_them(monkeypatch):
    rng = np.random.default_rng(0)
    one, other = (rng.integers(-127, 128, (n, 300)).astype(np.int8) for n in (1, 33))
    truth = np.sqrt(np.square(one[:, None].astype(np.int64) - other).sum(axis=2)) / 32
    found = kernels.distances(one, other)
    np.testing.assert_allclose(found, truth, rtol=1e-6)
    for is_fast in (False, True):
        if is_fast and not kernels.is_fast_at_int8():
            continue
        monkeypatch.setattr(kernels, "is_fast_at_int8", lambda own=is_fast: own)
        assert np.array_equal(kernels.distances(one, other), found)
