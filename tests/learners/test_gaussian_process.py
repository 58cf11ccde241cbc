"""Gaussian processes: beside scikit-learn, and what they do not know."""

from dataclasses import replace

import numpy as np
import pytest

from molgraph.learners import gp_embedding, gp_tanimoto
from molgraph.learners.base import FitLimits, TabularData
from molgraph.learners.gaussian_process import GaussianProcess
from molgraph.learners.kernels import tanimoto
from molgraph.learners.member_rows import MemberRows


def test_a_process_says_what_scikit_learn_says(make_data):
    from sklearn.kernel_ridge import KernelRidge  # whose predictions are the means of a process

    data = make_data()
    known = np.where(np.isnan(data.labels), 0.0, data.labels)[:, :1]
    plan = MemberRows(0, np.arange(80), np.arange(80, 90), np.arange(90, len(data.columns)))
    model = gp_tanimoto.LEARNER.fit(
        TabularData(data.columns, known, np.ones(len(data.columns)), ("regression",)), plan, 0, FitLimits()
    )
    roots = np.sqrt(data.columns)
    similar = tanimoto(roots, roots).astype(float)
    # The noise that was chosen follows from the coefficients: (K + noise I) a = y - mean.
    residual = known[:90, 0] - known[:90, 0].mean()
    coefficients = model.coefficients[0, 0, :90].astype(float)
    noise = np.median((residual - similar[:90, :90] @ coefficients) / coefficients)
    theirs = KernelRidge(kernel="precomputed", alpha=noise).fit(similar[:90, :90], residual)
    expected = theirs.predict(similar[:, :90]) + known[:90, 0].mean()
    np.testing.assert_allclose(model.predict(data.columns)[0, :, 0], expected, rtol=1e-3, atol=1e-3)


def test_probabilities_of_a_process_keep_the_order_of_its_means():
    one = np.ones((1, 1))
    process = GaussianProcess(
        np.zeros((1, 2), np.int8), np.ones((1, 1, 1), np.float32), 0.9 * one, one, one, ("classification",)
    )
    near, far = process.predict(np.array([[0.0, 0.0], [9.0, 9.0]]))[0, :, 0]
    assert 0.5 < far < near < 1.0  # means of 1.9 and 0.9


@pytest.mark.parametrize("learner", [gp_tanimoto.LEARNER, gp_embedding.LEARNER], ids=["tanimoto", "embedding"])
def test_a_process_doubts_what_is_unlike_all_that_a_member_saw(make_data, learner):
    data = make_data()
    plans = [
        MemberRows(0, np.arange(40), np.arange(40, 50), np.arange(50, len(data.columns))),
        MemberRows(1, np.arange(50, 90), np.arange(90, len(data.columns)), np.arange(50)),
    ]
    model = learner.join([learner.fit(data, plan, 0, FitLimits()) for plan in plans])
    means, variance = model.predict_with_variance(data.columns)
    assert np.array_equal(means, model.predict(data.columns))
    assert variance.shape == means.shape
    assert not variance[..., 1].any()  # a class
    known = ~np.isnan(data.labels).all(axis=1) & (data.weights > 0)
    for member, plan in enumerate(plans):
        seen = np.intersect1d(plan.seen_rows, np.flatnonzero(known))
        assert np.allclose(variance[member, seen, 0], 0.0, atol=1e-5)
        held_out = np.setdiff1d(np.arange(len(data.columns)), plan.seen_rows)
        others = [row for row in held_out if not (data.columns[seen] == data.columns[row]).all(axis=1).any()]
        assert others
        assert (variance[member, others, 0] > 0).all()
    far = model.predict_with_variance(np.full((1, data.columns.shape[1]), 100.0))[1][:, 0, 0]
    assert (far <= model.spread[:, 0] + 1e-9).all()
    assert (far > variance[..., 0].max(axis=1) * 0.5).all()


@pytest.mark.parametrize("learner", [gp_tanimoto.LEARNER, gp_embedding.LEARNER], ids=["tanimoto", "embedding"])
def test_no_variance_is_below_zero_where_a_compound_stands_beside_itself(plans, make_data, learner):
    data = make_data()
    columns = np.random.default_rng(0).poisson(10.0, size=(len(data.columns), 3)).astype(np.float32)
    data = replace(data, columns=columns)
    variance = learner.fit(data, plans[0], 0, FitLimits()).predict_with_variance(columns)[1]
    assert (variance >= 0).all()


@pytest.mark.parametrize("learner", [gp_tanimoto.LEARNER, gp_embedding.LEARNER], ids=["tanimoto", "embedding"])
def test_processes_that_share_their_rows_are_those_that_they_are_alone(plans, make_data, learner):
    data = make_data()
    own = np.stack([data.labels[:, 0], data.labels[:, 1], 3 - data.labels[:, 0], data.labels[:, 0] ** 2], axis=1)
    kinds = ("regression", "classification", "regression", "regression")
    together = learner.fit(replace(data, labels=own, kinds=kinds), plans[0], 0, FitLimits())
    for t, kind in enumerate(kinds):
        alone = learner.fit(replace(data, labels=own[:, [t]], kinds=(kind,)), plans[0], 0, FitLimits())
        np.testing.assert_allclose(together.coefficients[:, [t]], alone.coefficients, rtol=1e-4, atol=1e-4)
        assert together.centre[0, t] == pytest.approx(alone.centre[0, 0])
        assert together.spread[0, t] == pytest.approx(alone.spread[0, 0])
        if together.lengths is not None:
            assert together.lengths[0, t] == alone.lengths[0, 0]


@pytest.mark.parametrize("learner", [gp_tanimoto.LEARNER, gp_embedding.LEARNER], ids=["tanimoto", "embedding"])
def test_it_reads_columns_of_its_own_width_alone(make_data, plans, learner):
    model = learner.fit(make_data(), plans[0], 0, FitLimits())
    assert [width for width in range(1, 31) if model.fits(width)] == [15]
