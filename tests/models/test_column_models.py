"""One contract for all models that read columns; each beside the library that fitted it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph.models import kernel
from molgraph.models.boosted import BoostedTrees
from molgraph.models.column_models import COLUMN_MODELS
from molgraph.models.oblivious import ObliviousTrees, trees_from_catboost
from molgraph.training.column_data import ColumnData, FitLimits
from molgraph.training.column_learners import _FITS
from molgraph.training.forest import _COLUMNS_SHARE
from molgraph.training.plan import MemberPlan, plan_members

N_ROWS, N_COLUMNS = 120, 15
KINDS = ("regression", "classification")


def make_data(seed=0):
    rng = np.random.default_rng(seed)
    columns = rng.poisson(1.5, size=(N_ROWS, N_COLUMNS)).astype(np.float32)
    value = columns[:, 0] - 2 * columns[:, 1] + 0.1 * rng.normal(size=N_ROWS)
    labels = np.stack([value, (value > np.median(value)).astype(float)], axis=1)
    labels[rng.random(labels.shape) < 0.1] = np.nan
    return ColumnData(columns, labels, rng.uniform(0.5, 2.0, N_ROWS), KINDS)


def make_plans(n_members=3):
    return plan_members(np.arange(N_ROWS) % n_members, inner_fraction=0.1, seed=0)


@pytest.fixture(scope="module", params=COLUMN_MODELS)
def fitted(request):
    """(name, data, plans, one model for each member)."""
    data, plans = make_data(), make_plans()
    return request.param, data, plans, [_FITS[request.param](data, plan, 0, FitLimits()) for plan in plans]


def test_it_learns_from_its_own_rows(fitted):
    name, data, plans, members = fitted
    model = COLUMN_MODELS[name].join(members)
    assert model.n_members == 3
    means = model.predict(data.columns)
    assert means.shape == (3, N_ROWS, 2)
    assert ((means[..., 1] > 0) & (means[..., 1] < 1)).all() or name == "forest"
    assert ((means[..., 1] >= 0) & (means[..., 1] <= 1)).all()
    for member, plan in enumerate(plans):
        rows = plan.held_out_rows[~np.isnan(data.labels[plan.held_out_rows]).any(axis=1)]
        assert np.corrcoef(means[member, rows, 0], data.labels[rows, 0])[0, 1] > 0.7
        hits = data.labels[rows, 1] == 1
        assert means[member, rows, 1][hits].mean() > means[member, rows, 1][~hits].mean() + 0.2


def test_it_reads_what_it_fits(fitted):
    name, data, _, members = fitted
    model = COLUMN_MODELS[name].join(members)
    wide = np.concatenate([data.columns, data.columns], axis=1)
    fitting = [width for width in range(1, 2 * N_COLUMNS + 1) if model.fits(width)]
    assert N_COLUMNS in fitting
    assert not model.fits(1)
    for width in fitting:
        assert model.predict(wide[:, :width]).shape == (3, N_ROWS, 2)
    assert (fitting == [N_COLUMNS]) == (name in {"kernel", "latent"})


def test_members_say_together_what_they_say_alone(fitted):
    name, data, _, members = fitted
    together = COLUMN_MODELS[name].join(members).predict(data.columns)
    alone = np.concatenate([member.predict(data.columns) for member in members])
    # Products of other shapes add up in another order; the large coefficients of a process show it.
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-4 if name in {"latent", "kernel"} else 0)


def test_arrays_hold_all_of_it(fitted):
    name, data, _, members = fitted
    model = COLUMN_MODELS[name].join(members)
    arrays = model.to_arrays()
    assert all(isinstance(array, np.ndarray) and array.dtype != object for array in arrays.values())
    again = COLUMN_MODELS[name].from_arrays(arrays, KINDS, 3)
    np.testing.assert_array_equal(again.predict(data.columns), model.predict(data.columns))
    for key in arrays:
        with pytest.raises(ValueError, match="is missing"):
            COLUMN_MODELS[name].from_arrays({k: v for k, v in arrays.items() if k != key}, KINDS, 3)
        with pytest.raises((ValueError, IndexError)):
            COLUMN_MODELS[name].from_arrays({**arrays, key: arrays[key].astype(np.complex64)}, KINDS, 3)
    with pytest.raises((ValueError, KeyError)):
        COLUMN_MODELS[name].from_arrays(arrays, KINDS, 4)


def test_a_row_is_predicted_the_same_in_any_company(fitted):
    _, data, _, members = fitted
    whole = members[0].predict(data.columns)
    np.testing.assert_allclose(members[0].predict(data.columns[7:8])[:, 0], whole[:, 7], rtol=1e-5)
    assert members[0].predict(data.columns[:0]).shape == (1, 0, 2)


def test_no_row_of_a_member_depends_on_its_held_out_labels(fitted):
    name, data, plans, members = fitted
    labels = data.labels.copy()
    labels[plans[0].held_out_rows] = 9.0
    other = ColumnData(data.columns, labels, data.weights, KINDS)
    np.testing.assert_array_equal(
        _FITS[name](other, plans[0], 0, FitLimits()).predict(data.columns), members[0].predict(data.columns)
    )


def test_the_same_seed_gives_the_same_model(fitted):
    name, data, plans, members = fitted
    again = _FITS[name](data, plans[1], 0, FitLimits())
    for key, array in members[1].to_arrays().items():
        np.testing.assert_array_equal(again.to_arrays()[key], array)


@pytest.mark.parametrize("labels", [np.nan, 1.0, 0.0])
@pytest.mark.parametrize("name", COLUMN_MODELS)
def test_nothing_to_tell_apart(name, labels):
    data = make_data()
    same = ColumnData(data.columns, np.full((N_ROWS, 2), labels), data.weights, KINDS)
    means = _FITS[name](same, make_plans()[0], 0, FitLimits()).predict(data.columns)
    expected = 0.0 if np.isnan(labels) else labels
    assert np.allclose(means[..., 0], expected, atol=1e-6)
    assert np.isfinite(means).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("depth", [1, 6])
def test_boosted_trees_say_what_catboost_says(kind, depth, tmp_path):
    from catboost import CatBoost

    data = make_data()
    rows = np.flatnonzero(~np.isnan(data.labels).any(axis=1))
    columns = data.columns + np.random.default_rng(1).normal(size=data.columns.shape).astype(np.float32)
    columns[::9, 3] = np.nan
    model = CatBoost({"loss_function": "Logloss" if kind == "classification" else "RMSE", "iterations": 60, "depth": depth,
                      "verbose": False, "allow_writing_files": False})  # fmt: skip
    model.fit(columns[rows], data.labels[rows, KINDS.index(kind)])
    model.save_model(str(tmp_path / "trees.json"), format="json")
    trees = trees_from_catboost(json.loads((tmp_path / "trees.json").read_text()))
    theirs = model.predict(columns, prediction_type="Probability" if kind == "classification" else "RawFormulaVal")
    ours = BoostedTrees(((trees,),), (kind,)).predict(columns)[0, :, 0]
    np.testing.assert_allclose(ours, theirs[:, 1] if kind == "classification" else theirs, rtol=1e-5, atol=1e-6)


def test_a_forest_says_what_scikit_learn_says():
    from sklearn.ensemble import RandomForestRegressor

    data = make_data()
    columns = data.columns + np.random.default_rng(1).normal(size=data.columns.shape).astype(np.float32)
    known = np.where(np.isnan(data.labels), 0.0, data.labels)[:, :1]
    plan = MemberPlan(0, np.arange(80), np.arange(80, 90), np.arange(90, N_ROWS))
    ours = _FITS["forest"](ColumnData(columns, known, data.weights, KINDS[:1]), plan, 5, FitLimits()).predict(columns)[
        0, :, 0
    ]
    theirs = RandomForestRegressor(200, max_features=_COLUMNS_SHARE, random_state=5)
    theirs.fit(columns[:90], known[:90, 0], sample_weight=data.weights[:90])
    np.testing.assert_allclose(ours, theirs.predict(columns), rtol=1e-5, atol=1e-6)


def test_a_process_says_what_scikit_learn_says():
    from sklearn.kernel_ridge import KernelRidge  # whose predictions are the means of a process

    data = make_data()
    known = np.where(np.isnan(data.labels), 0.0, data.labels)[:, :1]
    plan = MemberPlan(0, np.arange(80), np.arange(80, 90), np.arange(90, N_ROWS))
    model = _FITS["kernel"](ColumnData(data.columns, known, np.ones(N_ROWS), KINDS[:1]), plan, 0, FitLimits())
    roots = np.sqrt(data.columns)
    similar = kernel.tanimoto(roots, roots).astype(float)
    # The noise that was chosen follows from the coefficients: (K + noise I) a = y - mean.
    residual = known[:90, 0] - known[:90, 0].mean()
    coefficients = model.coefficients[0, 0, :90].astype(float)
    noise = np.median((residual - similar[:90, :90] @ coefficients) / coefficients)
    theirs = KernelRidge(kernel="precomputed", alpha=noise).fit(similar[:90, :90], residual)
    expected = theirs.predict(similar[:, :90]) + known[:90, 0].mean()
    np.testing.assert_allclose(model.predict(data.columns)[0, :, 0], expected, rtol=1e-3, atol=1e-3)


@given(st.integers(0, 30), st.integers(0, 5), st.integers(1, 4), st.integers(0, 2**31))
def test_any_oblivious_trees(n_rows, n_trees, depth, seed):
    rng = np.random.default_rng(seed)
    trees = ObliviousTrees(
        rng.integers(0, 6, (n_trees, depth)).astype(np.int32),
        rng.choice([0.0, 1.0, 2.5, np.inf], (n_trees, depth)).astype(np.float32),
        rng.normal(size=(n_trees, 2**depth)).astype(np.float32),
        bias=float(rng.normal()),
    )
    columns = rng.choice([0.0, 1.0, 2.0, 3.0, np.nan], (n_rows, 6)).astype(np.float32)
    expected = np.full(n_rows, trees.bias)
    for row in range(n_rows):
        for k in range(n_trees):
            answers = [columns[row, f] > b for f, b in zip(trees.feature[k], trees.border[k], strict=True)]
            expected[row] += trees.leaf[k, sum(int(answer) << place for place, answer in enumerate(answers))]
    np.testing.assert_allclose(trees.predict(columns), expected, rtol=1e-5, atol=1e-6)


def test_forests_whose_walk_would_not_end_are_refused():
    name, data = "forest", make_data()
    arrays = _FITS[name](data, make_plans()[0], 0, FitLimits()).to_arrays()
    inner = int(np.flatnonzero(arrays["column"] >= 0)[3])
    for key, value in (("left", inner), ("right", 0), ("left", 10**9)):
        broken = {**arrays, key: arrays[key].copy()}
        broken[key][inner] = value
        with pytest.raises(ValueError, match="does not lead to a later node"):
            COLUMN_MODELS[name].from_arrays(broken, KINDS, 1)
    with pytest.raises(ValueError, match="roots lead to no node"):
        COLUMN_MODELS[name].from_arrays({**arrays, "roots": arrays["roots"] + 10**9}, KINDS, 1)


def test_products_of_steps_are_exact_with_and_without_hardware_for_them(monkeypatch):
    rng = np.random.default_rng(0)
    one, other = (rng.integers(-127, 128, (n, 300)).astype(np.int8) for n in (1, 33))
    truth = np.sqrt(np.square(one[:, None].astype(np.int64) - other).sum(axis=2)) / 32
    found = kernel.distances(one, other)
    np.testing.assert_allclose(found, truth, rtol=1e-6)
    for is_fast in (False, True):
        if is_fast and not kernel.is_fast_at_int8():
            continue
        monkeypatch.setattr(kernel, "is_fast_at_int8", lambda own=is_fast: own)
        assert np.array_equal(kernel.distances(one, other), found)


def test_probabilities_of_a_process_keep_the_order_of_its_means():
    one = np.ones((1, 1))
    process = kernel.KernelProcess(
        np.zeros((1, 2), np.int8), np.ones((1, 1, 1), np.float32), 0.9 * one, one, one, ("classification",)
    )
    near, far = process.predict(np.array([[0.0, 0.0], [9.0, 9.0]]))[0, :, 0]
    assert 0.5 < far < near < 1.0  # means of 1.9 and 0.9


@pytest.mark.parametrize("name", ["kernel", "latent"])
def test_a_process_doubts_what_is_unlike_all_that_a_member_saw(name):
    data = make_data()
    plans = [
        MemberPlan(0, np.arange(40), np.arange(40, 50), np.arange(50, N_ROWS)),
        MemberPlan(1, np.arange(50, 90), np.arange(90, N_ROWS), np.arange(50)),
    ]
    model = COLUMN_MODELS[name].join([_FITS[name](data, plan, 0, FitLimits()) for plan in plans])
    means, variance = model.predict_with_variance(data.columns)
    assert np.array_equal(means, model.predict(data.columns))
    assert variance.shape == means.shape
    assert not variance[..., 1].any()  # a class
    known = ~np.isnan(data.labels).all(axis=1) & (data.weights > 0)
    for member, plan in enumerate(plans):
        seen = np.intersect1d(plan.seen_rows, np.flatnonzero(known))
        assert np.allclose(variance[member, seen, 0], 0.0, atol=1e-5)
        blind = np.setdiff1d(np.arange(N_ROWS), plan.seen_rows)
        others = [row for row in blind if not (data.columns[seen] == data.columns[row]).all(axis=1).any()]
        assert others
        assert (variance[member, others, 0] > 0).all()
    far = model.predict_with_variance(np.full((1, data.columns.shape[1]), 100.0))[1][:, 0, 0]
    assert (far <= model.spread[:, 0] + 1e-9).all()
    assert (far > variance[..., 0].max(axis=1) * 0.5).all()


@pytest.mark.parametrize("name", ["kernel", "latent"])
def test_no_variance_is_below_zero_where_a_compound_stands_beside_itself(name):
    columns = np.random.default_rng(0).poisson(10.0, size=(N_ROWS, 3)).astype(np.float32)
    data = replace(make_data(), columns=columns)
    variance = _FITS[name](data, make_plans()[0], 0, FitLimits()).predict_with_variance(columns)[1]
    assert (variance >= 0).all()


@pytest.mark.parametrize("name", ["kernel", "latent"])
def test_processes_that_share_their_rows_are_those_that_they_are_alone(name):
    data = make_data()
    own = np.stack([data.labels[:, 0], data.labels[:, 1], 3 - data.labels[:, 0], data.labels[:, 0] ** 2], axis=1)
    kinds = ("regression", "classification", "regression", "regression")
    together = _FITS[name](replace(data, labels=own, kinds=kinds), make_plans()[0], 0, FitLimits())
    for t, kind in enumerate(kinds):
        alone = _FITS[name](replace(data, labels=own[:, [t]], kinds=(kind,)), make_plans()[0], 0, FitLimits())
        np.testing.assert_allclose(together.coefficients[:, [t]], alone.coefficients, rtol=1e-4, atol=1e-4)
        assert together.centre[0, t] == pytest.approx(alone.centre[0, 0])
        assert together.spread[0, t] == pytest.approx(alone.spread[0, 0])
        if together.lengths is not None:
            assert together.lengths[0, t] == alone.lengths[0, 0]
