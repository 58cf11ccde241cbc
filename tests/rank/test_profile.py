"""Profiles: curves, what is asked of a compound, and what a file may say."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from molgraph.errors import InputError
from molgraph.rank.desirability import CURVES, geometric_mean
from molgraph.rank.hit_probability import OutOfFoldRows, fit_hit_probability
from molgraph.rank.profile import parse_profile, read_profile
from molgraph.results.labels import Labels
from molgraph.results.prediction import Prediction
from molgraph.results.tasks import TaskSpec

TASKS = (TaskSpec("pIC50", "regression"), TaskSpec("hERG", "classification"))
POTENT = {"task": "pIC50", "curve": "sigmoid", "low": 6, "high": 8}
SAFE = {"task": "hERG", "curve": "reverse_sigmoid", "low": 0.2, "high": 0.8, "weight": 2}


class Ends:
    """Intervals of a fixed width around the mean; none for classes."""

    is_log = (False, False)

    def interval(self, prediction, level):
        width = np.array([10 * (1 - level), np.nan])
        return prediction.mean - width, prediction.mean + width


def predicted(mean, std=0.5) -> Prediction:
    mean = np.asarray(mean, dtype=float)
    return Prediction(TASKS, mean, np.zeros_like(mean), np.full_like(mean, std**2), mean[None], calibration=Ends())


@given(st.sampled_from(sorted(CURVES)), st.floats(-50, 50), st.floats(0.01, 50), st.lists(st.floats(-200, 200)))
def test_curves_lie_between_0_and_1_and_want_what_they_say(name, low, width, values):
    high = low + width
    curve = CURVES[name].function
    found = curve(np.array(values, dtype=float), low, high)
    assert ((found >= 0) & (found <= 1)).all()
    good, bad = {
        "sigmoid": (high, low),
        "reverse_sigmoid": (low, high),
        "double_sigmoid": ((low + high) / 2, high + 5 * width),
        "step": ((low + high) / 2, high + width),
    }[name]
    assert curve(np.array([good]), low, high) > 0.95
    assert curve(np.array([bad]), low, high) < 0.05
    assert np.isnan(curve(np.array([np.nan]), low, high)).all()


def test_the_geometric_mean_is_that_of_scipy():
    parts, weights = np.random.default_rng(0).uniform(0.01, 1, (3, 5)), [1.0, 2.0, 0.5]
    expected = scipy.stats.gmean(parts, axis=0, weights=np.array(weights)[:, None])
    assert geometric_mean(list(parts), weights) == pytest.approx(expected)


def test_ranked_by_the_mean():
    profile = parse_profile({"objective": [POTENT, SAFE]}, TASKS)
    scores = profile.scores(predicted([[8, 0.2], [7, 0.2], [8, 0.8], [np.nan, np.nan]]))
    assert scores[0] == pytest.approx(0.9968, abs=1e-3)
    assert scores[1] == pytest.approx((0.5 * 0.99685**2) ** (1 / 3), rel=1e-3)
    assert scores[0] > scores[1] > scores[2]
    assert np.isnan(scores[3])
    assert (profile.column, str(profile)) == (0, "desirability of pIC50 (more is better), hERG (less is better)")


def test_ranked_by_the_less_wanted_end():
    profile = parse_profile({"rank_by": "lower_bound", "objective": [POTENT, SAFE]}, TASKS, level=0.9)
    mean = parse_profile({"objective": [POTENT, SAFE]}, TASKS)
    assert profile.scores(predicted([[8, 0.3]])) == pytest.approx(mean.scores(predicted([[7, 0.3]])))
    between = {"task": "pIC50", "curve": "double_sigmoid", "low": 5, "high": 7}
    profile = parse_profile({"rank_by": "lower_bound", "objective": [between]}, TASKS, level=0.9)
    assert profile.scores(predicted([[6, 0.3]]))[0] == pytest.approx(0.5, abs=1e-3)  # both ends are at the flanks
    assert str(profile) == "lower bound of the desirability of pIC50 between 5 and 7"


def test_ranked_by_the_probability_that_all_holds():
    profile = parse_profile({"rank_by": "probability", "criteria": ["pIC50 >= 7", "not hERG"]}, TASKS)
    new = predicted([[7, 0.5], [7.5, 0.1], [9, 0.0]])
    with pytest.raises(InputError, match="calibration compounds tell"):
        profile.scores(new)
    rng = np.random.default_rng(1)
    means = np.column_stack([rng.normal(7, 1, 2000), rng.uniform(0.02, 0.98, 2000)])
    labels = np.column_stack([means[:, 0] + rng.normal(0, 0.5, 2000), rng.random(2000) < means[:, 1]])
    rows = OutOfFoldRows(0, Labels(labels), means, np.array([0.5, np.nan]), (False, False))
    fitted = replace(profile, probability=fit_hit_probability(profile.criteria, [rows]))
    found = fitted.scores(new)
    assert found == pytest.approx([0.25, scipy.stats.norm.cdf(1) * 0.9, scipy.stats.norm.cdf(4)], abs=0.04)
    assert str(profile) == "probability of pIC50 >= 7 and hERG = 0"


def test_what_is_required_is_not_listed_without():
    profile = parse_profile({"objective": [POTENT], "require": ["hERG <= 0.5", "pIC50 < 8"]}, TASKS)
    scores = profile.scores(predicted([[7, 0.1], [7, 0.9], [8, 0.1], [np.nan, np.nan]]))
    assert np.isfinite(scores).tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "there is no objective"),
        ({"objective": POTENT}, r"objective is {'curve': .*}; it must be a list of tables \[\[objective\]\]"),
        ({"objective": [3]}, r"objective\[0\] is 3; it must be a table with task, curve, low, high, weight"),
        (
            {"objectives": [POTENT]},
            r"^there is no field 'objectives'; did you mean 'objective'\? allowed are rank_by, objective",
        ),
        ({"objective": [{**POTENT, "slope": 1}]}, r"objective\[0\] has no field 'slope'; allowed are task, curve"),
        ({"objective": [{**POTENT, "task": "logD"}]}, "has the task 'logD'; the models have pIC50, hERG"),
        (
            {"objective": [{**POTENT, "curve": "linear"}]},
            r"objective\[0\]\.curve is 'linear'; it must be one of 'sigmoid', 'reverse_sigmoid'",
        ),
        ({"objective": [{**POTENT, "low": 9}]}, "low is 9 and high is 8; low must be less"),
        ({"objective": [{**POTENT, "low": "6"}]}, "low is '6'; it must be a number"),
        ({"objective": [{**POTENT, "high": True}]}, "high is True; it must be a number"),
        ({"objective": [{**POTENT, "high": float("inf")}]}, "high is inf; it must be a number"),
        ({"objective": [{"task": "pIC50", "curve": "step", "high": 1}]}, "low is missing; it must be a number"),
        ({"objective": [{**POTENT, "weight": 0}]}, "weight is 0; it must be above 0"),
        ({"objective": [POTENT], "rank_by": "median"}, "rank_by is 'median'; did you mean 'mean'. it must be one"),
        ({"rank_by": "probability"}, "rank_by is 'probability', of what"),
        ({"objective": [POTENT], "require": "pIC50 > 6"}, "require is 'pIC50 > 6'; it must be a list"),
        ({"objective": [POTENT], "filters": 3}, r"filters is 3; it must be a table \[filters\]"),
        ({"objective": [POTENT], "require": []}, r"require is \[\]; it must be a list"),
        ({"objective": [POTENT], "require": ["hERG < 7"]}, "require has 'hERG < 7'; hERG is a class"),
        ({"objective": [POTENT], "criteria": ["logD > 6"]}, "criteria has 'logD > 6'"),
    ],
)
def test_what_a_file_cannot_say(values, words):
    with pytest.raises(InputError, match=words):
        parse_profile(values, TASKS)


def test_files(tmp_path):
    path = tmp_path / "good.toml"
    path.write_text('require = ["not hERG"]\n[[objective]]\ntask = "pIC50"\ncurve = "step"\nlow = 6\nhigh = 9\n')
    assert read_profile(path, TASKS, level=0.9).objectives[0].curve == "step"
    path.write_text("rank_by = ")
    with pytest.raises(InputError, match=r"good\.toml is no TOML file \(Invalid value"):
        read_profile(path, TASKS, level=0.9)
    path.write_text('rank_by = "mean"')
    with pytest.raises(InputError, match=r"good\.toml: rank_by is 'mean' and there is no objective"):
        read_profile(path, TASKS, level=0.9)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is no TOML file"):
        read_profile(path, TASKS, level=0.9)
    path.write_text("#" * 1_000_001)
    with pytest.raises(InputError, match="more than 1,000,000 bytes"):
        read_profile(path, TASKS, level=0.9)
    with pytest.raises(InputError, match=r"none\.toml cannot be read \(No such file"):
        read_profile(tmp_path / "none.toml", TASKS, level=0.9)
