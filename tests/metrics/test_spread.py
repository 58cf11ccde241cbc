"""Metrics of a spread: right where it is right by construction, wrong by as much as it was made wrong."""

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import sklearn.calibration

from molgraph.metrics.bootstrap import bootstrap_intervals
from molgraph.metrics.enrichment import enrichment_factor
from molgraph.metrics.spread import (
    INTERVAL_LEVELS,
    class_calibration_bins,
    class_calibration_error,
    coverage_and_width,
    ence,
    ence_reference,
    gaussian_crps,
    gaussian_nll,
    interval_miscalibration,
    miscalibration_area,
    observed_coverage,
    spread_correlation,
    spread_correlation_reference,
)


@pytest.fixture
def calibrated():
    rng = np.random.default_rng(0)
    spread = rng.uniform(0.2, 2, 20_000)
    return spread * rng.normal(size=20_000), spread


def test_likelihood_and_ranked_probability_score_equal_scipy(calibrated):
    error, spread = calibrated[0][:20], calibrated[1][:20]
    assert gaussian_nll(error, spread) == pytest.approx(-scipy.stats.norm.logpdf(error, 0, spread).mean())
    integrals = [
        scipy.integrate.quad(lambda x, e=e, s=s: (scipy.stats.norm.cdf(x, 0, s) - (x >= e)) ** 2, -15, 15,
                             points=[e], limit=200)[0]
        for e, s in zip(error, spread, strict=True)
    ]  # fmt: skip
    assert gaussian_crps(error, spread) == pytest.approx(np.mean(integrals), rel=1e-6)


def test_a_calibrated_spread(calibrated):
    assert ence(*calibrated) < 0.03
    assert miscalibration_area(*calibrated) < 0.01
    assert observed_coverage(*calibrated)[89] == pytest.approx(0.9, abs=0.01)
    assert spread_correlation(*calibrated) == pytest.approx(spread_correlation_reference(calibrated[1]), abs=0.02)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_spread_that_is_wrong_by_a_factor(calibrated, factor):
    error, spread = calibrated
    assert ence(error, spread * factor) == pytest.approx(abs(1 - 1 / factor), abs=0.03)
    assert miscalibration_area(error, spread * factor) > 0.1
    assert gaussian_nll(error, spread * factor) > gaussian_nll(error, spread)
    assert gaussian_crps(error, spread * factor) > gaussian_crps(error, spread)


def test_intervals_of_more_or_less_than_nominal_coverage(calibrated):
    error, spread = calibrated
    reach = scipy.stats.norm.ppf(0.5 + INTERVAL_LEVELS[:, None] / 2) * spread
    assert interval_miscalibration(np.abs(error) <= reach) < 0.01
    assert interval_miscalibration(np.abs(error) <= reach / 2) > 0.2
    assert interval_miscalibration(np.ones((len(INTERVAL_LEVELS), 5), dtype=bool)) == pytest.approx(0.5)


def test_a_spread_without_information_correlates_with_nothing(calibrated):
    error, spread = calibrated
    shuffled = np.random.default_rng(1).permutation(spread)
    assert abs(spread_correlation(error, shuffled)) < 0.03
    assert np.isnan(spread_correlation(error, np.ones_like(error)))
    assert ence(error, shuffled) > 0.2


def test_coverage_and_width():
    truth = np.array([0.0, 1.0, 2.0, 3.0])
    assert coverage_and_width(truth, truth - 1, np.array([1.0, 0.5, 3.0, 3.0])) == (0.75, 1.375)
    assert coverage_and_width(truth, truth - np.inf, truth)[1] == np.inf
    assert np.isnan(coverage_and_width(truth[:0], truth[:0], truth[:0])).all()


def test_probabilities_against_scikit_learn():
    rng = np.random.default_rng(2)
    probability = rng.random(1000)
    truth = (rng.random(1000) < probability**2).astype(float)
    mean, share, count = class_calibration_bins(truth, probability)
    expected_share, expected_mean = sklearn.calibration.calibration_curve(
        truth, probability, n_bins=10, strategy="quantile"
    )
    np.testing.assert_allclose(mean, expected_mean, atol=0.01)
    np.testing.assert_allclose(share, expected_share, atol=0.02)
    assert count.sum() == 1000
    assert class_calibration_error(truth, probability) == pytest.approx(1 / 6, abs=0.03)  # mean of p - p²
    assert class_calibration_error(truth, probability**2) < 0.05


def test_bootstrap_interval_equals_scipy():
    values = np.random.default_rng(3).exponential(size=80)
    own = bootstrap_intervals({"mean": lambda rows: values[rows].mean()}, 80, resamples=4000)["mean"]
    reference = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(4)
    ).confidence_interval
    np.testing.assert_allclose(own, reference, atol=0.02)


def test_bootstrap_of_what_is_seldom_defined():
    flags = np.r_[np.ones(1), np.zeros(99)]
    rare = {"rare": lambda rows: 1.0 if flags[rows].sum() > 3 else float("nan"), "always": lambda _: 2.0}
    found = bootstrap_intervals(rare, 100, resamples=100)
    assert np.isnan(found["rare"]).all()
    assert found["always"] == (2.0, 2.0)
    assert np.isnan(bootstrap_intervals(rare, 0)["always"]).all()


def test_the_interval_of_ence_can_hold_what_exact_spreads_give():
    rng = np.random.default_rng(0)
    n_held = 0
    for _ in range(40):
        spread = rng.uniform(0.5, 2.0, size=150)
        error = rng.normal(size=150) * spread
        metric = {"ence": lambda i, error=error, spread=spread: ence(error[i], spread[i])}
        low, high = bootstrap_intervals(metric, 150, resamples=100, biased=["ence"])["ence"]
        assert 0 <= low <= high
        n_held += low <= ence_reference(spread) <= high
    assert n_held >= 32  # with plain percentiles, which lie above, far fewer
    assert ence_reference(np.ones(20)) == pytest.approx(0.39, abs=0.05)
    assert ence_reference(np.ones(254)) == pytest.approx(0.11, abs=0.02)


def test_strata_keep_enrichment_below_its_largest_value():
    rng = np.random.default_rng(1)
    hit = (np.arange(200) < 40).astype(float)
    score = hit + rng.normal(size=200)
    metric = {"ef": lambda i: enrichment_factor(hit[i], score[i], 0.01)}
    largest = enrichment_factor(hit, hit, 0.01)
    assert bootstrap_intervals(metric, 200, strata=hit)["ef"][1] <= largest
    assert bootstrap_intervals(metric, 200)["ef"][1] > largest
