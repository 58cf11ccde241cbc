"""The domain in the model's own space."""

import numpy as np
import pytest

from molgraph.domain.latent import (
    MOST_COMPONENTS,
    MOST_REFERENCES,
    fit_latent_domain,
    latent_domain_from_arrays,
)


@pytest.fixture(scope="module")
def space():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(10, 40))
    draw = lambda n: (rng.normal(size=(n, 10)) @ mixing).astype(np.float32)  # noqa: E731
    return draw(500), draw(300), draw(1000), mixing


def test_one_in_a_hundred_is_outside(space):
    seen, unseen, new, _ = space
    domain = fit_latent_domain(seen, unseen)
    for score in (domain.distance, domain.leverage):
        assert np.mean(score(unseen) > 1) == pytest.approx(0.01, abs=0.004)
        assert np.mean(score(new) > 1) < 0.03


def test_further_out_is_larger(space):
    seen, unseen, new, mixing = space
    domain = fit_latent_domain(seen, unseen)
    direction = np.ones(10) @ mixing
    for score in (domain.distance, domain.leverage):
        values = [score((new + step * direction).astype(np.float32)).mean() for step in (0, 2, 4, 8)]
        assert values == sorted(values)
        assert values[-1] > 2


def test_distance_is_the_mean_to_five_whitened_neighbours(space):
    seen, unseen, new, _ = space
    domain = fit_latent_domain(seen, unseen)
    assert domain.directions.shape[1] == 10
    white = (seen - domain.centre) @ domain.directions
    np.testing.assert_allclose(np.cov(white.T), np.eye(10), atol=1e-4)
    apart = np.linalg.norm(((new[:20] - domain.centre) @ domain.directions)[:, None] - white, axis=2)
    expected = np.sort(apart, axis=1)[:, :5].mean(axis=1) / domain.distance_limit
    np.testing.assert_allclose(domain.distance(new[:20]), expected, rtol=1e-3)


def test_size_is_bounded():
    rng = np.random.default_rng(1)
    domain = fit_latent_domain(rng.normal(size=(3000, 64)).astype(np.float32), np.zeros((0, 64), np.float32))
    assert domain.reference.shape == (MOST_REFERENCES, MOST_COMPONENTS)


def test_a_model_that_sees_no_difference():
    same = np.ones((20, 8), np.float32)
    domain = fit_latent_domain(same, same)
    assert domain.directions.shape == (8, 0)
    assert (domain.distance(same) == 0).all()
    one = fit_latent_domain(same[:1], same[:0])
    assert np.isfinite(one.distance(same * 3)).all()


def test_arrays_there_and_back(space):
    domain = fit_latent_domain(space[0], space[1])
    again = latent_domain_from_arrays(domain.to_arrays())
    np.testing.assert_array_equal(again.distance(space[2]), domain.distance(space[2]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("centre", np.zeros(3)),
        ("directions", np.zeros((40, 3))),
        ("reference", np.zeros((5, 10))),
        ("limits", np.array([1.0, 0.0])),
        ("limits", np.array([1.0])),
    ],
)
def test_arrays_that_do_not_fit(space, name, value):
    arrays = fit_latent_domain(space[0], space[1]).to_arrays()
    with pytest.raises(ValueError, match=r"domain"):
        latent_domain_from_arrays({**arrays, name: value})
