"""Shares of learners in a blend."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from molgraph.learners.base import TabularOutputs
from molgraph.learners.blend import blended
from molgraph.learners.blend_weights import _ROWS_FOR_EQUAL_SHARES, best_shares, member_shares
from molgraph.results.member_outputs import MemberOutputs


def make(seed, n, kind, n_learners):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=n)
    said = truth + rng.normal(size=(n_learners, n)) * rng.uniform(0.2, 2.0, (n_learners, 1))
    if kind == "classification":
        return (truth > 0).astype(float), 1 / (1 + np.exp(-3 * said))
    return truth, said


def penalised_loss(shares, predictions, labels, kind):
    prior = _ROWS_FOR_EQUAL_SHARES / len(labels)
    if kind == "classification":
        likelihood = np.clip(np.where(labels == 1, predictions, 1 - predictions), 1e-6, 1)
        return -np.log(shares @ likelihood).mean() - prior / len(shares) * np.log(np.maximum(shares, 1e-300)).sum()
    error = predictions - labels
    scale = np.trace(error @ error.T / len(labels)) / len(shares)
    return ((shares @ error) ** 2).mean() / scale + prior * (shares**2).sum()


@given(
    st.integers(0, 2**31), st.integers(30, 300), st.sampled_from(["regression", "classification"]), st.integers(2, 5)
)
def test_shares_are_the_best_that_scipy_finds(seed, n, kind, n_learners):
    labels, predictions = make(seed, n, kind, n_learners)
    shares = best_shares(predictions, labels, kind)
    assert abs(shares.sum() - 1) < 1e-9
    assert (shares >= 0).all()
    found = minimize(
        penalised_loss, np.full(n_learners, 1 / n_learners), args=(predictions, labels, kind), method="SLSQP",
        bounds=[(1e-9, 1)] * n_learners, constraints={"type": "eq", "fun": lambda s: s.sum() - 1},
    )  # fmt: skip
    least = min(found.fun, penalised_loss(np.full(n_learners, 1 / n_learners), predictions, labels, kind))
    assert penalised_loss(shares, predictions, labels, kind) <= least + 1e-3


def test_few_rows_change_little():
    labels, predictions = make(0, 4, "regression", 2)
    assert np.abs(best_shares(predictions, labels, "regression") - 0.5).max() < 0.1
    assert np.abs(best_shares(predictions, labels, "regression")).sum() == 1


@given(st.integers(0, 2**31), st.integers(2, 4))
def test_no_member_learns_its_shares_from_its_own_fold(seed, n_members):
    rng = np.random.default_rng(seed)
    n = 60
    fold = np.arange(n) % n_members
    labels, said = make(seed, n, "regression", 3)
    labels, said = labels[:, None], said[:, :, None]
    shares = member_shares(said, labels, fold, ("regression",), n_members)
    assert shares.shape == (3, n_members, 1)
    np.testing.assert_allclose(shares.sum(axis=0), 1)
    changed = labels.copy()
    changed[fold == 0] = rng.normal(size=(int((fold == 0).sum()), 1))
    other = member_shares(said, changed, fold, ("regression",), n_members)
    np.testing.assert_array_equal(other[:, 0], shares[:, 0])


def test_shares_are_equal_where_nothing_tells_them_apart():
    labels, said = make(0, 20, "regression", 2)
    single = member_shares(said[:, :, None], labels[:, None], np.where(np.arange(20) < 2, 0, -1), ("regression",), 1)
    np.testing.assert_array_equal(single, 0.5)  # a single member's held-out rows are what it is judged by
    nothing = member_shares(said[:, :, None], np.full((20, 1), np.nan), np.arange(20) % 2, ("regression",), 2)
    np.testing.assert_array_equal(nothing, 0.5)
    alone = member_shares(said[:1, :, None], labels[:, None], np.arange(20) % 2, ("regression",), 2)
    np.testing.assert_array_equal(alone, 1.0)


def test_variances_of_a_blend_are_those_of_the_mixture():
    rng = np.random.default_rng(0)
    shape = (2, 5, 1)
    network = MemberOutputs(rng.normal(size=shape), rng.uniform(size=shape), rng.uniform(size=shape),
                            rng.normal(size=(*shape, 3)))  # fmt: skip
    other = rng.normal(size=shape)
    shares = np.array([0.7, 0.3]).reshape(2, 1, 1) * np.ones((2, 2, 1))
    variance = rng.uniform(size=shape)
    found = blended(network, [TabularOutputs(other, None)], shares)
    np.testing.assert_allclose(found.mean, 0.7 * network.mean + 0.3 * other)
    np.testing.assert_allclose(found.aleatoric_var, network.aleatoric_var)
    np.testing.assert_allclose(found.epistemic_var, 0.7 * network.epistemic_var + 0.21 * (network.mean - other) ** 2)
    np.testing.assert_allclose(found.quantiles - network.quantiles, (found.mean - network.mean)[..., None] * np.ones(3))
    assert found.epistemic_is_complete
    with_variance = blended(network, [TabularOutputs(other, variance)], shares)
    np.testing.assert_allclose(with_variance.epistemic_var, found.epistemic_var + 0.3 * variance)
    alone = blended(None, [TabularOutputs(other, None)], np.ones((1, 2, 1)))
    np.testing.assert_array_equal(alone.mean, other)
    assert not alone.epistemic_var.any()
    assert not alone.epistemic_is_complete
    assert blended(None, [TabularOutputs(other, variance)], np.ones((1, 2, 1))).epistemic_is_complete
    assert blended(network, [], np.ones((1, 2, 1))) is network


def test_members_that_know_their_ignorance_are_not_asked_whether_they_agree():
    mean = np.array([[[1.0]], [[3.0]]])
    one = np.ones_like(mean)
    assert MemberOutputs(mean, one, one).pooled().epistemic_var.tolist() == [[2.0]]
    assert MemberOutputs(mean, one, one, epistemic_is_complete=True).pooled().epistemic_var.tolist() == [[1.0]]
