import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph.errors import InputError
from molgraph.graphs import PackedGraphs, concatenate, ranges
from molgraph.results.prediction import Rejected

ARRAYS = ("atom_codes", "bond_codes", "bond_atoms", "atom_ptr", "bond_ptr", "row_index")


def pack(sizes: list[tuple[int, int]], *, first_row: int = 0) -> PackedGraphs:
    """Graphs with the given numbers of atoms and bonds, filled with numbers that tell them apart."""
    n_atoms, n_bonds = (np.cumsum([0, *(size[k] for size in sizes)], dtype=np.int64) for k in (0, 1))
    random = np.random.default_rng(len(sizes))
    return PackedGraphs(
        atom_codes=random.integers(0, 256, (n_atoms[-1], 3), dtype=np.uint8),
        bond_codes=random.integers(0, 256, (n_bonds[-1], 2), dtype=np.uint8),
        bond_atoms=random.integers(0, 2**16, (n_bonds[-1], 2), dtype=np.uint16),
        atom_ptr=n_atoms,
        bond_ptr=n_bonds,
        schema="test",
        row_index=first_row + 2 * np.arange(len(sizes), dtype=np.int64),
        rejected=(Rejected(first_row + 1, "b", "bad", "parse", "why"),),
    )


def molecules(graphs: PackedGraphs) -> list[tuple]:
    """One plain value for each molecule: the slow and obvious reading of the arrays."""
    return [
        (
            graphs.atom_codes[graphs.atom_ptr[b] : graphs.atom_ptr[b + 1]].tolist(),
            graphs.bond_codes[graphs.bond_ptr[b] : graphs.bond_ptr[b + 1]].tolist(),
            graphs.bond_atoms[graphs.bond_ptr[b] : graphs.bond_ptr[b + 1]].tolist(),
            int(graphs.row_index[b]),
        )
        for b in range(len(graphs))
    ]


SIZES = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 5)), max_size=8)


@given(SIZES, st.data())
def test_take(sizes, data):
    graphs = pack(sizes)
    index = data.draw(st.lists(st.integers(-len(sizes), len(sizes) - 1), max_size=12) if sizes else st.just([]))
    expected = molecules(graphs)
    assert molecules(graphs.take(index)) == [expected[i] for i in index]
    assert molecules(graphs.take(np.array(index, dtype=np.int64))) == [expected[i] for i in index]


@given(SIZES)
def test_take_out_of_range(sizes):
    for index in (len(sizes), -len(sizes) - 1):
        with pytest.raises(IndexError):
            pack(sizes).take([index])


@given(SIZES, st.integers(-10, 10), st.integers(-10, 10))
def test_slice(sizes, start, stop):
    graphs = pack(sizes)
    part = graphs.slice(start, stop)
    assert molecules(part) == molecules(graphs)[start:stop]
    assert not part.n_atoms or np.shares_memory(part.atom_codes, graphs.atom_codes)


@given(st.lists(SIZES, min_size=1, max_size=4))
def test_concatenate(many):
    parts = [pack(sizes, first_row=100 * k) for k, sizes in enumerate(many)]
    joined = concatenate(iter(parts))
    assert molecules(joined) == [molecule for part in parts for molecule in molecules(part)]
    assert joined.rejected == tuple(bad for part in parts for bad in part.rejected)
    assert joined.n_rows == sum(part.n_rows for part in parts)


@given(SIZES, st.integers(0, 8))
def test_slices_concatenate_to_the_whole(sizes, cut):
    graphs = pack(sizes)
    assert molecules(concatenate([graphs.slice(0, cut), graphs.slice(cut, len(sizes))])) == molecules(graphs)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=10), st.data())
def test_ranges(lengths, data):
    ptr = np.cumsum([0, *lengths], dtype=np.int64)
    index = np.array(data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=10)), dtype=np.int64)
    positions, new_ptr = ranges(ptr, index)
    expected = [list(range(ptr[i], ptr[i + 1])) for i in index]
    assert positions.tolist() == [position for molecule in expected for position in molecule]
    assert [positions[a:b].tolist() for a, b in itertools.pairwise(new_ptr)] == expected


def test_counts():
    graphs = pack([(3, 2), (1, 0)])
    assert (len(graphs), graphs.n_atoms, graphs.n_bonds, graphs.n_rows) == (2, 4, 2, 3)


def test_schemas_do_not_mix():
    one = pack([(1, 0)])
    other = PackedGraphs(**{name: getattr(one, name) for name in ARRAYS}, schema="other")
    with pytest.raises(InputError, match=r"\['other', 'test'\]"):
        concatenate([one, other])
    with pytest.raises(InputError, match="exactly one schema"):
        concatenate([])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"atom_codes": np.zeros((4, 3))}, "atom_codes is float64; it must be uint8"),
        ({"row_index": np.arange(2, dtype=np.int32)}, "row_index is int32"),
        ({"row_index": np.arange(3)}, "row_index has 3 entries for 2 molecules"),
        ({"bond_atoms": np.zeros((2, 3), dtype=np.uint16)}, r"bond_atoms has shape \(2, 3\) for 2 bonds"),
        ({"atom_ptr": np.array([0, 3, 5])}, "atom_ptr does not run from 0 to 4 over 2 molecules"),
        ({"atom_ptr": np.array([1, 3, 4])}, "atom_ptr does not run"),
        ({"bond_ptr": np.array([0, 2])}, "bond_ptr does not run"),
    ],
)
def test_parts_that_do_not_fit(change, message):
    graphs = pack([(3, 2), (1, 0)])
    arrays = {name: getattr(graphs, name) for name in ARRAYS}
    with pytest.raises(InputError, match=message):
        PackedGraphs(**(arrays | change), schema="test")
