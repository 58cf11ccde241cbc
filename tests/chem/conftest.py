"""Real structures for the chemistry tests."""

import csv
import gzip
import itertools
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def zinc(data_dir: Path) -> list[str]:
    """20,000 purchasable compounds, protonated as at pH 7: about two in five carry a charge."""
    with gzip.open(data_dir / "libraries" / "zinc250k.smi.gz", "rt", encoding="utf-8") as file:
        return [line.split()[0] for line in itertools.islice(file, 20_000)]


@pytest.fixture(scope="session")
def mcule(data_dir: Path) -> list[str]:
    """3,000 compounds from all over a vendor catalogue; one in seventy is a salt."""
    with gzip.open(data_dir / "libraries" / "mcule_purchasable_1.2M.smi.gz", "rt", encoding="utf-8") as file:
        return [line.split()[0] for line in itertools.islice(file, 0, None, 400) if line.strip()]


@pytest.fixture(scope="session")
def drugs(data_dir: Path) -> list[str]:
    """1,203 approved drugs, half of them salts."""
    return _column(data_dir / "libraries" / "chembl_approved_drugs.csv")


@pytest.fixture(scope="session")
def odd_drugs(data_dir: Path) -> list[str]:
    """BBBP and ClinTox: protonated and ionised forms, metals, mixtures, a few texts that do not parse."""
    return [text for name in ("BBBP", "clintox") for text in _column(data_dir / "moleculenet" / f"{name}.csv")]


def _column(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row["smiles"] for row in csv.DictReader(file)]
