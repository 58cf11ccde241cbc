"""The distance to the training compounds, and its limits."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from molgraph.applicability.latent import (
    DOMAIN_RATE,
    INSIDE_RATE,
    MOST_COMPONENTS,
    MOST_REFERENCES,
    fit_latent_domain,
    latent_domain_from_arrays,
    upper_limit,
)


@pytest.fixture(scope="module")
def space():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(10, 40))
    draw = lambda n: (rng.normal(size=(n, 10)) @ mixing).astype(np.float32)  # noqa: E731
    return draw(500), draw(1000), mixing


@pytest.mark.parametrize("n_rows", [30, 60, 100, 200, 500])
def test_compounds_drawn_like_the_table_are_inside_at_the_stated_rate(n_rows):
    """Mean over 40 tables: never less than stated, and not much more where there are many rows."""
    rng = np.random.default_rng(n_rows)
    mixing = rng.normal(size=(6, 20))
    inside, known = [], []
    for _ in range(40):
        vectors = (rng.standard_t(5, size=(n_rows + 100, 6)) @ mixing).astype(np.float32)
        domain, _ = fit_latent_domain(vectors[:n_rows], np.arange(n_rows) % 5)
        distance = domain.scores(vectors[n_rows:]).distance
        inside.append(np.mean(distance <= domain.inside_distance))
        known.append(np.mean(distance <= 1))
    assert INSIDE_RATE - 0.03 < np.mean(inside) < INSIDE_RATE + 0.09
    assert DOMAIN_RATE - 0.02 < np.mean(known) < DOMAIN_RATE + 0.04


def test_further_out_is_larger(space):
    seen, new, mixing = space
    domain, _ = fit_latent_domain(seen, np.arange(len(seen)) % 5)
    direction = np.ones(10) @ mixing
    moved = [domain.scores((new + step * direction).astype(np.float32)) for step in (0, 2, 4, 8)]
    for values in ([one.distance.mean() for one in moved], [one.leverage.mean() for one in moved]):
        assert values == sorted(values)
        assert values[-1] > 2


def test_distance_is_the_mean_to_three_neighbours(space):
    seen, new, _ = space
    domain, _ = fit_latent_domain(seen, np.arange(len(seen)) % 5)
    scaled = [(part - seen.mean(axis=0)) / seen.std(axis=0) for part in (seen, new[:50])]
    expected = NearestNeighbors(n_neighbors=3).fit(scaled[0]).kneighbors(scaled[1])[0].mean(axis=1)
    np.testing.assert_allclose(domain.scores(new[:50]).distance * domain.edge_limit, expected, rtol=1e-3)


@pytest.mark.parametrize("n_folds", [2, 5])
def test_a_row_is_compared_with_what_its_judges_saw(space, n_folds):
    vectors, fold = space[0][:60], np.arange(60) % n_folds
    domain, out_of_fold = fit_latent_domain(vectors, fold)
    assert domain.scores(vectors).is_same.all()
    places = domain.projected(vectors)
    for member in range(n_folds):
        others = NearestNeighbors(n_neighbors=3).fit(places[fold != member])
        expected = others.kneighbors(places[fold == member])[0].mean(axis=1)
        np.testing.assert_allclose(out_of_fold[fold == member] * domain.edge_limit, expected, rtol=1e-3)


def test_rows_that_no_member_saw_are_no_training_compounds(space):
    vectors = space[0]
    fold = np.where(np.arange(500) < 100, -2, np.arange(500) % 5)
    domain, out_of_fold = fit_latent_domain(vectors, fold)
    np.testing.assert_allclose(out_of_fold[:100], domain.scores(vectors[:100]).distance, rtol=1e-4)
    assert len(domain.reference) == 400
    alone, out_of_fold = fit_latent_domain(vectors[:50], np.full(50, -1))
    assert np.isfinite(out_of_fold).all()
    assert (out_of_fold > alone.scores(vectors[:50]).distance).all()


def test_the_limits_grow_for_a_new_chemistry(space):
    seen, new, mixing = space
    domain, _ = fit_latent_domain(seen, np.arange(len(seen)) % 5)
    far = (2.0 * new + 30 * np.ones(10) @ mixing).astype(np.float32)
    assert (domain.scores(far[500:]).distance > 1).all()
    grown, distance = domain.extended(far[:300], np.zeros(300, dtype=np.bool_))
    assert np.mean(distance <= 1) >= DOMAIN_RATE
    assert np.mean(grown.scores(far[500:]).distance <= 1) > 0.9
    assert grown.edge_limit > domain.edge_limit
    assert grown.scores(far[:300]).is_same.all()


def test_what_is_outside_by_rule_counts_in_the_limit(space):
    vectors, fold = space[0], np.arange(500) % 5
    is_foreign = np.arange(500) < 10
    rates = []
    for foreign in (None, is_foreign):
        _, out_of_fold = fit_latent_domain(vectors, fold, foreign)
        rates.append(np.mean((out_of_fold > 1) | (is_foreign if foreign is not None else False)))
    assert rates[0] == pytest.approx(0.05, abs=0.005)
    assert rates[1] == pytest.approx(0.05, abs=0.005)


def test_size_is_bounded():
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(3000, 64)).astype(np.float32)
    domain, out_of_fold = fit_latent_domain(vectors, np.arange(3000) % 5)
    assert domain.reference.shape == (MOST_REFERENCES, MOST_COMPONENTS)
    assert np.isfinite(out_of_fold).all()


def test_a_model_that_sees_no_difference():
    same = np.ones((20, 8), np.float32)
    domain, out_of_fold = fit_latent_domain(same, np.arange(20) % 5)
    assert domain.directions.shape == (8, 0)
    assert (out_of_fold == 0).all()
    assert (domain.scores(same).distance == 0).all()
    one, _ = fit_latent_domain(same[:1], np.array([-1]))
    assert np.isfinite(one.scores(same * 3).distance).all()


def test_limit_is_a_rank():
    rng = np.random.default_rng(2)
    held = [rng.exponential() <= upper_limit(rng.exponential(size=19), 0.95) for _ in range(4000)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.012)
    assert upper_limit(np.array([np.inf]), 0.9) == 1.0


def test_arrays_there_and_back(space):
    domain, _ = fit_latent_domain(space[0], np.arange(500) % 5)
    again = latent_domain_from_arrays(domain.to_arrays())
    np.testing.assert_array_equal(again.scores(space[1]).distance, domain.scores(space[1]).distance)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("centre", np.zeros(3)),
        ("centre", np.full(40, np.nan)),
        ("directions", np.zeros((40, 3))),
        ("deviations", np.ones(3)),
        ("deviations", np.zeros(10)),
        ("reference", np.zeros((5, 10))),
        ("reference", np.full((5, 10), np.inf, dtype=np.float32)),
        ("limits", np.array([1.0, 0.0, 1.0])),
        ("limits", np.array([2.0, 1.0, 1.0])),
        ("limits", np.array([1.0])),
    ],
)
def test_arrays_that_do_not_fit(space, name, value):
    arrays = fit_latent_domain(space[0], np.arange(500) % 5)[0].to_arrays()
    with pytest.raises(ValueError, match=r"domain"):
        latent_domain_from_arrays({**arrays, name: value})
