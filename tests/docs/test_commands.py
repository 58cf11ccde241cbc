"""Commands, options and settings that the README and docs/ name exist."""

import re
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from molgraph.config.training import config_from_dict
from molgraph_cli.app import app
from tests.docs.pages import PAGES, blocks, commands, mentions, name_of, text_of

#: Options of other programs that a page names.
FOREIGN = {"docs/contributing.md": {"--cache-dir"}}


def options_of(words: list[str]) -> set[str]:
    """The options of the command that `words` begin with; fails if there is none."""
    command = get_command(app)
    for word in words:
        if not hasattr(command, "commands") or word.startswith("-"):
            break
        assert word in command.commands, f"molgraph {' '.join(words)}: there is no command {word!r}"
        command = command.commands[word]
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


def all_options() -> set[str]:
    every = {"--help", "--install-completion"}
    pending = [get_command(app)]
    while pending:
        command = pending.pop()
        every |= {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        pending += getattr(command, "commands", {}).values()
    return every


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_command_and_option_exists(page: Path) -> None:
    for words in [*commands(page), *mentions(page)]:
        parts = [part for word in words for part in word.split("|")]
        known = options_of(parts) | {"--help", "-h", "--install-completion"}
        given = {part.split("=")[0] for part in parts if re.match(r"--?[a-z]", part)}
        assert given <= known, f"molgraph {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_option_in_the_text_exists(page: Path) -> None:
    named = set(re.findall(r"`(--[a-z][a-z-]*)", text_of(page)))
    assert named <= all_options() | FOREIGN.get(name_of(page), set())


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_settings_are_known(page: Path) -> None:
    for block in blocks(page, "toml"):
        if not block.startswith("# "):  # that is a file of its own, which the commands use
            config_from_dict(tomllib.loads(block), source=name_of(page))


def test_there_is_something_to_look_at() -> None:
    named = {words[0] for page in PAGES for words in commands(page)}
    assert {"demo", "train", "predict", "screen", "evaluate", "featurize", "models", "datasets"} <= named
    assert sum(len(mentions(page)) for page in PAGES) >= 10
    assert sum(len(blocks(page, "toml")) for page in PAGES) >= 2
