import numpy as np
import pytest
from safetensors.numpy import load, save

from molgraph.uncertainty.calibration import Calibration, calibration_from_arrays, fit_calibration

REGRESSION, CLASSIFICATION, MIXED = ("regression",), ("classification",), ("regression", "classification")


def regression_rows(rng, n):
    """Truth, prediction and spread of exchangeable rows whose errors grow with the spread of the members."""
    spread = rng.uniform(0.01, 4.0, (n, 1))
    truth = rng.normal(5, 2, (n, 1))
    return truth, truth + rng.standard_t(4, (n, 1)) * np.sqrt(0.3 + spread), spread


def class_rows(rng, n):
    """Labels with one positive in ten, and probabilities that tell something about them."""
    label = (rng.random((n, 1)) < 0.1).astype(float)
    return label, 1 / (1 + np.exp(-rng.normal(3 * label - 2, 1.5)))


class TestRegression:
    @pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
    def test_coverage_on_exchangeable_rows(self, level):
        rng = np.random.default_rng(1)
        trials, n_new = 300, 40
        covered = np.empty((trials, n_new))
        for trial in range(trials):
            truth, predicted, spread = regression_rows(rng, 79 + n_new)
            rule = fit_calibration(REGRESSION, truth[n_new:], predicted[n_new:], spread[n_new:])
            low, high = rule.interval(predicted[:n_new], spread[:n_new], level)
            covered[trial] = ((low <= truth[:n_new]) & (truth[:n_new] <= high))[:, 0]
        error = covered.mean(axis=1).std() / np.sqrt(trials)  # new rows of a trial share their calibration rows
        # r² comes from the calibration rows alone, so that they look a little better than new rows do.
        assert abs(covered.mean() - level) < 3 * error + 0.005

    def test_disagreement_widens_the_interval(self):
        truth, predicted, spread = regression_rows(np.random.default_rng(2), 100)
        rule = fit_calibration(REGRESSION, truth, predicted, spread)
        low, high = rule.interval(np.array([[5.0], [5.0]]), np.array([[0.0], [4.0]]), 0.9)
        width = (high - low)[:, 0]
        residual = np.mean((truth - predicted) ** 2)
        assert rule.residual_var[0] == pytest.approx(residual)
        assert width[1] / width[0] == pytest.approx(np.sqrt((residual + 4) / residual))
        assert ((low + high) / 2)[:, 0] == pytest.approx([5, 5])

    def test_without_spread_it_is_the_plain_conformal_interval(self):
        truth = np.arange(9.0)[:, None]
        rule = fit_calibration(REGRESSION, truth, np.zeros((9, 1)), np.zeros((9, 1)))
        low, high = rule.interval(np.zeros((1, 1)), np.zeros((1, 1)), 0.8)
        assert (low.item(), high.item()) == pytest.approx((-7, 7))  # the 8th of 9 residuals 0..8

    def test_too_few_rows_give_an_infinite_interval(self):
        truth, predicted, spread = regression_rows(np.random.default_rng(3), 8)
        for n in (8, 1, 0):
            rule = fit_calibration(REGRESSION, truth[:n], predicted[:n], spread[:n])
            low, high = rule.interval(np.array([[5.0], [np.nan]]), np.zeros((2, 1)), 0.9)
            assert (low[0, 0], high[0, 0]) == (-np.inf, np.inf)
            assert np.isnan(low[1, 0])
            assert np.isnan(high[1, 0])
        assert np.isnan(rule.residual_var[0])  # nothing is known, which is not the same as no error

    def test_perfect_predictions(self):
        truth = np.arange(20.0)[:, None]
        rule = fit_calibration(REGRESSION, truth, truth, np.zeros((20, 1)))
        low, high = rule.interval(truth, np.zeros((20, 1)), 0.9)
        assert np.array_equal(low, truth)
        assert np.array_equal(high, truth)

    def test_rows_without_label_or_prediction_are_left_out(self):
        truth, predicted, spread = regression_rows(np.random.default_rng(4), 60)
        more_truth, more_predicted = np.vstack([truth, [[np.nan], [1.0]]]), np.vstack([predicted, [[1.0], [np.nan]]])
        one = fit_calibration(REGRESSION, truth, predicted, spread)
        other = fit_calibration(REGRESSION, more_truth, more_predicted, np.vstack([spread, [[1.0], [1.0]]]))
        assert np.array_equal(one.scores[0][0], other.scores[0][0])
        assert one.residual_var == pytest.approx(other.residual_var)


