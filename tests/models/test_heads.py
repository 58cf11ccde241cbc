"""One contract for all heads, and what is special to each."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from molgraph.config.training import ModelConfig
from molgraph.config.uncertainty_methods import UNCERTAINTY_METHODS, Uncertainty, methods_that
from molgraph.features.featurize import featurize
from molgraph.features.schema import SCHEMA
from molgraph.models import inference as module
from molgraph.models.batch import ResidentGraphs
from molgraph.models.heads.registry import heads_of
from molgraph.models.inference import DROPOUT_SAMPLES, NetworkInference
from molgraph.models.network import Network
from molgraph.models.network_shape import NetworkShape
from molgraph.results.member_outputs import QUANTILE_LEVELS
from molgraph.results.tasks import TaskKind

CPU = torch.device("cpu")
HEADS = {(u, kind): head for u in UNCERTAINTY_METHODS for kind, head in heads_of(u).items()}
CELLS = list(HEADS)
HEAD_OF_CELL = pytest.mark.parametrize(("uncertainty", "kind"), CELLS, ids=["-".join(cell) for cell in CELLS])
#: Cells with a head of their own.
DISTINCT = [cell for i, cell in enumerate(CELLS) if HEADS[cell] not in [HEADS[other] for other in CELLS[:i]]]
EACH_UNCERTAINTY = pytest.mark.parametrize("uncertainty", UNCERTAINTY_METHODS)


def make(uncertainty: Uncertainty, kinds: tuple[TaskKind, ...], n_members: int = 1, seed: int = 0) -> Network:
    dropout = 0.2 if UNCERTAINTY_METHODS[uncertainty].is_sampled else 0.0
    config = ModelConfig(hidden=32, head_hidden=32, dropout=dropout)
    network = Network(
        NetworkShape(config, SCHEMA.vocabulary, kinds, uncertainty=uncertainty), n_members, seed=seed
    ).eval()
    network.encoder.typical_atoms.fill_(20.0)
    return network


def predict(network, graphs, per_pass=None):
    return NetworkInference(network, schema=graphs.schema, device=CPU, dtype=torch.float32, per_pass=per_pass).predict(
        graphs
    )


def targets(kind: TaskKind, n: int) -> torch.Tensor:
    values = torch.linspace(-2, 2, n)
    return values if kind == "regression" else (values > 0).float()


class TestContract:
    @HEAD_OF_CELL
    def test_losses_and_gradients_are_finite_however_wrong_the_outputs_are(self, uncertainty, kind):
        head = HEADS[uncertainty, kind]
        target = targets(kind, 9)
        for scale in (0.0, 1.0, 30.0):
            raw = (scale * torch.randn(9, head.n_outputs, generator=torch.Generator().manual_seed(1))).requires_grad_()
            for loss in (head.loss, head.watch):
                entries = loss(raw, target, torch.full((9,), 3.0))
                assert entries.shape == (9,)
                assert torch.isfinite(entries).all()
                (gradient,) = torch.autograd.grad(entries.sum(), raw)
                assert torch.isfinite(gradient).all()

    @HEAD_OF_CELL
    def test_one_small_step_lowers_the_loss(self, uncertainty, kind):
        head = HEADS[uncertainty, kind]
        raw = torch.randn(9, head.n_outputs, generator=torch.Generator().manual_seed(2)).requires_grad_()
        for loss in (head.loss, head.watch):
            before = loss(raw, targets(kind, 9), torch.ones(9)).sum()
            (gradient,) = torch.autograd.grad(before, raw)
            after = loss(raw.detach() - 1e-3 * gradient, targets(kind, 9), torch.ones(9)).sum()
            assert after < before

    @HEAD_OF_CELL
    def test_spreads_are_positive_and_probabilities_inside_their_range(self, uncertainty, kind):
        head = HEADS[uncertainty, kind]
        for scale in (0.0, 1.0, 30.0):
            raw = scale * torch.randn(200, head.n_outputs, generator=torch.Generator().manual_seed(3))
            said = head.moments(raw)
            for variance in (said.aleatoric_var, said.epistemic_var):
                assert variance is None or bool((torch.isfinite(variance) & (variance >= 0)).all())
            if kind == "classification":
                assert bool(((said.mean >= 0) & (said.mean <= 1)).all())

    @pytest.mark.parametrize(("uncertainty", "kind"), DISTINCT, ids=["-".join(cell) for cell in DISTINCT])
    def test_overfits_16_molecules(self, uncertainty, kind, assay):
        graphs = ResidentGraphs(featurize(assay[0][:16], standardizer="none"), CPU)
        activity = torch.from_numpy(assay[1][:16]).float()
        labels = activity if kind == "regression" else (activity > activity.median()).float()
        network = make(uncertainty, (kind,)).train()
        if kind == "regression":
            scale = labels.std()[None, None]
            network.set_scaling(labels.mean()[None, None], scale, torch.ones(1, 1))
        optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
        batch = graphs.batch(np.arange(16)[None])
        for _ in range(300):
            optimizer.zero_grad()
            network.losses(network(batch, torch.float32), labels[None, :, None], torch.ones(1, 16)).sum().backward()
            optimizer.step()
        with torch.inference_mode():
            mean = network.eval().outputs(network(batch, torch.float32)).mean[0, :, 0]
        explained = 1 - (mean - labels).square().mean() / labels.var(unbiased=False)
        # Evidence makes a loss that forgives a few rows that are far off.
        assert explained > (0.5 if uncertainty == "evidential" else 0.85)

    @EACH_UNCERTAINTY
    def test_members_in_one_pass_equal_members_one_by_one(self, uncertainty, drug_like):
        network = make(uncertainty, ("regression", "classification"), 3)
        one_by_one = predict(network, drug_like, 1)
        assert one_by_one.mean.shape == (3, len(drug_like), 2)
        for per_pass in (2, 3):
            together = predict(network, drug_like, per_pass)
            for name, values in vars(one_by_one).items():
                if values is not None:
                    np.testing.assert_allclose(getattr(together, name), values, rtol=1e-4, atol=1e-6, err_msg=name)

    @EACH_UNCERTAINTY
    def test_batches_do_not_change_predictions(self, uncertainty, drug_like, monkeypatch):
        network = make(uncertainty, ("regression", "classification"), 2)
        expected = predict(network, drug_like)
        monkeypatch.setattr(module, "BATCH_LIMITS", {"cpu": (7, 60)})
        found = predict(network, drug_like)
        for name, values in vars(expected).items():
            if values is not None:
                np.testing.assert_allclose(getattr(found, name), values, rtol=1e-4, atol=1e-6, err_msg=name)

    @EACH_UNCERTAINTY
    def test_predictions_are_repeatable(self, uncertainty, drug_like):
        network = make(uncertainty, ("regression",), 2)
        first = predict(network, drug_like)
        torch.rand(3)
        again = predict(network, drug_like)
        for name, values in vars(first).items():
            assert values is None or np.array_equal(values, getattr(again, name)), name

    @EACH_UNCERTAINTY
    def test_units_of_the_labels_scale_through(self, uncertainty, drug_like):
        network = make(uncertainty, ("regression", "classification"))
        plain = predict(network, drug_like)
        network.set_scaling(torch.tensor([[7.0, 0.0]]), torch.tensor([[3.0, 1.0]]), torch.ones(1, 2))
        scaled = predict(network, drug_like)
        np.testing.assert_allclose(scaled.mean[..., 0], 3 * plain.mean[..., 0] + 7, rtol=1e-5)
        for name in ("aleatoric_var", "epistemic_var"):
            np.testing.assert_allclose(
                getattr(scaled, name)[..., 0], 9 * getattr(plain, name)[..., 0], rtol=1e-3, atol=1e-9, err_msg=name
            )
        np.testing.assert_array_equal(scaled.mean[..., 1], plain.mean[..., 1])
        assert (
            (scaled.quantiles is None)
            == (plain.quantiles is None)
            == (UNCERTAINTY_METHODS[uncertainty].intervals != "quantile")
        )
        if plain.quantiles is not None and scaled.quantiles is not None:
            np.testing.assert_allclose(scaled.quantiles[:, :, 0], 3 * plain.quantiles[:, :, 0] + 7, rtol=1e-5)
            assert np.isnan(plain.quantiles[:, :, 1]).all()

    @EACH_UNCERTAINTY
    def test_losses_do_not_depend_on_the_units_of_the_labels(self, uncertainty, drug_like):
        network = make(uncertainty, ("regression",))
        raw = network(ResidentGraphs(drug_like, CPU).batch(np.arange(20)[None]), torch.float32)
        labels = torch.linspace(-1, 1, 20)[None, :, None]
        plain = network.losses(raw, labels, torch.ones(1, 20))
        network.set_scaling(torch.full((1, 1), 7.0), torch.full((1, 1), 3.0), torch.ones(1, 1))
        torch.testing.assert_close(network.losses(raw, 3 * labels + 7, torch.ones(1, 20)), plain, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("uncertainty", methods_that(lambda spec: not spec.values_only))
    def test_a_heavier_class_one_costs_more(self, uncertainty):
        head = HEADS[uncertainty, "classification"]
        raw = torch.zeros(2, head.n_outputs)
        light, heavy = (head.loss(raw, torch.tensor([0.0, 1.0]), torch.full((2,), w)) for w in (1.0, 5.0))
        assert light[0] == heavy[0]
        assert heavy[1] > 2 * light[1]


class TestMixedTasks:
    def test_each_task_reads_its_own_outputs(self, drug_like):
        kinds: tuple[TaskKind, ...] = ("classification", "regression", "classification")
        network = make("evidential", kinds)
        raw = network(ResidentGraphs(drug_like, CPU).batch(np.arange(5)[None]), torch.float32)
        assert raw.shape == (1, 5, 2 + 4 + 2)
        labels = torch.tensor([1.0, 0.3, 0.0]).expand(1, 5, 3).clone()
        for task, own in enumerate((slice(0, 2), slice(2, 6), slice(6, 8))):
            only = torch.full_like(labels, torch.nan)
            only[..., task] = labels[..., task]
            (gradient,) = torch.autograd.grad(network.losses(raw, only, torch.ones(1, 5)).sum(), raw, retain_graph=True)
            touched = (gradient != 0).any(dim=(0, 1))
            expected = torch.zeros(8, dtype=torch.bool)
            expected[own] = True
            assert torch.equal(touched, expected)

    def test_first_weights_of_the_plain_head_are_those_of_dropout(self):
        state, other = (make(u, ("regression",)).state_dict() for u in ("ensemble", "dropout"))
        assert all(torch.equal(state[key], other[key]) for key in state)


@pytest.fixture(scope="module")
def noisy() -> tuple[torch.Tensor, ...]:
    """x, sin 2x, a deviation that grows from 0.05 to 0.6 along x, and sin 2x with noise of that deviation."""
    x = torch.linspace(-1.5, 1.5, 1200)
    deviation = 0.05 + 0.55 * (x + 1.5) / 3
    noise = torch.randn(1200, generator=torch.Generator().manual_seed(0))
    return x, torch.sin(2 * x), deviation, torch.sin(2 * x) + deviation * noise


def learn(uncertainty: Uncertainty, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Raw outputs along x of a small network that has learned y from x."""
    head = HEADS[uncertainty, "regression"]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Linear(1, 48), torch.nn.Tanh(), torch.nn.Linear(48, head.n_outputs))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(600):
        optimizer.zero_grad()
        head.loss(net(x[:, None]), y, torch.ones_like(y)).mean().backward()
        optimizer.step()
    return net(x[:, None]).detach()


