"""Cross-conformal intervals against their definition, at every level and with judges that disagree."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from molgraph.uncertainty.conformal import conformal_rank
from molgraph.uncertainty.cross_conformal import cross_interval, scores_by_model

SCORES = st.lists(st.floats(0, 10), min_size=1, max_size=30)


@given(SCORES, st.integers(1, 4), st.floats(0.02, 0.98), st.integers(0, 2**31))
@example([0.0, 0.0, 2.220446049250313e-16, 0.0], 2, 0.5, 0)
def test_equals_the_definition(scores, n_models, level, seed):
    rng = np.random.default_rng(seed)
    model = rng.integers(0, n_models, len(scores))
    predictions, scale = rng.normal(0, 3, (n_models, 2)), rng.uniform(0.5, 2, 2)
    lower, upper = cross_interval(predictions, scores_by_model(np.array(scores), model, n_models), level, scale=scale)
    rank = conformal_rank(len(scores), level)
    if rank > len(scores):
        assert np.isposinf(upper).all()
        assert np.isneginf(lower).all()
        return
    for i in range(2):
        reach = np.array(scores) * scale[i]
        low = np.sort(predictions[model, i] - reach)[::-1][rank - 1]
        high = np.sort(predictions[model, i] + reach)[rank - 1]
        expected = (low, high) if low <= high else (low / 2 + high / 2, low / 2 + high / 2)
        # Values closer than 1e-12 of the judges' disagreement, which is below 50 here, are taken for one.
        assert (lower[i], upper[i]) == pytest.approx(expected, abs=5e-11)


def test_an_empty_set_is_told_as_its_middle():
    scores = scores_by_model(np.array([0.1, 0.1, 0.1, 0.1]), np.array([0, 0, 1, 1]), 2)
    lower, upper = cross_interval(np.array([[1.0], [3.0]]), scores, level=0.2)
    assert (lower.item(), upper.item()) == pytest.approx((2.0, 2.0))


def test_no_prediction_has_no_interval():
    lower, upper = cross_interval(np.array([[np.nan, 1.0]]), [np.array([1.0, 2.0])], level=0.5)
    assert np.isnan([lower[0], upper[0]]).all()
    assert np.isfinite([lower[1], upper[1]]).all()
