from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch
from rdkit import Chem
from safetensors.torch import load, save

from molgraph.config.training import Architecture, ModelConfig, Readout
from molgraph.errors import InputError
from molgraph.features.featurize import featurize
from molgraph.models.batch import ResidentGraphs
from molgraph.models.network import Network

CPU = torch.device("cpu")
SMALL = ModelConfig(hidden=32, head_hidden=32)

#: All architectures, all readouts, and virtual nodes.
NETWORKS = [
    *({"architecture": name} for name in get_args(Architecture)),
    *({"readout": name} for name in get_args(Readout)),
    {"architecture": "gine", "readout": "set2set", "virtual_node": True},
    {"architecture": "pna", "readout": "attention", "virtual_node": True},
]


@pytest.fixture(params=NETWORKS, ids=lambda choice: "-".join(map(str, choice.values())))
def config(request) -> ModelConfig:
    return replace(SMALL, **request.param)


def outputs(network, graphs, index, dtype=torch.float32):
    with torch.inference_mode():
        return network(ResidentGraphs(graphs, CPU).batch(np.atleast_2d(index)), dtype)


def test_order_of_atoms_does_not_matter(assay, config, make_network):
    network = make_network(config)
    # Stereo marks are left out: their codes (clockwise or not) belong to the order of the atoms.
    molecules = [Chem.MolFromSmiles(text) for text in assay[0][:20]]
    plain = [Chem.MolToSmiles(molecule, isomericSmiles=False) for molecule in molecules]
    shuffled = [
        Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(text), 1, randomSeed=i + 1)[0] for i, text in enumerate(plain)
    ]
    assert sum(one != other for one, other in zip(plain, shuffled, strict=True)) > 15
    one, other = (outputs(network, featurize(texts, standardizer="none"), np.arange(20)) for texts in (plain, shuffled))
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    assert float(one[0, :, 0].std()) > 1e-4  # different molecules do differ


