"""Canonical keys of compounds: for duplicates, parent compounds and `in_training`.

The text depends on the RDKit version: compare texts that were written in the same run only.
"""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdMolHash

from molgraph.chem.parse import parse_smiles, quiet_rdkit
from molgraph.chem.standardize import standardize_smiles
from molgraph.results.prediction import Rejected
from molgraph.storage.hashes import text_hashes


def canonical_smiles(text: str, *, row: int = 0, id: str = "") -> str | Rejected:  # noqa: A002
    """Canonical SMILES with stereo and isotopes, equal for all spellings of a compound; or a `Rejected`.

    Example:
        >>> canonical_smiles("C(O)C")
        'CCO'
        >>> canonical_smiles("C[C@H](N)O") == canonical_smiles("C[C@@H](N)O")
        False
    """
    mol = parse_smiles(text, row=row, id=id)
    return mol if isinstance(mol, Rejected) else Chem.MolToSmiles(mol)


def stereo_free_smiles(text: str, *, row: int = 0, id: str = "") -> str | Rejected:  # noqa: A002
    """Canonical SMILES without stereo, equal for all stereoisomers of a compound; or a `Rejected`.

    Example:
        >>> stereo_free_smiles("C[C@H](N)O") == stereo_free_smiles("C[C@@H](N)O")
        True
        >>> stereo_free_smiles("C/C=C/[2H]")
        '[2H]C=CC'
    """
    mol = parse_smiles(text, row=row, id=id)
    if isinstance(mol, Rejected):
        return mol
    Chem.RemoveStereochemistry(mol)
    with quiet_rdkit():
        # A hydrogen that was an atom only to carry the stereo of its double bond, as in [H]/N=C/C, goes with it.
        try:
            return Chem.MolToSmiles(Chem.RemoveHs(mol))
        except Chem.MolSanitizeException:  # it can be read, and not be checked again: hydrogens stay
            return Chem.MolToSmiles(mol)


def parent_key(text: str, *, row: int = 0, id: str = "") -> str | Rejected:  # noqa: A002
    """Key that salts, stereoisomers, isotopologues and tautomers of a compound share; or a `Rejected`.

    It is RDKit's `HetAtomTautomerv2` hash of the standardized structure without stereo and isotopes: bonds and
    hydrogens that a proton could move are left open. Some 0.4 ms a structure.

    Example:
        >>> parent_key("O=c1cccc[nH]1") == parent_key("Oc1ccccn1") == parent_key("Oc1ccccn1.Cl")
        True
        >>> parent_key("C[C@H](N)C(=O)O") == parent_key("C[C@@H](N)C(=O)O")
        True
        >>> parent_key("CCCO") == parent_key("CC(C)O")
        False
    """
    standardized = standardize_smiles(text, "default", row=row, id=id)
    if isinstance(standardized, Rejected):
        return standardized
    mol = parse_smiles(standardized, row=row, id=id)
    if isinstance(mol, Rejected):
        return mol
    Chem.RemoveStereochemistry(mol)
    for atom in mol.GetAtoms():
        atom.SetIsotope(0)
    with quiet_rdkit():
        with contextlib.suppress(Chem.MolSanitizeException):  # it can be read, and not be checked again: hydrogens stay
            mol = Chem.RemoveHs(mol)
        return str(rdMolHash.MolHash(mol, rdMolHash.HashFunction.HetAtomTautomerv2))


@dataclass(frozen=True)
class KnownCompounds:
    """Hashes of the compounds that a model was trained on, in ascending order.

    Attributes:
        exact: `[n]` of their canonical SMILES.
        stereo_free: `[m]` of their SMILES without stereo; empty where not stored.
    """

    exact: NDArray[np.uint64]
    stereo_free: NDArray[np.uint64]

    def joined(self, other: "KnownCompounds") -> "KnownCompounds":
        """The union of both."""
        return KnownCompounds(np.union1d(self.exact, other.exact), np.union1d(self.stereo_free, other.stereo_free))


def known_compounds(keys: Iterable[str]) -> KnownCompounds:
    """Hashes of the compounds with these canonical SMILES, with and without stereo.

    >>> known = known_compounds(["C[C@H](N)O", "C[C@@H](N)O"])
    >>> known.exact.size, known.stereo_free.size
    (2, 1)
    """
    keys = [*keys]
    return KnownCompounds(
        np.unique(text_hashes(keys)), np.unique(text_hashes(str(stereo_free_smiles(key)) for key in keys))
    )
