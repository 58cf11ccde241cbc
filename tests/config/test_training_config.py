import pytest

from molgraph.config.encoder import EncoderConfig
from molgraph.config.optimizer import OptimizerConfig
from molgraph.config.training import (
    ModelConfig,
    TrainConfig,
    config_from_dict,
    config_from_toml,
    config_to_dict,
    settings_by_name,
)
from molgraph.config.uncertainty import UncertaintyConfig
from molgraph.errors import InputError


def test_round_trip():
    config = TrainConfig(
        model=ModelConfig(hidden=64, readout="mean", dropout=0.1),
        encoder=EncoderConfig(pretrained="none"),
        optimizer=OptimizerConfig(peak_lr=5e-4),
        uncertainty=UncertaintyConfig(method="mve", calibration="split"),
        folds=3,
        patience=4,
        seed=7,
        members_per_pass=2,
    )
    values = config_to_dict(config)
    assert (values["model"]["hidden"], values["optimizer"]["peak_lr"], values["encoder"]["pretrained"]) == (
        64, 5e-4, "none",
    )  # fmt: skip
    assert config_from_dict(values, source="test") == config


def test_toml(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text('epochs = 7\nsplit = "scaffold"\n[model]\ndepth = 5\n[optimizer]\npeak_lr = 1\n')
    config = config_from_toml(path)
    assert (config.epochs, config.optimizer.peak_lr, config.split, config.model.depth) == (7, 1, "scaffold", 5)
    assert config == TrainConfig(
        epochs=7, split="scaffold", model=ModelConfig(depth=5), optimizer=OptimizerConfig(peak_lr=1)
    )
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
            "there is no setting 'epoch'; did you mean 'epochs'? allowed are preset, learner",
        ),
        ("[model]\nwidth = 3", "model has no setting 'width'; did you mean 'hidden'? allowed are architecture, hidden"),
        ("epochs = 3.5", "epochs is 3.5; it must be a whole number"),
        ("epochs = true", "epochs is True; it must be a whole number"),
        ("[optimizer]\npeak_lr = 'high'", "optimizer.peak_lr is 'high'; it must be a number"),
        ("[optimizer]\npeak_lr = 1e-5", "optimizer: OptimizerConfig.initial_lr is 0.0001; it must lie between 0.0 and"),
        ("peak_lr = 1e-3", "there is no setting 'peak_lr'; it belongs below [optimizer]"),
        ("[model]\npeak_lr = 1e-3", "model has no setting 'peak_lr'; it belongs below [optimizer]"),
        ("[optimizer]\nepochs = 3", "optimizer has no setting 'epochs'; it belongs above [optimizer]"),
        ("[encoder]\ntunin = 'full'", "encoder has no setting 'tunin'; did you mean 'tuning'? allowed are pretrained,"),
        ("encoder = 'none'", "encoder is 'none'; it must be a table [encoder] with pretrained, tuning"),
        ("uncertainty = 'mve'", "uncertainty is 'mve'; it must be a table [uncertainty] with method, calibration"),
        (
            "[uncertainty]\nintervals = 'quantile'",
            "uncertainty.intervals is 'quantile', but uncertainty.method is 'ensemble', which learns no quantiles",
        ),
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
    ("group", "settings"),
    [
        (ModelConfig, {"hidden": 0}),
        (ModelConfig, {"depth": 0}),
        (ModelConfig, {"dropout": 1.0}),
        (ModelConfig, {"head_layers": -1}),
        (ModelConfig, {"head_hidden": 0}),
        (ModelConfig, {"readout": "max"}),
        (ModelConfig, {"architecture": "gin"}),
        (EncoderConfig, {"tuning": "half"}),
        (EncoderConfig, {"lr_factor": -1.0}),
        (EncoderConfig, {"frozen_epochs": -1}),
        (OptimizerConfig, {"warmup_epochs": -1.0}),
        (OptimizerConfig, {"weight_decay": -0.1}),
        (OptimizerConfig, {"gradient_clip": 0.0}),
        (OptimizerConfig, {"peak_lr": -1.0}),
        (OptimizerConfig, {"peak_lr": 1e-5}),  # below the initial rate
        (OptimizerConfig, {"final_lr": 1.0}),
        (UncertaintyConfig, {"method": "bayes"}),
        (UncertaintyConfig, {"calibration": "none"}),
        (UncertaintyConfig, {"calibration_fraction": 0.9}),
        (UncertaintyConfig, {"class_calibration": "beta"}),
    ],
)
def test_groups_out_of_range(group, settings):
    with pytest.raises(InputError, match=rf"{group.__name__}\.\w+ is .*; (did you mean .*\? )?it must") as caught:
        group(**settings)
    one_line(caught)


@pytest.mark.parametrize("name", ["model", "encoder", "optimizer", "uncertainty"])
def test_a_group_is_no_single_value(name):
    with pytest.raises(
        InputError, match=rf"TrainConfig\.{name} is 'none'; it must be settings, as in {name}=\w+Config\("
    ):
        TrainConfig(**{name: "none"})


def test_each_setting_has_one_name():
    names = settings_by_name(TrainConfig())
    assert {"seed", "model.hidden", "encoder.pretrained", "optimizer.peak_lr", "uncertainty.method"} <= set(names)
    assert names["encoder.lr_factor"] == 2.0
