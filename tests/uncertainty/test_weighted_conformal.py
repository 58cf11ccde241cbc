import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph.uncertainty.conformal import conformal_quantile
from molgraph.uncertainty.weighted_conformal import weighted_quantiles

WEIGHTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), min_size=1, max_size=15)


@given(WEIGHTS, st.integers(0, 6), st.sampled_from([0.25, 0.5, 0.75]))
def test_equals_the_definition(rows, own, level):
    scores, weights = np.array(rows, dtype=float).T
    needed = level * (weights.sum() + own)
    reached = [s for s in np.unique(scores) if weights[scores <= s].sum() >= needed - 1e-12]
    expected = min(reached, default=np.inf)
    found = weighted_quantiles(scores, weights, np.array([float(own)]), level)[0]
    # With nothing needed any score is reached, also one of no weight.
    assert found == expected or (needed == 0 and np.isfinite(found))


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_equal_weights_are_the_plain_quantile(level):
    scores = np.random.default_rng(0).exponential(size=83)
    found = weighted_quantiles(scores, np.full(83, 2.0), np.array([2.0]), level)
    assert found[0] == conformal_quantile(np.sort(scores), level)


def test_infinite_where_the_own_weight_outweighs_all_others():
    scores = np.arange(20.0)
    assert weighted_quantiles(scores, np.ones(20), np.array([1.0, 1000.0, np.nan]), 0.9).tolist()[:2] == [18.0, np.inf]


def test_weights_restore_the_coverage_under_a_known_shift():
    """New inputs lie where the noise is larger. The weights know it; without them too few are covered."""
    rng = np.random.default_rng(1)
    trials, n = 300, 400
    covered = np.empty((trials, 2))
    for trial in range(trials):
        x, new = rng.normal(0, 1, n), rng.normal(1, 1, 50)
        noise = [np.exp(values / 2) * rng.normal(size=len(values)) for values in (x, new)]
        weight = np.exp(x - 0.5)  # density of N(1, 1) over that of N(0, 1)
        bounds = weighted_quantiles(np.abs(noise[0]), weight, np.exp(new - 0.5), 0.9)
        covered[trial] = (
            np.mean(np.abs(noise[1]) <= bounds),
            np.mean(np.abs(noise[1]) <= conformal_quantile(np.sort(np.abs(noise[0])), 0.9)),
        )
    mean, error = covered.mean(axis=0), covered.std(axis=0) / np.sqrt(trials)
    assert mean[0] > 0.9 - 3 * error[0]
    assert mean[1] < 0.85
