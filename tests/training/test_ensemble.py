"""Whole trainings: what is learned, what is never seen, and what comes out equal."""

import dataclasses
import threading

import numpy as np
import pytest
import torch

from molgraph.config.optimizer import OptimizerConfig
from molgraph.config.training import ModelConfig, TrainConfig
from molgraph.datasets.parents import parent_groups
from molgraph.errors import DeviceError, InputError, TrainingError
from molgraph.learners.member_rows import rows_of_members
from molgraph.results.labels import Labels
from molgraph.training import loop
from molgraph.training.ensemble import train_ensemble
from molgraph.training.folds import assign_folds

LEARNING = TrainConfig(
    learner="network",
    model=ModelConfig(hidden=24, head_hidden=24),
    folds=3,
    epochs=30,
    batch_size=32,
    optimizer=OptimizerConfig(initial_lr=2e-3, peak_lr=2e-2, final_lr=2e-3),
    device="cpu",
    precision="float32",
)


def states_equal(one, other, members=slice(None)) -> bool:
    state, other_state = one.learners.network.state_dict(), other.learners.network.state_dict()
    return all(torch.equal(state[key][members], other_state[key][members]) for key in state)


def peaking_at(rate) -> OptimizerConfig:
    """The schedule of `quick`, with another peak."""
    return OptimizerConfig(warmup_epochs=1.0, peak_lr=rate)


def folds_of(dataset, config):
    return assign_folds(dataset, config, parent_groups(dataset.smiles))


def scores(trained, task=0) -> dict[str, float]:
    return {value.metric: value.mean for value in trained.metrics[task].scores}


@pytest.fixture(scope="module")
def regression(make_dataset, quick):
    dataset = make_dataset()
    return dataset, train_ensemble(dataset, quick)


class TestLearning:
    def test_real_labels_are_learned_and_shuffled_ones_are_not(self, make_dataset, assay):
        activity = assay[1][:240]
        is_active = (activity > np.median(activity)).astype(float)
        shuffled = np.random.default_rng(1).permutation(240)
        labels = np.column_stack([activity, is_active, activity[shuffled], is_active[shuffled]])
        kinds = ("regression", "classification")
        real = train_ensemble(make_dataset(240, labels[:, :2], kinds), LEARNING)
        assert scores(real)["r2"] > 0.12
        assert scores(real, 1)["roc_auc"] > 0.68
        chance = train_ensemble(make_dataset(240, labels[:, 2:], kinds), LEARNING)
        assert scores(chance)["r2"] < 0.05
        assert abs(scores(chance, 1)["roc_auc"] - 0.5) < 0.12  # three standard errors of 240 rows

    def test_out_of_fold_rows_are_predicted_by_their_own_member(self, regression, quick, make_dataset):
        dataset, trained = regression
        assert trained.learners.network.n_members == 3
        assert sorted(np.bincount(trained.fold)) == [20, 20, 20]
        assert np.isfinite(trained.out_of_fold).all()
        assert trained.metrics[0].n_rows == 60
        truth, predicted = dataset.labels.values[:, 0], trained.out_of_fold[:, 0]
        rmse = [np.sqrt(np.mean((truth - predicted)[trained.fold == k] ** 2)) for k in range(3)]
        leading = trained.metrics[0].scores[0]
        assert leading.metric == "rmse"
        assert leading.folds == pytest.approx(rmse)
        assert (leading.mean, leading.std) == pytest.approx((np.mean(rmse), np.std(rmse, ddof=1)))
        assert trained.calibration.residual_std[0] == pytest.approx(np.sqrt(np.mean((truth - predicted) ** 2)))
        assert np.array_equal(trained.calibration.data.model, trained.fold)


