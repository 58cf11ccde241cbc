"""Boosted trees beside CatBoost, which fitted them."""

import json

import numpy as np
import pytest

from molgraph.learners.base import FitLimits
from molgraph.learners.catboost import LEARNER, BoostedTrees
from molgraph.learners.oblivious_trees import trees_from_catboost

KINDS = ("regression", "classification")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("depth", [1, 6])
def test_boosted_trees_say_what_catboost_says(make_data, kind, depth, tmp_path):
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


def test_members_together_are_what_they_are_alone_to_the_bit(make_data, plans):
    data = make_data()
    members = [LEARNER.fit(data, plan, 0, FitLimits()) for plan in plans[:2]]
    means = LEARNER.join(members).predict(data.columns)
    np.testing.assert_array_equal(means, np.concatenate([member.predict(data.columns) for member in members]))
    assert ((means[..., 1] > 0) & (means[..., 1] < 1)).all()


def test_members_may_read_columns_of_their_own(make_data, plans):
    data = make_data()
    model = LEARNER.join([LEARNER.fit(data, plan, 0, FitLimits()) for plan in plans[:2]])
    own = np.stack([data.columns, data.columns[::-1]])
    means = model.predict(own)
    np.testing.assert_array_equal(means[0], model.predict(data.columns)[0])
    np.testing.assert_array_equal(means[1], model.predict(data.columns[::-1])[1])
