"""Structures that RDKit reads and then fails on, or that once took for ever: a value, at once."""

import math
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph.chem.druglikeness import drug_likeness
from molgraph.chem.identity import canonical_smiles, parent_key, stereo_free_smiles
from molgraph.chem.standardize import standardize_smiles
from molgraph.features.featurize import featurize


@pytest.mark.parametrize(
    "text",
    ["C" + "[-" * 5000, "C" + "[" * 5000 + "-", "[" + "-" * 9000, "[+" * 5000, "O=[N+]([O-])" * 800, "[N-]=[N+]" * 900],
    ids=lambda text: text[:12],
)
def test_unclosed_brackets(text):
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        promise = pool.submit(standardize_smiles, text, "default")
        try:
            # Nothing to neutralise that is closed: the text as it came.
            assert promise.result(timeout=60) == text
        finally:
            for process in list(pool._processes.values()):
                process.kill()


#: An aromatic ring with a bond of any order: RDKit reads it, and once hydrogens are taken off it does not any more.
ODD_RING = "Cc1~ccc(cc1)-c1cn2c3CCCCc3sc2n1"


def test_a_structure_that_rdkit_reads_only_once_has_its_keys():
    assert stereo_free_smiles(ODD_RING) == canonical_smiles(ODD_RING)
    assert stereo_free_smiles("C[C@H](N)O") != canonical_smiles("C[C@H](N)O")
    assert isinstance(parent_key(ODD_RING), str)


def test_numbers_far_beyond_those_of_drugs():
    odd, crystal, aspirin = drug_likeness([ODD_RING, ".".join(["[Na+].[Cl-]"] * 150), "CC(=O)Oc1ccccc1C(=O)O"])
    assert math.isnan(odd.qed)
    assert math.isnan(crystal.qed)
    assert crystal.lipinski_violations == 1
    assert aspirin.qed == pytest.approx(0.55, abs=0.01)


SEEDS = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "C[N+](C)(C)CC([O-])=O",
    "N[C@@H](C)C(=O)O",
    "[Na+].[Cl-]",
    "c1ccc2c(c1)cccc2",
    "F/C=C/F",
]
PIECES = ["[", "]", "(", ")", "[-", "+]", "[O-]", "[NH3+]", "=", "#", "~", "->", "%10", "%(99999)", "1", "2", ".", "*", "@", "\x00", "\x1b[1m",
          "\u202e", "é", " ", "\t", "|", "[2H]", "[Fe+2]", "[CH9]", "[C@@@]", "[999C]", "c", "n", "P(", "C" * 300]  # fmt: skip


@st.composite
def mutated(draw):
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 3))
        text = text[:at] + draw(st.sampled_from(PIECES)) * draw(st.sampled_from([1, 1, 1, 40])) + text[at + cut :]
    return text


@given(st.lists(mutated(), min_size=1, max_size=4))
def test_every_structure_is_a_graph_or_a_reason(texts):
    graphs = featurize(texts)
    assert sorted([*graphs.row_index.tolist(), *(bad.row for bad in graphs.rejected)]) == list(range(len(texts)))
    assert all(bad.reason and "\n" not in bad.reason and len(bad.reason) <= 300 for bad in graphs.rejected)
    for row in graphs.row_index.tolist():
        standard = standardize_smiles(texts[row], "default")
        assert isinstance(canonical_smiles(standard), str)
        assert isinstance(stereo_free_smiles(standard), str)
        assert isinstance(parent_key(standard), str)
        assert len(drug_likeness([standard])) == 1
