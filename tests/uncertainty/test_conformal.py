import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph.uncertainty.conformal import conformal_quantile, coverage_range


@given(
    st.lists(st.floats(0, 1e6), max_size=60),
    st.fractions(min_value=0, max_value=1).filter(lambda level: 0 < level < 1 and level.denominator <= 1000),
)
def test_equals_the_definition(scores, level):
    # The smallest score that at least (n + 1) * level of the scores do not exceed; counted in exact fractions.
    sufficient = [score for score in scores if sum(s <= score for s in scores) >= (len(scores) + 1) * level]
    expected = min(sufficient, default=math.inf)
    assert conformal_quantile(np.sort(scores), float(level)) == expected


def test_needs_enough_scores():
    assert conformal_quantile(np.arange(19.0), 0.95) == 18.0
    assert conformal_quantile(np.arange(18.0), 0.95) == math.inf
    assert conformal_quantile(np.zeros(0), 0.5) == math.inf


def test_a_low_level_takes_the_smallest_score():
    assert conformal_quantile(np.array([2.0, 3.0]), 1e-9) == 2.0


def test_coverage_is_the_level():
    rng = np.random.default_rng(0)
    n, trials = 49, 4000
    for level in (0.5, 0.8, 0.9):
        draws = rng.exponential(size=(trials, n + 1))
        quantiles = np.array([conformal_quantile(np.sort(draw[:n]), level) for draw in draws])
        covered = np.mean(draws[:, n] <= quantiles)
        assert abs(covered - level) < 3 * np.sqrt(level * (1 - level) / trials)  # (n + 1) * level is whole here


def test_the_coverage_of_one_model_is_a_beta_variable():
    rng = np.random.default_rng(4)
    for n in (12, 30, 200):
        low, high = coverage_range(n, 0.9)
        # Scores are uniform: the share that a bound holds is the bound itself.
        held = [conformal_quantile(np.sort(rng.random(n)), 0.9) for _ in range(4000)]
        assert np.mean([low <= share <= high for share in held]) == pytest.approx(0.9, abs=0.02)
    assert coverage_range(8, 0.9) == (1.0, 1.0)
