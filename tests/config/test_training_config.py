import dataclasses

import pytest

from molgraph.config.training import ModelConfig, TrainConfig, config_from_dict, config_from_toml, config_to_dict
from molgraph.errors import InputError


def test_round_trip():
    config = TrainConfig(
        model=ModelConfig(hidden=64, readout="mean", dropout=0.1), folds=3, patience=4, seed=7, members_per_pass=2
    )
    values = config_to_dict(config)
    assert values["model"]["hidden"] == 64
    assert config_from_dict(values, source="test") == config


def test_toml(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text('epochs = 7\npeak_lr = 1\nsplit = "scaffold"\n[model]\ndepth = 5\n')
    config = config_from_toml(path)
    assert (config.epochs, config.peak_lr, config.split, config.model.depth) == (7, 1, "scaffold", 5)
    assert config == dataclasses.replace(TrainConfig(epochs=7, peak_lr=1, split="scaffold"), model=ModelConfig(depth=5))
    path.write_text("")
    assert config_from_toml(str(path)) == TrainConfig()


def one_line(caught) -> str:
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "epoch = 3",
            "there is no setting 'epoch'; did you mean 'epochs' or 'warmup_epochs'? allowed are preset, learner",
        ),
        ("[model]\nwidth = 3", "model has no setting 'width'; did you mean 'hidden'? allowed are architecture, hidden"),
        ("epochs = 3.5", "epochs is 3.5; it must be a whole number"),
        ("epochs = true", "epochs is True; it must be a whole number"),
        ("peak_lr = 'high'", "peak_lr is 'high'; it must be a number"),
        ("balance_classes = 1", "balance_classes is 1; it must be true or false"),
        ("patience = 'no'", "patience is 'no'; it must be a whole number or left out"),
        ("split = 'time'", "split is 'time'; it must be one of 'random', 'scaffold'"),
        ("model = 3", "model is 3; it must be a table [model] with architecture, hidden"),
        ("[model]\nmodel = 3", "model has no setting 'model'"),
        ("epochs = = 3", "is not a TOML file"),
    ],
)
def test_what_a_file_may_not_hold(tmp_path, text, message):
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        config_from_toml(path)
    assert message in one_line(caught)
    assert str(path) in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"cannot read the settings in .*: No such file"):
        config_from_toml(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is not a TOML file"):
        config_from_toml(tmp_path / "binary.toml")


@pytest.mark.parametrize(
    "settings",
    [
        {"folds": 0},
        {"folds": 101},
        {"epochs": 0},
        {"batch_size": 0},
        {"patience": 0},
        {"members_per_pass": 0},
        {"inner_fraction": 0.6},
        {"inner_fraction": float("nan")},
        {"warmup_epochs": -1.0},
        {"weight_decay": -0.1},
        {"gradient_clip": 0.0},
        {"peak_lr": -1.0},
        {"peak_lr": 1e-5},  # below the initial rate
        {"final_lr": 1.0},
        {"seed": -1},
        {"seed": 2**32},
        {"split": "time"},
        {"device": "tpu"},
        {"precision": "float16"},
        {"standardizer": "strict"},
    ],
)
def test_values_out_of_range(settings):
    with pytest.raises(InputError, match=r"TrainConfig\.\w+ is .*; (did you mean .*\? )?it must") as caught:
        TrainConfig(**settings)
    one_line(caught)


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden": 0},
        {"depth": 0},
        {"dropout": 1.0},
        {"head_layers": -1},
        {"head_hidden": 0},
        {"readout": "max"},
        {"architecture": "gin"},
    ],
)
def test_models_out_of_range(settings):
    with pytest.raises(InputError, match=r"ModelConfig\.\w+ is .*; (did you mean .*\? )?it must") as caught:
        ModelConfig(**settings)
    one_line(caught)
