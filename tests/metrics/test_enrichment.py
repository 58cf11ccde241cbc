"""Early enrichment against RDKit's functions, and against the mean over all orders of ties."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit.ML.Scoring import Scoring

from molgraph.metrics.enrichment import bedroc, enrichment_factor, log_auc


def ranked(n=400, share=0.1, seed=0):
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < share).astype(float)
    return truth, truth + rng.normal(size=n)


@pytest.mark.parametrize("alpha", [5.0, 20.0, 160.9])
@pytest.mark.parametrize("seed", range(3))
def test_bedroc_equals_rdkit(alpha, seed):
    truth, score = ranked(seed=seed)
    table = [(s, int(t)) for s, t in sorted(zip(score, truth, strict=True), reverse=True)]
    assert bedroc(truth, score, alpha) == pytest.approx(Scoring.CalcBEDROC(table, 1, alpha), rel=1e-9)


@pytest.mark.parametrize("fraction", [0.01, 0.05, 0.1])
def test_enrichment_equals_rdkit(fraction):
    truth, score = ranked()
    table = [(s, int(t)) for s, t in sorted(zip(score, truth, strict=True), reverse=True)]
    assert enrichment_factor(truth, score, fraction) == pytest.approx(Scoring.CalcEnrichment(table, 1, [fraction])[0])


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2)), min_size=2, max_size=6))
def test_ties_give_the_mean_over_their_orders(rows):
    truth, score = np.array(rows, dtype=float).T
    for metric in (lambda t, s: enrichment_factor(t, s, 0.4), lambda t, s: bedroc(t, s, 3.0)):
        shared = metric(truth, score)
        if len(set(truth.tolist())) == 1:
            assert math.isnan(shared)
            continue
        orders = [metric(truth, score + 0.01 * np.array(order)) for order in permutations(range(len(truth)))]
        assert shared == pytest.approx(np.mean(orders))


def test_the_best_and_the_worst_ranking():
    truth = np.r_[np.ones(20), np.zeros(380)]
    score = np.arange(400.0)
    assert bedroc(truth, -score) == pytest.approx(1.0)
    assert bedroc(truth, score) == pytest.approx(0.0, abs=1e-9)
    assert log_auc(truth, -score) == pytest.approx(1.0)
    assert log_auc(truth, score) < 0.02
    assert enrichment_factor(truth, -score, 0.05) == pytest.approx(20.0)


def test_log_auc_of_chance_and_by_quadrature():
    truth, score = ranked(2000, 0.3)
    assert log_auc(truth, np.zeros(2000)) == pytest.approx((1 - 0.001) / (3 * math.log(10)))
    from sklearn.metrics import roc_curve

    false_rate, true_rate, _ = roc_curve(truth, score, drop_intermediate=False)
    grid = np.geomspace(0.001, 1, 200_001)
    area = np.trapezoid(np.interp(grid, false_rate, true_rate), np.log10(grid)) / 3
    assert log_auc(truth, score) == pytest.approx(area, abs=1e-3)
