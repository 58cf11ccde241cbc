import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib

import pytest

from molgraph import __version__
from molgraph.benchmark.learner import OWN_LEARNERS
from molgraph.config.training import config_from_dict
from molgraph_cli import train as train_module
from molgraph_cli.options import allowed_rejected

COMMANDS = [
    ("demo",),
    ("train",),
    ("predict",),
    ("screen",),
    ("doctor",),
    ("init",),
    ("models", "show"),
    ("evaluate",),
    ("datasets", "list"),
    ("datasets", "show"),
    ("datasets", "fetch"),
]


def test_help_names_every_command(molgraph):
    ended = molgraph("--help")
    assert (ended.code, ended.err) == (0, "")
    for command in COMMANDS:
        assert f"\n  {command[0]} " in ended.out
    assert "..." not in ended.out.replace("[ARGS]...", "")
    assert molgraph("-h") == ended
    nothing = molgraph()
    assert (nothing.code, nothing.out) == (2, "")
    assert nothing.err == ended.out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_help_has_an_example(molgraph, command):
    ended = molgraph(*command, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert f"  molgraph {' '.join(command)}" in ended.out or f"Example: molgraph {' '.join(command)}" in ended.out
    assert command == ("demo",) or "--json" in ended.out or "[required]" in ended.out
    assert ended.out == molgraph(*command, "-h").out


@pytest.mark.parametrize("width", ["30", "80", "200"])
def test_help_is_plain_text_at_any_width(molgraph, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setenv("FORCE_COLOR", "1")
    for command in COMMANDS:
        text = molgraph(*command, "--help").out
        assert text.isascii()
        assert all(c.isprintable() or c == "\n" for c in text)


@pytest.mark.parametrize("group", ["models", "datasets"])
def test_a_group_alone_shows_its_help(molgraph, group):
    ended = molgraph(group)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == molgraph(group, "--help").out
    assert "..." not in ended.err.replace("[ARGS]...", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_a_command_too(molgraph, command):
    assert molgraph("help", *command) == molgraph(*command, "--help")
    assert molgraph("help") == molgraph("--help")


def test_version(molgraph):
    assert molgraph("--version").out == f"molgraph {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("tran",), "No such command 'tran'. Did you mean 'train', 'pretrain'? (help: molgraph --help)"),
        (("models", "shwo"), "No such command 'shwo'. Did you mean 'show'? (help: molgraph models --help)"),
        (("help", "screne"), "No such command 'screne'. Did you mean 'screen'? (help: molgraph --help)"),
        (("help", "models", "x"), "No such command 'x' (help: molgraph models --help)"),
        (("help", "screen", "x"), "molgraph screen has no command 'x' (help: molgraph screen --help)"),
        (
            ("train", "a.csv", "-o", "m", "--preset", "fats"),
            "Invalid value for '--preset': 'fats' is not one of 'lean', 'fast', 'accurate'; did you mean 'fast'? (help: molgraph train --help)",
        ),
        (("train",), "Missing argument 'TABLE' (help: molgraph train --help)"),
        (("train", "a.csv"), "Missing option '--output' / '-o' (help: molgraph train --help)"),
        (("predict", "model"), "Missing argument 'MODEL' (help: molgraph predict --help)"),
        (("screen", "model", "library.smi"), "Missing option '--output' / '-o' (help: molgraph screen --help)"),
    ],
)
def test_usage_errors(molgraph, arguments, error):
    ended = molgraph(*arguments)
    assert (ended.code, ended.out, ended.error) == (2, "", error)


def test_the_help_names_all_learners_of_a_benchmark(molgraph):
    text = molgraph("benchmark", "run", "--help").out
    assert [name for name in OWN_LEARNERS if not re.search(rf"\b{name}\b", text)] == []


def test_the_settings_file_of_the_help_is_right():
    lines = train_module.EXAMPLE.split("uncertainty:\n")[1]
    settings = config_from_dict(tomllib.loads(lines), source="help")
    assert (settings.epochs, settings.model.hidden, settings.optimizer.peak_lr) == (80, 400, 5e-4)


def test_rejected_limits():
    assert allowed_rejected("0", 10) == 0
    assert allowed_rejected(" 2.5 %", 1000) == 25


def test_doctor(molgraph):
    report = json.loads(molgraph("doctor", "--json").out)
    assert report["molgraph-toolkit"] == __version__
    text = molgraph("doctor").out
    assert text.splitlines()[0].split() == ["python", report["python"]]
    assert len(text.splitlines()) == len(report)


def test_doctor_says_how_to_get_what_is_missing(molgraph, monkeypatch):
    def version(name):
        if name in {"optuna", "deepchem"}:
            raise importlib.metadata.PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr("importlib.metadata.version", version)
    report = json.loads(molgraph("doctor", "--json").out)
    assert report["deepchem"] == "not installed"
    assert report["optuna"] == "not installed; pip install 'molgraph-toolkit[tune]'"
    assert report["ray"] == "1.0"


def test_models_show(molgraph, mixed_folder, model_folder):
    text = molgraph("models", "show", mixed_folder).out
    assert "task          pIC50, regression, log10(mol/L)" in text
    assert "structures    not stored" in text
    assert "domain        pIC50: out-of-fold RMSE inside " in text
    card = json.loads(molgraph("models", "show", model_folder, "--json").out)
    assert [record["degree"] for record in card["domain"]] == ["inside", "edge", "outside"]
    assert f"(n = {card['domain'][0]['n_rows']})" in molgraph("models", "show", model_folder).out
    card = json.loads(molgraph("models", "show", mixed_folder, "--json").out)
    assert [task["name"] for task in card["tasks"]] == ["pIC50", "active"]


def test_start_is_light():
    """What `molgraph --help` loads, in a process of its own."""
    program = (
        "import sys; sys.argv = ['molgraph', '--help']\n"
        "from molgraph_cli.app import main\n"
        "try:\n    main()\n"
        "finally:\n    print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stderr.split()}
    assert "molgraph_cli" in loaded
    assert loaded & {"torch", "rdkit", "numpy", "pyarrow", "pandas", "sklearn", "rich", "pydantic"} == set()


def test_the_installed_program_speaks_any_encoding():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "MOLGRAPH_DATA": "/data/\u00e9"}
    program = "import sys; sys.argv = ['molgraph', 'datasets', 'show', 'esol']; import molgraph_cli.app as a; a.main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
