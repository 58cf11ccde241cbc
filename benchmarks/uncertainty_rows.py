"""Rows and splits of the uncertainty comparison: the same for every learner."""

import csv
import gzip
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

#: Sets of more rows are sampled, so that the shipped default trains in minutes.
MOST_ROWS = 2_000

#: 64% of the rows train, 16% calibrate, 20% judge.
TEST_SHARE, CALIBRATION_SHARE = 0.2, 0.16

SplitName = Literal["random", "scaffold", "scaffold_deepchem"]


@dataclass(frozen=True)
class UncertaintySet:
    """One data set; files and columns are those of the mirror.

    Attributes:
        file: Path under the data folder.
        targets: Columns of labels.
        kind: `regression` or `classification`.
        epochs: Passes over the training rows.
        hit: What counts as a hit in the selection, e.g. `label > 3`; None where nothing is selected.
    """

    file: str
    targets: tuple[str, ...]
    kind: Literal["regression", "classification"]
    epochs: int = 20
    hit: float | None = None


_TOX21 = (
    "NR-AR", "NR-AR-LBD", "NR-AhR", "NR-Aromatase", "NR-ER", "NR-ER-LBD",
    "NR-PPAR-gamma", "SR-ARE", "SR-ATAD5", "SR-HSE", "SR-MMP", "SR-p53",
)  # fmt: skip

UNCERTAINTY_SETS: Mapping[str, UncertaintySet] = MappingProxyType(
    {
        "esol": UncertaintySet(
            "moleculenet/delaney-processed.csv", ("measured log solubility in mols per litre",), "regression"
        ),
        "freesolv": UncertaintySet("moleculenet/SAMPL.csv", ("expt",), "regression"),
        "bace_regression": UncertaintySet("moleculenet/bace.csv", ("pIC50",), "regression", hit=7.0),
        "lipophilicity": UncertaintySet("moleculenet/Lipophilicity.csv", ("exp",), "regression", hit=3.0),
        "bace_classification": UncertaintySet("moleculenet/bace.csv", ("Class",), "classification"),
        "bbbp": UncertaintySet("moleculenet/BBBP.csv", ("p_np",), "classification"),
        "tox21": UncertaintySet("moleculenet/tox21.csv", _TOX21, "classification", epochs=12),
        "hiv": UncertaintySet("moleculenet/HIV.csv.gz", ("HIV_active",), "classification", epochs=6, hit=0.5),
    }
)


#: Sets that are run by default.
SMALL_SETS = ("freesolv", "esol", "bbbp", "bace_regression", "lipophilicity", "bace_classification")


@dataclass(frozen=True)
class SplitRows:
    """The rows of one data set, and the part of each.

    Attributes:
        smiles: `[B]` canonical SMILES, each once.
        labels: `[B, T]`, NaN = not measured.
        parts: `[B]` of train, calibration or test.
    """

    smiles: tuple[str, ...]
    labels: np.ndarray
    parts: np.ndarray


def split_rows(folder: Path, name: str, split: SplitName, seed: int) -> SplitRows:
    """The rows of a data set in one split.

    Args:
        folder: Data folder.
        name: One of `UNCERTAINTY_SETS`.
        split: `random`, or `scaffold`: whole scaffolds in a seeded order fill the test part; or `scaffold_deepchem`:
            that of the literature, whose test part is the rarest scaffolds, 10% of the rows. The calibration rows are a
            random part of the others in all, as they would be for somebody who has one table.
        seed: Seed of the split.
    """
    smiles, labels = _read_rows(folder / UNCERTAINTY_SETS[name].file, UNCERTAINTY_SETS[name].targets)
    if len(smiles) > MOST_ROWS:
        sample = np.sort(np.random.default_rng(0).permutation(len(smiles))[:MOST_ROWS])
        smiles, labels = tuple(smiles[i] for i in sample), labels[sample]
    rng = np.random.default_rng(seed)
    n_test = round(TEST_SHARE * len(smiles))
    if split == "scaffold_deepchem":
        from molgraph.datasets.splits import scaffold_split

        parted = scaffold_split(smiles)
        n_test = len(parted.test)
        order = np.concatenate([parted.test, parted.train, parted.valid])
    else:
        order = rng.permutation(len(smiles)) if split == "random" else _scaffold_order(smiles, rng, n_test)
    rest = rng.permutation(order[n_test:])
    parts = np.full(len(smiles), "train", dtype="<U11")
    parts[order[:n_test]] = "test"
    parts[rest[: round(CALIBRATION_SHARE * len(smiles))]] = "calibration"
    return SplitRows(smiles, labels, parts)


def _scaffold_order(smiles: tuple[str, ...], rng: np.random.Generator, n_test: int) -> np.ndarray:
    """Rows, scaffold by scaffold, in a random order of the scaffolds; those too large for the test part come last."""
    from molgraph.chem.scaffold import murcko_scaffold

    groups: dict[str, list[int]] = {}
    for row, text in enumerate(smiles):
        groups.setdefault(str(murcko_scaffold(text)), []).append(row)
    members = list(groups.values())
    mixed = [members[i] for i in rng.permutation(len(members))]
    small = [group for group in mixed if len(group) <= n_test // 2]
    large = [group for group in mixed if len(group) > n_test // 2]
    return np.array([row for group in [*small, *large] for row in group])


def _read_rows(path: Path, targets: tuple[str, ...]) -> tuple[tuple[str, ...], np.ndarray]:
    """Rows that RDKit parses and that have a label; of those with the same canonical SMILES the first."""
    from rdkit import Chem, rdBase

    rows: dict[str, list[float]] = {}
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    with rdBase.BlockLogs():
        for record in csv.DictReader(io.StringIO(content.decode(), newline="")):
            mol = Chem.MolFromSmiles(record["smiles"].strip())
            values = [float(record[target] or "nan") for target in targets]
            if mol is not None and mol.GetNumAtoms() > 0 and not np.isnan(values).all():
                rows.setdefault(Chem.MolToSmiles(mol), values)
    return tuple(rows), np.array(list(rows.values()))
