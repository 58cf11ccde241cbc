"""Options set fields of configurations by name: no second list of names, no default and no choice of their own."""

import ast
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

import molgraph_cli
from molgraph import (
    ComputeConfig,
    EncoderConfig,
    ModelConfig,
    PretrainConfig,
    ScreenConfig,
    TrainConfig,
    UncertaintyConfig,
)
from molgraph.config.user_defaults import UserDefaults
from molgraph.errors import InputError
from molgraph_cli.app import app
from molgraph_cli.config_options import with_options

COMMANDS = typer.main.get_command(app).commands

#: Settings without an option: a file of settings, or Python, has them.
WITHOUT_OPTION = {
    TrainConfig: {
        "architecture", "calibration_fraction", "final_lr", "frozen_epochs", "gradient_clip", "head_hidden",
        "head_layers", "initial_lr", "inner_fraction", "intervals", "lr_factor", "members_per_pass", "peak_lr",
        "readout", "variance_scaling", "virtual_node", "warmup_epochs", "weight_decay",
    },
    ScreenConfig: set(),
    ComputeConfig: set(),
    UserDefaults: set(),
}  # fmt: skip


def leaves(config) -> Iterator[tuple[str, object]]:
    """The name and value of each setting, also of those in groups."""
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value):
            yield from leaves(value)
        else:
            yield field.name, value


def options(command: str) -> dict[str, object]:
    return {
        parameter.name: parameter for parameter in COMMANDS[command].params if parameter.param_type_name == "option"
    }


@pytest.mark.parametrize(
    ("command", "config"),
    [
        ("train", TrainConfig()),
        ("screen", ScreenConfig()),
        ("screen", ComputeConfig(processes=None)),
        ("init", UserDefaults()),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_each_setting_has_an_option_of_its_name_with_its_default(command, config):
    names = [name for name, _ in leaves(config)]
    assert len(names) == len(set(names)), "options are flat: names must differ over all groups"
    assert {*names} - {*options(command)} == WITHOUT_OPTION[type(config)]
    for name, value in leaves(config):
        option = options(command).get(name)
        if option is None or option.default is None:
            continue
        shown = ",".join(value) if isinstance(value, tuple) else value
        assert option.default == shown, name


@pytest.mark.parametrize(("command", "config"), [("train", TrainConfig()), ("pretrain", PretrainConfig())])
def test_the_help_shows_the_defaults_of_the_settings(command, config):
    for name, value in leaves(config):
        option = options(command).get(name)
        if option is None or "[default: " not in option.help:
            continue
        shown = option.help.partition("[default: ")[2].rstrip("]")
        if isinstance(value, bool):
            assert shown == ("yes" if value else "no"), name
        elif value not in (None, "auto", {}):
            assert shown.startswith(str(value).removesuffix(".0")), name


@pytest.mark.parametrize("path", sorted(Path(molgraph_cli.__path__[0]).glob("*.py")), ids=lambda path: path.stem)
def test_no_choice_of_the_library_is_written_again(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [
        node for node in ast.walk(tree) if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal"
    ]
    own = {"options": ["Literal['auto', 'json']"]}
    assert [ast.unparse(node) for node in found] == own.get(path.stem, [])


def test_only_what_was_given_changes():
    config = TrainConfig(folds=3, model=ModelConfig(depth=5))
    assert with_options(config, SimpleNamespace(params={"folds": None, "output": "x"})) is config
    changed = with_options(
        config, SimpleNamespace(params={"epochs": 7, "hidden": 16, "balance_classes": False, "pretrained": "none"})
    )
    assert changed == TrainConfig(
        folds=3, epochs=7, model=ModelConfig(depth=5, hidden=16), encoder=EncoderConfig(pretrained="none")
    )
    with pytest.raises(InputError, match="folds is 0"):
        with_options(config, SimpleNamespace(params={"folds": 0}))


def test_options_of_groups_keep_their_flags():
    flags = {option.name: option.opts for option in options("train").values()}
    assert [flags[name] for name in ("pretrained", "tuning", "method")] == [
        ["--encoder"], ["--encoder-tuning"], ["--uncertainty"],
    ]  # fmt: skip


def test_dropout_by_its_name_needs_no_rate():
    assert TrainConfig(uncertainty=UncertaintyConfig("dropout")).model.dropout == 0.1
    assert TrainConfig(uncertainty=UncertaintyConfig("dropout"), model=ModelConfig(dropout=0.3)).model.dropout == 0.3
    changed = with_options(TrainConfig(), SimpleNamespace(params={"method": "dropout", "dropout": None}))
    assert changed.model.dropout == 0.1
    assert TrainConfig().model.dropout == 0
