"""One text for each compound, whatever the spelling."""

import random

import pytest
from rdkit import Chem

from molgraph.chem.identity import canonical_smiles, stereo_free_smiles
from molgraph.chem.parse import parse_smiles
from molgraph.results.prediction import Rejected


@pytest.mark.parametrize("library", ["zinc", "drugs", "odd_drugs"])
@pytest.mark.parametrize("identity", [canonical_smiles, stereo_free_smiles])
def test_spelling_does_not_matter(identity, library, request):
    texts = random.Random(0).sample(request.getfixturevalue(library), 1000)
    n_respelled = 0
    for text in texts:
        mol = parse_smiles(text)
        if isinstance(mol, Rejected):
            continue
        respelled = Chem.MolToSmiles(mol, doRandom=True)
        assert identity(respelled) == identity(text)
        n_respelled += respelled != text
    assert n_respelled > 900


def test_stereo_and_isotopes_tell_compounds_apart():
    texts = ["C[C@H](N)O", "C[C@@H](N)O", "CC(N)O", "[13CH3]C(N)O"]
    assert len({canonical_smiles(text) for text in texts}) == 4
    assert len({stereo_free_smiles(text) for text in texts}) == 2


def test_stereoisomers_share_the_stereo_free_text():
    assert stereo_free_smiles(r"C/C=C\C") == stereo_free_smiles("C/C=C/C") == "CC=CC"
    assert stereo_free_smiles(r"[H]/N=C(\C)N") == stereo_free_smiles("CC(=N)N") == "CC(=N)N"


def test_text_that_does_not_parse_is_rejected_with_its_row():
    expected = Rejected(5, "Z", "C1CC", "parse", "SMILES Parse Error: unclosed ring")
    assert canonical_smiles("C1CC", row=5, id="Z") == expected
    assert stereo_free_smiles("C1CC", row=5, id="Z") == expected
