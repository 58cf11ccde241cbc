import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molgraph.chem.fingerprints import morgan_fingerprints
from molgraph.domain import neighbours
from molgraph.domain.neighbours import nearest


@pytest.mark.parametrize("pairs_at_once", [2**16, 7, 1000])
def test_equals_rdkit(assay, monkeypatch, pairs_at_once):
    monkeypatch.setattr(neighbours, "_PAIRS_AT_ONCE", pairs_at_once)
    queries, references = assay[0][:50], assay[0][50:350]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    theirs = [generator.GetFingerprint(Chem.MolFromSmiles(text)) for text in references]
    index, similarity = nearest(morgan_fingerprints(queries), morgan_fingerprints(references))
    for row, text in enumerate(queries):
        expected = DataStructs.BulkTanimotoSimilarity(generator.GetFingerprint(Chem.MolFromSmiles(text)), theirs)
        assert similarity[row] == pytest.approx(max(expected))
        assert index[row] == np.argmax(expected)


def test_finds_itself(assay):
    fingerprints = morgan_fingerprints(assay[0][:40])
    index, similarity = nearest(fingerprints, fingerprints)
    assert (similarity == 1).all()
    assert np.array_equal(fingerprints[index], fingerprints)


def test_the_first_of_equals_wins():
    bits = np.array([[1] * 8, [3] * 8, [3] * 8], dtype=np.uint8)
    assert nearest(bits[2:], bits)[0].tolist() == [1]


def test_empty_fingerprints_are_like_nothing():
    empty, full = np.zeros((1, 8), np.uint8), np.full((1, 8), 255, np.uint8)
    for query, reference in ((empty, empty), (empty, full), (full, empty)):
        assert nearest(query, reference)[1].tolist() == [0.0]


def test_no_queries():
    index, similarity = nearest(np.zeros((0, 256), np.uint8), np.zeros((3, 256), np.uint8))
    assert index.shape == similarity.shape == (0,)


def test_rows_of_a_larger_array():
    wide = np.random.default_rng(0).integers(0, 256, (6, 512), dtype=np.uint8)
    assert np.array_equal(nearest(wide[:, :256], wide[:, :256])[0], np.arange(6))
