import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from molgraph.errors import InputError
from molgraph.metrics.scores import METRICS, MetricSpec, metric_named, roc_auc_interval, score

REGRESSION = [name for name, spec in METRICS.items() if spec.kind == "regression"]
OF_LOGARITHMS = {"rmse_log10", "r2_log10", "median_factor"}
CLASSIFICATION = [name for name, spec in METRICS.items() if spec.kind == "classification"]


@pytest.fixture
def values():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=200).round(1)  # rounding gives ties
    return truth, (truth + rng.normal(size=200)).round(1), rng.uniform(0.1, 3.0, size=200)


@pytest.fixture
def classes():
    rng = np.random.default_rng(1)
    truth = (rng.random(300) < 0.3).astype(float)
    return truth, np.clip(0.3 * truth + rng.random(300) * 0.7, 0, 1).round(2), rng.uniform(0.1, 3.0, size=300)


def pair_for(name, values, classes):
    """Truth and predictions that the metric is defined for."""
    truth, prediction, _ = values if METRICS[name].kind == "regression" else classes
    return (np.exp(truth), np.exp(prediction)) if name in OF_LOGARITHMS else (truth, prediction)


def one(metric, truth, prediction, weights=None):
    return score(metric, truth[:, None], prediction[:, None], weights)[0]


def test_regression_metrics_equal_the_references(values):
    truth, prediction, weights = values
    assert one("rmse", truth, prediction, weights) == pytest.approx(
        sklearn.metrics.root_mean_squared_error(truth, prediction, sample_weight=weights)
    )
    assert one("mae", truth, prediction, weights) == pytest.approx(
        sklearn.metrics.mean_absolute_error(truth, prediction, sample_weight=weights)
    )
    assert one("r2", truth, prediction, weights) == pytest.approx(
        sklearn.metrics.r2_score(truth, prediction, sample_weight=weights)
    )
    assert one("kendall", truth, prediction) == pytest.approx(scipy.stats.kendalltau(truth, prediction).statistic)
    assert one("spearman", truth, prediction) == pytest.approx(scipy.stats.spearmanr(truth, prediction).statistic)


def test_metrics_of_logarithms_are_those_of_the_logarithms(values):
    truth, prediction, weights = values
    powers = 10.0**truth, 10.0**prediction
    assert one("rmse_log10", *powers, weights) == pytest.approx(one("rmse", truth, prediction, weights))
    assert one("r2_log10", *powers, weights) == pytest.approx(one("r2", truth, prediction, weights))
    factor = one("median_factor", *powers)
    within = np.abs(truth - prediction) <= np.log10(factor) + 1e-9
    assert 100 <= within.sum() < 100 + 40  # rounding gives ties
    assert (np.abs(truth - prediction) < np.log10(factor) - 1e-9).sum() < 100
    assert np.isnan(one("median_factor", truth, prediction))


def test_classification_metrics_equal_the_references(classes):
    truth, prediction, weights = classes
    labels = prediction >= 0.5
    references = {
        "roc_auc": sklearn.metrics.roc_auc_score(truth, prediction, sample_weight=weights),
        "average_precision": sklearn.metrics.average_precision_score(truth, prediction, sample_weight=weights),
        "brier": sklearn.metrics.brier_score_loss(truth, prediction, sample_weight=weights),
        "log_loss": sklearn.metrics.log_loss(truth, prediction.clip(1e-15, 1 - 1e-15), sample_weight=weights),
        "balanced_accuracy": sklearn.metrics.balanced_accuracy_score(truth, labels, sample_weight=weights),
        "mcc": sklearn.metrics.matthews_corrcoef(truth, labels, sample_weight=weights),
    }
    assert set(references) == set(CLASSIFICATION)
    for name, expected in references.items():
        assert one(name, truth, prediction, weights) == pytest.approx(expected), name


@pytest.mark.parametrize("name", [name for name in METRICS if name not in {"spearman", "kendall"}])
def test_weights_act_as_repeats(name, values, classes):
    # Weights act after ranking in Spearman's correlation, and not at all in Kendall's.
    truth, prediction = pair_for(name, values, classes)
    counts = np.arange(len(truth)) % 3
    repeated = one(name, np.repeat(truth, counts), np.repeat(prediction, counts))
    assert one(name, truth, prediction, counts) == pytest.approx(repeated)


