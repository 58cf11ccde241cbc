"""Scaling of targets, bounds in the place of labels, and columns beside the graph."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from molgraph import Predictor, TrainConfig, featurize, train
from molgraph.config.optimizer import OptimizerConfig
from molgraph.config.training import ModelConfig
from molgraph.config.uncertainty import UncertaintyConfig
from molgraph.errors import InputError
from molgraph.features.blocks import MoleculeFeatures
from molgraph.features.featurize import featurize_molecules
from molgraph.features.schema import SCHEMA
from molgraph.learners import catboost
from molgraph.learners.member_rows import rows_of_members
from molgraph.learners.target_transforms import NAMES
from molgraph.models.network import Network
from molgraph.models.network_shape import NetworkShape
from molgraph.results.labels import Labels
from molgraph.results.tasks import TaskSpec
from molgraph.training.censoring import bounds_as_values, expected_values
from molgraph.training.ensemble import train_ensemble
from molgraph.training.scaling import column_scaling, target_scaling
from molgraph.training.targets import choose_scaling, chosen_scalings, fit_transforms

RNG = np.random.default_rng(7)
Y, C = TaskSpec("y", "regression"), TaskSpec("c", "classification")


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(catboost, "_MOST_TREES", 100)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (RNG.normal(size=500), "standard"),
        (np.exp(RNG.normal(size=500)), "log"),
        (100 - np.exp(RNG.normal(size=500)), "quantile"),
        (np.exp(RNG.normal(size=500)) - 0.5, "quantile"),
        (RNG.standard_t(2.2, size=500), "robust"),
        (np.exp(RNG.normal(size=30)), "standard"),
        (np.ones(500), "standard"),
    ],
    ids=["normal", "lognormal", "skewed to the left", "skewed, some below 0", "heavy tails", "few", "constant"],
)
def test_auto_looks_at_the_distribution(labels, expected):
    if expected == "robust":
        labels = np.concatenate([labels - np.median(labels), np.median(labels) - labels])  # no skew by chance
    assert choose_scaling(labels) == expected


def test_a_member_looks_at_its_own_training_rows_alone():
    labels = np.exp(RNG.normal(size=(300, 1)))
    plans = rows_of_members(np.arange(300) % 3, inner_fraction=0.1, seed=0)
    before = fit_transforms(labels, chosen_scalings(labels, (Y,), plans, "auto"), plans)
    changed = labels.copy()
    changed[plans[1].held_out_rows] = -5.0
    changed[plans[1].inner_rows] = 99.0
    after = fit_transforms(changed, chosen_scalings(changed, (Y,), plans, "auto"), plans)
    assert before.kind[1, 0] == after.kind[1, 0] == NAMES.index("log")
    np.testing.assert_array_equal(before.knots[1], after.knots[1])
    assert after.kind[0, 0] == NAMES.index("quantile")  # the others do see the values below 0


def test_classes_are_taken_as_they_are():
    labels = np.stack([np.exp(RNG.normal(size=100)), RNG.integers(0, 2, 100)], axis=1)
    plans = rows_of_members(np.arange(100) % 2, inner_fraction=0.1, seed=0)
    assert chosen_scalings(labels, (Y, C), plans, "log") == [["log", "standard"]] * 2


def test_logarithms_need_labels_above_0():
    with pytest.raises(InputError, match=r"target_scaling is 'log', and 'y' has the label -1; .* choose auto"):
        chosen_scalings(np.array([[1.0], [-1.0]]), (Y,), [], "log")


def test_robust_scaling_leaves_wild_labels_aside():
    labels = np.concatenate([RNG.normal(3.0, 2.0, size=(1000, 1)), np.full((30, 1), 1e6)])
    (middle,), (scale,) = target_scaling(labels, ("regression",), np.array([True]))
    assert middle == pytest.approx(3.0, abs=0.3)
    assert scale == pytest.approx(2.0, abs=0.3)
    constant = target_scaling(np.zeros((9, 1)), ("regression",), np.array([True]))
    assert constant[1].tolist() == [1.0]


@pytest.mark.parametrize("scaling", ["robust", "log", "quantile", "auto"])
@pytest.mark.parametrize("learner", ["network", "catboost", "catboost_embedding"])
def test_scaled_targets_are_predicted_in_label_units(make_dataset, assay, tmp_path, scaling, learner):
    values = 10 ** (assay[1][:150, None] - 5.0)  # from activities to concentrations
    dataset = make_dataset(150, values)
    config = TrainConfig(
        learner=learner, target_scaling=scaling, model=ModelConfig(hidden=32, head_hidden=32), folds=3, epochs=25,
        batch_size=16, optimizer=OptimizerConfig(peak_lr=3e-3), device="cpu", precision="float32",
    )  # fmt: skip
    model = train(dataset, output=tmp_path / "model", config=config)
    metrics = {record.metric: record.mean for record in model.card.metrics}
    if learner == "catboost":
        assert metrics["spearman"] > 0.4
    said = model.predict(dataset.smiles[:40], domain=True)
    assert said.mean.shape == (40, 1)
    again = Predictor.load(tmp_path / "model", device="cpu").predict(dataset.smiles[:40])
    np.testing.assert_array_equal(said.mean, again.mean)
    np.testing.assert_array_equal(said.var, again.var)
    if scaling != "robust":
        assert (said.mean > 0).all()
        lower, upper = said.interval(0.9)
        assert (lower < said.mean).all()
        if model.calibration.is_log == (True,):
            assert (lower > 0).all()
            assert (np.log(upper / lower).std() < 0.7 * np.log(upper / lower).mean()).all()
        assert (model.calibration.is_log == (True,)) == (scaling in {"log", "auto"})
        ratio = np.exp(np.abs(np.log(said.mean / values[:40])).mean())
        assert ratio < 7.0  # all the same gives 10


@given(
    st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50), st.sampled_from(["lower", "upper", "both"])), min_size=1)
)
def test_what_is_expected_keeps_the_bounds(rows):
    n = len(rows)
    labels = np.concatenate([RNG.normal(size=20), np.full(n, np.nan)])[:, None]
    bounds = np.full((2, 20 + n, 1), np.nan)
    for row, (_, bound, side) in enumerate(rows, start=20):
        if side != "upper":
            bounds[0, row] = bound
        if side != "lower":
            bounds[1, row] = bound + 1.0
    predicted = np.concatenate([np.zeros(20), [own[0] for own in rows]])[:, None]
    found = expected_values(Labels(labels, *bounds), predicted, np.arange(20))
    assert np.isfinite(found).all()
    assert not (found[20:] < bounds[0, 20:]).any()
    assert not (found[20:] > bounds[1, 20:]).any()
    np.testing.assert_array_equal(found[:20], labels[:20])


def test_what_is_expected_is_the_mean_of_the_part_that_is_left():
    labels = np.append(RNG.normal(0.0, 2.0, size=4000), np.nan)[:, None]
    bounds = np.full((2, 4001, 1), np.nan)
    bounds[0, -1] = 3.0
    found = expected_values(Labels(labels, *bounds), np.full((4001, 1), 0.0), np.arange(4000))[-1, 0]
    drawn = RNG.normal(0.0, 2.0, size=400_000)
    assert found == pytest.approx(drawn[drawn > 3.0].mean(), abs=0.1)
    assert bounds_as_values(Labels(labels, *bounds))[-1, 0] == 3.0


@pytest.mark.parametrize("uncertainty", ["ensemble", "mve", "evidential", "quantile"])
def test_a_bound_that_is_kept_costs_nothing_and_one_that_is_broken_pulls(uncertainty):
    network = Network(
        NetworkShape(ModelConfig(hidden=8, head_hidden=8), SCHEMA.vocabulary, ("regression",), uncertainty=uncertainty)
    )
    network.set_scaling(torch.tensor([[5.0]]), torch.tensor([[2.0]]), torch.ones(1, 1))
    raw = torch.zeros(1, 3, network.output.bias.shape[-1], requires_grad=True)
    said = network.outputs(raw).mean.detach()
    nothing = torch.full_like(said, float("nan"))
    weights = torch.ones(1, 3)

    def loss(lower, upper):
        return network.losses(raw, nothing, weights, bounds=torch.stack([lower, upper]))

    kept = loss(said - 1.0, nothing)
    (gradient,) = torch.autograd.grad(kept.sum(), raw)
    assert kept.item() == 0.0
    assert not gradient.any()
    broken = loss(said + 1.0, nothing)
    (gradient,) = torch.autograd.grad(broken.sum(), raw)
    step = raw.detach() - 1e-3 * gradient
    assert (network.outputs(step).mean > said).all()
    as_label = network.losses(raw, said + 1.0, weights)
    torch.testing.assert_close(broken, as_label)
    (gradient,) = torch.autograd.grad(loss(nothing, said - 1.0).sum(), raw)
    assert (network.outputs(raw.detach() - 1e-3 * gradient).mean < said).all()


def test_bounds_count_in_the_mean_whether_they_are_kept_or_not():
    network = Network(NetworkShape(ModelConfig(hidden=8, head_hidden=8), SCHEMA.vocabulary, ("regression",)))
    raw = torch.zeros(1, 2, 1)
    labels = torch.tensor([[[1.0], [float("nan")]]])
    bounds = torch.full((2, 1, 2, 1), float("nan"))
    bounds[0, 0, 1, 0] = -1.0
    assert network.losses(raw, labels, torch.ones(1, 2), bounds=bounds).item() == pytest.approx(0.5)


@pytest.mark.parametrize("learner", ["network", "catboost", "random_forest", "gp_tanimoto"])
@pytest.mark.parametrize("scaling", ["standard", "quantile"])
def test_bounds_teach(make_dataset, assay, learner, scaling):
    """Of high activities no more is told than that they are above the median: predictions of them rise."""
    values = assay[1][:150]
    limit = float(np.quantile(values, 0.4))
    is_cut = (values > limit) & (np.arange(150) % 2 == 0)
    labels = np.where(is_cut, np.nan, values)[:, None]
    bounds = np.full((2, 150, 1), np.nan)
    bounds[0, is_cut, 0] = np.quantile(values, 0.8)
    dataset = make_dataset(150, labels)
    config = TrainConfig(
        learner=learner, target_scaling=scaling, model=ModelConfig(hidden=32, head_hidden=32), folds=3, epochs=25,
        batch_size=16, optimizer=OptimizerConfig(peak_lr=3e-3), device="cpu", precision="float32",
    )  # fmt: skip
    without = train_ensemble(dataset, config)
    taught = train_ensemble(dataclasses.replace(dataset, labels=Labels(dataset.labels.values, *bounds)), config)
    rise = taught.out_of_fold[is_cut, 0] - without.out_of_fold[is_cut, 0]
    assert rise.mean() > 0.1
    # Metrics and calibration are those of measured values.
    assert taught.metrics[0].n_rows == int((~is_cut).sum())
    assert sum(sum(counts) for counts in taught.calibration.rows_of) == int((~is_cut).sum())


def test_columns_are_scaled_by_the_training_rows():
    columns = RNG.normal(4.0, 3.0, size=(500, 3)).astype(np.float32)
    columns[0] = [1e30, np.nan, np.inf]
    columns[:, 2] = 7.0
    mean, scale = column_scaling(columns)
    np.testing.assert_allclose(mean[:2], 4.0, atol=0.5)
    np.testing.assert_allclose(scale[:2], 3.0, atol=0.5)
    assert (mean[2], scale[2]) == (7.0, 1.0)
    assert np.isfinite(column_scaling(np.full((3, 2), np.nan, dtype=np.float32))).all()


@pytest.mark.parametrize("features", ["environments", "ecfp_counts", "properties", "descriptors"])
def test_the_head_reads_columns_beside_the_graph(make_dataset, tmp_path, features):
    dataset = make_dataset(120)
    molecules = featurize_molecules(dataset.smiles, standardizer="none")
    weight = MoleculeFeatures(molecules).of(["properties"])[:, 0].astype(float)
    dataset = make_dataset(120, (weight[:, None] - weight.mean()) / weight.std())
    model = ModelConfig(hidden=16, head_hidden=16, molecule_features=features, readout="mean")
    config = TrainConfig(
        learner="network", model=model, folds=3, epochs=40, batch_size=16, optimizer=OptimizerConfig(peak_lr=5e-3), device="cpu",
        precision="float32", uncertainty=UncertaintyConfig("mve"),
    )  # fmt: skip
    predictor = train(dataset, output=tmp_path / "model", config=config)
    metrics = {record.metric: record.mean for record in predictor.card.metrics}
    # The mean over atoms does not know how large a molecule is; columns do.
    assert metrics["spearman"] > (0.9 if features in {"properties", "descriptors"} else 0.6)
    assert predictor.needs_structures == (features != "environments")
    assert set(predictor.card.blocks) == {features}
    again = Predictor.load(tmp_path / "model", device="cpu")
    one, other = (own.predict(["CCO", "bad", "c1ccccc1C(=O)O"]) for own in (predictor, again))
    np.testing.assert_array_equal(one.mean, other.mean)
    assert np.isnan(one.mean[1]).all()


def test_a_head_that_reads_columns_refuses_to_go_without():
    from molgraph.models.batch import ResidentGraphs

    network = Network(
        NetworkShape(ModelConfig(hidden=8, head_hidden=8), SCHEMA.vocabulary, ("regression",), n_features=3)
    ).eval()
    graphs = ResidentGraphs(featurize(["CCO", "CCN"]), torch.device("cpu"))
    batch = graphs.batch(np.arange(2)[None])
    with pytest.raises(ValueError, match="reads 3 columns of each molecule, and the batch has none"):
        network(batch, torch.float32)
