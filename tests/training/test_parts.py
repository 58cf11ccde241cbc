"""Schedule, scaling, clipping and metrics of folds."""

import numpy as np
import pytest
import torch

from molgraph.config.optimizer import OptimizerConfig
from molgraph.config.training import ModelConfig, TrainConfig
from molgraph.graphs import Codes, Vocabulary
from molgraph.models.network import Network
from molgraph.models.network_shape import NetworkShape
from molgraph.results.tasks import TaskSpec
from molgraph.training.fold_metrics import evaluate_folds
from molgraph.training.loop import clip_gradients
from molgraph.training.scaling import positive_weights, target_scaling
from molgraph.training.schedule import learning_rate


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
    vocabulary = Vocabulary(Codes((3,), (None,)), Codes((2,), (0,)))
    network = Network(NetworkShape(ModelConfig(hidden=4, head_hidden=4), vocabulary, ("regression",)), 2)
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
