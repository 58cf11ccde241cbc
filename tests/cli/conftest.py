"""The command line, run in this process through its real entry point."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from molgraph_cli.app import main


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that says what is wrong."""
        lines = self.err.splitlines()
        found = [line for line in lines if line.startswith("molgraph: ")]
        assert len(found) == 1, self.err
        assert lines[-1] == found[0], self.err
        assert "Traceback" not in self.err
        return found[0].removeprefix("molgraph: ")


@pytest.fixture
def molgraph(monkeypatch, capsys) -> Callable[..., Ended]:
    """Runs `molgraph` with the arguments."""

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["molgraph", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Ended(end.value.code, captured.out, captured.err)

    return run
