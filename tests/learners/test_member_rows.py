"""Rows of the members of an ensemble: parted without a remainder, by compounds, and by the seed."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph.errors import InputError
from molgraph.learners.member_rows import rows_of_members


def test_inner_rows_never_part_a_parent():
    fold, parents = np.arange(60) % 3, np.arange(60) // 6
    for plan in rows_of_members(fold, inner_fraction=0.2, seed=0, parents=parents):
        assert not set(parents[plan.train_rows]) & set(parents[plan.inner_rows])
        assert 8 <= len(plan.inner_rows) <= 11
        assert len(plan.train_rows) + len(plan.inner_rows) == 40
    few = rows_of_members(np.array([0, 0, 1, 1, 1]), inner_fraction=0.4, seed=0, parents=np.array([0, 1, 2, 2, 2]))
    assert len(few[0].train_rows) == 3  # of a single parent none is spared
    alone = rows_of_members(fold, inner_fraction=0.2, seed=0, parents=np.arange(60))
    plain = rows_of_members(fold, inner_fraction=0.2, seed=0)
    assert all((a.inner_rows == b.inner_rows).all() for a, b in zip(alone, plain, strict=True))


@given(st.lists(st.integers(-1, 3), min_size=12, max_size=60), st.floats(0, 0.5), st.integers(0, 9))
def test_parts_of_a_plan_are_disjoint_and_complete(fold, inner_fraction, seed):
    fold = np.array([0, 1, 2, 3, *fold])
    plans = rows_of_members(fold, inner_fraction=inner_fraction, seed=seed)
    assert [plan.member for plan in plans] == [0, 1, 2, 3]
    for plan in plans:
        parts = [plan.train_rows, plan.inner_rows, plan.held_out_rows]
        assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(fold)))
        assert np.array_equal(plan.held_out_rows, np.flatnonzero(fold == plan.member))
        assert len(plan.train_rows) >= 1
        assert (len(plan.inner_rows) == 0) == (inner_fraction == 0)
    again = rows_of_members(fold, inner_fraction=inner_fraction, seed=seed)
    assert all(np.array_equal(a.train_rows, b.train_rows) for a, b in zip(plans, again, strict=True))


def test_plans_differ_by_seed():
    fold = np.arange(40) % 2
    one, other = (rows_of_members(fold, inner_fraction=0.2, seed=seed)[0] for seed in (0, 1))
    assert not np.array_equal(one.inner_rows, other.inner_rows)
    assert len(one.inner_rows) == 4


def test_plan_without_training_rows_is_refused():
    with pytest.raises(InputError, match="member 0 would train on no row: 2 rows in 2 folds"):
        rows_of_members(np.array([0, 1]), inner_fraction=0.1, seed=0)


def test_plans_can_be_compared_with_folds():
    plan = rows_of_members(np.array([0, 0, -1, -1, -1]), inner_fraction=0.0, seed=0)[0]
    assert dataclasses.asdict(plan)["train_rows"].tolist() == [2, 3, 4]
    assert plan.held_out_rows.tolist() == [0, 1]
