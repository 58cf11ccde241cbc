import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from molgraph.features.featurize import featurize
from molgraph.models.batch import ROUND_ROWS, GraphBatch, ResidentGraphs

GRAPHS = featurize(["C", "CC", "[Na+].[Cl-]", "CCO", "C1CC1", "c1ccccc1O", "O.CC(C)(C)C"], standardizer="none")
RESIDENT = ResidentGraphs(GRAPHS, torch.device("cpu"))


def molecules(batch: GraphBatch) -> list[tuple[list[list[int]], set[tuple[object, ...]]]]:
    """Atom codes and directed edges (ends inside the molecule, codes) of each molecule, read off a batch."""
    starts = [*batch.molecule_ptr.tolist(), len(batch.atom_order)]
    found = []
    for b in range(len(starts) - 1):
        atoms = batch.atom_order[starts[b] : starts[b + 1]].tolist()
        place = {atom: i for i, atom in enumerate(atoms)}
        edges = {
            (place[s], place[t], *batch.bond_codes[k // 2].tolist())
            for k, (s, t) in enumerate(zip(batch.source.tolist(), batch.target.tolist(), strict=True))
            if s in place
        }
        found.append((batch.atom_codes[atoms].tolist(), edges))
        assert int(batch.n_atoms[b]) == len(atoms)
        assert batch.molecule[atoms].tolist() == [b] * len(atoms)
    return found


def expected(molecule: int) -> tuple[list[list[int]], set[tuple[object, ...]]]:
    one = GRAPHS.slice(molecule, molecule + 1)
    edges = set()
    for (a, b), codes in zip(one.bond_atoms.tolist(), one.bond_codes.tolist(), strict=True):
        edges |= {(a, b, *codes), (b, a, *codes)}
    return one.atom_codes.tolist(), edges


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_molecule_arrives_whole(data):
    n_members, n_molecules = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 5))
    rows = data.draw(st.lists(st.integers(0, len(GRAPHS) - 1), min_size=15, max_size=15))
    index = np.array(rows[: n_members * n_molecules]).reshape(n_members, n_molecules)
    batch = RESIDENT.batch(index)
    assert batch.n_molecules == n_molecules
    assert molecules(batch) == [expected(row) for row in index.reshape(-1).tolist()]
    # Each atom's part of `incoming` is the edges that enter it; padding edges are in no part.
    ends = [*batch.incoming_ptr.tolist()[1:], len(batch.incoming)]
    for atom, (start, end) in enumerate(zip(batch.incoming_ptr.tolist(), ends, strict=True)):
        assert batch.target[batch.incoming[start:end]].tolist() == [atom] * (end - start)
    assert len(batch.incoming) == 2 * np.diff(GRAPHS.bond_ptr)[index].sum()


def test_members_share_the_size_of_a_block():
    batch = RESIDENT.batch(np.array([[0, 1], [5, 6]]))
    assert len(batch.atom_codes) % 2 == 0
    assert len(batch.bond_codes) % 2 == 0
    assert int(batch.is_atom.sum()) == int(batch.n_atoms.sum())


def test_blocks_have_round_numbers_of_rows():
    batch = RESIDENT.batch(np.array([[3, 4]]))
    assert len(batch.atom_codes) % ROUND_ROWS == 0
    assert len(batch.bond_codes) % ROUND_ROWS == 0
    assert int(batch.is_atom.sum()) == int(batch.n_atoms.sum()) == 6
