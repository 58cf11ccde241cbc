"""Structures that RDKit reads and then fails on, or that once took for ever: a value, at once."""

import math
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from molgraph.chem.druglikeness import drug_likeness
from molgraph.chem.identity import canonical_smiles, stereo_free_smiles
from molgraph.chem.standardize import standardize_smiles


@pytest.mark.parametrize(
    "text",
    ["C" + "[-" * 5000, "C" + "[" * 5000 + "-", "[" + "-" * 9000, "[+" * 5000, "O=[N+]([O-])" * 800, "[N-]=[N+]" * 900],
    ids=lambda text: text[:12],
)
def test_brackets_that_nothing_closes(text):
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        promise = pool.submit(standardize_smiles, text, "default")
        try:
            promise.result(timeout=60)
        finally:
            for process in list(pool._processes.values()):
                process.kill()


#: An aromatic ring with a bond of any order: RDKit reads it, and once hydrogens are taken off it does not any more.
ODD_RING = "Cc1~ccc(cc1)-c1cn2c3CCCCc3sc2n1"


def test_a_structure_that_rdkit_reads_only_once_has_its_keys():
    assert stereo_free_smiles(ODD_RING) == canonical_smiles(ODD_RING)
    assert stereo_free_smiles("C[C@H](N)O") != canonical_smiles("C[C@H](N)O")


def test_numbers_far_beyond_those_of_drugs():
    odd, crystal, aspirin = drug_likeness([ODD_RING, ".".join(["[Na+].[Cl-]"] * 150), "CC(=O)Oc1ccccc1C(=O)O"])
    assert math.isnan(odd.qed)
    assert math.isnan(crystal.qed)
    assert crystal.lipinski_violations == 1
    assert aspirin.qed == pytest.approx(0.55, abs=0.01)