class TestClassification:
    @pytest.mark.parametrize("level", [0.7, 0.9])
    def test_each_class_has_its_own_coverage(self, level):
        rng = np.random.default_rng(5)
        trials = 250
        covered = np.full((trials, 2), np.nan)
        for trial in range(trials):
            label, probability = class_rows(rng, 600)
            rule = fit_calibration(CLASSIFICATION, label[300:], probability[300:], np.zeros((300, 1)))
            sets = rule.label_sets(probability[:300], level)[:, 0]
            for c in (0, 1):
                of_class = sets[label[:300, 0] == c]
                covered[trial, c] = np.mean([str(c) in found for found in of_class])
        mean, error = covered.mean(axis=0), covered.std(axis=0) / np.sqrt(trials)
        # At least the level; above it by no more than one calibration row of the class (30 positives, 270 negatives).
        assert (mean > level - 3 * error).all()
        assert (mean < level + 3 * error + np.array([1 / 270, 1 / 25])).all()

    def test_sets(self):
        label = np.array([0.0] * 9 + [1.0] * 9)[:, None]
        probability = np.concatenate([np.arange(9) / 20, 1 - np.arange(9) / 20])[:, None]  # scores 0 to 0.4
        rule = fit_calibration(CLASSIFICATION, label, probability, np.zeros((18, 1)))
        sure = np.array([[0.1], [0.9], [0.5], [np.nan]])
        assert rule.label_sets(sure, 0.9)[:, 0].tolist() == ["{0}", "{1}", "{}", ""]
        assert rule.label_sets(sure, 0.95)[:, 0].tolist() == ["{0,1}", "{0,1}", "{0,1}", ""]

    def test_a_class_without_rows_is_never_excluded(self):
        rule = fit_calibration(CLASSIFICATION, np.zeros((30, 1)), np.full((30, 1), 0.2), np.zeros((30, 1)))
        assert rule.label_sets(np.array([[0.1], [0.9]]), 0.9)[:, 0].tolist() == ["{0,1}", "{1}"]


class TestMixed:
    @pytest.fixture
    def rule(self) -> Calibration:
        rng = np.random.default_rng(6)
        truth, predicted, spread = regression_rows(rng, 50)
        label, probability = class_rows(rng, 50)
        return fit_calibration(
            MIXED, np.hstack([truth, label]), np.hstack([predicted, probability]), np.hstack([spread, spread])
        )

    def test_each_task_has_what_belongs_to_it(self, rule):
        mean, var = np.array([[5.0, 0.25]]), np.array([[1.0, 0.01]])
        low, high = rule.interval(mean, var, 0.9)
        assert low[0, 0] < 5 < high[0, 0]
        assert np.isnan([low[0, 1], high[0, 1]]).all()
        sets = rule.label_sets(mean, 0.9)
        assert sets[0, 0] == ""
        assert sets[0, 1] in {"{0}", "{1}", "{0,1}", "{}"}
        assert rule.aleatoric_var(mean)[0] == pytest.approx([rule.residual_var[0], 0.1875])
        assert np.isnan(rule.aleatoric_var(np.full((1, 2), np.nan))).all()

    def test_stored_and_read_back(self, rule):
        back = calibration_from_arrays(MIXED, load(save(rule.to_arrays())))
        mean, var = np.array([[5.0, 0.25], [3.0, 0.8]]), np.ones((2, 2))
        assert np.array_equal(back.interval(mean, var, 0.9), rule.interval(mean, var, 0.9), equal_nan=True)
        assert np.array_equal(back.label_sets(mean, 0.9), rule.label_sets(mean, 0.9))

    def test_missing_array(self, rule):
        arrays = rule.to_arrays()
        del arrays["scores.1.1"]
        with pytest.raises(KeyError, match=r"scores\.1\.1"):
            calibration_from_arrays(MIXED, arrays)
