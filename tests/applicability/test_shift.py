"""The shift check is silent where nothing shifted, and fires where something did."""

import numpy as np
import pytest
from scipy.stats import kstest
from sklearn.metrics import roc_auc_score

from molgraph.applicability import shift
from molgraph.applicability.shift import ALPHA, LEAST_COMPARED, MOST_COMPARED, density_ratio, shift_check
from molgraph.chem.fingerprints import morgan_fingerprints
from molgraph.chem.scaffold import murcko_scaffold
from molgraph.rank.selection import benjamini_hochberg, calibrate_hits
from molgraph.rank.weighted_selection import calibrate_weighted_hits, weighted_selection


@pytest.fixture(scope="module")
def series(assay):
    return morgan_fingerprints(assay[0])


def test_silent_on_halves_of_one_series(series):
    fired, areas = 0, []
    for seed in range(40):
        order = np.random.default_rng(seed).permutation(len(series))
        report = shift_check(series[order[:150]], series[order[150:300]], seed=seed)
        fired += report.fires
        areas.append(report.auc)
        assert report.was_checked
        assert (report.n_calibration, report.n_library) == (150, 150)
    assert fired <= 3  # 0.4 are expected; more than 3 come once in 1,000 times
    assert abs(np.mean(areas) - 0.5) < 0.02
    assert ALPHA == 0.01


def test_fires_on_another_scaffold(assay, series):
    scaffold = np.array([str(murcko_scaffold(text)) for text in assay[0]])
    order = np.argsort(scaffold, kind="stable")
    report = shift_check(series[order[:400]], series[order[-400:]])
    assert report.fires
    assert report.auc > 0.8
    text = " ".join(report.sentences())
    assert "DIFFERENT" in text
    assert "Do not trust intervals and false discovery rates" in text
    assert "`recalibrate`" in text
    assert "Do not trust" not in " ".join(report.sentences(has_coverage=True))
    assert "false discovery" not in " ".join(report.sentences(is_weighted=True))


def test_says_that_it_passed(series):
    report = shift_check(series[::2], series[1::2])
    first, second = report.sentences()
    assert first.startswith("Shift check: no difference in structure was found")
    assert f"AUC {report.auc:.2f} (0.5 = alike)" in first
    assert "An AUC of 0.6 would have been found in " in second
    assert "as stated" not in first + second


def test_power_is_how_often_a_difference_is_found(series):
    """A share of the library has a bit turned on that is rare: small samples find it as seldom as they say."""
    powers = [shift_check(series[:n], series[-n:]).power for n in (100, 200, 400)]
    assert powers == sorted(powers)
    assert powers[0] < 0.7 < powers[-1]


def test_same_seed_same_answer(series):
    many = np.concatenate([series, series])
    report = shift_check(many, series[:100], seed=3)
    assert report == shift_check(many, series[:100], seed=3)
    assert report.n_calibration == MOST_COMPARED


def test_areas_equal_scikit_learn():
    rng = np.random.default_rng(0)
    scores, dealt = rng.normal(size=(60, 4)), rng.random((60, 4)) < 0.4
    expected = [roc_auc_score(dealt[:, k], scores[:, k]) for k in range(4)]
    np.testing.assert_allclose(shift._areas(scores, dealt), expected)


def test_the_probability_to_fire_is_the_stated_power(series):
    """p-values of libraries drawn like the calibration are uniform; 60 small comparisons."""
    found = []
    for seed in range(60):
        order = np.random.default_rng([seed, 1]).permutation(len(series))
        found.append(shift_check(series[order[:100]], series[order[100:200]], seed=seed).p_value)
    assert kstest(found, "uniform").pvalue > 0.001


def test_doubles_on_both_sides_do_not_fire(series):
    assert not shift_check(series[:200], series[:200]).fires
    assert not shift_check(np.repeat(series[:1], 100, axis=0), np.repeat(series[:1], 100, axis=0)).fires


@pytest.mark.parametrize(("n", "m"), [(0, 100), (100, 0), (LEAST_COMPARED - 1, 100)])
def test_too_few_to_compare(series, n, m):
    report = shift_check(series[:n], series[:m])
    assert not report.was_checked
    assert not report.fires
    assert report.sentences() == [
        f"Shift check: {n} calibration and {m} new compounds are too few (at least 100 of each)."
    ]


def test_weights_bring_back_what_was_drawn_unevenly(series):
    rng = np.random.default_rng(0)
    bit = np.unpackbits(series, axis=1)
    kind = bit[:, np.argmin(np.abs(bit.mean(axis=0) - 0.5))] == 1
    library = series[rng.permutation(np.flatnonzero(kind))[:300]]
    ratio = density_ratio(series, library)
    assert ratio.calibration_weights.mean() == pytest.approx(1.0)
    assert ratio.calibration_weights[kind].mean() > 2 * ratio.calibration_weights[~kind].mean()
    assert 20 < ratio.effective_rows < len(series)
    np.testing.assert_array_less(ratio.weights(series[~kind]).mean(), ratio.weights(series[kind]).mean())


def test_without_shift_all_weigh_about_the_same(series):
    order = np.random.default_rng(1).permutation(len(series))
    ratio = density_ratio(series[order[:500]], series[order[500:]])
    assert ratio.effective_rows > 300


def broken_trial(series, kind, rng, share):
    """A model too optimistic on one kind, which is rare in the calibration and `share` of the library."""
    odd, usual = rng.permutation(np.flatnonzero(kind)), rng.permutation(np.flatnonzero(~kind))
    rows = np.concatenate([odd[:60], usual[:240]])
    n_odd = round(200 * share)
    new = np.concatenate([odd[60 : 60 + n_odd], usual[240 : 440 - n_odd]])
    score, new_score = rng.normal(size=300), rng.normal(size=200)
    truth = score - 1.5 * kind[rows] + rng.normal(0, 0.5, 300)
    answer = new_score - 1.5 * kind[new] + rng.normal(0, 0.5, 200)
    return series[rows], series[new], score, (truth > 0).astype(float), new_score, answer > 0


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_the_guarantee_fails_where_the_check_fires(series, share):
    """Calibration and library drawn alike: the rate holds and the check is silent. Drawn differently: neither."""
    rng = np.random.default_rng(5)
    bit = np.unpackbits(series, axis=1)
    kind = bit[:, np.argmin(np.abs(bit.mean(axis=0) - 0.5))] == 1
    nobody = np.zeros(300, dtype=np.int64)
    wrong, fired = [], []
    for trial in range(30):
        known, library, score, is_hit, new_score, is_true = broken_trial(series, kind, rng, share)
        plain = benjamini_hochberg(calibrate_hits(score, is_hit, nobody, 1).p_values(new_score[None]), 0.2)
        ratio = density_ratio(known, library)
        rule = calibrate_weighted_hits(score, is_hit, ratio.calibration_weights, nobody, 1)
        own, mass = ratio.weights(library), rule.mass_above(new_score[None])
        weighted = weighted_selection(rule, mass, new_score, own, n_new=200, q=0.2, seed=trial)
        wrong.append([np.sum(chosen & ~is_true) / max(1, chosen.sum()) for chosen in (plain, weighted)])
        fired.append(shift_check(known, library, seed=trial).fires)
    mean, error = np.mean(wrong, axis=0), np.std(wrong, axis=0) / np.sqrt(len(wrong))
    if share == 0.2:
        assert mean[0] < 0.2 + 3 * error[0]
        assert np.mean(fired) < 0.15
    else:
        assert mean[0] > 0.3
        assert np.mean(fired) == 1.0
        assert mean[1] < mean[0] - 0.1  # estimated weights mend most of it, not all
