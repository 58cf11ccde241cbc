import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molgraph.errors import InputError
from molgraph.rank.selection import benjamini_hochberg, calibrate_hits
from molgraph.rank.weighted_selection import calibrate_weighted_hits, weighted_selection


def naive(known, new, own, q):
    """The procedure as the paper writes it, compound by compound."""
    scores, is_hit, weights = known
    v, v_new, m, total = np.where(is_hit == 1, np.inf, -scores), -new, len(new), weights.sum()
    # With deterministic ties a calibration compound of the same score counts as lower.
    above = np.array([weights[v <= x].sum() for x in v_new])
    p = (above + own) / (total + own)
    counts = np.zeros(m)
    for j in range(m):
        better = (v_new < v_new[j]) | ((v_new == v_new[j]) & (np.arange(m) < j))
        auxiliary = (above + np.where(better, 0.0, own[j])) / (total + own[j])
        auxiliary[j] = 0
        counts[j] = benjamini_hochberg(auxiliary, q).sum()
    first = p <= q * counts / m * (1 + 1e-12)
    r = max((r for r in range(1, m + 1) if np.sum(first & (counts <= r)) >= r), default=0)
    return first & (counts <= r)


ROWS = st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(1, 3)), min_size=3, max_size=25)
NEW = st.lists(st.tuples(st.integers(0, 8), st.integers(1, 3)), min_size=1, max_size=15)


@settings(max_examples=200)
@given(ROWS, NEW, st.sampled_from([0.2, 0.4, 0.7]))
def test_equals_the_procedure_as_written(rows, new, q):
    scores, is_hit, weights = np.array(rows, dtype=float).T
    new_scores, own = np.array(new, dtype=float).T
    rule = calibrate_weighted_hits(scores, is_hit, weights, np.zeros(len(scores), dtype=int), 1)
    mass = rule.mass_above(new_scores[None])
    found = weighted_selection(rule, mass, new_scores, own, n_new=len(new), q=q, pruning="dtm")
    assert np.array_equal(found, naive((scores, is_hit, weights), new_scores, own, q))


def test_equal_weights_give_the_plain_p_values():
    rng = np.random.default_rng(0)
    scores, is_hit, judge = rng.normal(size=80), (rng.random(80) < 0.4).astype(float), rng.integers(0, 3, 80)
    judged = rng.normal(size=(3, 30))
    rule = calibrate_weighted_hits(scores, is_hit, np.full(80, 2.0), judge, 3)
    plain = calibrate_hits(scores, is_hit, judge, 3).p_values(judged)
    np.testing.assert_allclose(rule.p_values(rule.mass_above(judged), np.full(30, 2.0)), plain)


@pytest.mark.parametrize("pruning", ["hete", "homo", "dtm"])
def test_weights_restore_the_rate_under_a_known_shift(pruning):
    """The library has more of the kind on which the model is too optimistic. Weights know it; without them it fails."""
    rng = np.random.default_rng(1)
    proportions = []
    for trial in range(150):
        kind, new_kind = rng.random(600) < 0.25, rng.random(400) < 0.75
        score, new = rng.normal(size=600), rng.normal(size=400)
        truth = score - 1.2 * kind + rng.normal(0, 0.7, 600)
        answer = new - 1.2 * new_kind + rng.normal(0, 0.7, 400)
        weight, own = np.where(kind, 3.0, 1 / 3), np.where(new_kind, 3.0, 1 / 3)
        is_hit, judge = (truth > 0).astype(float), np.zeros(600, dtype=int)
        rule = calibrate_weighted_hits(score, is_hit, weight, judge, 1)
        chosen = weighted_selection(
            rule, rule.mass_above(new[None]), new, own, n_new=400, q=0.2, pruning=pruning, seed=trial
        )
        plain = benjamini_hochberg(calibrate_hits(score, is_hit, judge, 1).p_values(new[None]), 0.2)
        proportions.append([np.sum(s & (answer <= 0)) / max(1, s.sum()) for s in (chosen, plain)])
    mean, error = np.mean(proportions, axis=0), np.std(proportions, axis=0) / np.sqrt(150)
    assert mean[0] < 0.2 + 3 * error[0]
    assert mean[1] > 0.25


def test_those_that_cannot_be_selected_need_not_be_given():
    rng = np.random.default_rng(2)
    score, new = rng.normal(size=200), rng.normal(size=300)
    rule = calibrate_weighted_hits(score, (score + 0.3 * rng.normal(size=200) > 0.5) * 1.0, rng.uniform(0.5, 2, 200),
                                   np.zeros(200, dtype=int), 1)  # fmt: skip
    own, mass = rng.uniform(0.5, 2, 300), rule.mass_above(new[None])
    kept = mass <= 0.3 * (rule.total + 2.0)
    everything = weighted_selection(rule, mass, new, own, n_new=300, q=0.3)
    part = weighted_selection(rule, mass[kept], new[kept], own[kept], n_new=300, q=0.3)
    assert everything.any()
    assert 0 < kept.sum() < 300
    assert np.array_equal(everything[kept], part)
    assert not everything[~kept].any()


def test_no_score_and_no_compound():
    rule = calibrate_weighted_hits(np.array([1.0]), np.zeros(1), np.ones(1), np.zeros(1, dtype=int), 1)
    mass = rule.mass_above(np.array([[np.nan]]))
    assert rule.p_values(mass, np.ones(1)) == 1.0
    assert not weighted_selection(rule, mass, np.array([np.nan]), np.ones(1), n_new=1, q=0.5).any()
    assert len(weighted_selection(rule, np.zeros(0), np.zeros(0), np.zeros(0), n_new=0, q=0.5)) == 0
    with pytest.raises(InputError, match="fdr is 1"):
        weighted_selection(rule, mass, np.zeros(1), np.ones(1), n_new=1, q=1.0)
