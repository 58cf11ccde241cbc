"""Other libraries compute the same intervals and sets, to 1e-9."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold

from molgraph.uncertainty.conformal import conformal_quantile
from molgraph.uncertainty.cross_conformal import cross_interval, scores_by_model
from molgraph.uncertainty.label_sets import nonconformity, plausible_classes
from molgraph.uncertainty.quantile_intervals import corrected_interval, quantile_scores

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what these libraries and their imports warn of is their own business
    crepes = pytest.importorskip("crepes")
    mapie_regression = pytest.importorskip("mapie.regression")

LEVELS = [0.5, 0.8, 0.9, 0.95]


@pytest.fixture
def rows():
    """Inputs and truth of 83 rows, odd enough that no rank falls on a whole number by chance."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(83, 3))
    return inputs, inputs @ [1.0, -2.0, 0.5] + rng.standard_t(3, 83)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("is_normalised", [False, True])
def test_split_intervals_are_those_of_crepes(level, is_normalised):
    rng = np.random.default_rng(1)
    residual, new = rng.standard_t(3, 101), rng.normal(size=57)
    sigma, new_sigma = (rng.uniform(0.2, 3, 101), rng.uniform(0.2, 3, 57)) if is_normalised else (None, None)
    oracle = crepes.ConformalRegressor().fit(residual, sigmas=sigma)
    expected = oracle.predict_int(new, sigmas=new_sigma, confidence=level)
    scores = np.abs(residual) / (1 if sigma is None else sigma)
    lower, upper = cross_interval(new[None], [np.sort(scores)], level, scale=new_sigma)
    np.testing.assert_allclose(np.stack([lower, upper], axis=1), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("level", LEVELS)
def test_split_intervals_are_those_of_mapie(level, rows):
    inputs, truth = rows
    model = LinearRegression().fit(inputs[:40], truth[:40])
    oracle = mapie_regression.SplitConformalRegressor(model, confidence_level=level, prefit=True)
    _, expected = oracle.conformalize(inputs[40:70], truth[40:70]).predict_interval(inputs[70:])
    residual = np.abs(truth[40:70] - model.predict(inputs[40:70]))
    lower, upper = cross_interval(model.predict(inputs[70:])[None], [np.sort(residual)], level)
    np.testing.assert_allclose(np.stack([lower, upper], axis=1), expected[:, :, 0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("k", [3, 5, 60])
def test_cross_intervals_are_the_jackknife_plus_of_mapie(level, k, rows):
    inputs, truth = rows
    train, new = slice(0, 60), slice(60, None)
    folds = list(KFold(k).split(inputs[train]))
    oracle = mapie_regression.CrossConformalRegressor(confidence_level=level, method="plus", cv=KFold(k))
    _, expected = oracle.fit_conformalize(inputs[train], truth[train]).predict_interval(inputs[new])
    fold, residual, predictions = np.empty(60, dtype=int), np.empty(60), []
    for g, (fit, held_out) in enumerate(folds):
        model = LinearRegression().fit(inputs[train][fit], truth[train][fit])
        fold[held_out] = g
        residual[held_out] = np.abs(truth[train][held_out] - model.predict(inputs[train][held_out]))
        predictions.append(model.predict(inputs[new]))
    lower, upper = cross_interval(np.array(predictions), scores_by_model(residual, fold, k), level)
    np.testing.assert_allclose(np.stack([lower, upper], axis=1), expected[:, :, 0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("level", LEVELS)
def test_conformalised_quantiles_are_those_of_mapie(level, rows):
    inputs, truth = rows
    models = [LinearRegression().fit(inputs[:40], truth[:40] + shift) for shift in (-0.5, 0.7, 0.0)]
    oracle = mapie_regression.ConformalizedQuantileRegressor(models, confidence_level=level, prefit=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the models are no quantile regressors; the correction is what counts
        oracle = oracle.conformalize(inputs[40:70], truth[40:70])
        _, expected = oracle.predict_interval(inputs[70:], symmetric_correction=True)
    low, high = models[0].predict(inputs), models[1].predict(inputs)
    scores = np.sort(quantile_scores(low[40:70], high[40:70], truth[40:70]))
    lower, upper = corrected_interval(low[70:], high[70:], conformal_quantile(scores, level))
    is_finite = np.isfinite(expected[:, 0, 0]) & (expected[:, 0, 0] <= expected[:, 1, 0])
    assert is_finite.all() or level > 0.9
    np.testing.assert_allclose(
        np.stack([lower, upper], axis=1)[is_finite], expected[:, :, 0][is_finite], rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("level", LEVELS)
def test_class_conditional_sets_are_those_of_crepes(level):
    rng = np.random.default_rng(3)
    label = (rng.random(160) < 0.2).astype(int)
    probability = 1 / (1 + np.exp(-rng.normal(3 * label - 2, 1.5)))
    new = rng.random(50)
    alphas = np.where(label == 1, nonconformity(probability, 1), nonconformity(probability, 0))
    oracle = crepes.ConformalClassifier().fit(alphas, bins=label)
    scores = tuple([np.sort(nonconformity(probability[label == c], c))] for c in (0, 1))
    plausible = plausible_classes(new[None], scores, level)
    for c in (0, 1):
        own = np.full((50, 1), 0.0) + nonconformity(new, c)[:, None]
        expected = oracle.predict_p(own, bins=np.full(50, c), smoothing=False)[:, 0]
        assert plausible[:, c].tolist() == (expected > 1 - level + 1e-12).tolist()
