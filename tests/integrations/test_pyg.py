import numpy as np
import pytest
import torch

from molgraph.errors import InputError
from molgraph.features.featurize import featurize
from molgraph.graphs import PackedGraphs
from molgraph.integrations.pyg import from_pyg, to_pyg

ARRAYS = ("atom_codes", "bond_codes", "bond_atoms", "atom_ptr", "bond_ptr", "row_index")


@pytest.fixture
def graphs() -> PackedGraphs:
    return featurize(["CCO", "C", "bad", "c1ccccc1C(=O)[O-].[Na+]", "F/C=C/F", "[2H]C#N"], standardizer="none")


def test_round_trip(graphs):
    back = from_pyg(to_pyg(graphs))
    for name in ARRAYS:
        one, other = getattr(graphs, name), getattr(back, name)
        assert one.dtype == other.dtype
        assert other.flags.c_contiguous
        assert np.array_equal(one, other)
    assert back.schema == graphs.schema
    assert back.rejected == ()


def test_selection_and_order(graphs):
    back = from_pyg([to_pyg(graphs)[i] for i in (3, 1, 1)])
    expected = graphs.take([3, 1, 1])
    assert all(np.array_equal(getattr(back, name), getattr(expected, name)) for name in ARRAYS)


def test_directed_edges(graphs):
    ethanol, methane, *_ = to_pyg(graphs)
    assert ethanol.x.dtype == ethanol.edge_index.dtype == ethanol.edge_attr.dtype == torch.long
    assert ethanol.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert torch.equal(ethanol.edge_attr[0::2], ethanol.edge_attr[1::2])
    assert methane.edge_index.shape == (2, 0)
    assert ethanol.validate()


def test_batches_of_torch_geometric(graphs):
    from torch_geometric.data import Batch

    batch = Batch.from_data_list(to_pyg(graphs))
    assert batch.num_graphs == len(graphs)
    assert batch.x.shape[0] == graphs.n_atoms
    assert batch.input_row.tolist() == graphs.row_index.tolist()


def test_what_did_not_come_from_here(graphs):
    one_way = to_pyg(graphs)
    one_way[0].edge_index = one_way[0].edge_index[[1, 1]]
    with pytest.raises(InputError, match="opposite directions"):
        from_pyg(one_way)
    odd = to_pyg(graphs)
    odd[0].edge_index = odd[0].edge_index[:, :3]
    with pytest.raises(InputError, match="opposite directions"):
        from_pyg(odd)
    for features in (torch.full((3, 10), 256), torch.full((3, 10), -1), torch.zeros((3, 10))):
        foreign = to_pyg(graphs)
        foreign[0].x = features
        with pytest.raises(InputError, match="not codes"):
            from_pyg(foreign[:1])
    mixed = to_pyg(graphs)
    mixed[0].schema = "other"
    with pytest.raises(InputError, match=r"\['molgraph-1', 'other'\]"):
        from_pyg(mixed)
    with pytest.raises(InputError, match="0 molecules"):
        from_pyg([])