@pytest.mark.parametrize("uncertainty", ["mve", "evidential", "quantile"])
def test_noise_that_is_known_is_recovered(uncertainty, noisy):
    x, truth, deviation, y = noisy
    said = HEADS[uncertainty, "regression"].moments(learn(uncertainty, x, y))
    # The likelihood of evidence fixes the whole variance, and not how it is parted (Meinert et al. 2023).
    variance = said.aleatoric_var if said.epistemic_var is None else said.aleatoric_var + said.epistemic_var
    found = variance.sqrt()
    assert (said.mean - truth).square().mean().sqrt() < 0.1
    assert torch.corrcoef(torch.stack([found.log(), deviation.log()]))[0, 1] > 0.9
    if uncertainty != "evidential":  # its penalty on evidence makes the variance too large
        of_a_constant = (deviation.mean() / deviation).log().abs().mean()
        assert (found / deviation).log().abs().mean() < of_a_constant / 2


def test_quantiles_hold_their_share(noisy):
    x, _, _, y = noisy
    quantiles = HEADS["quantile", "regression"].quantiles(learn("quantile", x, y))
    share = (y[:, None] <= quantiles).double().mean(0)
    np.testing.assert_allclose(share, QUANTILE_LEVELS, atol=0.03)


class TestQuantiles:
    @given(arrays.arrays(np.float32, (4, len(QUANTILE_LEVELS)), elements=st.floats(-50, 50, width=32)))
    def test_never_cross(self, raw):
        quantiles = HEADS["quantile", "regression"].quantiles(torch.from_numpy(raw))
        assert bool((quantiles.diff(dim=-1) >= 0).all())

    def test_the_median_is_the_prediction(self):
        raw = torch.randn(5, len(QUANTILE_LEVELS), generator=torch.Generator().manual_seed(0))
        head = HEADS["quantile", "regression"]
        assert torch.equal(head.moments(raw).mean, head.quantiles(raw)[:, QUANTILE_LEVELS.index(0.5)])


