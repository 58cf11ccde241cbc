"""The pages that are made from the code hold all that there is: each field, option, column and public name."""

import dataclasses
import re

import pytest
from api_page import home
from command_line_page import commands
from pages import PAGES
from settings_page import config_classes

import molgraph
from molgraph.config.learners import LEARNERS
from molgraph.config.training import ModelConfig, PretrainConfig, TrainConfig
from molgraph.config.uncertainty_methods import UNCERTAINTY_METHODS
from molgraph.config.user_defaults import UserDefaults


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return {name: make() for name, make in PAGES.items()}


def sections(text: str) -> dict[str, str]:
    """What stands below each heading, by its text."""
    parts = re.split(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {title.partition(" {:")[0]: body for title, body in zip(parts[1::2], parts[2::2], strict=True)}


def rows(body: str) -> dict[str, list[str]]:
    """The rows of the tables, by the first name in their first cell."""
    cells = [re.split(r"(?<!\\) ?\| ?", line)[1:-1] for line in body.splitlines() if line.startswith("| `")]
    return {re.findall(r"`([^`]+)`", row[0])[0]: row for row in cells}


def test_every_page_is_markdown_with_one_title(made: dict[str, str]) -> None:
    for name, text in made.items():
        assert text.startswith("# "), name
        outside = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
        assert len(re.findall(r"^# ", outside, re.MULTILINE)) == 1, name


@pytest.mark.parametrize("kind", config_classes(), ids=lambda kind: kind.__name__)
def test_every_setting_has_its_meaning_and_default(kind: type, made: dict[str, str]) -> None:
    wanted = {own.name for own in dataclasses.fields(kind)}
    found = [body for body in sections(made["settings.md"]).values() if set(rows(body)) == wanted]
    assert found, kind.__name__
    for body in found:
        for name, row in rows(body).items():
            assert all(cell.strip() for cell in row), f"{kind.__name__}.{name} lacks its type, default or meaning"


def test_the_settings_are_those_of_the_configuration(made: dict[str, str]) -> None:
    assert {TrainConfig, ModelConfig, PretrainConfig, UserDefaults} <= set(config_classes())
    rows_of = rows(sections(made["settings.md"])["TrainConfig"])
    assert rows_of["preset"][1:3] == ["`lean`, `fast`, `accurate`", "`fast`"]
    assert rows_of["folds"][1:3] == ["whole number", "`5`"]
    assert set(rows(sections(made["settings.md"])["Learners and presets"])) == set(LEARNERS)
    assert set(rows(sections(made["settings.md"])["Uncertainty methods"])) == set(UNCERTAINTY_METHODS)


def test_every_command_and_option_is_there(made: dict[str, str]) -> None:
    found = sections(made["command-line.md"])
    for words, command in commands():
        text = found[words]
        for parameter in command.params:
            if parameter.param_type_name == "option" and not parameter.hidden:
                for option in (*parameter.opts, *parameter.secondary_opts):
                    assert f"`{option}`" in text, f"{words} {option}"
    assert {"molgraph screen", "molgraph models show", "molgraph benchmark run"} <= found.keys()
    assert rows(found["molgraph screen"])["--fdr-method"][1:3] == ["`cfbh`, `weighted`, `diverse`", "`cfbh`"]


def test_every_public_name_is_there(made: dict[str, str]) -> None:
    named = re.findall(r"^::: (.*)$", made["api.md"], re.MULTILINE)
    assert sorted(named) == sorted(home(name) for name in molgraph.__all__)


def test_columns_are_there(made: dict[str, str]) -> None:
    assert {"T_pred", "T_lower", "domain", "nearest_id", "alerts"} <= set(rows(made["columns.md"]))
