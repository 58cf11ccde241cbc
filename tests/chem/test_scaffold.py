"""Scaffolds equal to those that DeepChem's scaffold splitter groups by."""

import pytest
from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles

from molgraph.chem.parse import parse_smiles
from molgraph.chem.scaffold import murcko_scaffold
from molgraph.errors import InputError
from molgraph.results.prediction import Rejected


@pytest.mark.parametrize(
    ("smiles", "scaffold"),
    [
        ("CCCCO", ""),
        ("[Na+].[Cl-]", ""),
        ("CCOC(=O)c1ccc(Cl)cc1", "c1ccccc1"),
        ("C[C@H](c1ccccc1)N1CCOCC1", "c1ccc(CN2CCOCC2)cc1"),
        ("O=C1CCCCC1", "O=C1CCCCC1"),
        ("c1ccccc1.C1CCCCC1", "C1CCCCC1.c1ccccc1"),
    ],
)
def test_known_scaffolds(smiles, scaffold):
    assert murcko_scaffold(smiles) == scaffold


def test_equals_rdkit_without_chirality(drugs, odd_drugs):
    for text in drugs[::2] + odd_drugs[::4]:
        mol = parse_smiles(text)
        if not isinstance(mol, Rejected):
            assert murcko_scaffold(text) == MurckoScaffoldSmiles(mol=mol, includeChirality=False)


@pytest.mark.slow
def test_equals_deepchem(odd_drugs):
    splitters = pytest.importorskip("deepchem.splits.splitters")
    for text in odd_drugs[::10]:
        theirs = splitters._generate_scaffold(text)
        if theirs is not None:
            assert murcko_scaffold(text) == theirs


def test_text_that_does_not_parse_is_an_error():
    with pytest.raises(InputError, match=r"^no scaffold of 'C1CC': SMILES Parse Error: unclosed ring; leave out"):
        murcko_scaffold("C1CC")
