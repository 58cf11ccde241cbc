"""Both engines give byte-identical arrays and the same rejected rows, on real and on awkward structures."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molgraph.features import cuik_engine
from molgraph.features.cuik_engine import encode_cuik, is_cuik_available
from molgraph.features.rdkit_engine import encode_rdkit

ARRAYS = ("atom_codes", "bond_codes", "bond_atoms", "atom_ptr", "bond_ptr", "row_index")

GOOD = [
    # salts, metals, clusters
    "[Na+].[Cl-]", "CC(=O)[O-].[K+]", "Cl[Pt](Cl)([NH3])[NH3]", "[U+6]", "[Fe+8]", "[Hg]", "C[Hg]C", "[Li]CCCC",
    "CC[Mg]Br", "[Zn++].[O-]C(=O)C", "[Fe]1234567C8C1C2C3C84C5C6C7", "F[P-](F)(F)(F)(F)F", "[Og]", "[Lr]", "[#118]",
    # charges beyond the clipped range, and beyond one byte
    "[Fe+4]", "[Fe+5]", "[Fe-4]", "[Fe-5]", "[Fe+200]", "[Fe+256]", "[Fe-129]", "[FeH20]", "[FeH300]",
    # isotopes
    "[2H]C([2H])[2H]", "[3H]O[3H]", "[13CH4]", "[14C]", "[300C]", "[99999C]", "[125I]c1ccccc1", "[18F]CC", "[37Cl]C", "[13*]C",
    # stereo of every kind
    "N[C@@H](C)C(=O)O", "N[C@H](C)C(=O)O", "F/C=C/F", r"F/C=C\F", "C/C=C/C=C/C", "Cl[Pt@SP1](F)(N)O", "C[S@](=O)CC",
    "F[C@TB1](Cl)(Br)(I)N", "C1CC1/C=N/O", "C[C@AL1]=C", "OC(Cl)=[C@AL1]=C(C)F", "F[As@TB1](Cl)(Br)(N)S", "C[Co@OH1](F)(Cl)(Br)(I)S",
    # radicals
    "[CH3]", "[CH2]", "[C]", "[O]", "[O][O]", "C[CH]C", "[N]=O", "[Cl]", "[B]", "[Si]",
    # hydrogens
    "[H][H]", "[H+]", "[H-]", "[H]", "[H]O[H]", "[H]C([H])([H])[H]", "[H][N+]([H])([H])[H]", "[H]B1[H]B[H]1", "[D]",
    # single atoms and odd bonds
    "C", "N", "O", "[He]", "*", "*C*", "[*:1]C", "N->[Fe]", "[Fe]<-N", "CC~C", "C$C", "C:C", "c1ccccc1:C", "c1ccccc1~c1ccccc1",
    "c1ccncc1->[Cu]", "[Rh-](Cl)(Cl)(Cl)$[Rh-](Cl)(Cl)Cl",
    # hypervalent, aromatic variety, charged aromatics
    "FS(F)(F)(F)(F)F", "O=S(=O)(O)O", "OP(=O)(O)O", "FI(F)(F)(F)(F)(F)F", "[O-][Cl+3]([O-])([O-])O", "c1cc[nH]c1", "c1ccsc1",
    "c1cc[se]c1", "c1cc[te]c1", "[n+]1ccccc1", "C[n+]1ccccc1", "[o+]1ccccc1", "c1ccc2cccc-2cc1", "[cH-]1cccc1", "b1ccccc1", "p1ccccc1",
    # rings: spiro, cages, macrocycles, atoms in many rings
    "C1CC12CC2", "C12C3C4C1C5C4C3C25", "C1CC2CCC1CC2", "C1" + "C" * 60 + "1", "C%10CC%10", "C1CC1C1CC1",
    # names, CXSMILES and atom maps
    "CCO ethanol", "CC |^1:0|", "CC |$R1;$|", "CC |C:0.0|", "[CH3:1][OH:2]", "CC\tname", " CC", "CC\n", "C é", "CC name with blanks",
    # large
    "C" * 250, "C(C)" * 150 + "C", "N[C@@H](C)C(=O)" * 60 + "O", "C" * 2001, "C" * 4999,
]  # fmt: skip

BAD = [
    "", " ", "\t", "\n", "bad", "C1CC", "C(C", "C)C", "CN(C)(C)C", "c1cccc1", "C[N](C)(C)(C)C", ".", "C.", ".C", "C..C", ">>", "C>>C",
    "C\x00C", "\x00", "C\x00", "é", "Cé", "分子", "C\udc80", "[12345678901234C]", "[#119]", "[#150]", "[Xx]", "[C", "C]", "C==C", "C%1",
    "C|", "CC |bad|", "CC |^9:0|", "[C@TH3](F)(Cl)(Br)I", "F[P@OH5](Cl)(Br)(I)(N)O", "C" * 5001, "C" * 70000, "(" * 300, "[" * 300,
    "nan", "None", "-", "*" * 3 + "(", "C1CC2", "C/", "#", "==", "[H", "InChI=1S/CH4/h1H4", "smiles",
]  # fmt: skip


def assert_same(texts: list[str]) -> None:
    rows = [3 * number + 5 for number in range(len(texts))]
    ids = ["" if number % 2 else f"id{number}" for number in range(len(texts))]
    cuik, rdkit = encode_cuik(texts, rows, ids), encode_rdkit(texts, rows, ids)
    assert cuik.rejected == rdkit.rejected
    assert cuik.schema == rdkit.schema
    for name in ARRAYS:
        one, other = getattr(cuik, name), getattr(rdkit, name)
        assert one.dtype == other.dtype
        assert one.flags.c_contiguous
        if not np.array_equal(one, other):  # find the molecule, for the message
            different = [text for text in texts if not same_alone(text)]
            raise AssertionError(f"{name} differs, alone for {different}")
    assert len(cuik) + len(cuik.rejected) == len(texts)


def same_alone(text: str) -> bool:
    cuik, rdkit = encode_cuik([text], [0], ["a"]), encode_rdkit([text], [0], ["a"])
    return all(np.array_equal(getattr(cuik, name), getattr(rdkit, name)) for name in ARRAYS)


@pytest.fixture(autouse=True)
def _needs_cuik_engine():
    if not is_cuik_available():
        pytest.skip("cuik_molmaker is not installed, or does not fit this RDKit")


@pytest.mark.parametrize("text", GOOD + BAD, ids=lambda text: ascii(text[:40]))
def test_alone(text):
    assert_same([text])


def test_awkward_structures_are_what_they_claim():
    graphs = encode_rdkit(BAD, range(len(BAD)), BAD)
    accepted = [BAD[row] for row in graphs.row_index if "\x00" not in BAD[row] and "\xe9" not in BAD[row]]
    assert accepted == []
    assert len(encode_rdkit(GOOD, range(len(GOOD)), GOOD)) > 0.9 * len(GOOD)


def test_bad_rows_between_good_ones(capfd):
    for seed in range(2):
        texts = (GOOD + BAD) * 2
        random.Random(seed).shuffle(texts)
        assert_same(texts)
    for texts in (
        BAD,
        [*BAD, "C"],
        ["C", *BAD],
        ["C"] * 511 + ["bad"],
        ["CN(C)(C)C"] + ["C"] * 600,
        ["C"] * 512 + [""],
        [],
        [""],
    ):
        assert_same(texts)
    assert capfd.readouterr() == ("", "")


def test_neighbours_of_a_bad_row_are_those_without_it():
    alone = encode_cuik(GOOD, range(len(GOOD)), GOOD)
    mixed_texts = [text for good in GOOD for text in (good, "CN(C)(C)C", "bad")]
    mixed = encode_cuik(mixed_texts, range(len(mixed_texts)), mixed_texts)
    for name in ARRAYS[:-1]:
        assert np.array_equal(getattr(alone, name), getattr(mixed, name))
    assert mixed.row_index.tolist() == [3 * row for row in alone.row_index]


def test_nci(nci):
    assert len(nci) > 4900
    assert_same(nci)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("moleculenet/tox21.csv", 6),
        ("moleculenet/clintox.csv", 1),
        ("libraries/chembl_approved_drugs.csv", 1),
        ("moleculenet/toxcast_data.csv.gz", 9),
    ],
)
def test_real_sets(column, name, step):
    assert_same(column(name)[::step])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["moleculenet/tox21.csv", "moleculenet/BBBP.csv", "moleculenet/toxcast_data.csv.gz"])
def test_whole_sets(column, name):
    assert_same(column(name))


@pytest.mark.slow
def test_mcule(mcule):
    assert_same(mcule)


# Pieces that make up many valid and many broken SMILES.
PIECES = ["C", "N", "O", "c1ccccc1", "[nH]", "(", ")", "=", "#", "1", "2", ".", "/", "\\", "[C@H]", "[N+]", "[O-]", "[2H]", "[Fe+2]", "Cl", "->", "~", ":", " ", "%11", "*"]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(max_size=6), max_size=30))
def test_any_text(texts):
    assert_same(texts)


def test_an_engine_that_disagrees_is_not_used(monkeypatch):
    real = cuik_engine._load()

    def wrong(texts, *, with_mass):
        atoms, *rest = real(texts, with_mass=with_mass)
        return [atoms[:, ::-1], *rest]

    def other_signature(texts, *, with_mass):
        raise TypeError("incompatible function arguments")

    for call, available in ((None, False), (wrong, False), (other_signature, False), (real, True)):
        monkeypatch.setattr(cuik_engine, "_load", lambda call=call: call)
        cuik_engine._checked_call.cache_clear()
        assert is_cuik_available() is available
    cuik_engine._checked_call.cache_clear()
