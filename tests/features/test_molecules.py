"""Molecules: structures that stand beside their graphs."""

import numpy as np
import pytest

from molgraph import featurize
from molgraph.chem.standardize import standardize_smiles
from molgraph.errors import InputError
from molgraph.features.featurize import featurize_molecules
from molgraph.features.molecules import Molecules

TEXTS = ["C[NH3+].[Cl-]", "C1CC", "OCC", "", "[Na+].CC(=O)[O-]", "C(F)(F)(F)(F)F", "c1ccccc1"]


@pytest.mark.parametrize("engine", ["auto", "rdkit"])
def test_each_graph_has_its_standardized_structure(engine):
    molecules = featurize_molecules(TEXTS, engine=engine)
    rows = molecules.graphs.row_index.tolist()
    assert rows == [0, 2, 4, 6]
    assert molecules.structures == tuple(standardize_smiles(TEXTS[row], "default") for row in rows)
    assert len(molecules) == 4
    graphs = featurize(TEXTS, engine=engine)
    np.testing.assert_array_equal(molecules.graphs.atom_codes, graphs.atom_codes)
    assert molecules.graphs.rejected == graphs.rejected


def test_structures_are_as_many_as_graphs():
    graphs = featurize(["CCO", "C"])
    assert Molecules(graphs).structures is None
    with pytest.raises(InputError, match="1 structures stand beside 2 graphs; give the SMILES of all graphs"):
        Molecules(graphs, ("CCO",))
