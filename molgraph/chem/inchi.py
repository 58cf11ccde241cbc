"""InChI to SMILES."""

from rdkit import Chem, rdBase

from molgraph.chem.parse import quiet_rdkit

#: What every InChI begins with.
INCHI_PREFIX = "InChI="

# As long as the SMILES that are read: RDKit's reader of InChI takes time that grows faster than the text.
_MAX_LENGTH = 5_000


def smiles_of_inchi(text: str) -> str | None:
    """The SMILES of an InChI, with its stereo and isotopes; None where RDKit cannot read it.

    >>> smiles_of_inchi("InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3")
    'CCO'
    >>> smiles_of_inchi("InChI=1S/C2H6O/c1-9") is None
    True
    """
    if len(text) > _MAX_LENGTH:
        return None
    with quiet_rdkit(), rdBase.BlockLogs():
        try:
            mol = Chem.MolFromInchi(text)  # type: ignore[no-untyped-call]
            return None if mol is None or mol.GetNumAtoms() == 0 else Chem.MolToSmiles(mol)
        except (RuntimeError, ValueError):
            return None
