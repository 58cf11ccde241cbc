"""RDKit engine of the featurizer: slow, portable and simple, the reference for the other engine.

Each function computes one code of `molgraph.features.schema`; the tables below bind them to the columns by name.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molgraph.chem.parse import parse_smiles
from molgraph.features.schema import SCHEMA
from molgraph.graphs import PackedGraphs
from molgraph.results.prediction import Rejected

#: Average mass of each element in g/mol, `[119]`; the dummy atom weighs nothing.
ATOMIC_WEIGHTS: NDArray[np.float64] = np.array([Chem.GetPeriodicTable().GetAtomicWeight(z) for z in range(119)])


def _element(atom: Chem.Atom) -> int:
    return int(atom.GetAtomicNum())


def _degree(atom: Chem.Atom) -> int:
    return min(int(atom.GetTotalDegree()), 7)


def _charge(atom: Chem.Atom) -> int:
    charge = atom.GetFormalCharge()
    return int(charge + 4) if -4 <= charge <= 4 else 9


def _chirality(atom: Chem.Atom) -> int:
    return min(int(atom.GetChiralTag()), 4)


def _hydrogens(atom: Chem.Atom) -> int:
    return min(int(atom.GetTotalNumHs()), 5)


def _hybridization(atom: Chem.Atom) -> int:
    return int(atom.GetHybridization())


def _aromatic(atom: Chem.Atom) -> int:
    return int(atom.GetIsAromatic())


def _atom_ring(atom: Chem.Atom) -> int:
    return int(atom.IsInRing())


def _radicals(atom: Chem.Atom) -> int:
    return min(int(atom.GetNumRadicalElectrons()), 4)


def _isotope(atom: Chem.Atom) -> int:
    # Labels such as [13C] are derived from the mass, so that both engines get the same number.
    difference: int = round(atom.GetMass() - ATOMIC_WEIGHTS[atom.GetAtomicNum()])
    return max(-4, min(difference, 4)) + 4


_BOND_TYPES = MappingProxyType(
    {Chem.BondType.SINGLE: 0, Chem.BondType.DOUBLE: 1, Chem.BondType.TRIPLE: 2, Chem.BondType.AROMATIC: 3}
)


def _type(bond: Chem.Bond) -> int:
    return _BOND_TYPES.get(bond.GetBondType(), 4)


def _conjugated(bond: Chem.Bond) -> int:
    return int(bond.GetIsConjugated())


def _bond_ring(bond: Chem.Bond) -> int:
    return int(bond.IsInRing())


def _stereo(bond: Chem.Bond) -> int:
    return min(int(bond.GetStereo()), 6)


_ATOM_CODES: Mapping[str, Callable[[Chem.Atom], int]] = MappingProxyType(
    {
        "element": _element,
        "degree": _degree,
        "charge": _charge,
        "chirality": _chirality,
        "hydrogens": _hydrogens,
        "hybridization": _hybridization,
        "aromatic": _aromatic,
        "ring": _atom_ring,
        "radicals": _radicals,
        "isotope": _isotope,
    }
)
_BOND_CODES: Mapping[str, Callable[[Chem.Bond], int]] = MappingProxyType(
    {"type": _type, "conjugated": _conjugated, "ring": _bond_ring, "stereo": _stereo}
)
_ATOM_COLUMNS = tuple(_ATOM_CODES[spec.name] for spec in SCHEMA.atom)
_BOND_COLUMNS = tuple(_BOND_CODES[spec.name] for spec in SCHEMA.bond)


def encode_mol(mol: Chem.Mol) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint16]]:
    """Atom codes `[n, Fa]`, bond codes `[e, Fb]` and bond atoms `[e, 2]` of one sanitized molecule, in RDKit's order.

    Example:
        >>> from rdkit import Chem
        >>> atom_codes, bond_codes, bond_atoms = encode_mol(Chem.MolFromSmiles("C=O"))
        >>> atom_codes[:, 0].tolist(), bond_codes.tolist(), bond_atoms.tolist()
        ([6, 8], [[1, 0, 0, 0]], [[0, 1]])
    """
    atoms = [[code(atom) for code in _ATOM_COLUMNS] for atom in mol.GetAtoms()]
    bonds = list(mol.GetBonds())
    return (
        np.array(atoms, dtype=np.uint8).reshape(-1, len(_ATOM_COLUMNS)),
        np.array([[code(b) for code in _BOND_COLUMNS] for b in bonds], dtype=np.uint8).reshape(-1, len(_BOND_COLUMNS)),
        np.array([[b.GetBeginAtomIdx(), b.GetEndAtomIdx()] for b in bonds], dtype=np.uint16).reshape(-1, 2),
    )


def encode_rdkit(smiles: Sequence[str], rows: Sequence[int], ids: Sequence[str]) -> PackedGraphs:
    """Graphs of all texts that parse, in order, and a `Rejected` for each other one.

    Args:
        smiles: One structure each, standardized by the caller if at all.
        rows: Position of each in the input, for `row_index` and `rejected`.
        ids: Identifier of each, for `rejected`.
    """
    parsed = [parse_smiles(text, row=row, id=id_) for text, row, id_ in zip(smiles, rows, ids, strict=True)]
    molecule_rows = [row for row, mol in zip(rows, parsed, strict=True) if not isinstance(mol, Rejected)]
    # The empty first molecule gives the arrays their width where nothing parses.
    encoded = [encode_mol(Chem.Mol()), *(encode_mol(mol) for mol in parsed if not isinstance(mol, Rejected))]
    return PackedGraphs(
        atom_codes=np.concatenate([atoms for atoms, _, _ in encoded]),
        bond_codes=np.concatenate([bonds for _, bonds, _ in encoded]),
        bond_atoms=np.concatenate([ends for _, _, ends in encoded]),
        atom_ptr=np.cumsum([len(atoms) for atoms, _, _ in encoded], dtype=np.int64),
        bond_ptr=np.cumsum([len(bonds) for _, bonds, _ in encoded], dtype=np.int64),
        schema=SCHEMA.name,
        row_index=np.array(molecule_rows, dtype=np.int64),
        rejected=tuple(mol for mol in parsed if isinstance(mol, Rejected)),
    )
