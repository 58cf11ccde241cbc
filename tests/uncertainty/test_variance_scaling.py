import numpy as np
import pytest
from scipy.optimize import minimize

from molgraph.uncertainty.variance_scaling import VarianceScaling, fit_variance_scaling


def rows(rng, n, constant, aleatoric, epistemic):
    """Residuals with the variance constant + aleatoric·a + epistemic·e, and a and e."""
    a, e = rng.exponential(1.0, n), rng.gamma(2.0, 0.5, n)
    return rng.normal(0, np.sqrt(constant + aleatoric * a + epistemic * e)), a, e


@pytest.mark.parametrize("truth", [(0.5, 2.0, 3.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.3, 6.0)])
def test_local_finds_what_the_residuals_were_drawn_from(truth):
    found = fit_variance_scaling("local", *rows(np.random.default_rng(0), 40_000, *truth))
    assert (found.constant, found.aleatoric, found.epistemic) == pytest.approx(truth, abs=0.15, rel=0.1)


@pytest.mark.parametrize("n", [5, 30, 300])
def test_local_is_the_maximum_of_the_likelihood(n):
    residual, a, e = rows(np.random.default_rng(n), n, 0.2, 1.0, 1.0)
    found = fit_variance_scaling("local", residual, a, e)

    def loss(x):
        variance = np.maximum(x[0] + x[1] * a + x[2] * e, 1e-9)
        return np.mean(np.log(variance) + residual**2 / variance)

    ours = loss((found.constant, found.aleatoric, found.epistemic))
    starts = [(1, 1, 1), (0.01, 1, 0.01), (0.01, 0.01, 1), (1, 0.01, 0.01)]
    best = min(minimize(loss, start, bounds=[(1e-9, None)] * 3).fun for start in starts)
    assert ours <= best + 1e-3


def test_global_is_one_factor():
    residual, a, e = rows(np.random.default_rng(1), 20_000, 0.0, 4.0, 4.0)
    found = fit_variance_scaling("global", residual, a, e)
    assert found.aleatoric == found.epistemic == pytest.approx(4.0, rel=0.05)
    assert found.constant == 0


@pytest.mark.parametrize("choice", ["none", "global", "local"])
class TestContract:
    def test_without_any_variance_it_is_that_of_the_residuals(self, choice):
        residual = np.array([1.0, -2.0, 3.0])
        found = fit_variance_scaling(choice, residual, np.zeros(3), np.zeros(3))
        assert np.add(*found.apply(np.zeros(2), np.zeros(2))).tolist() == pytest.approx([14 / 3, 14 / 3])

    def test_no_row_says_nothing(self, choice):
        found = fit_variance_scaling(choice, np.zeros(0), np.zeros(0), np.zeros(0))
        assert np.isnan(found.apply(np.ones(1), np.ones(1))[0]).all()

    def test_never_negative_and_in_label_units(self, choice):
        residual, a, e = rows(np.random.default_rng(2), 200, 0.1, 1.0, 2.0)
        one = np.add(*fit_variance_scaling(choice, residual, a, e).apply(a, e))
        ten = np.add(*fit_variance_scaling(choice, 10 * residual, 100 * a, 100 * e).apply(100 * a, 100 * e))
        assert (one > 0).all()
        np.testing.assert_allclose(ten, 100 * one, rtol=1e-3)

    def test_perfect_predictions(self, choice):
        found = fit_variance_scaling(choice, np.zeros(10), np.ones(10), np.ones(10))
        total = np.add(*found.apply(np.ones(3), np.ones(3)))
        assert np.isfinite(total).all()
        assert (total >= 0).all()


def test_a_scaling_leaves_the_kinds_of_variance_apart():
    aleatoric, epistemic = VarianceScaling(0.5, 2.0, 3.0).apply(np.array([1.0]), np.array([10.0]))
    assert (aleatoric.item(), epistemic.item()) == (2.5, 30.0)
