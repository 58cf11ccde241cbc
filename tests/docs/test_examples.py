"""What the README and docs/ show can be run: console examples in their order, and blocks of Python."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from molgraph.demo import write_inputs
from molgraph_cli.app import main
from tests.docs.pages import PAGES, blocks, commands, name_of

#: What makes a training fast enough for a test.
FAST = ("--epochs", "2", "--folds", "2", "--hidden", "32", "--device", "cpu")

WITH_COMMANDS = [page for page in PAGES if commands(page)]
WITH_PYTHON = [page for page in PAGES if blocks(page, "python")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the inputs of the demonstration, where `molgraph demo` writes them, and with the files shown."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "molgraph-demo").mkdir()
    write_inputs(folder / "molgraph-demo")
    for name in ("assay.csv", "hidden.csv"):  # a part is enough to see that the commands fit together
        path = folder / "molgraph-demo" / name
        header, *lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join([header, *lines[:: max(1, len(lines) // 120)]]))
    for block in (block for page in PAGES for block in blocks(page, "toml")):
        if block.startswith("# "):
            (folder / block.partition("\n")[0].removeprefix("# ")).write_text(block)
    library = folder / "molgraph-demo" / "library.smi"
    library.write_text("".join(library.read_text().splitlines(keepends=True)[:600]))
    return folder


@pytest.fixture(scope="module")
def done() -> set[tuple[str, ...]]:
    """The commands that have been run: pages that show the same one share what it writes."""
    return set()


#: The training of the quick start, whose model most pages use.
FIRST = next(words for page in WITH_COMMANDS for words in commands(page) if words[0] == "train")

Run = Callable[[list[str]], None]


@pytest.fixture
def run(
    place: Path, done: set[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs a command as it is shown, once; the model of the quick start is there."""
    monkeypatch.chdir(place)

    def run_once(words: list[str]) -> None:
        if words[0] == "demo" or tuple(words) in done:
            return  # the inputs of the demonstration are here already; it has tests of its own
        extra = FAST if words[0] == "train" else ("--processes", "1") if words[0] in {"predict", "screen"} else ()
        monkeypatch.setattr(sys, "argv", ["molgraph", *words, *extra])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 0, (words, capsys.readouterr().err)
        done.add(tuple(words))

    run_once(FIRST)
    return run_once


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=name_of)
def test_the_commands_run(page: Path, run: Run) -> None:
    for words in commands(page):
        run(words)


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("page", WITH_PYTHON, ids=name_of)
def test_the_python_blocks_run(page: Path, place: Path) -> None:
    for name in ("python-model", "python-hits"):
        shutil.rmtree(place / name, ignore_errors=True)
    namespace = {"__name__": "example"}
    for block in blocks(page, "python"):
        if not block.startswith(">>> "):  # which pytest runs by itself
            exec(compile(block, name_of(page), "exec"), namespace)


def test_there_is_something_to_run() -> None:
    assert len(WITH_COMMANDS) >= 6
    assert len(WITH_PYTHON) >= 2
