"""The source of the library and of the command line, parsed once."""

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
Trees = dict[str, ast.Module]


def _parse(folder: Path, package: str) -> Trees:
    trees = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        name = ".".join([package, *(part for part in parts if part != "__init__")])
        trees[name] = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return trees


@pytest.fixture(scope="session")
def library() -> Trees:
    """Syntax tree of each module of `molgraph`, by its dotted name."""
    return _parse(REPOSITORY / "molgraph", "molgraph")


@pytest.fixture(scope="session")
def command_line() -> Trees:
    """Syntax tree of each module of `molgraph_cli`, which lives in `cli/`."""
    return _parse(REPOSITORY / "cli", "molgraph_cli")
