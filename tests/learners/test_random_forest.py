"""Random forests beside scikit-learn, which fitted them."""

import numpy as np
import pytest

from molgraph.learners.base import FitLimits, TabularData
from molgraph.learners.member_rows import MemberRows
from molgraph.learners.random_forest import _COLUMNS_SHARE, LEARNER


def test_a_forest_says_what_scikit_learn_says(make_data):
    from sklearn.ensemble import RandomForestRegressor

    data = make_data()
    columns = data.columns + np.random.default_rng(1).normal(size=data.columns.shape).astype(np.float32)
    known = np.where(np.isnan(data.labels), 0.0, data.labels)[:, :1]
    plan = MemberRows(0, np.arange(80), np.arange(80, 90), np.arange(90, len(data.columns)))
    ours = LEARNER.fit(TabularData(columns, known, data.weights, ("regression",)), plan, 5, FitLimits()).predict(
        columns
    )[0, :, 0]
    theirs = RandomForestRegressor(200, max_features=_COLUMNS_SHARE, random_state=5)
    theirs.fit(columns[:90], known[:90, 0], sample_weight=data.weights[:90])
    np.testing.assert_allclose(ours, theirs.predict(columns), rtol=1e-5, atol=1e-6)


def test_forests_whose_walk_would_not_end_are_refused(plans, make_data):
    data = make_data()
    arrays = LEARNER.fit(data, plans[0], 0, FitLimits()).to_arrays()
    inner = int(np.flatnonzero(arrays["column"] >= 0)[3])
    for key, value in (("left", inner), ("right", 0), ("left", 10**9)):
        broken = {**arrays, key: arrays[key].copy()}
        broken[key][inner] = value
        with pytest.raises(ValueError, match="does not lead to a later node"):
            LEARNER.from_arrays(broken, data.kinds, 1)
    with pytest.raises(ValueError, match="roots lead to no node"):
        LEARNER.from_arrays({**arrays, "roots": arrays["roots"] + 10**9}, data.kinds, 1)


def test_members_together_are_what_they_are_alone_to_the_bit(make_data, plans):
    data = make_data()
    members = [LEARNER.fit(data, plan, 0, FitLimits()) for plan in plans[:2]]
    means = LEARNER.join(members).predict(data.columns)
    np.testing.assert_array_equal(means, np.concatenate([member.predict(data.columns) for member in members]))