@pytest.mark.parametrize("name", METRICS)
def test_better_predictions_score_better(name, values, classes):
    truth, prediction = pair_for(name, values, classes)
    better = 0.5 * truth + 0.5 * prediction
    gain = one(name, truth, better) - one(name, truth, prediction)
    assert gain > 0 if METRICS[name].direction == "maximize" else gain < 0


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("truth", [[], [1.0], [1.0, 1.0, 1.0], [np.nan, np.nan], [0.0, 0.0]])
def test_undefined_is_nan_and_never_raises(name, truth):
    truth = np.array(truth)
    value = one(name, truth, np.full(len(truth), 0.3))
    needs_spread = name in {
        "r2",
        "r2_log10",
        "spearman",
        "kendall",
        "roc_auc",
        "average_precision",
        "balanced_accuracy",
        "mcc",
    }
    has_no_logarithm = name in OF_LOGARITHMS and (truth <= 0).any()
    assert np.isnan(value) == (needs_spread or has_no_logarithm or not np.isfinite(truth).any())


def test_unmeasured_rows_are_left_out_per_task():
    truth = np.array([[0.0, np.nan], [1.0, 2.0], [np.nan, 4.0]])
    prediction = np.array([[1.0, 9.0], [1.0, 2.0], [9.0, 2.0]])
    assert score("mae", truth, prediction).tolist() == [0.5, 1.0]


def test_a_missing_prediction_is_not_left_out_silently():
    assert np.isnan(score("rmse", np.array([[1.0], [2.0]]), np.array([[1.0], [np.nan]])))[0]


def test_rows_of_weight_zero_do_not_make_a_second_class():
    truth, prediction = np.array([1.0, 1.0, 0.0]), np.array([0.9, 0.8, 0.1])
    assert np.isnan(one("roc_auc", truth, prediction, np.array([1.0, 1.0, 0.0])))


@settings(max_examples=50)
@given(
    name=st.sampled_from(REGRESSION),
    pair=arrays(np.float64, st.tuples(st.just(2), st.integers(1, 20)), elements=st.floats(-1e6, 1e6)),
)
def test_any_finite_values_give_a_number_or_nan(name, pair):
    value = one(name, pair[0], pair[1])
    assert isinstance(float(value), float)
    if name == "spearman" and not np.isnan(value):
        assert -1 - 1e-9 <= value <= 1 + 1e-9


@settings(max_examples=50)
@given(
    name=st.sampled_from(CLASSIFICATION),
    rows=st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.floats(0, 1)), min_size=1, max_size=20),
)
def test_any_probabilities_give_a_number_or_nan(name, rows):
    truth, prediction = np.array(rows).T
    value = one(name, truth, prediction)
    assert np.isnan(value) or np.isfinite(value)


def test_unknown_names_and_shapes():
    with pytest.raises(InputError, match=r"no metric 'rocauc'; did you mean 'roc_auc'\?"):
        metric_named("rocauc")
    with pytest.raises(InputError, match=r"truth \(2,\)"):
        score("rmse", np.zeros(2), np.zeros(2))
    with pytest.raises(InputError, match=r"weights \(3,\)"):
        score("rmse", np.zeros((2, 1)), np.zeros((2, 1)), np.zeros(3))


def test_own_metric():
    own = MetricSpec("bias", "regression", "minimize", lambda t, p, w: float(np.average(p - t, weights=w)), "bias")
    assert score(own, np.array([[1.0], [2.0]]), np.array([[2.0], [3.0]])).tolist() == [1.0]


def test_the_interval_of_a_roc_auc_of_few_positives_holds_it():
    rng = np.random.default_rng(0)
    truth = (np.arange(60) < 5).astype(float)
    true_area, n_held = 0.76, 0
    for _ in range(300):
        prediction = truth + rng.normal(size=60)  # P(positive above negative) = Phi(1/sqrt 2) = 0.760
        area = METRICS["roc_auc"].function(truth, prediction, np.ones(60))
        low, high = roc_auc_interval(area, 5, 55)
        n_held += low <= true_area <= high
    assert 0.90 < n_held / 300 <= 1
    low, high = roc_auc_interval(1.0, 3, 57)
    assert 0 < low < high < 1 + 1e-12
