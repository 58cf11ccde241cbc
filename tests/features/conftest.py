"""Structures for the tests of the engines."""

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from rdkit import RDConfig


@pytest.fixture(scope="session")
def nci() -> list[str]:
    """The 5,000 compounds that RDKit ships; some do not parse."""
    lines = Path(RDConfig.RDDataDir, "NCI", "first_5K.smi").read_text().splitlines()
    return [line.split("\t")[0].split(" ")[0] for line in lines]


@pytest.fixture(scope="session")
def column(data_dir: Path) -> Callable[[str], list[str]]:
    """Reads the `smiles` column of a table of the benchmark data."""

    def read(name: str) -> list[str]:
        path = data_dir / name
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
            return [row["smiles"] for row in csv.DictReader(file)]

    return read


@pytest.fixture(scope="session")
def mcule(data_dir: Path) -> list[str]:
    """Every 300th of the purchasable compounds."""
    with gzip.open(data_dir / "libraries" / "mcule_purchasable_1.2M.smi.gz", "rt") as file:
        return [line.split()[0] for number, line in enumerate(file) if number % 300 == 0]
