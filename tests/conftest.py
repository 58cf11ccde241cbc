"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder with the benchmark sets and libraries; tests skip without it."""
    folder = Path(os.environ.get("MOLGRAPH_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "moleculenet").is_dir():
        pytest.skip(f"no benchmark data: {folder} has no moleculenet folder; set MOLGRAPH_DATA")
    return folder
