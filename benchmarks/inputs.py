"""The data that the benchmarks run on, read from the folder that MOLGRAPH_DATA names."""

import csv
import gzip
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

LIBRARY = "libraries/zinc250k.smi.gz"
SPLIT_SIZES = (0.8, 0.1, 0.1)


@dataclass(frozen=True)
class AccuracySet:
    """One data set of the accuracy comparison; files and columns are those of the mirror."""

    file: str
    target: str
    kind: str
    metric: str


ACCURACY_SETS = MappingProxyType(
    {
        "esol": AccuracySet(
            "moleculenet/delaney-processed.csv", "measured log solubility in mols per litre", "regression", "rmse"
        ),
        "freesolv": AccuracySet("moleculenet/SAMPL.csv", "expt", "regression", "rmse"),
        "lipophilicity": AccuracySet("moleculenet/Lipophilicity.csv", "exp", "regression", "rmse"),
        "bace": AccuracySet("moleculenet/bace.csv", "Class", "classification", "roc_auc"),
        "bbbp": AccuracySet("moleculenet/BBBP.csv", "p_np", "classification", "roc_auc"),
    }
)


@dataclass(frozen=True)
class LabelledRows:
    """Canonical SMILES `[B]`, each once, and their labels `[B]`."""

    smiles: tuple[str, ...]
    labels: np.ndarray


def data_folder() -> Path:
    """The local mirror of the data sets.

    Raises:
        FileNotFoundError: There is none.
    """
    default = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    folder = Path(os.environ.get("MOLGRAPH_DATA", default))
    if not (folder / "moleculenet").is_dir():
        raise FileNotFoundError("no benchmark data; set MOLGRAPH_DATA to a folder with moleculenet/ and libraries/")
    return folder


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def library_smiles(folder: Path, n_molecules: int) -> list[str]:
    """The first `n_molecules` structures of the ZINC library."""
    with gzip.open(folder / LIBRARY, "rt", encoding="utf-8") as lines:
        return [line.split()[0] for line, _ in zip(lines, range(n_molecules), strict=False)]


def write_library(smiles: list[str], folder: Path, name: str) -> tuple[Path, Path]:
    """The same molecules as `<name>.csv` with the column `smiles`, and as `<name>.smi`."""
    table, plain = folder / f"{name}.csv", folder / f"{name}.smi"
    plain.write_text("".join(f"{text} ZINC{row}\n" for row, text in enumerate(smiles)), encoding="utf-8")
    table.write_text("smiles\n" + "".join(f"{text}\n" for text in smiles), encoding="utf-8")
    return table, plain


def labelled_rows(path: Path, target: str) -> LabelledRows:
    """Rows that RDKit parses and that have a label; of those with the same canonical SMILES the first."""
    from rdkit import Chem, rdBase

    rows: dict[str, float] = {}
    with rdBase.BlockLogs(), path.open(encoding="utf-8", newline="") as file:
        for record in csv.DictReader(file):
            mol = Chem.MolFromSmiles(record["smiles"].strip())
            if mol is not None and mol.GetNumAtoms() > 0 and record[target]:
                rows.setdefault(Chem.MolToSmiles(mol), float(record[target]))
    return LabelledRows(tuple(rows), np.array(list(rows.values())))


def random_parts(n_rows: int, seed: int) -> np.ndarray:
    """The part of each row, `[B]` of train, val or test: 80, 10 and 10 per cent at random."""
    cuts = np.cumsum(np.round(np.array(SPLIT_SIZES[:2]) * n_rows)).astype(int)
    order = np.random.default_rng(seed).permutation(n_rows)
    parts = np.empty(n_rows, dtype="<U5")
    for name, index in zip(("train", "val", "test"), np.split(order, cuts), strict=True):
        parts[index] = name
    return parts


def write_split_table(rows: LabelledRows, parts: np.ndarray, path: Path) -> None:
    """A CSV file with the columns smiles, label and split."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("smiles", "label", "split"))
        writer.writerows(zip(rows.smiles, (repr(float(label)) for label in rows.labels), parts, strict=True))