class TestHeldOutRows:
    def test_their_labels_do_not_reach_their_member(self, regression, quick, with_labels):
        dataset, trained = regression
        labels = np.where(trained.fold[:, None] == 0, dataset.labels.values * -3 + 100, dataset.labels.values)
        other = train_ensemble(with_labels(dataset, labels), quick)
        assert np.array_equal(other.fold, trained.fold)
        assert states_equal(trained, other, slice(0, 1))
        assert not states_equal(trained, other, slice(1, 2))
        assert np.array_equal(trained.out_of_fold[trained.fold == 0], other.out_of_fold[other.fold == 0])

    def test_not_even_through_early_stopping(self, regression, quick, with_labels):
        dataset, trained = regression
        config = dataclasses.replace(quick, patience=1, epochs=6, inner_fraction=0.3, optimizer=peaking_at(2e-2))
        labels = np.where(trained.fold[:, None] == 0, dataset.labels.values * -3 + 100, dataset.labels.values)
        one, other = train_ensemble(dataset, config), train_ensemble(with_labels(dataset, labels), config)
        assert states_equal(one, other, slice(0, 1))
        assert one.best_epochs[0] == other.best_epochs[0]

    def test_inner_labels_give_no_gradient_and_no_scaling(self, regression, quick, with_labels, tmp_path, monkeypatch):
        dataset, trained = regression
        inner = rows_of_members(trained.fold, inner_fraction=quick.inner_fraction, seed=quick.seed)[0].inner_rows
        labels = dataset.labels.values.copy()
        labels[inner] = 100 - labels[inner]
        finals = {}
        save = loop.PassState.save

        def keep(state, checkpoint, name):
            finals[checkpoint.folder.name, name] = {key: t.clone() for key, t in state.network.state_dict().items()}
            save(state, checkpoint, name)

        monkeypatch.setattr(loop.PassState, "save", keep)
        for number, data in enumerate((dataset, with_labels(dataset, labels))):
            train_ensemble(data, quick, checkpoint_folder=tmp_path / str(number))
        one, other = (finals[folder, "members-0-to-0"] for folder in "01")  # of the last epoch, not of the best
        assert all(torch.equal(one[key], other[key]) for key in one)


class TestSeeds:
    def test_same_seed_same_weights(self, regression, quick):
        dataset, trained = regression
        torch.rand(3)  # what others draw does not matter
        again = train_ensemble(dataset, quick)
        assert states_equal(trained, again)
        assert np.array_equal(trained.out_of_fold, again.out_of_fold)

    def test_training_leaves_the_generator_of_others_alone(self, regression, quick):
        dataset, _ = regression
        config = dataclasses.replace(quick, epochs=1, folds=2)
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        train_ensemble(dataset, config)
        assert torch.equal(torch.rand(3), expected)

    def test_other_seed_other_weights(self, regression, quick):
        dataset, trained = regression
        other = train_ensemble(dataset, dataclasses.replace(quick, seed=1))
        assert not states_equal(trained, other, slice(0, 1))
        assert not np.array_equal(trained.fold, other.fold)

    def test_dropout_is_seeded(self, make_dataset, quick):
        config = dataclasses.replace(quick, model=dataclasses.replace(quick.model, dropout=0.2), folds=2, epochs=2)
        assert states_equal(*(train_ensemble(make_dataset(), config) for _ in range(2)))

    def test_members_differ(self, regression):
        weight = regression[1].learners.network.encoder.message.weight
        assert not torch.equal(weight[0], weight[1])


class TestPasses:
    @pytest.mark.parametrize("size", [2, 5])
    def test_members_in_one_pass_equal_members_one_by_one(self, make_dataset, quick, size):
        # 50 rows make folds of one size; members of unequal size would repeat rows to fill their last batch.
        config = dataclasses.replace(quick, folds=5, epochs=2)
        alone = train_ensemble(make_dataset(50), config)
        together = train_ensemble(make_dataset(50), dataclasses.replace(config, members_per_pass=size))
        np.testing.assert_allclose(together.out_of_fold, alone.out_of_fold, rtol=1e-3, atol=1e-3)
        assert together.best_epochs == alone.best_epochs

    def test_a_member_that_has_stopped_keeps_its_weights(self, make_dataset, quick):
        config = dataclasses.replace(
            quick, folds=5, epochs=12, patience=1, inner_fraction=0.3, optimizer=peaking_at(1e-2)
        )
        alone = train_ensemble(make_dataset(50), config)
        assert len(set(alone.best_epochs)) > 1  # they stop at different times
        together = train_ensemble(make_dataset(50), dataclasses.replace(config, members_per_pass=5))
        assert together.best_epochs == alone.best_epochs
        np.testing.assert_allclose(together.out_of_fold, alone.out_of_fold, rtol=1e-2, atol=1e-2)

    def test_members_of_unequal_size(self, make_dataset, quick):
        config = dataclasses.replace(quick, folds=4, members_per_pass=4, split="scaffold")
        trained = train_ensemble(make_dataset(61), config)
        assert len(set(np.bincount(trained.fold))) > 1
        assert np.isfinite(trained.out_of_fold).all()


