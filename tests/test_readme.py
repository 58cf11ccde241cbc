"""The README is right: its commands and options exist, and what it shows can be run."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from molgraph.config.training import config_from_dict
from molgraph.demo import write_inputs
from molgraph_cli.app import app, main

README = Path(__file__).resolve().parent.parent / "README.md"
#: What makes a training fast enough for a test.
FAST = ("--epochs", "2", "--folds", "2", "--hidden", "32", "--device", "cpu")

pytestmark = pytest.mark.skipif(not README.exists(), reason="there is no README.md here")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands():
    """The arguments of each `$ molgraph ...` line of the console blocks; a line may go on after a backslash."""
    text = "".join(blocks("console")).replace("\\\n", " ")
    lines = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("molgraph ")]


def mentions():
    """The words of each `molgraph ...` in running text."""
    text = re.sub(r"^```.*?^```", "", README.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [shlex.split(words) for words in re.findall(r"`molgraph ([^`]+)`", text)]


def options_of(words):
    """The options of the command that `words` begin with; fails if there is none."""
    command = get_command(app)
    for word in words:
        if not hasattr(command, "commands"):
            break
        if word.startswith("-"):
            break
        assert word in command.commands, f"molgraph {' '.join(words)}: there is no command {word!r}"
        command = command.commands[word]
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


def test_there_is_something_to_run():
    assert {"train", "predict", "screen"} <= {words[0] for words in commands()}
    assert blocks("python")


@pytest.mark.parametrize("words", [*commands(), *mentions()] if README.exists() else [], ids=" ".join)
def test_each_command_and_option_exists(words):
    words = [word for part in words for word in part.split("|")]
    known = options_of(words) | {"--help", "-h"}
    given = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert given <= known


def test_each_option_in_the_text_exists():
    every = {"--help"}
    pending = [get_command(app)]
    while pending:
        command = pending.pop()
        every |= {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        pending += getattr(command, "commands", {}).values()
    text = README.read_text(encoding="utf-8")
    assert set(re.findall(r"`(--[a-z-]+)", text)) <= every


def test_the_settings_are_known():
    import tomllib

    for block in blocks("toml"):
        if not block.startswith("# "):  # that is a file of its own, which the commands use
            config_from_dict(tomllib.loads(block), source="README.md")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the inputs of the demonstration, where `molgraph demo` writes them."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "molgraph-demo").mkdir()
    write_inputs(folder / "molgraph-demo")
    for name in ("assay.csv", "hidden.csv"):  # a part is enough to see that the commands fit together
        path = folder / "molgraph-demo" / name
        header, *lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join([header, *lines[:: max(1, len(lines) // 120)]]))
    for block in blocks("toml"):
        if block.startswith("# "):
            (folder / block.partition("\n")[0].removeprefix("# ")).write_text(block)
    library = folder / "molgraph-demo" / "library.smi"
    library.write_text("".join(library.read_text().splitlines(keepends=True)[:600]))
    return folder


def test_the_commands_run(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    for words in commands():
        if words[0] == "demo":
            continue  # its inputs are here already; it has tests of its own
        extra = FAST if words[0] == "train" else ("--processes", "1") if words[0] in {"predict", "screen"} else ()
        monkeypatch.setattr(sys, "argv", ["molgraph", *words, *extra])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 0, (words, capsys.readouterr().err)


def test_the_python_blocks_run(place, monkeypatch):
    monkeypatch.chdir(place)
    for name in ("python-model", "python-hits"):
        shutil.rmtree(place / name, ignore_errors=True)
    namespace = {"__name__": "readme"}
    for block in blocks("python"):
        exec(compile(block, str(README), "exec"), namespace)
