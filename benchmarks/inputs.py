"""The data that the benchmarks run on, read from the folder that MOLGRAPH_DATA names."""

import gzip
import hashlib
import os
from pathlib import Path

LIBRARY = "libraries/zinc250k.smi.gz"


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
