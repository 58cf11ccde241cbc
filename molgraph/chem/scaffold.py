"""Murcko scaffolds, the groups of the scaffold split."""

from rdkit.Chem.Scaffolds import MurckoScaffold

from molgraph.chem.parse import parse_smiles, quiet_rdkit
from molgraph.errors import InputError
from molgraph.results.prediction import Rejected


def murcko_scaffold(smiles: str) -> str:
    """Murcko scaffold as SMILES: rings and the chains between them, without stereo; empty without rings.

    The same text as DeepChem's `ScaffoldSplitter` groups by.

    Raises:
        InputError: The SMILES cannot be parsed.

    Example:
        >>> murcko_scaffold("CCOC(=O)c1ccc(Cl)cc1")
        'c1ccccc1'
        >>> murcko_scaffold("CCO")
        ''
    """
    mol = parse_smiles(smiles)
    if isinstance(mol, Rejected):
        raise InputError(f"no scaffold of {mol.text!r}: {mol.reason}; leave out structures that cannot be parsed")
    with quiet_rdkit():
        return str(MurckoScaffold.MurckoScaffoldSmiles(mol=mol, includeChirality=False))  # type: ignore[no-untyped-call]