class TestStopping:
    def test_patience(self, make_dataset, quick):
        config = dataclasses.replace(
            quick, folds=2, epochs=40, optimizer=peaking_at(5e-2), patience=2, inner_fraction=0.3
        )
        epochs: dict[int, int] = {}
        trained = train_ensemble(
            make_dataset(), config, on_progress=lambda p: epochs.update({p.members[0]: p.epoch + 1})
        )
        assert all(epochs[m] == trained.best_epochs[m] + 2 for m in range(2))
        assert max(epochs.values()) < 40

    def test_without_inner_rows_the_last_epoch_counts(self, make_dataset, quick):
        config = dataclasses.replace(quick, inner_fraction=0.0, patience=1)
        assert train_ensemble(make_dataset(), config).best_epochs == (4, 4, 4)

    def test_best_weights_are_kept_and_not_the_last(self, make_dataset, quick):
        config = dataclasses.replace(quick, folds=2, epochs=10, optimizer=peaking_at(5e-2), inner_fraction=0.3)
        trained = train_ensemble(make_dataset(), config)
        assert min(trained.best_epochs) < 10
        stopped = train_ensemble(make_dataset(), dataclasses.replace(config, patience=3))
        early = [m for m in range(2) if stopped.best_epochs[m] == trained.best_epochs[m]]
        assert early
        assert all(states_equal(trained, stopped, slice(m, m + 1)) for m in early)


class TestOddData:
    def test_single_model(self, make_dataset, quick):
        trained = train_ensemble(make_dataset(), dataclasses.replace(quick, folds=1))
        assert trained.learners.network.n_members == 1
        held_out = trained.fold == 0
        assert held_out.sum() == 6
        assert set(trained.fold.tolist()) == {0, -1}
        assert np.array_equal(np.isfinite(trained.out_of_fold[:, 0]), held_out)
        assert trained.metrics[0].n_rows == 6
        # The errors of six rows, from samples of them.
        rmse = trained.metrics[0].scores[0]
        errors = (trained.out_of_fold - make_dataset().labels.values)[held_out, 0]
        rng = np.random.default_rng(1)
        of_samples = [np.sqrt(np.mean(rng.choice(errors, 6) ** 2)) for _ in range(2000)]
        assert rmse.std == pytest.approx(np.std(of_samples), rel=0.25)
        assert rmse.folds == (rmse.mean,)

    def test_scaffold_split(self, make_dataset, quick):
        config = dataclasses.replace(quick, split="scaffold")
        dataset = make_dataset()
        fold = folds_of(dataset, config)
        assert not np.array_equal(fold, folds_of(dataset, quick))
        assert np.array_equal(train_ensemble(dataset, config).fold, fold)

    def test_member_without_a_label_of_one_task(self, make_dataset, quick, assay):
        labels = np.column_stack([assay[1][:60], assay[1][:60], assay[1][:60] > 6.5])
        dataset = make_dataset(60, labels, ("regression", "regression", "classification"))
        fold = folds_of(dataset, quick)
        labels[fold != 0, 1] = np.nan  # only rows that member 0 never sees have the second label
        trained = train_ensemble(make_dataset(60, labels, ("regression", "regression", "classification")), quick)
        assert np.isfinite(trained.out_of_fold).all()
        assert trained.metrics[1].n_rows == 20
        assert trained.learners.network.target_scale[0, 1] == 1
        assert np.isnan(trained.metrics[1].scores[0].folds[1])

    def test_inner_rows_without_a_label(self, make_dataset, quick, with_labels):
        dataset = make_dataset()
        inner = rows_of_members(folds_of(dataset, quick), inner_fraction=0.1, seed=0)[0].inner_rows
        labels = dataset.labels.values.copy()
        labels[inner] = np.nan
        trained = train_ensemble(with_labels(dataset, labels), quick)
        assert trained.best_epochs[0] == quick.epochs

    def test_few_positives(self, make_dataset, quick):
        labels = np.zeros((60, 1))
        labels[[3, 30]] = 1
        dataset = make_dataset(60, labels, ("classification",))
        trained = train_ensemble(dataset, dataclasses.replace(quick, balance_classes=True))
        assert ((trained.out_of_fold > 0) & (trained.out_of_fold < 1)).all()
        assert np.isnan(trained.metrics[0].scores[0].folds).sum() == 1  # the fold without a positive
        assert float(trained.learners.network.positive_weight.max()) > 20

    def test_weight_zero_is_as_if_the_label_were_missing(self, regression, quick, with_labels):
        dataset, trained = regression
        row = int(rows_of_members(trained.fold, inner_fraction=0.1, seed=0)[0].train_rows[0])
        weights = np.ones(60)
        weights[row] = 0
        extreme = dataset.labels.values.copy()
        extreme[row] += 1e-9  # another data set, but no other scaling
        one = train_ensemble(dataclasses.replace(dataset, weights=weights), quick)
        two = train_ensemble(dataclasses.replace(dataset, weights=weights, labels=Labels(extreme)), quick)
        np.testing.assert_allclose(one.out_of_fold, two.out_of_fold, rtol=1e-4)
        assert not np.allclose(one.out_of_fold, trained.out_of_fold, rtol=1e-4)


