import json

import pytest
from typer.testing import CliRunner

from molgraph.datasets.cards import all_cards, card_named
from molgraph.errors import InputError
from molgraph_cli.datasets import app


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")

    def run(*arguments):
        return CliRunner().invoke(app, arguments)

    return run


def test_list(run):
    result = run("list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 1 + len(all_cards())
    assert lines[0].split() == ["name", "rows", "tasks", "kind", "metric", "split", "description"]
    assert any(line.split()[:4] == ["toxcast", "8,576", "617", "classification"] for line in lines)
    cards = json.loads(run("list", "--json").stdout)
    assert [card["name"] for card in cards] == list(all_cards())


def test_show(run):
    text = run("show", "esol").stdout
    for part in ("log10(mol/L)", "Delaney", "rmse", "never train on it", card_named("esol").sha256):
        assert part in " ".join(text.split())
    card = json.loads(run("show", "QM8", "--json").stdout)
    assert card["n_tasks"] == len(card["tasks"]) == 12
    error = run("show", "esoll").exception
    assert isinstance(error, InputError)
    assert "did you mean esol?" in str(error)


def test_fetch_prints_paths_only(run, data_dir, monkeypatch):
    monkeypatch.setenv("MOLGRAPH_DATA", str(data_dir))
    result = run("fetch", "esol", "bbbp")
    expected = [str(data_dir / card_named(name).mirror) for name in ("esol", "bbbp")]
    assert result.exit_code == 0
    assert result.stdout.splitlines() == expected
    assert json.loads(run("fetch", "esol", "--json").stdout) == {"esol": expected[0]}


@pytest.mark.parametrize("command", ["list", "show", "fetch"])
def test_help_has_an_example(run, command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"molgraph datasets {command}" in result.stdout