class TestFormulas:
    def test_mean_variance_is_a_likelihood_weighted_with_its_own_spread(self):
        raw = torch.tensor([[0.5, 0.2], [-1.0, 3.0]], requires_grad=True)
        target = torch.tensor([1.0, 0.0])
        head = HEADS["mve", "regression"]
        mean, variance, _ = head.moments(raw)
        textbook = torch.nn.functional.gaussian_nll_loss(mean, target, variance, reduction="none")
        weighted = textbook * variance.detach().sqrt()
        loss = head.loss(raw, target, torch.ones(2))
        torch.testing.assert_close(loss, weighted)
        found, expected = (torch.autograd.grad(entry.sum(), raw, retain_graph=True)[0] for entry in (loss, weighted))
        torch.testing.assert_close(found, expected)
        torch.testing.assert_close(head.watch(raw, target, torch.ones(2)), (mean - target).square())

    def test_evidential_likelihood_is_a_student_t(self):
        raw = torch.tensor([[0.3, 0.1, 0.7, -0.4], [-1.0, 2.0, 1.0, 0.5]])
        target = torch.tensor([0.9, -1.5])
        said = HEADS["evidential", "regression"].moments(raw)
        nu = said.aleatoric_var / said.epistemic_var
        # α from the raw output: the moments hold β/(α - 1) only.
        from molgraph.models.heads.evidential import _parameters

        alpha, beta = _parameters(raw)[2:]
        scale = (beta * (1 + nu) / (nu * alpha)).sqrt()
        textbook = -torch.distributions.StudentT(2 * alpha, said.mean, scale).log_prob(target)
        torch.testing.assert_close(HEADS["evidential", "regression"].watch(raw, target, torch.ones(2)), textbook)

    def test_evidence_for_a_class_is_a_beta_distribution(self):
        raw = torch.tensor([[0.3, 1.4], [-2.0, 5.0]])
        one, zero = (torch.nn.functional.softplus(raw[:, c]) + 1 for c in (1, 0))
        beta = torch.distributions.Beta(one, zero)
        said = HEADS["evidential", "classification"].moments(raw)
        torch.testing.assert_close(said.mean, beta.mean)
        torch.testing.assert_close(said.epistemic_var, beta.variance)


