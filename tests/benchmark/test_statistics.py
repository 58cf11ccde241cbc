"""Comparisons of learners against scipy, textbooks and their nominal error rates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare, studentized_range, ttest_rel

from molgraph.benchmark import statistics as comparison
from molgraph.benchmark.statistics import mean_interval, rank_comparison, tukey_comparison


@given(st.integers(3, 20), st.integers(0, 2**31))
def test_two_learners_are_a_paired_t_test(n_blocks, seed):
    values = np.random.default_rng(seed).normal(size=(n_blocks, 2)) + np.arange(n_blocks)[:, None]
    comparison = tukey_comparison(values)
    theirs = ttest_rel(values[:, 0], values[:, 1])
    assert np.isclose(comparison.p_value, theirs.pvalue)
    is_apart = abs(comparison.means[0] - comparison.means[1]) > comparison.margin
    assert is_apart == (theirs.pvalue < 0.05)


def test_margins_are_those_of_the_textbook():
    values = np.random.default_rng(0).normal(size=(5, 4))
    residual = values - values.mean(0) - values.mean(1, keepdims=True) + values.mean()
    error = (residual**2).sum() / 12
    assert np.isclose(tukey_comparison(values).margin, studentized_range.ppf(0.95, 4, 12) * np.sqrt(error / 5))


def test_equal_learners_differ_at_the_nominal_rate():
    rng = np.random.default_rng(0)
    n_wrong = 0
    for _ in range(600):
        comparison = tukey_comparison(rng.normal(size=(6, 4)) + rng.normal(size=(6, 1)) * 5)
        n_wrong += np.ptp(comparison.means) > comparison.margin
    assert 0.03 < n_wrong / 600 < 0.075


@given(st.integers(4, 30), st.integers(3, 6), st.integers(0, 2**31))
def test_ranks_agree_with_friedman(n_blocks, n_learners, seed):
    values = np.random.default_rng(seed).normal(size=(n_blocks, n_learners))
    comparison = rank_comparison(values)
    statistic = friedmanchisquare(*values.T).statistic
    expected = (
        12
        * n_blocks
        / (n_learners * (n_learners + 1))
        * ((comparison.ranks**2).sum() - n_learners * (n_learners + 1) ** 2 / 4)
    )
    assert np.isclose(statistic, expected)
    assert np.isclose(comparison.ranks.sum(), n_learners * (n_learners + 1) / 2)


def test_critical_differences_are_those_that_demsar_prints():
    # Table 5 of the paper: q for 5% is 2.343 with 3 learners and 2.728 with 5.
    for n_learners, q in ((3, 2.343), (5, 2.728)):
        found = rank_comparison(np.random.default_rng(0).normal(size=(30, n_learners))).critical_difference
        assert np.isclose(found, q * np.sqrt(n_learners * (n_learners + 1) / (6 * 30)), rtol=1e-3)


def test_one_block_allows_no_test():
    one = np.array([[1.0, 2.0, 3.0]])
    assert tukey_comparison(one).margin == rank_comparison(one).critical_difference == np.inf
    assert rank_comparison(one).ranks.tolist() == [1, 2, 3]
    assert mean_interval(np.array([2.0])) == (2.0, np.inf)
    same = tukey_comparison(np.ones((4, 3)))
    assert (same.margin, same.p_value) == (0.0, 1.0)
    assert rank_comparison(np.tile([1.0, 2.0, 3.0], (4, 1))).p_value == pytest.approx(6**-3)


def test_few_blocks_get_the_exact_p_value():
    # Two learners, two blocks that agree: one of two orders of the second block is as extreme.
    assert rank_comparison(np.array([[1.0, 2.0], [1.0, 2.0]])).p_value == 0.5
    # Textbook (Hollander and Wolfe, table of Friedman's statistic): 3 learners, 3 blocks, S = 6: p = 0.028.
    assert rank_comparison(np.tile([1.0, 2.0, 3.0], (3, 1))).p_value == pytest.approx(0.028, abs=5e-4)
    # And for S = 4.667 with 3 blocks: p = 0.194.
    two_agree = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 3.0, 2.0]])
    assert rank_comparison(two_agree).p_value == pytest.approx(0.194, abs=5e-4)


def test_samples_of_orders_agree_with_all_of_them(monkeypatch):
    values = np.random.default_rng(3).normal(size=(6, 3)) + np.array([0.0, 0.8, 1.0])
    exact = rank_comparison(values).p_value
    monkeypatch.setattr(comparison, "_SAMPLES", 7000)
    assert rank_comparison(values).p_value == pytest.approx(exact, abs=0.02)


def test_two_seeds_have_no_interval():
    assert mean_interval(np.array([1.0, 2.0])) == (1.5, np.inf)
    assert mean_interval(np.array([1.0, 2.0, 3.0]))[1] == pytest.approx(2.484, abs=1e-3)
