"""The network against a reference that is written in loops over atoms and neighbours, straight from the equations."""

import numpy as np
import pytest
import torch
from torch import Tensor

from molgraph.config.training import ModelConfig
from molgraph.features.schema import SCHEMA
from molgraph.graphs import Codes, PackedGraphs
from molgraph.models.batch import ResidentGraphs
from molgraph.models.network import Network

CPU = torch.device("cpu")


def one_hot(codes: np.ndarray, vocabulary: Codes) -> Tensor:
    parts = []
    for code, size, blank in zip(codes.tolist(), vocabulary.sizes, vocabulary.blanks, strict=True):
        part = torch.zeros(size, dtype=torch.float64)
        part[code] = float(code != blank)
        parts.append(part)
    return torch.cat(parts)


def reference(network: Network, graphs: PackedGraphs, molecule: int, member: int) -> Tensor:
    """Raw outputs `[T]` of one molecule by one member."""
    encoder = network.encoder
    one = graphs.slice(molecule, molecule + 1)
    x = [one_hot(codes, SCHEMA.vocabulary.atom) for codes in one.atom_codes]
    bond, neighbours = {}, {v: [] for v in range(one.n_atoms)}
    for (a, b), codes in zip(one.bond_atoms.tolist(), one.bond_codes, strict=True):
        bond[a, b] = bond[b, a] = one_hot(codes, SCHEMA.vocabulary.bond)
        neighbours[a].append(b)
        neighbours[b].append(a)

    weight_i = torch.cat([encoder.edge_from_atom.weight[member], encoder.edge_from_bond.weight[member]])
    weight_h, weight_o = encoder.message.weight[member], encoder.atom_from_messages.weight[member]
    start = {(v, w): torch.cat([x[v], bond[v, w]]) @ weight_i for v, w in bond}
    hidden = {edge: torch.relu(value) for edge, value in start.items()}
    zero = torch.zeros(network.shape.config.hidden, dtype=torch.float64)
    for _ in range(network.shape.config.depth - 1):
        message = {(v, w): sum((hidden[k, v] for k in neighbours[v] if k != w), zero) for v, w in bond}
        hidden = {(v, w): torch.relu(start[v, w] + weight_h @ message[v, w]) for v, w in bond}
    atoms = []
    for v in range(one.n_atoms):
        into_atom = sum((hidden[k, v] for k in neighbours[v]), zero)
        from_codes = x[v] @ encoder.atom_from_codes.weight[member]
        atoms.append(torch.relu(from_codes + weight_o @ into_atom + encoder.atom_from_messages.bias[member]))
    vector = (
        sum(atoms, zero)
        / {"sum": 1, "mean": len(atoms), "norm": encoder.typical_atoms[member].item()}[network.shape.config.readout]
    )
    for layer in network.hidden:
        vector = torch.relu(layer.weight[member] @ vector + layer.bias[member])
    return network.output.weight[member] @ vector + network.output.bias[member]


def outputs_and_gradients(network: Network, outputs: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The outputs `[M, B, T]`, and the gradient of each parameter for a fixed random direction of the outputs."""
    direction = torch.from_numpy(np.random.default_rng(1).normal(size=tuple(outputs.shape))).to(outputs.dtype)
    gradients = torch.autograd.grad((outputs * direction).sum(), list(network.parameters()), materialize_grads=True)
    return outputs.detach(), list(gradients)


def by_reference(network: Network, graphs: PackedGraphs, index: np.ndarray) -> tuple[Tensor, list[Tensor]]:
    rows = [torch.stack([reference(network, graphs, b, m) for b in row.tolist()]) for m, row in enumerate(index)]
    return outputs_and_gradients(network, torch.stack(rows))


def by_network(
    network: Network, graphs: PackedGraphs, index: np.ndarray, dtype: torch.dtype
) -> tuple[Tensor, list[Tensor]]:
    return outputs_and_gradients(network, network(ResidentGraphs(graphs, CPU).batch(index), dtype))


@pytest.fixture
def no_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Float64 to the end; as it is, the last layer computes in float32."""
    monkeypatch.setattr(Tensor, "float", Tensor.double)


def assert_same(found: tuple[Tensor, list[Tensor]], expected: tuple[Tensor, list[Tensor]], tolerance: float) -> None:
    assert torch.isfinite(found[0]).all()
    torch.testing.assert_close(found[0], expected[0], rtol=tolerance, atol=tolerance)
    for ours, theirs in zip(found[1], expected[1], strict=True):
        largest = float(theirs.abs().max())
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance * max(largest, 1.0))


def shuffled_rows(n_members: int, n_molecules: int) -> np.ndarray:
    """Another order for each member, cut so that members hold different molecules, and so need padding."""
    rng = np.random.default_rng(0)
    return np.stack([rng.permutation(n_molecules)[: max(1, n_molecules * 2 // 3)] for _ in range(n_members)])


@pytest.mark.usefixtures("no_float32")
@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(hidden=6, head_hidden=5),
        ModelConfig(hidden=6, head_hidden=5, readout="mean", depth=1, head_layers=0),
        ModelConfig(hidden=6, head_hidden=5, readout="sum", depth=4, head_layers=2),
    ],
    ids=["default", "shallow mean", "deep sum"],
)
def test_outputs_and_gradients_equal_the_reference(odd_graphs, make_network, n_members, config):
    network = make_network(config, n_members).double()
    index = shuffled_rows(n_members, len(odd_graphs))
    found = by_network(network, odd_graphs, index, torch.float64)
    assert_same(found, by_reference(network, odd_graphs, index), 1e-10)
    if config.depth > 1:  # a shallow network does not use the weights of messages
        assert all(gradient.abs().sum() > 0 for gradient in found[1])


@pytest.mark.usefixtures("no_float32")
@pytest.mark.parametrize("n_members", [1, 3])
def test_single_atoms_only(single_atoms, make_network, n_members):
    network = make_network(ModelConfig(hidden=6, head_hidden=5), n_members).double()
    index = shuffled_rows(n_members, len(single_atoms))
    found = by_network(network, single_atoms, index, torch.float64)
    assert_same(found, by_reference(network, single_atoms, index), 1e-10)


@pytest.mark.usefixtures("no_float32")
def test_member_without_a_bond_beside_one_with_many(odd_graphs, make_network):
    network = make_network(ModelConfig(hidden=6, head_hidden=5), 2).double()
    index = np.array([[0, 1], [len(odd_graphs) - 1, len(odd_graphs) - 2]])
    found = by_network(network, odd_graphs, index, torch.float64)
    assert_same(found, by_reference(network, odd_graphs, index), 1e-10)


@pytest.mark.parametrize("n_members", [1, 3])
def test_float32_is_close_to_the_reference(drug_like, make_network, n_members):
    network = make_network(ModelConfig(hidden=32, head_hidden=32), n_members)
    index = shuffled_rows(n_members, len(drug_like))[:, :12]
    outputs, gradients = by_network(network, drug_like, index, torch.float32)
    expected, expected_gradients = by_reference(network.double(), drug_like, index)
    found = outputs.double(), [gradient.double() for gradient in gradients]
    assert_same(found, (expected, expected_gradients), 1e-4)
