"""The contract of every tabular learner of the table: what is asked here holds for each row without naming one."""

from dataclasses import replace

import numpy as np
import pytest

from molgraph.config.learners import LEARNERS, TABULAR
from molgraph.errors import InputError
from molgraph.features.blocks import BLOCKS
from molgraph.learners.base import FitLimits, TabularLearner
from molgraph.learners.registry import tabular_learner

N_ROWS, N_COLUMNS, N_MEMBERS = 120, 15, 3


@pytest.fixture(scope="module")
def data(make_data):
    return make_data()


@pytest.fixture(scope="module", params=TABULAR)
def learner(request):
    return tabular_learner(request.param)


@pytest.fixture(scope="module")
def members(learner, data, plans):
    """One model for each member."""
    return [learner.fit(data, plan, 0, FitLimits()) for plan in plans]


@pytest.fixture(scope="module")
def model(learner, members):
    return learner.join(members)


@pytest.mark.parametrize("name", LEARNERS)
def test_a_row_says_what_is_needed(name):
    spec = LEARNERS[name]
    assert (spec.name, bool(spec.title), bool(spec.description)) == (name, True, True)
    assert set(spec.blocks) <= BLOCKS.keys()
    if spec.module is None:
        with pytest.raises(ValueError, match=f"{name} is no tabular learner"):
            tabular_learner(name)
        return
    assert isinstance(tabular_learner(name), TabularLearner)
    assert spec.blocks or spec.reads_network or spec.reads_encoder == "always"
    assert spec.seconds.of(2000) > spec.seconds.of(200) > 0


def test_titles_and_descriptions_tell_learners_apart():
    for words in ("title", "description"):
        assert len({getattr(spec, words) for spec in LEARNERS.values()}) == len(LEARNERS)


def test_it_learns_a_value_and_a_class(model, data, plans):
    assert model.n_members == N_MEMBERS
    means = model.predict(data.columns)
    assert (means.shape, means.dtype) == ((N_MEMBERS, N_ROWS, 2), np.float64)
    assert ((means[..., 1] >= 0) & (means[..., 1] <= 1)).all()
    for member, plan in enumerate(plans):
        rows = plan.held_out_rows[~np.isnan(data.labels[plan.held_out_rows]).any(axis=1)]
        assert np.corrcoef(means[member, rows, 0], data.labels[rows, 0])[0, 1] > 0.7
        hits = data.labels[rows, 1] == 1
        assert means[member, rows, 1][hits].mean() > means[member, rows, 1][~hits].mean() + 0.2


def test_variances_belong_to_the_same_means(model, data):
    means, variance = model.predict_with_variance(data.columns)
    np.testing.assert_array_equal(means, model.predict(data.columns))
    assert variance is None or (variance.shape == means.shape and (variance >= 0).all())


def test_it_reads_what_it_fits(model, data):
    wide = np.concatenate([data.columns, data.columns], axis=1)
    fitting = [width for width in range(1, 2 * N_COLUMNS + 1) if model.fits(width)]
    assert N_COLUMNS in fitting
    assert not model.fits(1)
    for width in fitting:
        assert model.predict(wide[:, :width]).shape == (N_MEMBERS, N_ROWS, 2)


def test_members_together_predict_what_they_predict_alone(model, members, data):
    alone = np.concatenate([member.predict(data.columns) for member in members])
    # Products of other shapes add up in another order; the large coefficients of a process show it.
    np.testing.assert_allclose(model.predict(data.columns), alone, rtol=0, atol=1e-4)


def test_arrays_hold_all_of_it(learner, model, data):
    arrays = model.to_arrays()
    assert all(isinstance(array, np.ndarray) and array.dtype != object for array in arrays.values())
    again = learner.from_arrays(arrays, data.kinds, N_MEMBERS)
    np.testing.assert_array_equal(again.predict(data.columns), model.predict(data.columns))
    with pytest.raises(ValueError, match=r"is|has"):
        learner.from_arrays(arrays, data.kinds, N_MEMBERS + 1)
    with pytest.raises(ValueError, match=r"is|has"):
        learner.from_arrays(arrays, (*data.kinds, "regression"), N_MEMBERS)


CHANGES = {
    "nan": lambda array: np.full_like(array, np.nan),
    "inf": lambda array: np.full_like(array, np.inf),
    "complex": lambda array: array.astype(np.complex64),
    "half": lambda array: array.astype(np.float16),
    "axis": lambda array: array[None],
    "longer": lambda array: np.concatenate([array, array]),
    "empty": lambda array: array[:0],
    "gone": lambda _: None,
}


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # as half numbers, some are too large
@pytest.mark.parametrize("change", CHANGES)
def test_arrays_that_are_not_its_own_are_refused(learner, model, data, change):
    good = model.to_arrays()
    for key, array in good.items():
        if change in {"nan", "inf"} and array.dtype.kind != "f":
            continue
        bad = CHANGES[change](array)
        changed = {name: other for name, other in {**good, key: bad}.items() if other is not None}
        try:
            read = learner.from_arrays(changed, data.kinds, N_MEMBERS)
        except ValueError:
            continue
        assert change == "inf", f"{key} was accepted"  # as a threshold may be
        assert np.isfinite(read.predict(data.columns)).all(), key


def test_a_row_is_predicted_the_same_in_any_company(members, data):
    whole = members[0].predict(data.columns)
    np.testing.assert_allclose(members[0].predict(data.columns[7:8])[:, 0], whole[:, 7], rtol=1e-5)
    assert members[0].predict(data.columns[:0]).shape == (1, 0, 2)


def test_no_member_depends_on_labels_of_its_held_out_fold(learner, members, data, plans):
    labels = data.labels.copy()
    labels[plans[0].held_out_rows] = 9.0
    other = learner.fit(replace(data, labels=labels), plans[0], 0, FitLimits())
    np.testing.assert_array_equal(other.predict(data.columns), members[0].predict(data.columns))


def test_the_same_seed_gives_the_same_model_on_any_number_of_threads(learner, members, data, plans):
    again = learner.fit(data, plans[1], 0, FitLimits(threads=2)).to_arrays()
    for key, array in members[1].to_arrays().items():
        np.testing.assert_array_equal(again[key], array)


def test_progress_adds_up_to_the_whole(learner, data, plans):
    shares = []
    learner.fit(data, plans[0], 0, FitLimits(on_share=shares.append))
    assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize("labels", [np.nan, 1.0, 0.0])
def test_nothing_to_tell_apart(learner, data, plans, labels):
    same = replace(data, labels=np.full((N_ROWS, 2), labels))
    means = learner.fit(same, plans[0], 0, FitLimits()).predict(data.columns)
    expected = 0.0 if np.isnan(labels) else labels
    assert np.allclose(means[..., 0], expected, atol=1e-6)
    assert np.isfinite(means).all()


def test_a_task_that_is_not_measured_is_no_trouble_to_the_others(learner, data, plans):
    labels = data.labels.copy()
    labels[:, 1] = np.nan
    means = learner.fit(replace(data, labels=labels), plans[0], 0, FitLimits()).predict(data.columns)
    assert np.isfinite(means).all()
    rows = np.flatnonzero(np.isfinite(labels[:, 0]))
    assert np.corrcoef(means[0, rows, 0], labels[rows, 0])[0, 1] > 0.7


def test_names_that_are_no_learner_are_refused():
    from molgraph import TrainConfig

    with pytest.raises(InputError, match="learner is 'gp_tanimotto'; did you mean 'gp_tanimoto'"):
        TrainConfig(learner="gp_tanimotto")
