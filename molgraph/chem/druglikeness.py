"""Drug-likeness and synthetic accessibility: QED, Lipinski's rule of five, SA score."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from rdkit import Chem, RDConfig
from rdkit.Chem import QED, Descriptors, rdMolDescriptors

from molgraph.chem.parse import quiet_rdkit

#: Limits of Lipinski's rule of five: weight, log P, donors, acceptors (doi:10.1016/S0169-409X(96)00423-1).
_MOST_WEIGHT, _MOST_LOGP, _MOST_DONORS, _MOST_ACCEPTORS = 500.0, 5.0, 5, 10


@dataclass(frozen=True)
class DrugLikeness:
    """Drug-likeness of one compound; NaN and None where RDKit cannot compute it.

    Attributes:
        qed: Quantitative estimate of drug-likeness, 0 to 1, larger is better (Bickerton et al. 2012,
            doi:10.1038/nchem.1243).
        lipinski_violations: Violations of the rule of five, 0 to 4.
        sa_score: Synthetic accessibility, 1 (easy) to 10 (Ertl and Schuffenhauer 2009, doi:10.1186/1758-2946-1-8).
    """

    qed: float
    lipinski_violations: int | None
    sa_score: float


def drug_likeness(smiles: Sequence[str]) -> list[DrugLikeness]:
    """The drug-likeness of each structure.

    >>> aspirin, = drug_likeness(["CC(=O)Oc1ccccc1C(=O)O"])
    >>> round(aspirin.qed, 2), aspirin.lipinski_violations, round(aspirin.sa_score, 1)
    (0.55, 0, 1.6)
    """
    with quiet_rdkit():
        return [_of(Chem.MolFromSmiles(text)) for text in smiles]


def _of(mol: Chem.Mol | None) -> DrugLikeness:
    if mol is None or mol.GetNumAtoms() == 0:
        return DrugLikeness(float("nan"), None, float("nan"))
    violations = (
        Descriptors.MolWt(mol) > _MOST_WEIGHT,  # type: ignore[attr-defined]  # not in RDKit's stubs
        rdMolDescriptors.CalcCrippenDescriptors(mol)[0] > _MOST_LOGP,
        rdMolDescriptors.CalcNumLipinskiHBD(mol) > _MOST_DONORS,
        rdMolDescriptors.CalcNumLipinskiHBA(mol) > _MOST_ACCEPTORS,
    )
    try:
        score = float(_sa_scorer().calculateScore(mol))
    except (ZeroDivisionError, ValueError):  # a molecule without a ring system or a bond that it could count
        score = float("nan")
    try:
        qed = float(QED.qed(mol))  # type: ignore[no-untyped-call]
    except (
        OverflowError,
        ValueError,
        RuntimeError,
    ):  # numbers far beyond those of drugs
        qed = float("nan")
    return DrugLikeness(qed, sum(violations), score)


@cache
def _sa_scorer() -> ModuleType:
    """RDKit's contributed SA score module, which reads its table of fragments from its own folder."""
    path = Path(RDConfig.RDContribDir, "SA_Score", "sascorer.py")
    spec = importlib.util.spec_from_file_location("sascorer", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported; install rdkit again")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
