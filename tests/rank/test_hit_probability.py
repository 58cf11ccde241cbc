"""The probability of being a hit, against what comes true on fresh compounds."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from molgraph.rank.hit_probability import OutOfFoldRows, fit_hit_probability
from molgraph.rank.normal_copula import joint_probability, nearest_correlation, probit_correlation
from molgraph.rank.parse_hit import parse_hit
from molgraph.rank.selection import benjamini_hochberg, calibrate_hits
from molgraph.results.labels import Labels
from molgraph.results.tasks import TaskSpec

A, B, C = (TaskSpec(name, "regression") for name in ("a", "b", "c"))
TOXIC = TaskSpec("toxic", "classification")


def rows_of(labels, means, is_log=None, **more):
    n_tasks = labels.shape[1]
    scale = np.array([np.nanstd(labels[:, t] - means[:, t]) for t in range(n_tasks)])
    return OutOfFoldRows(0, Labels(labels), means, scale, is_log or (False,) * n_tasks, **more)


@pytest.mark.parametrize(("correlation", "share"), [(0.7, 0.16), (0.5, 0.5), (0.0, 0.16), (0.8, 0.05)])
def test_the_selected_hold_as_many_hits_as_their_probabilities_say(correlation, share):
    """Over many tables and libraries, of those lists on which something was selected."""
    rng, limit = np.random.default_rng(3), scipy.stats.norm.isf(share)
    rule = parse_hit(f"a >= {float(limit)!r}", [A])
    expected = true = 0.0
    for _ in range(100):
        value = rng.normal(size=(700, 1))
        mean = correlation * (correlation * value + np.sqrt(1 - correlation**2) * rng.normal(size=(700, 1)))
        rows = rows_of(value[:300], mean[:300])
        is_hit = rule.is_hit(Labels(value))
        scores = rule.score(mean, rows.scale, [False])
        calibration = calibrate_hits(scores[:300], is_hit[:300], np.zeros(300, dtype=int), 1)
        chosen = benjamini_hochberg(calibration.p_values(scores[None, 300:]), 0.3)
        if correlation == 0.0:
            chosen[:] = True  # nothing is selected of what nothing is known of
        expected += fit_hit_probability(rule, [rows])(mean[300:][chosen]).sum()
        true += is_hit[300:][chosen].sum()
    assert true > 200
    assert 0.95 < expected / true < 1.12


@pytest.mark.parametrize("shared", [0.8, 0.0, -0.8])
@pytest.mark.parametrize("words", ["a >= 1 and b >= 1", "a >= 1 and b <= 0.5", "a >= 1 and not toxic"])
def test_conditions_with_shared_errors_hold_together_as_often_as_is_said(shared, words):
    rng, n = np.random.default_rng(5), 40_000
    signal = rng.normal(size=(n, 2))
    errors = rng.multivariate_normal([0, 0], [[1, shared], [shared, 1]], size=n)
    values = signal + errors
    labels = np.column_stack([values, values[:, 1] >= 1])
    toxic = scipy.stats.norm.sf(1 - signal[:, 1])
    means = np.column_stack([signal, toxic])
    rule = parse_hit(words, [A, B, TOXIC])
    found = fit_hit_probability(rule, [rows_of(labels[:3000], means[:3000])])(means)
    truth = rule.is_hit(Labels(labels))
    assert found.mean() == pytest.approx(truth.mean(), rel=0.1)
    sure = np.argsort(-found)[:4000]  # where independence is most wrong
    assert found[sure].mean() == pytest.approx(truth[sure].mean(), rel=0.1)
    if "b >= 1" in words and shared == 0.8:
        apart = [fit_hit_probability(parse_hit(part, [A, B, TOXIC]), [rows_of(labels[:3000], means[:3000])])(means)
                 for part in words.split(" and ")]  # fmt: skip
        assert (apart[0] * apart[1]).mean() < 0.75 * truth.mean()


def test_skewed_errors_are_no_gaussian_tails():
    """Labels that are often a little above and seldom far below: calibrated by what came, not by a deviation."""
    rng = np.random.default_rng(0)
    means = rng.normal(size=(20_000, 1))
    labels = means + 0.5 - rng.exponential(0.5, size=means.shape)
    rule = parse_hit("a >= 0.4", [A])
    found = fit_hit_probability(rule, [rows_of(labels[:1000], means[:1000])])(means)
    truth = rule.is_hit(Labels(labels))
    for low, high in ((0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9)):
        bin_ = (found >= low) & (found < high)
        assert found[bin_].mean() == pytest.approx(truth[bin_].mean(), abs=0.08)


def test_a_limit_that_nothing_reached_is_judged_by_the_size_of_the_errors():
    rng = np.random.default_rng(0)
    means = rng.normal(size=(200, 1))
    rows = rows_of(means + rng.normal(0, 0.1, size=means.shape), means)
    probability = fit_hit_probability(parse_hit("a >= 6", [A]), [rows])
    assert probability(np.array([[3.0], [6.5]])) == pytest.approx([0.0, 1.0], abs=0.02)


def test_of_a_window_of_one_value_both_ends_count():
    rng = np.random.default_rng(1)
    means = rng.normal(size=(20_000, 1))
    labels = means + rng.normal(0, 0.7, size=means.shape)
    rule = parse_hit("a >= 0 and a < 1", [A])
    found = fit_hit_probability(rule, [rows_of(labels[:1000], means[:1000])])(means)
    assert found.mean() == pytest.approx(rule.is_hit(Labels(labels)).mean(), rel=0.05)
    assert found.max() < 0.7


def test_models_without_common_compounds_err_independently():
    rng = np.random.default_rng(1)
    tables = []
    for first in (0, 1):
        means = rng.normal(size=(500, 1))
        labels = means + rng.normal(size=means.shape)
        tables.append(OutOfFoldRows(first, Labels(labels), means, np.ones(1), (False,)))
    both = fit_hit_probability(parse_hit("a >= 0 and b >= 0", [A, B]), tables)
    new = rng.normal(size=(50, 2))
    apart = [fit_hit_probability(parse_hit(f"{name} >= 0", [A, B]), tables)(new) for name in "ab"]
    np.testing.assert_allclose(both(new), apart[0] * apart[1], atol=1e-9)


def test_weights_that_are_equal_change_nothing():
    rng = np.random.default_rng(1)
    means = rng.normal(size=(300, 1))
    labels, new = means + rng.normal(size=means.shape), np.array([[0.3], [1.5]])
    rule = parse_hit("a >= 1", [A])
    plain = fit_hit_probability(rule, [rows_of(labels, means)])(new)
    weighted = fit_hit_probability(rule, [rows_of(labels, means, weights=np.full(300, 3.0))])(new)
    np.testing.assert_allclose(plain, weighted, rtol=1e-4)


@given(st.lists(st.lists(st.floats(0.001, 0.999), min_size=3, max_size=3), min_size=1, max_size=4), st.integers(0, 99))
def test_joint_probability_is_that_of_scipy(probabilities, seed):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(3, 5))
    covariance = factor @ factor.T
    correlation = covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    p = np.array(probabilities)
    for k in (2, 3):
        own = correlation[:k, :k]
        normal = scipy.stats.multivariate_normal(np.zeros(k), own)
        expected = [normal.cdf(scipy.stats.norm.ppf(row)) for row in p[:, :k]]
        assert joint_probability(p[:, :k], own) == pytest.approx(expected, abs=0.006)


def test_how_events_go_together_is_found_again():
    rng = np.random.default_rng(2)
    p = rng.uniform(0.1, 0.9, size=(3000, 2))
    drawn = rng.multivariate_normal([0, 0], [[1, -0.6], [-0.6, 1]], size=3000)
    assert probit_correlation(p, drawn <= scipy.stats.norm.ppf(p), most=0.95) == pytest.approx(-0.6, abs=0.06)


def test_correlations_that_contradict_each_other_are_mended():
    matrix = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1.0]])
    mended = nearest_correlation(matrix)
    assert np.linalg.eigvalsh(mended).min() > 0
    np.testing.assert_allclose(np.diag(mended), 1)
    np.testing.assert_array_equal(nearest_correlation(np.eye(3)), np.eye(3))