class TestThinnedNetworks:
    def test_variance_is_that_of_the_samples(self, drug_like):
        network = make("dropout", ("regression",))
        outputs = predict(network, drug_like)
        samples = []
        batch = ResidentGraphs(drug_like, CPU).batch(np.arange(len(drug_like))[None])
        with torch.inference_mode():
            for sample in range(DROPOUT_SAMPLES):
                with network.thinned(sample):
                    samples.append(network.outputs(network(batch, torch.float32)).mean[0, :, 0].double().numpy())
        assert len({round(float(values[0]), 6) for values in samples}) == DROPOUT_SAMPLES
        np.testing.assert_allclose(outputs.mean[0, :, 0], np.mean(samples, axis=0), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(outputs.epistemic_var[0, :, 0], np.var(samples, axis=0), rtol=1e-2, atol=1e-7)
        assert (outputs.epistemic_var > 0).all()

    def test_masks_keep_the_asked_share_and_differ_between_layers_and_samples(self):
        network = Network(
            NetworkShape(ModelConfig(hidden=500, head_hidden=500, dropout=0.3), SCHEMA.vocabulary, ("regression",))
        )
        masks = []
        for sample in range(3):
            with network.thinned(sample):
                masks += [network.encoder.dropout(torch.ones(500)), network.dropout(torch.ones(500))]
        for mask in masks:
            assert float((mask == 0).float().mean()) == pytest.approx(0.3, abs=0.08)
            assert sorted(set(mask.tolist())) == pytest.approx([0, 1 / 0.7])
        shared = [float(((a == 0) & (b == 0)).float().mean()) for i, a in enumerate(masks) for b in masks[:i]]
        assert np.mean(shared) == pytest.approx(0.09, abs=0.03)  # no more than chance

    def test_nothing_is_left_of_a_mask(self, drug_like):
        network = make("dropout", ("regression",))
        batch = ResidentGraphs(drug_like, CPU).batch(np.arange(5)[None])
        with torch.inference_mode():
            before = network(batch, torch.float32)
            with pytest.raises(KeyError), network.thinned(0):
                raise KeyError
            assert torch.equal(network(batch, torch.float32), before)

    def test_without_the_choice_dropout_only_trains(self, drug_like):
        config = ModelConfig(hidden=32, head_hidden=32, dropout=0.5)
        network = Network(NetworkShape(config, SCHEMA.vocabulary, ("regression",))).eval()
        assert (predict(network, drug_like).epistemic_var == 0).all()


def test_latents_are_the_encoders_vectors_of_the_first_member(drug_like, monkeypatch):
    network = make("ensemble", ("regression",), 2)
    ensemble = NetworkInference(network, schema=drug_like.schema, device=CPU, dtype=torch.float32)
    outputs, (embeddings,) = ensemble.predict_and_embed(drug_like)
    with torch.inference_mode():
        batch = ResidentGraphs(drug_like, CPU).batch(np.arange(len(drug_like))[None])
        expected = network.members(0, 1).encoder(batch, torch.float32)[0].numpy()
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, expected, rtol=1e-4, atol=1e-6)
    assert np.array_equal(outputs.mean, ensemble.predict(drug_like).mean)
    both = ensemble.predict_and_embed(drug_like, n_embeddings=2)[1]
    np.testing.assert_allclose(both[0], embeddings, rtol=1e-4, atol=1e-6)
    assert not np.allclose(both[1], embeddings, atol=1e-2)
    monkeypatch.setattr(module, "BATCH_LIMITS", {"cpu": (7, 60)})
    np.testing.assert_allclose(ensemble.predict_and_embed(drug_like)[1][0], embeddings, rtol=1e-4, atol=1e-6)
