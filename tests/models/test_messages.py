"""The custom derivatives against numerical ones."""

import numpy as np
import pytest
import torch

from molgraph.models.batch import ResidentGraphs
from molgraph.models.messages import directed_messages, segment_sums, select_sources


@pytest.fixture(params=[1, 2])
def batch(request, odd_graphs):
    # With two members, the second holds larger molecules than the first, so there are padding edges.
    rows = np.array([[0, 5, 6, 8], [9, 11, 12, 13]])[: request.param]
    return ResidentGraphs(odd_graphs, torch.device("cpu")).batch(rows)


def random_rows(n: int) -> torch.Tensor:
    return torch.randn(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()


def test_directed_messages(batch):
    hidden = random_rows(len(batch.source))
    edges = batch.previous, batch.previous_ptr
    messages = directed_messages(hidden, *edges)
    for edge in batch.incoming.tolist():
        into_source = [k for k in batch.incoming.tolist() if batch.target[k] == batch.source[edge] and k != edge ^ 1]
        torch.testing.assert_close(messages[edge], hidden[into_source].sum(0))
    is_real = torch.zeros(len(hidden), dtype=torch.bool)
    is_real[batch.incoming] = True
    assert torch.autograd.gradcheck(lambda h: directed_messages(h, *edges)[is_real], (hidden,))


def test_segment_sums_over_edges(batch):
    hidden = random_rows(len(batch.source))
    is_atom = batch.is_atom
    arguments = batch.incoming, batch.incoming_ptr, batch.target
    # What padding edges give flows into the padding atom, which nobody reads.
    assert torch.autograd.gradcheck(lambda h: segment_sums(h, *arguments)[is_atom.bool()], (hidden,))


def test_segment_sums_over_atoms(batch):
    atoms = random_rows(len(batch.molecule))
    mask = batch.is_atom[:, None].double()
    arguments = batch.atom_order, batch.molecule_ptr, batch.molecule
    assert torch.autograd.gradcheck(lambda a: segment_sums(a * mask, *arguments), (atoms,))


def test_select_sources(batch):
    atoms = random_rows(len(batch.molecule))
    is_real = torch.zeros(len(batch.source), dtype=torch.bool)
    is_real[batch.incoming] = True
    edges = batch.source, batch.incoming, batch.incoming_ptr
    torch.testing.assert_close(select_sources(atoms, *edges), atoms[batch.source])
    assert torch.autograd.gradcheck(lambda a: select_sources(a, *edges)[is_real], (atoms,))


def test_no_edges(single_atoms):
    batch = ResidentGraphs(single_atoms, torch.device("cpu")).batch(np.array([[0, 1], [2, 3]]))
    hidden = torch.zeros(0, 4)
    assert directed_messages(hidden, batch.previous, batch.previous_ptr).shape == (0, 4)
    sums = segment_sums(hidden, batch.incoming, batch.incoming_ptr, batch.target)
    assert torch.equal(sums, torch.zeros(len(batch.molecule), 4))
