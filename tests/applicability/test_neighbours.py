import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from sklearn.neighbors import NearestNeighbors

from molgraph.applicability import neighbours
from molgraph.applicability.neighbours import k_closest, k_nearest, nearest, similarities
from molgraph.chem.fingerprints import morgan_fingerprints


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


@pytest.mark.parametrize("pairs_at_once", [2**16, 7, 1000])
def test_similarities_of_named_pairs(assay, monkeypatch, pairs_at_once):
    monkeypatch.setattr(neighbours, "_PAIRS_AT_ONCE", pairs_at_once)
    queries, references = morgan_fingerprints(assay[0][:40]), morgan_fingerprints(assay[0][40:90])
    index, expected = k_nearest(queries, references, 50)
    np.testing.assert_array_equal(similarities(queries, references, index), expected)
    assert similarities(queries, references, index[:, :0]).shape == (40, 0)


@pytest.mark.parametrize("pairs_at_once", [2**16, 7, 1000])
def test_the_closest_are_those_of_scikit_learn(monkeypatch, pairs_at_once):
    monkeypatch.setattr(neighbours, "_PAIRS_AT_ONCE", pairs_at_once)
    rng = np.random.default_rng(0)
    queries, references = rng.normal(size=(40, 6)).astype(np.float32), rng.normal(size=(90, 6)).astype(np.float32)
    expected = NearestNeighbors(n_neighbors=5).fit(references).kneighbors(queries, return_distance=False)
    np.testing.assert_array_equal(k_closest(queries, references, 5), expected)
    assert k_closest(queries, references, 500).shape == (40, 90)
    assert k_closest(queries[:0], references, 5).shape == (0, 5)


def test_what_has_no_place_is_closest_to_nothing():
    references = np.array([[np.nan, np.nan], [5, 5], [0, 0], [0, 0]], dtype=np.float32)
    assert k_closest(np.zeros((1, 2), np.float32), references, 4).tolist() == [[2, 3, 1, 0]]