class TestRefusals:
    @pytest.mark.parametrize("label", [np.inf, 1e30])
    def test_extreme_label(self, make_dataset, quick, with_labels, label):
        dataset = make_dataset()
        labels = dataset.labels.values.copy()
        labels[7] = label
        weights = np.ones(60)
        with np.errstate(invalid="ignore", over="ignore"), pytest.raises(TrainingError) as caught:
            train_ensemble(dataclasses.replace(dataset, labels=Labels(labels), weights=weights), quick)
        assert "\n" not in str(caught.value)
        assert "look for extreme labels" in str(caught.value)

    def test_weights_that_diverge_in_the_last_step(self, make_dataset, quick, monkeypatch):
        monkeypatch.setattr(loop, "clip_gradients", lambda network, _: network.output.bias.grad.fill_(torch.nan))
        config = dataclasses.replace(quick, epochs=1, batch_size=1000, inner_fraction=0.0)
        with pytest.raises(
            TrainingError, match=r"the largest weight of member \d is nan in epoch 1; lower the learning"
        ):
            train_ensemble(make_dataset(), config)

    def test_inner_loss_that_is_not_finite(self, make_dataset, quick, with_labels):
        dataset = make_dataset()
        labels = dataset.labels.values.copy()
        labels[rows_of_members(folds_of(dataset, quick), inner_fraction=0.1, seed=0)[0].inner_rows[0]] = 1e30
        with pytest.raises(TrainingError, match="the loss on the inner rows of member 0 is inf in epoch 1"):
            train_ensemble(with_labels(dataset, labels), quick)

    def test_fewer_rows_than_folds(self, make_dataset, quick):
        with pytest.raises(InputError, match="cannot make 3 folds of 2 rows"):
            train_ensemble(make_dataset(2), quick)

    def test_structure_that_cannot_be_featurized(self, make_dataset, quick):
        dataset = make_dataset()
        broken = dataclasses.replace(dataset, smiles=("no molecule", *dataset.smiles[1:]))
        with pytest.raises(InputError, match="'no molecule' of row 0 cannot be featurized"):
            train_ensemble(broken, quick)

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
    def test_device_that_is_not_there(self, make_dataset, quick):
        with pytest.raises(DeviceError, match="sees no CUDA device"):
            train_ensemble(make_dataset(), dataclasses.replace(quick, device="cuda"))


def test_progress(make_dataset, quick):
    reports = []
    train_ensemble(make_dataset(), quick, on_progress=reports.append)
    per_member = 4 * 36  # epochs times training rows
    assert len(reports) == 3 * 4 * 3  # members, epochs, steps
    assert {report.molecules_total for report in reports} == {3 * per_member}
    done = [report.molecules_done for report in reports]
    assert done == sorted(done)
    assert done[0] == 16
    assert done[-1] == 3 * per_member
    for member in range(3):
        epochs = [report.epoch for report in reports if report.members == (member,)]
        assert epochs == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert reports[0].inner_loss is None
    assert reports[-1].inner_loss > 0


def test_failure_of_one_member_ends_the_others(make_dataset, quick, monkeypatch):
    reports = []

    def listen(report):
        reports.append(report)
        if report.epoch == 1:
            raise KeyError("the listener broke")

    with pytest.raises(KeyError, match="the listener broke"):
        train_ensemble(make_dataset(), dataclasses.replace(quick, epochs=1000), on_progress=listen)
    assert len(reports) < 200
    assert all(not thread.name.startswith("ThreadPool") for thread in threading.enumerate())


@pytest.mark.parametrize("precision", ["bfloat16", "auto"])
def test_other_precisions(make_dataset, quick, regression, precision):
    trained = train_ensemble(make_dataset(), dataclasses.replace(quick, precision=precision))
    np.testing.assert_allclose(trained.out_of_fold, regression[1].out_of_fold, atol=0.1)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
class TestCuda:
    def test_trains_as_the_cpu_does(self, make_dataset, quick, regression):
        config = dataclasses.replace(quick, device="cuda")
        trained = train_ensemble(make_dataset(), config)
        assert {tensor.device.type for tensor in trained.learners.network.state_dict().values()} == {"cpu"}
        np.testing.assert_allclose(trained.out_of_fold, regression[1].out_of_fold, atol=0.05)
        assert states_equal(trained, train_ensemble(make_dataset(), config))

    def test_graphs_are_resident(self):
        from molgraph.features.featurize import featurize
        from molgraph.models.batch import ResidentGraphs

        batch = ResidentGraphs(featurize(["CCO", "CCC"]), torch.device("cuda")).batch(np.array([[0, 1], [1, 0]]))
        tensors = [value for value in vars(batch).values() if isinstance(value, torch.Tensor)]
        assert {tensor.device.type for tensor in tensors} == {"cuda"}
