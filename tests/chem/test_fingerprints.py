"""Packed Morgan bits equal to RDKit's, in the documented order."""

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molgraph.chem.fingerprints import morgan_fingerprints
from molgraph.errors import InputError


@pytest.mark.parametrize(("radius", "n_bits"), [(2, 2048), (3, 1024), (0, 8)])
def test_bits_and_their_order_are_rdkits(zinc, radius, n_bits):
    texts = zinc[:200]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=n_bits)
    expected = np.stack([generator.GetFingerprintAsNumPy(Chem.MolFromSmiles(text)) for text in texts])
    packed = morgan_fingerprints(texts, radius=radius, n_bits=n_bits)
    assert packed.dtype == np.uint8
    assert packed.shape == (200, n_bits // 8)
    np.testing.assert_array_equal(np.unpackbits(packed, axis=1, bitorder="little"), expected)


def test_tanimoto_from_packed_bits_is_rdkits(drugs):
    a, b = morgan_fingerprints(drugs[:2])
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    fingerprints = [generator.GetFingerprint(Chem.MolFromSmiles(text)) for text in drugs[:2]]
    similarity = np.bitwise_count(a & b).sum() / np.bitwise_count(a | b).sum()
    assert similarity == pytest.approx(DataStructs.TanimotoSimilarity(*fingerprints))


def test_no_structures():
    assert morgan_fingerprints([]).shape == (0, 256)


def test_text_that_does_not_parse_is_an_error_with_its_row():
    with pytest.raises(InputError, match=r"^no fingerprint of row 1, 'C1CC': SMILES Parse Error: unclosed ring; leave"):
        morgan_fingerprints(["CC", "C1CC"])


@pytest.mark.parametrize("n_bits", [0, -8, 1001])
def test_impossible_length(n_bits):
    with pytest.raises(InputError, match=f"^n_bits is {n_bits}; it must be a positive multiple of 8, e.g. 2048$"):
        morgan_fingerprints(["CC"], n_bits=n_bits)


def test_impossible_radius():
    with pytest.raises(InputError, match=r"^radius is -1; it must be 0 or more, e.g. 2$"):
        morgan_fingerprints(["CC"], radius=-1)
