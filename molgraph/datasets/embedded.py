"""Data sets in RDKit's wheel: one assay and one library, for a demonstration without a download."""

import csv
from dataclasses import dataclass
from pathlib import Path

from rdkit import RDConfig

from molgraph.errors import InputError

#: Name, unit and origin of the assay's values.
ASSAY_COLUMN = "pIC50"
ASSAY_TITLE = "aryl sulfonamides, ChEMBL document CHEMBL2321810"
LIBRARY_TITLE = "compounds of the National Cancer Institute"


@dataclass(frozen=True)
class MeasuredCompound:
    """One compound of the assay."""

    id: str
    smiles: str
    value: float


@dataclass(frozen=True)
class LibraryCompound:
    """One compound of the library, not yet parsed."""

    id: str
    smiles: str


def embedded_assay() -> list[MeasuredCompound]:
    """1,017 measured activities of one chemical series, as -log10(mol/L) (more is more active).

    Raises:
        InputError: This RDKit was installed without its contributed data.

    Example:
        >>> assay = embedded_assay()
        >>> len(assay), assay[0].value
        (1017, 5.48)
    """
    folder = Path(RDConfig.RDContribDir, "FreeWilson", "data")
    rows = _read(folder / "CHEMBL2321810_act.csv")
    activities = {row["Name"]: float(row["Act"]) for row in csv.DictReader(rows)}
    compounds = []
    for line in _read(folder / "CHEMBL2321810.smi"):
        smiles, name = line.split()
        compounds.append(MeasuredCompound(name, smiles, activities[name]))
    return compounds


def embedded_library() -> list[LibraryCompound]:
    """4,999 compounds: a real library with salts, and with eight structures that do not parse.

    Raises:
        InputError: This RDKit was installed without its data.

    Example:
        >>> len(embedded_library())
        4999
    """
    compounds = []
    for line in _read(Path(RDConfig.RDDataDir, "NCI", "first_5K.smi")):
        smiles, _, name = line.partition("\t")
        compounds.append(LibraryCompound(f"NCI-{name.strip()}", smiles.strip()))
    return compounds


def _read(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(
            f"cannot read {path.name}, which RDKit's wheel carries ({error.strerror}); install rdkit with pip"
        ) from error
