"""Training in three stages: what each hands to the next, and that none changes what it was given."""

import numpy as np
import pytest
import torch

from molgraph.config.encoder import EncoderConfig
from molgraph.config.training import ModelConfig, TrainConfig
from molgraph.errors import InputError
from molgraph.training.ensemble import train_ensemble
from molgraph.training.fit import fit
from molgraph.training.out_of_fold import calibration_rows, evaluate_out_of_fold
from molgraph.training.prepare import prepare


@pytest.fixture(scope="module")
def config(encoder_folder):
    return TrainConfig(
        preset="fast", model=ModelConfig(head_hidden=16),
        encoder=EncoderConfig(pretrained=str(encoder_folder), tuning="full"),
        folds=2, epochs=2, device="cpu", precision="float32",
    )  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def few_trees():
    from molgraph.learners import catboost

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catboost, "_MOST_TREES", 20)
        yield


@pytest.fixture(scope="module")
def dataset(make_dataset):
    return make_dataset(50)


@pytest.fixture(scope="module")
def prepared(dataset, config):
    return prepare(dataset, config)


@pytest.fixture(scope="module")
def fitted(prepared):
    return fit(prepared)


def test_prepared_holds_what_each_learner_reads(prepared, dataset):
    assert prepared.names == ("network", "catboost", "gp_tanimoto", "gp_embedding")
    assert {name: len(columns) for name, columns in prepared.columns.items()} == dict.fromkeys(prepared.names, 50)
    assert prepared.columns["gp_embedding"].shape[1] == 32  # the width of the encoder
    assert prepared.config.model.hidden == 32
    assert len(prepared.graphs) == len(dataset)
    assert prepared.targets.labels.values.shape == (2, 50, 1)
    assert prepared.checkpoint is None


def test_prepared_members_hold_out_their_folds(prepared):
    for plan in prepared.plans:
        np.testing.assert_array_equal(plan.held_out_rows, np.flatnonzero(prepared.fold == plan.member))
    np.testing.assert_array_equal(calibration_rows(prepared.fold, split=False), np.arange(50))


def test_fitted_holds_outputs_of_all_rows(fitted):
    assert fitted.network_outputs.mean.shape == (2, 50, 1)
    assert fitted.network.network.n_members == len(fitted.network.best_epochs) == 2
    assert [*fitted.tabular] == [*fitted.tabular_outputs] == ["catboost", "gp_tanimoto", "gp_embedding"]
    for name, outputs in fitted.tabular_outputs.items():
        assert outputs.mean.shape == (2, 50, 1)
        assert (outputs.epistemic_var is None) == (name == "catboost")


def test_the_third_stage_reads_each_row_of_its_out_of_fold_member_alone(prepared, fitted):
    trained = evaluate_out_of_fold(prepared, fitted)
    rows = np.arange(50)
    means = np.stack([fitted.network_outputs.mean, *(other.mean for other in fitted.tabular_outputs.values())])
    member = prepared.fold
    mixed = (trained.learners.weights[:, member, 0] * means[:, member, rows, 0]).sum(axis=0)
    assert not prepared.targets.transforms.kind.any()  # labels are learned as they are
    np.testing.assert_allclose(trained.out_of_fold[:, 0], mixed, rtol=1e-12)
    np.testing.assert_allclose(trained.learners.weights.sum(axis=0), 1.0)


def test_stages_can_be_repeated_and_are_what_train_ensemble_does(prepared, fitted, dataset, config):
    one, other = (evaluate_out_of_fold(prepared, stage) for stage in (fitted, fit(prepared)))
    whole = train_ensemble(dataset, config)
    for trained in (other, whole):
        np.testing.assert_array_equal(trained.out_of_fold, one.out_of_fold)
        np.testing.assert_array_equal(trained.learners.weights, one.learners.weights)
        state = trained.learners.network.state_dict()
        assert all(torch.equal(state[key], tensor) for key, tensor in one.learners.network.state_dict().items())
        assert trained.metrics == one.metrics


def test_a_table_that_cannot_be_prepared_is_refused_before_anything_is_fitted(make_dataset, config):
    with pytest.raises(InputError, match="row"):
        prepare(make_dataset(2), config)
