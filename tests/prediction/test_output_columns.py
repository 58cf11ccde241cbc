"""Columns of predictions."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph import Panel, Predictor
from molgraph.model_folder.folder import load_model
from molgraph.prediction.output_columns import (
    free_names,
    prediction_columns,
    prediction_values,
    shown_tasks,
    task_values,
)


def test_values_fill_the_columns(mixed_folder):
    predictor = Predictor.load(mixed_folder, device="cpu")
    prediction = predictor.predict(["CCO", "bad"], domain=True)
    shown = shown_tasks(Panel([predictor]), first_domain=True)
    values = prediction_values(task_values(prediction, 0.8), shown)
    assert list(values) == list(prediction_columns(shown))
    assert all(len(column) == 2 for column in values.values())
    np.testing.assert_array_equal(values["pIC50_lower"], prediction.interval(0.8)[0][:, 0])
    np.testing.assert_array_equal(values["active_pred"], prediction.mean[:, 1])
    assert values["active_call"].tolist() == prediction.calls(0.8)[:, 1].tolist()
    assert np.isnan(values["pIC50_pred"][1])
    assert values["active_call"][1] == ""
    assert values["active_domain"].tolist() == [prediction.domain[0, 0], ""]
    assert "active_percentile" not in values  # it has no reference compounds


def test_the_domain_of_the_first_model_may_have_a_column_of_its_own(mixed_folder):
    panel = Panel.load([mixed_folder, "herg"], device="cpu")
    names = prediction_columns(shown_tasks(panel, first_domain=False))
    assert [name for name in names if name.endswith(("domain", "percentile"))] == ["herg_percentile", "herg_domain"]


def test_the_spread_of_logarithms_is_in_log10_units_and_its_column_says_so(model_folder):
    stored = load_model(model_folder)
    own = replace(stored, calibration=replace(stored.calibration, is_log=(True,)))
    panel = Panel([Predictor(own, digest="", device="cpu")])
    prediction = panel.predict(["CCO", "bad"])
    shown = shown_tasks(panel, first_domain=True)
    values = prediction_values(task_values(prediction, 0.8), shown)
    factor = 10 ** values["pIC50_std_log10"][0]
    # One deviation up is that factor, but for the curvature of the logarithm.
    spread = np.sqrt(prediction.var[0, 0])
    assert np.log(factor) == pytest.approx(spread / prediction.mean[0, 0])
    assert np.isnan(values["pIC50_std_log10"][1])


NAMES = st.lists(st.sampled_from(["a", "b", "input_a", "input_input_a", "c"]), unique=True)


@given(names=NAMES, taken=NAMES)
def test_names_in_the_output_are_all_different(names, taken):
    given_names = free_names(names, taken)
    assert list(given_names) == names
    everything = [*taken, *given_names.values()]
    assert len(set(everything)) == len(everything)
    assert all(given_names[name] == name for name in names if name not in everything[: len(taken)] and name[0] != "i")
