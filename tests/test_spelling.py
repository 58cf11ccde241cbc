import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph import (
    EncoderConfig,
    ModelConfig,
    OptimizerConfig,
    PretrainConfig,
    TrainConfig,
    UncertaintyConfig,
)
from molgraph.config.learners import LEARNERS
from molgraph.config.training import config_from_dict
from molgraph.errors import InputError
from molgraph.spelling import SYNONYMS, near_names


@given(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=12))
def test_suggestions_are_few_and_among_the_names(name, names):
    near = near_names(name, names)
    assert set(near) <= set(names)
    assert len(near) == len(set(near)) <= 3
    if name in names:
        assert name in near_names(name, [name])


def test_a_synonym_leads_to_a_name_that_exists():
    groups = (TrainConfig, ModelConfig, EncoderConfig, OptimizerConfig, UncertaintyConfig)
    fields = {*(name for group in groups for name in group.__dataclass_fields__), *LEARNERS, "processes"}
    assert set(SYNONYMS.values()) <= fields
    assert not set(SYNONYMS) & fields


@pytest.mark.parametrize(
    "kind", [TrainConfig, ModelConfig, EncoderConfig, OptimizerConfig, UncertaintyConfig, PretrainConfig]
)
def test_unknown_settings_in_python_get_a_suggestion(kind):
    with pytest.raises(TypeError, match=rf"{kind.__name__} has no setting 'batchsize'"):
        kind(batchsize=3)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("fold", "folds"), ("batchsize", "batch_size"), ("learning_rate", "peak_lr"), ("random_state", "seed")],
)
def test_a_misspelt_setting_is_suggested(name, meant):
    with pytest.raises(TypeError, match=rf"TrainConfig has no setting '{name}'; did you mean '{meant}'"):
        TrainConfig(**{name: 3})
    with pytest.raises(InputError, match=rf"file: there is no setting '{name}'; did you mean '{meant}'"):
        config_from_dict({name: 3}, source="file")


def test_a_setting_of_a_group_is_sent_to_its_table():
    with pytest.raises(TypeError, match=r"'hidden'; it is one of ModelConfig: model=ModelConfig\(hidden=\.\.\.\)"):
        TrainConfig(hidden=3)
    with pytest.raises(
        TypeError, match=r"'peak_lr'; it is one of OptimizerConfig: optimizer=OptimizerConfig\(peak_lr="
    ):
        TrainConfig(peak_lr=1e-3)
    with pytest.raises(TypeError, match=r"'learning_rate'; did you mean 'peak_lr'\? it is one of OptimizerConfig: opt"):
        TrainConfig(learning_rate=1e-3)
    with pytest.raises(InputError, match=r"'learning_rate'; did you mean 'peak_lr'\? it belongs below \[optimizer\]"):
        config_from_dict({"learning_rate": 1e-3}, source="file")
    with pytest.raises(InputError, match=r"'hidden'; it belongs below \[model\]"):
        config_from_dict({"hidden": 300}, source="file")
    with pytest.raises(InputError, match=r"'epochs'; it belongs above \[model\]"):
        config_from_dict({"model": {"epochs": 300}}, source="file")


def test_a_misspelt_choice_is_suggested():
    with pytest.raises(InputError, match=r"learner is 'rf'; did you mean 'random_forest'\? it must be one of"):
        TrainConfig(learner="rf")
    with pytest.raises(InputError, match=r"file: preset is 'Fast'; did you mean 'fast'\? it must be one of"):
        config_from_dict({"preset": "Fast"}, source="file")


def test_other_errors_of_python_stay_as_they_are():
    assert TrainConfig("lean").preset == "lean"
    assert TrainConfig.__init__.__doc__ is None or "setting" not in TrainConfig.__init__.__doc__
    with pytest.raises(TypeError, match="multiple values"):
        TrainConfig("lean", preset="fast")
