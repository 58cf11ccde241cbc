"""Plans, schedule, scaling and clipping."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from molgraph.config.optimizer import OptimizerConfig
from molgraph.config.training import ModelConfig, TrainConfig
from molgraph.errors import InputError
from molgraph.graphs import Codes, Vocabulary
from molgraph.learners.member_rows import rows_of_members
from molgraph.models.network import Network
from molgraph.results.tasks import TaskSpec
from molgraph.training.evaluation import evaluate_folds
from molgraph.training.loop import clip_gradients
from molgraph.training.scaling import positive_weights, target_scaling
from molgraph.training.schedule import learning_rate


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


def test_learning_rate_rises_and_falls():
    config = TrainConfig(
        epochs=10, optimizer=OptimizerConfig(warmup_epochs=2, initial_lr=1e-4, peak_lr=1e-3, final_lr=1e-5)
    )
    rates = np.array([learning_rate(step, steps_per_epoch=5, config=config) for step in range(51)])
    assert rates[[0, 10, 50]] == pytest.approx([1e-4, 1e-3, 1e-5])
    assert np.diff(rates[:11]) == pytest.approx(np.full(10, 9e-5))
    assert rates[11:] / rates[10:-1] == pytest.approx(np.full(40, 0.01 ** (1 / 40)))


@pytest.mark.parametrize(("warmup", "epochs"), [(0, 3), (2, 1), (0.5, 1), (50, 2)])
def test_learning_rate_stays_between_its_ends(warmup, epochs):
    config = TrainConfig(epochs=epochs, optimizer=OptimizerConfig(warmup_epochs=warmup))
    rates = [learning_rate(step, steps_per_epoch=3, config=config) for step in range(3 * epochs)]
    assert all(1e-4 <= rate <= 1e-3 for rate in rates)
    assert rates[0] == (1e-3 if warmup == 0 else 1e-4)


def test_learning_rate_may_be_zero():
    config = TrainConfig(optimizer=OptimizerConfig(peak_lr=0.0, initial_lr=0.0, final_lr=0.0))
    assert {learning_rate(step, steps_per_epoch=3, config=config) for step in range(150)} == {0.0}


def test_target_scaling():
    nan = np.nan
    labels = np.array([[1.0, 0, nan, 0.1], [3.0, 1, nan, 0.1], [nan, 1, nan, 0.1], [5.0, 1, nan, 0.1]])
    mean, scale = target_scaling(
        labels, ("regression", "classification", "regression", "regression"), np.zeros(4, dtype=bool)
    )
    assert mean == pytest.approx([3, 0, 0, 0.1])
    assert scale == pytest.approx([np.std([1, 3, 5]), 1, 1, 1])  # 0.1 four times deviates by a rounding error


def test_positive_weights():
    labels = np.array([[1, 5.0, 0, 1], [0, 5.0, 0, np.nan], [0, 2.0, 0, 0], [0, 1.0, np.nan, 0.0]])
    kinds = ("classification", "regression", "classification", "classification")
    assert positive_weights(labels, kinds, balance=True).tolist() == [3, 1, 1, 2]
    assert positive_weights(labels, kinds, balance=False).tolist() == [1, 1, 1, 1]


def test_gradients_are_clipped_member_by_member():
    network = Network(
        ModelConfig(hidden=4, head_hidden=4), Vocabulary(Codes((3,), (None,)), Codes((2,), (0,))), ("regression",), 2
    )
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)
        parameter.grad[1] *= 1e-3
    network.encoder.message.weight.grad = None  # as after a batch without a bond
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    before = [gradient.clone() for gradient in gradients]

    def norms() -> torch.Tensor:
        return torch.stack([g.flatten(1).square().sum(1) for g in gradients]).sum(0).sqrt()

    assert norms()[0] > 1 > norms()[1]
    clip_gradients(network, 1.0)
    assert float(norms()[0]) == pytest.approx(1.0, rel=1e-4)
    for gradient, was in zip(gradients, before, strict=True):
        assert torch.equal(gradient[1], was[1])
        torch.testing.assert_close(gradient[0] / gradient[0].norm(), was[0] / was[0].norm())


def test_plans_can_be_compared_with_folds():
    plan = rows_of_members(np.array([0, 0, -1, -1, -1]), inner_fraction=0.0, seed=0)[0]
    assert dataclasses.asdict(plan)["train_rows"].tolist() == [2, 3, 4]
    assert plan.held_out_rows.tolist() == [0, 1]


def test_r2_of_small_folds_is_that_of_all_rows():
    rng = np.random.default_rng(0)
    labels = rng.normal(size=(30, 1))
    said = labels * 0.5 + 0.5 * rng.normal(size=(30, 1))
    task = TaskSpec("y", "regression")
    (found,) = evaluate_folds((task,), labels, said, np.arange(30) % 5, np.ones(30), is_log=[False])
    scores = {score.metric: score for score in found.scores}
    assert scores["r2"].mean == pytest.approx(1 - np.sum((labels - said) ** 2) / np.sum((labels - labels.mean()) ** 2))
    assert scores["r2"].mean > np.mean(scores["r2"].folds)
    assert scores["rmse"].mean == pytest.approx(np.mean(scores["rmse"].folds))
