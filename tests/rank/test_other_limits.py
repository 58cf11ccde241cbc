"""What would have been selected, against the selection itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph.rank.hit_rule import Condition
from molgraph.rank.other_limits import (
    count_above,
    lowest_rate,
    most_demanding_limit,
    p_values_at,
    thresholds_of,
)
from molgraph.rank.selection import benjamini_hochberg, calibrate_hits
from molgraph.results.labels import Labels


def selected(scores, is_hit, new, q):
    calibration = calibrate_hits(scores, is_hit, np.zeros(len(scores), dtype=int), 1)
    return int(benjamini_hochberg(calibration.p_values(new[None]), q).sum())


@given(st.integers(0, 10_000), st.integers(20, 150), st.floats(0.1, 0.7), st.floats(0.2, 3.0))
def test_the_lowest_rate_selects_and_no_lower_one_does(seed, n, share, signal):
    rng = np.random.default_rng(seed)
    is_hit = (rng.random(n) < share).astype(float)
    scores = rng.normal(size=n) + signal * is_hit
    new = rng.normal(size=300) + signal * (rng.random(300) < share)
    thresholds = thresholds_of(scores)
    p_values = p_values_at(thresholds, np.sort(scores[is_hit == 0]), n)
    found = lowest_rate(count_above(new, thresholds), p_values, 300)
    # Every score of the library is a threshold for this one, so it is never the higher of the two.
    exact = min(
        (calibrated_p(scores, is_hit, score) * 300 / (new >= score).sum() for score in new),
        default=1.0,
    )
    if found is None:
        assert exact > 0.35
        return
    rate, count = found
    assert exact <= rate * (1 + 1e-9)
    assert rate <= 0.5
    assert selected(scores, is_hit, new, rate) >= count > 0


def calibrated_p(scores, is_hit, score):
    return (1 + (scores[is_hit == 0] >= score).sum()) / (len(scores) + 1)


@pytest.mark.parametrize(("sign", "limit"), [(">=", 2.0), ("<=", -2.0)])
def test_the_limit_that_is_offered_selects_at_the_rate(sign, limit):
    rng = np.random.default_rng(1)
    labels = rng.normal(size=400)
    toward = 1.0 if sign == ">=" else -1.0
    scores = toward * (labels + rng.normal(0, 0.7, 400))
    new = toward * (rng.normal(size=1000) * np.hypot(1, 0.7))
    condition = Condition("y", 0, is_class=False, sign=sign, limit=limit)
    above_each = count_above(new, thresholds_of(scores))
    assert selected(scores, condition.holds(labels).astype(float), new, 0.1) == 0
    other, count = most_demanding_limit(condition, Labels(labels), scores, above_each, n_new=1000, q=0.1)
    assert toward * (other.limit - limit) < 0
    assert selected(scores, other.holds(labels).astype(float), new, 0.1) >= count > 0


def test_no_limit_and_no_rate_where_nothing_is_known():
    assert lowest_rate([0, 0], np.array([0.1, 0.2]), 10) is None
    assert lowest_rate([1, 2], np.array([0.9, 0.9]), 100) is None
    assert lowest_rate([0, 2], np.array([0.1, 0.2]), 0) is None
    herg = Condition("hERG", 0, is_class=True, sign="=", limit=1)
    assert most_demanding_limit(herg, Labels(np.ones(3)), np.ones(3), [1], n_new=1, q=0.1) is None
    value = Condition("y", 0, is_class=False, sign=">=", limit=3)
    assert most_demanding_limit(value, Labels(np.full(3, np.nan)), np.ones(3), [1], n_new=1, q=0.1) is None


def test_many_calibration_compounds_need_few_thresholds():
    thresholds = thresholds_of(np.arange(100_000.0))
    assert len(thresholds) < 250
    assert (np.diff(thresholds) < 0).all()
    assert thresholds[0] == 99_999
