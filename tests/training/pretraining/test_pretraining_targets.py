"""Targets: scaled by what the corpus shows, cut, and stored to within a step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import Descriptors

from molgraph import featurize
from molgraph.training.pretraining.pretraining_targets import (
    FARTHEST,
    UNKNOWN,
    block_slices,
    fit_scaling,
    raw_targets,
    target_names,
)

STEP = FARTHEST / 127


def test_blocks_are_where_their_names_are():
    names = target_names()
    slices = block_slices()
    assert [own.stop - own.start for own in slices.values()] == [217, 43, 1024, 315]
    assert names[slices["descriptors"]][0] == f"descriptors.{Descriptors.descList[0][0]}"
    assert names[slices["properties"]][0] == "properties.exactmw"
    assert len(names) == slices["reduced_graph"].stop


def test_descriptors_are_those_of_rdkit_and_counts_logarithms(assay):
    texts = assay[0][:5]
    raw = raw_targets(featurize(texts, standardizer="none"), texts)
    column = target_names().index("descriptors.TPSA")
    mols = [Chem.MolFromSmiles(text) for text in texts]
    np.testing.assert_allclose(raw[:, column], [Descriptors.TPSA(mol) for mol in mols], rtol=1e-6)
    counts = np.expm1(raw[:, block_slices()["ecfp_counts"]])
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-4)
    assert counts.sum(axis=1).min() > 20


values = st.lists(st.floats(-1e6, 1e6, width=32), min_size=4, max_size=60)


@settings(max_examples=60, deadline=None)
@given(values)
def test_stored_values_are_the_scaled_ones_to_half_a_step(column):
    raw = np.array(column, dtype=np.float32)[:, None]
    scaling = fit_scaling(raw)
    stored = scaling.stored(raw)
    if scaling.scale[0] == 0:
        assert (stored == UNKNOWN).all()
        assert raw.std() <= 1e-6 * max(1.0, abs(raw).max())
    else:
        scaled = (raw.astype(np.float64) - scaling.centre) / scaling.scale
        np.testing.assert_allclose(stored * STEP, np.clip(scaled, -FARTHEST, FARTHEST), atol=STEP / 2 + 1e-6)


def test_quartiles_scale_and_a_wild_value_is_cut():
    normal = np.random.default_rng(0).normal(5.0, 3.0, size=(4000, 1)).astype(np.float32)
    wild = np.r_[normal, [[1e30]]].astype(np.float32)
    scaling = fit_scaling(wild)
    assert scaling.centre[0] == pytest.approx(5.0, abs=0.2)
    assert scaling.scale[0] == pytest.approx(3.0, rel=0.05)
    assert scaling.stored(wild)[-1, 0] == 127


def test_rare_counts_are_scaled_by_their_deviation():
    rare = np.zeros((1000, 1), dtype=np.float32)
    rare[:20] = 1.0
    assert fit_scaling(rare).scale[0] == pytest.approx(rare.std())


def test_what_is_no_number_is_unknown():
    raw = np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, np.nan], [4.0, np.nan]], dtype=np.float32)
    stored = fit_scaling(raw).stored(raw)
    assert stored[2, 0] == UNKNOWN
    assert (stored[:, 1] == UNKNOWN).all()
    assert (stored[[0, 1, 3], 0] != UNKNOWN).all()
