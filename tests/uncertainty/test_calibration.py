"""The calibration of an ensemble: what it promises, on rows whose truth is known."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save
from scipy.special import expit

from molgraph.config.uncertainty import CalibrationSettings
from molgraph.errors import InputError
from molgraph.results.labels import Labels
from molgraph.results.member_outputs import QUANTILE_LEVELS, MemberOutputs
from molgraph.results.prediction import Prediction
from molgraph.results.tasks import TaskSpec, ranges
from molgraph.uncertainty.calibration import fit_calibration
from molgraph.uncertainty.calibration_arrays import calibration_from_arrays
from molgraph.uncertainty.calibration_data import CalibrationData
from molgraph.uncertainty.conformal import rows_needed
from molgraph.uncertainty.label_sets import without_contradiction

KINDS = ("regression", "classification")
TASKS = (TaskSpec("y", "regression"), TaskSpec("active", "classification"))
SPLIT = CalibrationSettings(rows="split", n_models=1)
CROSS = CalibrationSettings(rows="cross", n_models=4)
NORMAL = np.array([-1.96, -1.645, -1.2816, -0.9945, -0.6745, 0, 0.6745, 0.9945, 1.2816, 1.645, 1.96])


def draw(rng, n, n_members=4):
    """Labels `[n, 2]`, and what members say whose errors grow with what they say of their spread."""
    noise = rng.uniform(0.2, 2.0, n)
    centre = rng.normal(5, 2, n)
    shared = rng.normal(0, 0.3, n)
    value = centre + shared + rng.normal(0, 0.2, (n_members, n))
    logit = rng.normal(-1.5, 1.5, n)
    probability = expit(2 * logit + rng.normal(0, 0.3, (n_members, n)))  # overconfident
    labels = np.stack([centre + noise * rng.normal(size=n), rng.random(n) < expit(logit)], axis=1)
    mean = np.stack([value, probability], axis=2)
    aleatoric = np.stack([np.broadcast_to(noise**2 / 4, value.shape), np.zeros_like(value)], axis=2)
    quantiles = np.full((*mean.shape, len(QUANTILE_LEVELS)), np.nan)
    quantiles[:, :, 0] = value[..., None] + noise[:, None] * NORMAL * 0.7
    return labels, MemberOutputs(mean, aleatoric, np.zeros_like(mean), quantiles)


def calibration_rows(rng, n, settings):
    labels, outputs = draw(rng, n)
    if settings.rows == "split":
        pooled = outputs.pooled()
        return CalibrationData(
            np.zeros(n, dtype=np.int64),
            Labels(labels),
            pooled.mean,
            pooled.aleatoric_var,
            pooled.epistemic_var,
            pooled.quantiles,
        )
    model, row = rng.integers(0, 4, n), np.arange(n)
    return CalibrationData(
        model, Labels(labels), outputs.mean[model, row], outputs.aleatoric_var[model, row], outputs.mean.var(axis=0),
        outputs.quantiles[model, row],
    )  # fmt: skip


def predict(rule, outputs):
    mean, aleatoric, epistemic = rule.apply(outputs)
    return Prediction(
        TASKS, mean, epistemic, aleatoric, outputs.mean, quantiles=outputs.pooled().quantiles, calibration=rule
    )


SETTINGS = [
    replace(base, intervals=intervals)
    for base in (SPLIT, CROSS)
    for intervals in ("normalised", "absolute", "quantile")
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: f"{s.rows}-{s.intervals}")
class TestPromises:
    def test_coverage(self, settings):
        rng = np.random.default_rng(0)
        covered = []
        for _ in range(80):
            rule = fit_calibration(KINDS, calibration_rows(rng, 199, settings), settings)
            labels, outputs = draw(rng, 100)
            low, high = predict(rule, outputs).interval(0.9)
            covered.append(np.mean((low[:, 0] <= labels[:, 0]) & (labels[:, 0] <= high[:, 0])))
        error = np.std(covered) / np.sqrt(len(covered))
        # Members are a little further off than their mean, which split intervals are made of and cross ones are not.
        assert 0.9 - 3 * error < np.mean(covered) < 0.93 + 3 * error

    def test_each_class_has_its_own_coverage_and_no_call_contradicts_its_probability(self, settings):
        rng = np.random.default_rng(1)
        covered = np.full((60, 2), np.nan)
        for trial in range(len(covered)):
            rule = fit_calibration(KINDS, calibration_rows(rng, 400, settings), settings)
            labels, outputs = draw(rng, 200)
            prediction = predict(rule, outputs)
            calls, p = prediction.calls(0.8)[:, 1], prediction.mean[:, 1]
            assert not ((calls == "active") & (p < 0.5)).any()
            assert not ((calls == "inactive") & (p > 0.5)).any()
            for c, name in enumerate(("inactive", "active")):
                covered[trial, c] = np.isin(calls[labels[:, 1] == c], [name, "uncertain"]).mean()
        mean, error = covered.mean(axis=0), covered.std(axis=0) / np.sqrt(len(covered))
        assert (mean > 0.8 - 3 * error).all()
        assert mean[1] < 0.84 + 3 * error[1]
        # The probability that rules out class 1 at this level is below one half; class 0 keeps what is below it.
        assert mean[0] < 0.95

    def test_variances_are_those_of_the_errors(self, settings):
        rng = np.random.default_rng(2)
        rule = fit_calibration(KINDS, calibration_rows(rng, 2000, settings), settings)
        labels, outputs = draw(rng, 4000)
        prediction = predict(rule, outputs)
        z = (labels - prediction.mean)[:, 0] / prediction.std[:, 0]
        assert np.sqrt(np.mean(z**2)) == pytest.approx(1.0, abs=0.06)
        top = prediction.std[:, 0] > np.median(prediction.std[:, 0])
        for half in (top, ~top):  # locally too
            assert np.sqrt(np.mean(z[half] ** 2)) == pytest.approx(1.0, abs=0.1)
        p = prediction.mean[:, 1]
        assert p[p > 0.5].mean() == pytest.approx(labels[p > 0.5, 1].mean(), abs=0.05)
        np.testing.assert_allclose(prediction.aleatoric_var[:, 1], p * (1 - p))

    def test_too_few_rows_promise_nothing(self, settings):
        rng = np.random.default_rng(3)
        for n in (0, 1, 8):
            rule = fit_calibration(KINDS, calibration_rows(rng, n, settings), settings)
            assert rule.rows_of[0] == (n,)
            assert rows_needed(0.9) == 9 > n
            prediction = predict(rule, draw(rng, 3)[1])
            low, high = prediction.interval(0.9)
            assert np.isinf([low[:, 0], high[:, 0]]).all()
            assert prediction.calls(0.9)[:, 1].tolist() == ["uncertain"] * 3

    def test_missing_predictions_and_labels(self, settings):
        rng = np.random.default_rng(4)
        data = calibration_rows(rng, 60, settings)
        data.labels.values[:20] = np.nan
        rule = fit_calibration(KINDS, data, settings)
        assert rule.rows_of[0] == (40,)
        assert sum(rule.rows_of[1]) == 40
        _, outputs = draw(rng, 3)
        outputs.mean[:, 1] = outputs.quantiles[:, 1] = np.nan
        prediction = predict(rule, outputs)
        low, high = prediction.interval(0.8)
        assert np.isnan([low[1, 0], high[1, 0]]).all()
        assert np.isfinite([low[[0, 2], 0], high[[0, 2], 0]]).all()
        assert prediction.calls(0.8)[1].tolist() == ["", ""]

    def test_any_level_from_one_fit(self, settings):
        rng = np.random.default_rng(5)
        prediction = predict(fit_calibration(KINDS, calibration_rows(rng, 300, settings), settings), draw(rng, 50)[1])
        ends = [prediction.interval(level) for level in (0.5, 0.8, 0.9, 0.99)]
        for (low, high), (lower, higher) in pairwise(ends):
            assert (lower[:, 0] <= low[:, 0] + 1e-9).all()
            assert (higher[:, 0] >= high[:, 0] - 1e-9).all()

    def test_stored_and_read_back(self, settings):
        rng = np.random.default_rng(6)
        rule = fit_calibration(KINDS, calibration_rows(rng, 80, settings), settings)
        back = calibration_from_arrays(KINDS, load(save(rule.to_arrays())), settings)
        outputs = draw(rng, 20)[1]
        one, other = predict(rule, outputs), predict(back, outputs)
        assert np.array_equal(one.var, other.var)
        assert np.array_equal(one.interval(0.85), other.interval(0.85), equal_nan=True)
        assert np.array_equal(one.calls(0.85), other.calls(0.85))

    def test_labels_are_not_looked_at_again(self, settings):
        rng = np.random.default_rng(7)
        rule = fit_calibration(KINDS, calibration_rows(rng, 80, settings), settings)
        outputs = draw(rng, 20)[1]
        one = predict(rule, outputs).interval(0.9)
        parts = {key: values[:, :10] for key, values in vars(outputs).items() if isinstance(values, np.ndarray)}
        half = MemberOutputs(**parts)
        np.testing.assert_array_equal(predict(rule, half).interval(0.9), [ends[:10] for ends in one])


def test_broken_exchangeability_breaks_the_promise():
    """New rows that are noisier than those of the calibration are not covered: nobody can promise that."""
    rng = np.random.default_rng(8)
    rule = fit_calibration(KINDS, calibration_rows(rng, 500, SPLIT), SPLIT)
    labels, outputs = draw(rng, 2000)
    low, high = predict(rule, outputs).interval(0.9)
    noisy = labels[:, 0] + rng.normal(0, 3, 2000)
    covered, broken = (np.mean((low[:, 0] <= y) & (y <= high[:, 0])) for y in (labels[:, 0], noisy))
    assert covered > 0.87
    assert broken < 0.75


def test_tasks_that_are_ranked_no_better_than_by_chance():
    rng = np.random.default_rng(3)
    data = calibration_rows(rng, 300, SPLIT)

    def chance(**changed):
        return fit_calibration(KINDS, replace(data, **changed), SPLIT).no_better_than_chance

    assert chance() == ()
    assert chance(labels=data.labels.map(lambda values: 1 - values)) == (0, 1)
    assert chance(mean=data.mean * [0, 1]) == (0,)
    assert chance(mean=data.mean * [1, 1e-3]) == ()  # small probabilities rank as well
    assert chance(labels=Labels(np.stack([data.labels.values[:, 0], np.ones(300)], axis=1))) == ()  # nothing to rank
    assert chance(labels=Labels(np.where([True, False], data.labels.values, np.nan))) == ()


def test_one_worthless_model_in_twenty_passes_for_better_than_chance():
    rng = np.random.default_rng(5)
    passed = 0
    for _ in range(300):
        data = calibration_rows(rng, 40, SPLIT)
        shuffled = replace(data, labels=data.labels.map(rng.permutation))
        passed += 2 - len(fit_calibration(KINDS, shuffled, SPLIT).no_better_than_chance)
    assert passed / 600 == pytest.approx(0.05, abs=0.03)


def test_bounds_are_kept_and_count_as_nothing_measured():
    data = calibration_rows(np.random.default_rng(6), 50, SPLIT)
    data.labels.values[:10, 0] = np.nan
    bounds = np.full((2, 50, 2), np.nan)
    bounds[0, :10, 0] = 3.0
    labels = Labels(data.labels.values, *bounds)
    plain, rule = (fit_calibration(KINDS, replace(data, labels=own), SPLIT) for own in (data.labels, labels))
    arrays = rule.to_arrays()
    assert {name: array.tobytes() for name, array in arrays.items() if name != "bounds"} == {
        name: array.tobytes() for name, array in plain.to_arrays().items()
    }
    back = calibration_from_arrays(KINDS, arrays, SPLIT).data
    np.testing.assert_array_equal(back.labels.bounds, bounds)
    with pytest.raises(ValueError, match=r"bounds is float64 \(2, 49, 2\), not float64 \(2, 50, 2\)"):
        calibration_from_arrays(KINDS, {**arrays, "bounds": bounds[:, 1:]}, SPLIT)


def test_missing_array():
    arrays = fit_calibration(KINDS, calibration_rows(np.random.default_rng(9), 20, SPLIT), SPLIT).to_arrays()
    del arrays["scaling.0"]
    with pytest.raises(KeyError, match=r"scaling\.0"):
        calibration_from_arrays(KINDS, arrays, SPLIT)


def test_a_level_that_the_rows_do_not_allow():
    rule = fit_calibration(KINDS, calibration_rows(np.random.default_rng(0), 30, SPLIT), SPLIT)
    rule.check_level(0.95)
    with pytest.raises(InputError, match=r"level is 0.99, whose intervals need at least 99 .* the model has 30"):
        rule.check_level(0.99)
    with pytest.raises(InputError, match="level is 1"):
        rule.check_level(1.0)


def test_quantile_intervals_need_quantiles():
    rng = np.random.default_rng(0)
    settings = replace(SPLIT, intervals="quantile")
    rule = fit_calibration(KINDS, calibration_rows(rng, 100, settings), settings)
    prediction = replace(predict(rule, draw(rng, 5)[1]), quantiles=None)
    with pytest.raises(InputError, match="holds no quantiles"):
        prediction.interval(0.9)


@pytest.mark.parametrize("settings", [own for own in SETTINGS if own.intervals != "quantile"], ids=str)
def test_intervals_of_logarithms_are_factors(settings):
    rng = np.random.default_rng(3)

    def as_factors(labels, outputs):
        """The values as exponents, with the spread that they have then."""
        labels, mean, aleatoric = labels.copy(), outputs.mean.copy(), outputs.aleatoric_var.copy()
        labels[:, 0], mean[..., 0] = np.exp(labels[:, 0]), np.exp(mean[..., 0])
        aleatoric[..., 0] *= mean[..., 0] ** 2
        return labels, MemberOutputs(mean, aleatoric, np.zeros_like(mean))

    held, widths = [], []
    for _ in range(20):
        data = calibration_rows(rng, 400, settings)
        labels, mean, aleatoric = data.labels.values.copy(), data.mean.copy(), data.aleatoric_var.copy()
        labels[:, 0], mean[:, 0] = np.exp(labels[:, 0]), np.exp(mean[:, 0])
        aleatoric[:, 0] *= mean[:, 0] ** 2
        epistemic = data.epistemic_var * np.stack([mean[:, 0] ** 2, np.ones(400)], axis=1)
        data = CalibrationData(data.model, Labels(labels), mean, aleatoric, epistemic)
        rule = fit_calibration(KINDS, data, settings, is_log=(True, False))
        assert rule.is_log == (True, False)
        truth, outputs = as_factors(*draw(rng, 500))
        lower, upper = (end[:, 0] for end in predict(rule, outputs).interval(0.8))
        assert (lower > 0).all()
        held.append(((truth[:, 0] >= lower) & (truth[:, 0] <= upper)).mean())
        widths.append(np.log(upper / lower).mean())
        again = calibration_from_arrays(KINDS, rule.to_arrays(), settings)
        assert again.is_log == rule.is_log
    assert 0.78 <= np.mean(held) <= (0.9 if settings.rows == "cross" else 0.83)
    assert np.mean(widths) < 6.0
    # A label that is not above 0 has no logarithm.
    data.labels.values[0, 0] = -1.0
    assert fit_calibration(KINDS, data, settings, is_log=(True, False)).is_log == (False, False)
    with pytest.raises(ValueError, match="not above 0"):
        calibration_from_arrays(KINDS, {**rule.to_arrays(), "labels": data.labels.values}, settings)
    with pytest.raises(ValueError, match="is_log is int64"):
        calibration_from_arrays(KINDS, {**rule.to_arrays(), "is_log": np.zeros(2, dtype=np.int64)}, settings)


@pytest.mark.parametrize("share", [0.03, 0.2, 0.8, 0.97])
@pytest.mark.parametrize("settings", [SPLIT, CROSS], ids=lambda s: s.rows)
def test_calls_agree_with_probabilities_of_rare_classes(settings, share):
    """A weak model of a rare class: what its class alone would ask for contradicts the probability."""
    rng = np.random.default_rng(10)
    held, n_calls = [], []
    for _ in range(20):
        labels = (rng.random((1500, 1)) < share).astype(float)
        raw = expit(1.3 * labels + np.log(share / (1 - share)) + rng.normal(0, 1, labels.shape))
        by_model = np.broadcast_to(raw, (settings.n_models, *raw.shape))
        model = rng.integers(0, settings.n_models, 1000)
        data = CalibrationData(model, Labels(labels[:1000]), raw[:1000], 0 * raw[:1000], 0 * raw[:1000])
        rule = fit_calibration(KINDS[1:], data, settings)
        new = MemberOutputs(by_model[:, 1000:], 0 * by_model[:, 1000:], 0 * by_model[:, 1000:])
        mean, aleatoric, epistemic = rule.apply(new)
        task = TaskSpec("toxic", "classification", class_names=("safe", "toxic"))
        calls = Prediction((task,), mean, epistemic, aleatoric, new.mean, calibration=rule).calls(0.9)[:, 0]
        p = mean[:, 0]
        assert not ((calls == "toxic") & (p < 0.5)).any()
        assert not ((calls == "safe") & (p > 0.5)).any()
        assert set(calls) <= {"safe", "toxic", "uncertain", "atypical"}
        own = labels[1000:, 0]
        held.append([np.isin(calls[own == c], [task.calls[1 + c], "uncertain"]).mean() for c in (0, 1)])
        n_calls.append(np.isin(calls, task.class_names).mean())
    assert (np.mean(held, axis=0) > 0.88).all()
    assert np.mean(n_calls) > 0.1  # they are of some use all the same


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0, 1)), min_size=1, max_size=20))
def test_what_is_added_to_a_call_is_the_more_likely_class_alone(rows):
    plausible = np.array([row[:2] for row in rows])
    p = np.array([row[2] for row in rows])
    found = without_contradiction(plausible, p)
    assert (found >= plausible).all()  # coverage can only grow
    assert (found.any(axis=1) == plausible.any(axis=1)).all()  # atypical stays so
    alone = found.sum(axis=1) == 1
    assert (found[alone, 1] == (p[alone] >= 0.5))[p[alone] != 0.5].all()
    assert np.array_equal(without_contradiction(found, p), found)


def test_nothing_is_predicted_outside_of_a_range():
    rng = np.random.default_rng(12)
    truth = np.clip(rng.normal(90, 15, (900, 1)), 0, 100)
    by_model = (truth + rng.normal(0, 12, (900, 1)) + rng.normal(0, 2, (4, 900, 1))).clip(-20, 130)
    task = TaskSpec("bound", "regression", unit="%", lowest=0, highest=100)
    outputs = MemberOutputs(by_model, 0 * by_model, 0 * by_model, by_model[..., None] + NORMAL * 12).within(
        *ranges([task])
    )
    model, row = rng.integers(0, 4, 400), np.arange(400)
    data = CalibrationData(model, Labels(truth[:400]), outputs.mean[model, row], 0 * truth[:400], 0 * truth[:400])
    rule = fit_calibration(KINDS[:1], data, CROSS)
    rest = MemberOutputs(*(part[:, 400:] for part in (outputs.mean, outputs.aleatoric_var, outputs.epistemic_var)))
    mean, aleatoric, epistemic = rule.apply(rest)
    prediction = Prediction((task,), mean, epistemic, aleatoric, rest.mean, calibration=rule)
    wide = replace(prediction, tasks=(replace(task, lowest=None, highest=None),)).interval(0.9)
    lower, upper = prediction.interval(0.9)
    for values in (mean, lower, upper, outputs.quantiles):
        assert values.min() >= 0
        assert values.max() <= 100
    assert (wide[1] > 100).mean() > 0.3  # there was something to cut
    held = [(low <= truth[400:]) & (truth[400:] <= high) for low, high in ((lower, upper), wide)]
    assert np.array_equal(*held)  # what is cut off holds no truth
    assert 0.87 < held[0].mean() < 0.95
    assert prediction.interval(0.999999)[1].max() == 100  # too few rows for that level: all that can be


def test_a_label_between_two_bounds_opens_no_interval():
    """`7-8` is known well enough; only `>10` says nothing of where a value ends."""
    rng = np.random.default_rng(3)
    truth = rng.normal(7, 1, (200, 1))
    labels = truth.copy()
    labels[:2] = np.nan
    bounds = np.full((2, 200, 1), np.nan)
    bounds[:, 0, 0] = 6.5, 7.0
    nothing = np.zeros((200, 1))
    ends = []
    for start in (np.nan, 8.0):
        bounds[0, 1, 0] = start
        data = CalibrationData(np.zeros(200, np.int64), Labels(labels, *bounds), truth + 0.3, nothing, nothing)
        rule = fit_calibration(KINDS[:1], data, SPLIT)
        by_model = truth[None]
        mean, aleatoric, epistemic = rule.apply(MemberOutputs(by_model, 0 * by_model, 0 * by_model))
        ends.append(Prediction(TASKS[:1], mean, epistemic, aleatoric, by_model, calibration=rule).interval(0.9)[1])
    between, above = ends
    assert np.isfinite(between).all()
    assert 0.05 < np.isinf(above).mean() < 0.5


@pytest.mark.parametrize("is_log", [False, True])
@pytest.mark.parametrize("settings", [SPLIT, CROSS], ids=lambda s: s.rows)
def test_intervals_are_open_where_labels_are_censored(settings, is_log):
    """With the third of the values above a limit known as `>limit` alone, those above it are held as often as others."""
    rng = np.random.default_rng(13)
    held, above = [], []
    for _ in range(15):
        truth = rng.normal(0, 1, (1400, 1))
        middle = 0.7 * truth + rng.normal(0, 0.5, truth.shape)
        middle = np.minimum(middle, 0.45)  # a model that learned bounds says little beyond them
        if is_log:
            truth, middle = np.exp(truth), np.exp(middle)
        limit = np.quantile(truth, 0.7)
        labels = np.where(truth > limit, np.nan, truth)[:400]
        bounds = np.stack([np.where(truth > limit, limit, np.nan)[:400], np.full((400, 1), np.nan)])
        model = rng.integers(0, settings.n_models, 400)
        nothing = np.zeros((400, 1))
        data = CalibrationData(model, Labels(labels, *bounds), middle[:400], nothing, nothing)
        rule = fit_calibration(KINDS[:1], data, settings, is_log=(is_log,))
        by_model = np.broadcast_to(middle[400:], (settings.n_models, 1000, 1))
        mean, aleatoric, epistemic = rule.apply(MemberOutputs(by_model, 0 * by_model, 0 * by_model))
        lower, upper = Prediction(TASKS[:1], mean, epistemic, aleatoric, by_model, calibration=rule).interval(0.9)
        assert set(upper[upper >= limit]) == {np.inf}
        assert np.isfinite(lower).all()
        new = truth[400:]
        holds = (lower <= new) & (new <= upper)
        held.append(holds.mean())
        above.append(holds[new > limit].mean())
    assert np.mean(held) > 0.89
    assert np.mean(above) > 0.85
