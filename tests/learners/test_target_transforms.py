"""Target transforms: there and back, spreads, and files that were tampered with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import QuantileTransformer

from molgraph.learners.target_transforms import (
    NAMES,
    SCORES,
    TargetTransforms,
    label_knots,
    transforms_from_arrays,
)
from molgraph.results.member_outputs import MemberOutputs

RNG = np.random.default_rng(0)
SKEWED = np.exp(RNG.normal(size=2000))


def transforms(*names, labels=SKEWED):
    kind = np.array([[NAMES.index(name)] for name in names], dtype=np.int64)
    return TargetTransforms(kind, np.stack([label_knots(labels)[None]] * len(names)))


def outputs(mean, aleatoric=0.0, epistemic=0.0, quantiles=None):
    mean = np.asarray(mean, dtype=float)
    return MemberOutputs(mean, np.full_like(mean, aleatoric), np.full_like(mean, epistemic), quantiles)


@given(st.lists(st.floats(1e-3, 1e6), min_size=2, max_size=60))
def test_there_and_back(values):
    labels = np.array(values)
    both = transforms("log", "quantile", "none", labels=labels)
    learned = both.forward(labels[:, None])
    assert learned.shape == (3, len(labels), 1)
    again = both.inverse(outputs(learned)).mean
    np.testing.assert_allclose(again[0, :, 0], labels, rtol=1e-9)
    np.testing.assert_array_equal(again[2, :, 0], labels)
    inside = again[1, :, 0]
    assert ((inside >= labels.min() - 1e-9) & (inside <= labels.max() * (1 + 1e-12))).all()
    # Order is never turned around, whatever the labels.
    order = np.argsort(labels, kind="stable")
    for member in learned[:, order, 0]:
        assert (np.diff(member) >= -1e-12).all()


def test_quantiles_are_those_of_scikit_learn_within_the_scores():
    theirs = QuantileTransformer(n_quantiles=1000, output_distribution="normal").fit_transform(SKEWED[:, None])[:, 0]
    ours = transforms("quantile").forward(SKEWED[:, None])[0, :, 0]
    inside = np.abs(theirs) < 2.3
    np.testing.assert_allclose(ours[inside], theirs[inside], atol=0.06)
    assert np.abs(ours).max() == SCORES[-1]


def test_labels_that_many_rows_share_have_the_middle_of_their_scores():
    labels = np.array([0.0] * 500 + list(np.linspace(0.01, 1, 500)))
    learned = transforms("quantile", labels=labels).forward(np.array([[0.0], [1.0]]))[0, :, 0]
    np.testing.assert_allclose(learned, [(SCORES[0] + 0.0) / 2, SCORES[-1]], atol=0.05)


def test_unmeasured_labels_stay_unmeasured_and_classes_stay_as_they_are():
    both = transforms("log", "quantile")
    assert np.isnan(both.forward(np.array([[np.nan]]))).all()
    plain = TargetTransforms(np.zeros((2, 1), dtype=np.int64), np.zeros((2, 1, len(SCORES))))
    said = outputs([[[0.3]], [[0.4]]], 0.1, 0.2)
    assert plain.inverse(said) is said


def test_a_spread_in_logarithms_is_one_in_proportion():
    said = transforms("log").inverse(outputs([[[0.0], [1.0]]], 0.01, 0.04, np.array([[[[-1.0, 0.0, 1.0]] * 2]])[0]))
    np.testing.assert_allclose(said.mean[0, :, 0], [1.0, np.e])
    np.testing.assert_allclose(np.sqrt(said.aleatoric_var[0, :, 0]), np.sinh(0.1) * said.mean[0, :, 0])
    np.testing.assert_allclose(np.sqrt(said.epistemic_var[0, :, 0]), np.sinh(0.2) * said.mean[0, :, 0])


def test_quantiles_of_the_head_go_the_same_way():
    quantiles = np.array([-1.0, 0.0, 2.0]).reshape(1, 1, 1, 3)
    said = transforms("log").inverse(outputs([[[0.0]]], quantiles=quantiles))
    np.testing.assert_allclose(said.quantiles.ravel(), np.exp([-1.0, 0.0, 2.0]))


def test_nothing_runs_away():
    for name in ("log", "quantile"):
        said = transforms(name).inverse(outputs([[[1e9], [-1e9]]])).mean[0, :, 0]
        assert np.isfinite(said).all()
        assert said[0] <= SKEWED.max() ** 1.5 / SKEWED.min() ** 0.5 * 1.01
        assert said[1] >= SKEWED.min() ** 1.5 / SKEWED.max() ** 0.5 * 0.99


def test_arrays_there_and_back_and_broken_ones_refused():
    own = transforms("log", "quantile", "none")
    arrays = own.to_arrays()
    again = transforms_from_arrays(arrays, 3, 1)
    assert all(np.array_equal(value, arrays[key]) for key, value in again.to_arrays().items())
    for change, words in (
        ({"target_kind": own.kind + 3}, "unknown"),
        ({"target_kind": own.kind.astype(float)}, "float64"),
        ({"target_knots": own.knots[:, :, ::-1].copy()}, "ascend"),
        ({"target_knots": own.knots * np.nan}, "ascend"),
        ({"target_knots": own.knots - 100.0}, "not above 0"),
        ({"target_knots": own.knots[:2]}, r"\(2, 1, 101\)"),
    ):
        with pytest.raises(ValueError, match=words):
            transforms_from_arrays({**arrays, **change}, 3, 1)
    with pytest.raises(KeyError):
        transforms_from_arrays({}, 3, 1)
