import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from molgraph.uncertainty.probabilities import fit_probability_calibration, probability_calibration_from_arrays

NAMES = ["none", "temperature", "platt", "isotonic", "venn-abers"]


def overconfident_rows(rng, n):
    """Labels, and probabilities whose logits are three times too large and shifted."""
    logit = rng.normal(-1.0, 1.2, n)
    return 1 / (1 + np.exp(-(3 * logit + 1))), (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(float)


def test_a_map_to_one_value_has_no_inverse():
    flat = probability_calibration_from_arrays("platt", {"slope": np.zeros(1), "shift": np.ones(1)})
    assert flat.inverse(flat.apply(np.array([0.2, 0.7]))) is None


@pytest.mark.parametrize("name", NAMES)
class TestContract:
    def test_keeps_the_order_within_bounds(self, name):
        found = fit_probability_calibration(name, *overconfident_rows(np.random.default_rng(0), 400))
        values = found.apply(np.linspace(0, 1, 501))
        assert (np.diff(values) >= -1e-12).all()
        assert values.min() >= 0
        assert values.max() <= 1

    def test_not_a_number_stays_so(self, name):
        found = fit_probability_calibration(name, *overconfident_rows(np.random.default_rng(1), 50))
        assert np.isnan(found.apply(np.array([np.nan, 0.3]))).tolist() == [True, False]

    @pytest.mark.parametrize("label", [0.0, 1.0])
    def test_one_class_alone_changes_nothing(self, name, label):
        found = fit_probability_calibration(name, np.array([0.2, 0.4]), np.full(2, label))
        assert found.apply(np.array([0.1, 0.7])).tolist() == [0.1, 0.7]
        assert found.to_arrays() == {}
        assert fit_probability_calibration(name, np.zeros(0), np.zeros(0)).apply(np.array([0.3])) == 0.3

    def test_stored_and_read_back(self, name):
        found = fit_probability_calibration(name, *overconfident_rows(np.random.default_rng(2), 120))
        back = probability_calibration_from_arrays(name, found.to_arrays())
        new = np.random.default_rng(3).random(40)
        assert np.array_equal(back.apply(new), found.apply(new))
        assert np.array_equal(back.bounds(new), found.bounds(new))

    def test_an_inverse_where_no_two_probabilities_become_one(self, name):
        found = fit_probability_calibration(name, *overconfident_rows(np.random.default_rng(6), 200))
        new = np.append(np.random.default_rng(7).random(200), [1e-6, 1 - 1e-6])
        back = found.inverse(found.apply(new))
        if name in {"isotonic", "venn-abers"}:
            assert back is None
        else:
            assert back == pytest.approx(new, rel=1e-6)

    def test_fresh_rows_get_more_likely(self, name):
        rng = np.random.default_rng(4)
        found = fit_probability_calibration(name, *overconfident_rows(rng, 2000))
        probability, truth = overconfident_rows(rng, 4000)
        before, after = (
            log_loss(truth, np.clip(values, 1e-6, 1 - 1e-6)) for values in (probability, found.apply(probability))
        )
        assert after == before if name == "none" else after < before - 0.05

    def test_hostile_arrays(self, name):
        good = fit_probability_calibration("venn-abers", *overconfident_rows(np.random.default_rng(5), 30)).to_arrays()
        for arrays in (
            {"slope": np.ones(1)},
            {**good, "low": good["low"][:-1]},
            {**good, "knots": good["knots"].astype(np.float32)},
            {"slope": np.ones(2), "shift": np.ones(2)},
            {"knots": np.zeros((1, 1)), "low": np.zeros(1), "high": np.zeros(1)},
        ):
            with pytest.raises(ValueError, match="a calibration"):
                probability_calibration_from_arrays(name, arrays)


def test_platt_is_a_logistic_regression_on_many_rows():
    probability, truth = overconfident_rows(np.random.default_rng(6), 20_000)
    found = fit_probability_calibration("platt", probability, truth)
    logit = np.log(probability / (1 - probability))
    oracle = LogisticRegression(C=np.inf).fit(logit[:, None], truth)
    assert found.arrays["slope"][0] == pytest.approx(oracle.coef_[0, 0], rel=2e-3)
    assert found.arrays["shift"][0] == pytest.approx(oracle.intercept_[0], rel=5e-3)
    assert found.arrays["slope"][0] == pytest.approx(1 / 3, abs=0.02)


def test_isotonic_is_that_of_sklearn():
    probability, truth = overconfident_rows(np.random.default_rng(7), 300)
    oracle = IsotonicRegression(out_of_bounds="clip").fit(probability, truth)
    new = np.random.default_rng(8).random(100)
    found = fit_probability_calibration("isotonic", probability, truth).apply(new)
    np.testing.assert_allclose(found, oracle.predict(new), atol=1e-12)


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=20), st.integers(-1, 13))
def test_venn_abers_is_isotonic_regression_with_the_new_row(rows, place):
    probability = np.array([value for value, _ in rows]) / 8 + 0.1
    truth = np.array([float(label) for _, label in rows])
    new = place / 16 + 0.1
    low, high = fit_probability_calibration("venn-abers", probability, truth).bounds(np.array([new]))
    if len(np.unique(truth)) < 2:
        assert low == high == new
        return
    for label, found in ((0.0, low), (1.0, high)):
        oracle = IsotonicRegression().fit(np.append(probability, new), np.append(truth, label))
        assert found[0] == pytest.approx(oracle.predict([new])[0], abs=1e-9)


def test_venn_abers_on_many_rows_stays_close_to_the_truth():
    rng = np.random.default_rng(9)
    probability, truth = overconfident_rows(rng, 5000)
    found = fit_probability_calibration("venn-abers", probability, truth)
    assert len(found.arrays["knots"]) <= 1000
    logit = np.linspace(-3, 1, 9)
    low, high = found.bounds(1 / (1 + np.exp(-(3 * logit + 1))))
    assert (high >= low).all()
    assert np.abs(found.apply(1 / (1 + np.exp(-(3 * logit + 1)))) - 1 / (1 + np.exp(-logit))).max() < 0.08


def test_platt_keeps_the_order_of_a_model_that_ranks_the_wrong_way():
    """Out-of-fold rows of a weak model may be ranked worse than by chance; new ones are not all the same for it."""
    rng = np.random.default_rng(8)
    truth = (rng.random(119) < 0.24).astype(float)
    raw = 1 / (1 + np.exp(1.2 + 0.4 * truth - 0.3 * rng.normal(size=119)))
    found = fit_probability_calibration("platt", raw, truth)
    new = np.linspace(0.01, 0.99, 50)
    assert (np.diff(found.apply(new)) > 1e-4).all()
    assert found.inverse(found.apply(new)) == pytest.approx(new, rel=1e-6)
    assert found.apply(raw).mean() == pytest.approx(truth.mean(), abs=0.02)
