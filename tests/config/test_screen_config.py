"""`ScreenConfig` and `ComputeConfig`: what they refuse, and that they agree with what they name."""

import dataclasses
from typing import get_args

import pytest

from molgraph import ComputeConfig, ScreenConfig
from molgraph.chem.alerts import ALERT_CATALOGUES
from molgraph.config.screening import DEFAULT_FDR, AlertName
from molgraph.errors import InputError


def test_the_defaults_are_a_plain_ranking():
    config = ScreenConfig()
    assert (config.top, config.hit, config.rate, config.level) == (500, None, None, 0.9)
    assert (config.alerts, config.keep_columns) == (("pains", "brenk"), ())
    assert ScreenConfig(hit="y > 1").rate == DEFAULT_FDR
    assert ScreenConfig(hit="y > 1", fdr=0.3).rate == 0.3


def test_lists_become_tuples():
    config = ScreenConfig(keep_columns=["a", "b"], alerts=[])
    assert (config.keep_columns, config.alerts) == (("a", "b"), ())
    assert config == ScreenConfig(keep_columns=("a", "b"), alerts=())
    assert hash(config) == hash(dataclasses.replace(config))


def test_each_alert_has_a_catalogue():
    assert get_args(AlertName) == tuple(ALERT_CATALOGUES)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"top": 0}, "top is 0; it must be at least 1"),
        ({"level": 1.0}, "level is 1.0; it must lie between 0 and 1, e.g. 0.9"),
        ({"domain": "inside"}, "domain is 'inside'; it must be one of 'separate', 'ignore'"),
        ({"nearest": 21}, "nearest is 21; it must lie between 1 and 20"),
        ({"goal": "y", "profile": "p.toml"}, "goal and profile both say what ranks"),
        ({"fdr": 0.1}, "needs a hit"),
        ({"hit": "y > 1", "fdr": float("nan")}, "fdr is nan; it must lie between 0 and 1"),
        ({"diverse": 11, "top": 10}, "diverse is 11; it must lie between 1 and top, which is 10"),
        ({"alerts": ["pain"]}, r"alerts names 'pain'; did you mean 'pains'\? choose of pains, brenk"),
        ({"alerts": "pains"}, r"alerts is 'pains'; it must be a list of names, e.g. \['pains'\]"),
        ({"keep_columns": "price"}, "keep_columns is 'price'; it must be a list of names"),
    ],
)
def test_what_a_screen_may_not_be(settings, message):
    with pytest.raises(InputError, match=message) as caught:
        ScreenConfig(**settings)
    assert "\n" not in str(caught.value)


def test_an_unknown_setting_is_named():
    with pytest.raises(TypeError, match="ScreenConfig has no setting 'tops'; did you mean 'top'"):
        ScreenConfig(tops=3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"processes": 0}, "processes is 0; it must be 1 or more"),
        ({"memory": 0.5}, r"memory is 0\.5 GB; one process alone may take 0\.8 GB"),
        ({"device": "tpu"}, r"device is 'tpu'; did you mean 'cpu'\? it must be one of 'auto', 'cpu', 'cuda'"),
        ({"engine": "dask"}, "engine is 'dask'; it must be one of 'local', 'ray'"),
        ({"address": "auto"}, "address is 'auto', of a Ray cluster; it needs the engine 'ray'"),
    ],
)
def test_where_nothing_can_be_computed(settings, message):
    with pytest.raises(InputError, match=message):
        ComputeConfig(**settings)


def test_memory_bounds_the_processes():
    assert ComputeConfig().processes_that_fit == 1
    assert ComputeConfig(processes=None).processes_that_fit is None
    assert ComputeConfig(processes=4, memory=1.4).processes_that_fit == 2