def test_batch_equals_singles(drug_like, odd_graphs, config, make_network):
    network = make_network(config)
    for graphs in (drug_like, odd_graphs):
        together = outputs(network, graphs, np.arange(len(graphs)))
        alone = torch.cat([outputs(network, graphs, np.array([row])) for row in range(len(graphs))], dim=1)
        torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_members_in_one_pass_equal_members_one_by_one(drug_like, config, make_network):
    network = make_network(config, 5)
    index = np.stack([np.random.default_rng(m).permutation(len(drug_like))[:30] for m in range(5)])
    together = outputs(network, drug_like, index)
    for m in range(5):
        alone = outputs(network.members(m, m + 1), drug_like, index[m])
        torch.testing.assert_close(together[m : m + 1], alone, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(together[0], together[1])


def test_bfloat16_is_close_to_float32(drug_like, make_network):
    network = make_network(ModelConfig())
    network.encoder.typical_atoms.fill_(25.0)
    index = np.arange(len(drug_like))
    exact, rough = (outputs(network, drug_like, index, dtype) for dtype in (torch.float32, torch.bfloat16))
    assert rough.dtype == torch.float32
    assert not torch.equal(exact, rough)
    assert float((exact - rough).square().mean().sqrt()) < 0.02 * float(exact.std())


def test_bfloat16_gradients_point_the_same_way(drug_like, make_network):
    network = make_network(ModelConfig())
    gradients = []
    for dtype in (torch.float32, torch.bfloat16):
        raw = network(ResidentGraphs(drug_like, CPU).batch(np.arange(len(drug_like))[None]), dtype)
        gradients.append(torch.autograd.grad(raw.sum(), list(network.parameters())))
    # Each parameter alone: tables of codes add up hundreds of rows, which goes wrong in bfloat16.
    for exact, rough in zip(*gradients, strict=True):
        assert rough.dtype == torch.float32
        assert float(torch.cosine_similarity(exact.flatten(), rough.flatten(), dim=0)) > 0.999
        assert float(rough.norm() / exact.norm()) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("choice", [{}, *(pytest.param(choice, marks=pytest.mark.slow) for choice in NETWORKS)])
@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_overfits_16_molecules(kind, choice, assay, make_network):
    config = replace(SMALL, **choice)
    graphs = ResidentGraphs(featurize(assay[0][:16], standardizer="none"), CPU)
    activity = torch.from_numpy(assay[1][:16]).float()
    labels = activity if kind == "regression" else (activity > activity.median()).float()
    assert labels.std() > 0.3
    network = make_network(config, kinds=(kind,)).train()
    if kind == "regression":
        network.set_scaling(labels.mean()[None, None], labels.std()[None, None], torch.ones(1, 1))
        network.encoder.typical_atoms.fill_(10.0)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    batch = graphs.batch(np.arange(16)[None])
    for _ in range(400):
        optimizer.zero_grad()
        network.losses(network(batch, torch.float32), labels[None, :, None], torch.ones(1, 16)).sum().backward()
        optimizer.step()
    error = (network.outputs(network.eval()(batch, torch.float32)).mean[0, :, 0] - labels).abs().max()
    assert error.detach() < (0.2 if config == SMALL else 0.4)  # some of the others learn more slowly


def test_saved_and_loaded_weights_are_the_same_network(drug_like, config, make_network):
    network, other = make_network(config, 2), make_network(config, 2, seed=1)
    index = np.stack([np.arange(10), np.arange(10, 20)])
    expected = outputs(network, drug_like, index)
    assert not torch.equal(outputs(other, drug_like, index), expected)
    other.load_state_dict(load(save(network.state_dict())))
    assert torch.equal(outputs(other, drug_like, index), expected)


def test_every_parameter_and_stored_buffer_has_the_member_first(config, make_network):
    assert {len(tensor) for tensor in make_network(config, 7).state_dict().values()} == {7}


def test_every_weight_gets_a_gradient(drug_like, config, make_network):
    network = make_network(config, 2).train()
    raw = network(ResidentGraphs(drug_like, CPU).batch(np.stack([np.arange(60), np.arange(60, 120)])), torch.float32)
    torch.autograd.backward(raw.square().sum())
    for name, parameter in network.named_parameters():
        # Of a softmax a constant does not matter: the bias of a gate, and of the keys of attention, have none.
        if not name.endswith(("gate.bias", "in_proj_bias")):
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


def test_first_weights_depend_on_the_seed_alone(config, make_network):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one = make_network(config, 2).state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(6)
    other, third = make_network(config, 2).state_dict(), make_network(config, 2, seed=1).state_dict()
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert not all(torch.equal(one[key], third[key]) for key in one)


def test_virtual_nodes_are_refused_where_there_are_none():
    for name in ("dmpnn", "attentive_fp"):
        with pytest.raises(InputError, match="has no virtual node; choose gine, gatv2, pna or gps"):
            ModelConfig(architecture=name, virtual_node=True)


def test_members_share_their_weights_and_live_on_one_device(make_network):
    network = make_network(SMALL, 3)
    part = network.members(1, 3)
    assert part.encoder.message.weight.data_ptr() == network.encoder.message.weight[1:].data_ptr()
    # The meta device stands for a GPU: a buffer that stays behind would be noticed on any device but the CPU.
    elsewhere = network.to("meta").members(0, 1)
    assert {tensor.device.type for tensor in [*elsewhere.parameters(), *elsewhere.buffers()]} == {"meta"}


def test_dropout_only_in_training(drug_like, config, make_network):
    network = make_network(replace(config, dropout=0.5))
    index = np.arange(10)
    assert torch.equal(outputs(network, drug_like, index), outputs(network, drug_like, index))
    network.train()
    assert not torch.equal(outputs(network, drug_like, index), outputs(network, drug_like, index))


@pytest.fixture
def two_tasks(make_network) -> Network:
    network = make_network(SMALL, kinds=("regression", "classification"))
    network.set_scaling(torch.tensor([[5.0, 0.0]]), torch.tensor([[2.0, 1.0]]), torch.tensor([[1.0, 3.0]]))
    return network


RAW = torch.tensor([[[0.5, 1.0], [-1.0, -2.0], [0.0, 0.3]]])
LABELS = torch.tensor([[[6.0, 1.0], [7.0, 0.0], [4.0, 1.0]]])


def test_losses_are_the_textbook_ones(two_tasks):
    squared = [(0.5 - 0.5) ** 2, (-1.0 - 1.0) ** 2, (0.0 + 0.5) ** 2]
    p = 1 / (1 + np.exp(-np.array([1.0, -2.0, 0.3])))
    entropy = [-3 * np.log(p[0]), -np.log(1 - p[1]), -3 * np.log(p[2])]  # a positive counts three times
    loss = two_tasks.losses(RAW, LABELS, torch.ones(1, 3))
    assert float(loss.detach()) == pytest.approx((sum(squared) + sum(entropy)) / 6, rel=1e-5)


def test_outputs_in_label_units(two_tasks):
    means = two_tasks.outputs(RAW).mean
    torch.testing.assert_close(means[..., 0], RAW[..., 0] * 2 + 5)
    torch.testing.assert_close(means[..., 1], torch.sigmoid(RAW[..., 1]))


def test_missing_labels_give_no_loss_and_no_gradient(two_tasks):
    labels = LABELS.clone()
    labels[0, 1, 0] = labels[0, 2, 1] = torch.nan
    raw = RAW.clone().requires_grad_()
    loss = two_tasks.losses(raw, labels, torch.ones(1, 3))
    (gradient,) = torch.autograd.grad(loss.sum(), raw)
    assert torch.isfinite(gradient).all()
    assert torch.equal(gradient == 0, torch.isnan(labels) | (RAW == (LABELS - 5) / 2) & torch.tensor([True, False]))
    # The mean runs over what was measured.
    measured = [two_tasks.losses(RAW[:, [i]], labels[:, [i]], torch.ones(1, 1)) for i in range(3)]
    assert float(loss.detach()) == pytest.approx(float((2 * measured[0] + measured[1] + measured[2]) / 4))


def test_nothing_measured_is_a_loss_of_zero(two_tasks):
    raw = RAW.clone().requires_grad_()
    loss = two_tasks.losses(raw, torch.full_like(LABELS, torch.nan), torch.ones(1, 3))
    assert loss.tolist() == [0.0]
    assert torch.equal(torch.autograd.grad(loss.sum(), raw)[0], torch.zeros_like(raw))


def test_weight_two_is_the_row_twice(two_tasks):
    weighted = two_tasks.losses(RAW, LABELS, torch.tensor([[1.0, 2.0, 1.0]]))
    repeated = two_tasks.losses(RAW[:, [0, 1, 1, 2]], LABELS[:, [0, 1, 1, 2]], torch.ones(1, 4))
    torch.testing.assert_close(weighted, repeated)
    without = two_tasks.losses(RAW, LABELS, torch.tensor([[1.0, 0.0, 1.0]]))
    torch.testing.assert_close(without, two_tasks.losses(RAW[:, [0, 2]], LABELS[:, [0, 2]], torch.ones(1, 2)))


def test_losses_of_members_are_apart(two_tasks):
    network = two_tasks.members(0, 1)
    pair = Network(network.shape, 2)
    pair.load_state_dict({key: torch.cat([tensor, tensor]) for key, tensor in network.state_dict().items()})
    labels = torch.cat([LABELS, torch.full_like(LABELS, torch.nan)])
    found = pair.losses(torch.cat([RAW, RAW]), labels, torch.ones(2, 3))
    torch.testing.assert_close(found[0], network.losses(RAW, LABELS, torch.ones(1, 3))[0])
    assert float(found[1]) == 0.0
