"""Standardization: the largest organic fragment, neutralised where possible; recorded with each model.

Most structures need nothing, or only the proton of an amine or an acid moved, which shows in their text. `_from_text`
handles those without parsing; all others are parsed and go through `standardize_mol`. Tests hold the two paths to the
same canonical SMILES on thousands of real structures.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

from molgraph.chem.parse import parse_smiles, quiet_rdkit
from molgraph.errors import InputError
from molgraph.results.prediction import Rejected

StandardizerName = Literal["none", "default"]


@dataclass(frozen=True)
class StandardizerSpec:
    """What a standardizer does, as recorded in a model folder.

    Attributes:
        name: The name to choose it by.
        version: Raised whenever any structure would come out differently.
        description: One line for users.
    """

    name: StandardizerName
    version: int
    description: str


#: The choices of a standardizer.
STANDARDIZERS: Mapping[StandardizerName, StandardizerSpec] = MappingProxyType(
    {
        "none": StandardizerSpec("none", 1, "structures are used as they are"),
        "default": StandardizerSpec(
            "default", 1, "largest organic fragment, charges neutralised, stereo and isotopes kept"
        ),
    }
)

# Opposite charges on bonded atoms belong to the way a neutral group is written. The negative atom of each pattern has
# no other neighbour; the positive atom of a nitro group has none that can be charged.
_NITRO = r"\[N\+\]\(=O\)\[O-\]|O=\[N\+\]\(\[O-\]\)(?=[A-Za-z])|\[O-\]\[N\+\]\(=O\)(?=[A-Za-z])"
_N_OXIDE = r"\[(?:[NnSP]|[NS]@@?)\+\](?:\[O-\]|\(\[O-\]\))|\[O-\]\[[NnSP]\+\]"
_DIAZO = r"\[N-\]=\[N\+\]|\[N\+\]=\[N-\]|\[C-\]#\[N\+\]|\[N\+\]#\[C-\]"
# No backtracking: thousands of unclosed brackets would take hours otherwise.
_LONE = r"\[[^\[\]+-]*+[+-][^\[\]]*+\]"
_CHARGES = re.compile(rf"(?:{_NITRO})|(?P<pair>{_N_OXIDE}|{_DIAZO})|(?P<lone>{_LONE})")

_DEPROTONATED = {"[NH+]": "N", "[NH2+]": "N", "[NH3+]": "N", "[nH+]": "n"}
_PROTONATED = {"[O-]": "O", "[S-]": "S", "[N-]": "N", "[n-]": "[nH]"}
_NEUTRAL = _DEPROTONATED | _PROTONATED
_PERMANENT_CATIONS = frozenset({"[N+]", "[n+]", "[S+]", "[P+]", "[N@+]", "[N@@+]"})
_CATIONS = _PERMANENT_CATIONS | _DEPROTONATED.keys()
_ANIONS = frozenset(_PROTONATED)

# Protons only: adding hydride to a carbocation, or taking it from a borohydride, would make another compound.
_UNCHARGER = rdMolStandardize.Uncharger(protonationOnly=True)


def standardize_smiles(
    text: str,
    name: StandardizerName,
    *,
    row: int = 0,
    id: str = "",  # noqa: A002
) -> str | Rejected:
    """The standardized SMILES, `text` itself where nothing changes; or a `Rejected`.

    Only ambiguous text is parsed, so the result may still be no valid molecule: parse it. A malformed nitrogen
    such as `C[NH+]C`, which lacks a bond, may come back as the amine.

    Args:
        text: SMILES without name or CXSMILES block.
        name: A key of `STANDARDIZERS`.
        row: Position in the input, for a `Rejected`.
        id: Identifier in the input, for a `Rejected`.

    Example:
        >>> standardize_smiles("[Na+].CC(=O)[O-]", "default")
        'CC(=O)O'
        >>> standardize_smiles("OCC", "default")
        'OCC'
    """
    _check_name(name)
    if name == "none" or ("+" not in text and "-" not in text and "." not in text):
        return text
    from_text = _from_text(text)
    if from_text is not None:
        return from_text
    mol = parse_smiles(text, row=row, id=id)
    if isinstance(mol, Rejected):
        return mol
    standard = standardize_mol(mol, name)
    return text if standard is mol else Chem.MolToSmiles(standard)


def standardize_mol(mol: Chem.Mol, name: StandardizerName) -> Chem.Mol:
    """The standardized molecule: `mol` itself where nothing changes, else a new one.

    `default` keeps the fragment that contains carbon, then has the most heavy atoms, then comes first as canonical
    SMILES; so of a salt without carbon the largest ion stays. A metal stays where it is bonded and goes where it is a
    fragment of its own. Then protons are moved until the charge is as small as it can be: quaternary nitrogen keeps
    its charge, and an acid beside it keeps the opposite one. Where the neutral form would be no valid molecule
    (hexafluorophosphate), the charged one stays.

    Example:
        >>> from rdkit import Chem
        >>> Chem.MolToSmiles(standardize_mol(Chem.MolFromSmiles("C[NH3+].[Cl-]"), "default"))
        'CN'
    """
    _check_name(name)
    return mol if name == "none" else _neutral(_largest_fragment(mol))


def _check_name(name: str) -> None:
    if name not in STANDARDIZERS:
        raise InputError(f"no standardizer is called {name!r}; choose one of {', '.join(STANDARDIZERS)}")


def _from_text(text: str) -> str | None:
    """What the full path would give, possibly spelled differently; None where the text alone does not decide."""
    if "." in text or "[H]" in text:
        return None
    groups = _CHARGES.findall(text)
    lone = {charge for _, charge in groups if charge}
    if lone <= _PERMANENT_CATIONS:
        return text
    if lone <= _CATIONS:
        return _CHARGES.sub(_neutral_spelling, text)
    # An anion could be bonded to the positive atom of a pair, and then it stays.
    beside_pairs = any(pair for pair, _ in groups) or ("[N-]" in lone and "+" in text)
    if lone <= _ANIONS and not beside_pairs:
        return _CHARGES.sub(_neutral_spelling, text)
    return None


def _neutral_spelling(match: re.Match[str]) -> str:
    return _NEUTRAL.get(match[0], match[0])


def _largest_fragment(mol: Chem.Mol) -> Chem.Mol:
    if len(Chem.GetMolFrags(mol)) <= 1:
        return mol
    fragments: tuple[Chem.Mol, ...] = Chem.GetMolFrags(mol, asMols=True)
    return min(fragments, key=_fragment_rank)


def _fragment_rank(fragment: Chem.Mol) -> tuple[bool, int, str]:
    has_carbon = any(atom.GetAtomicNum() == 6 for atom in fragment.GetAtoms())
    return not has_carbon, -fragment.GetNumHeavyAtoms(), Chem.MolToSmiles(fragment)


def _neutral(mol: Chem.Mol) -> Chem.Mol:
    charges = _charges(mol)
    if not any(charges):
        return mol
    with quiet_rdkit():
        neutral: Chem.Mol = _UNCHARGER.uncharge(mol)
        if _charges(neutral) == charges or Chem.SanitizeMol(neutral, catchErrors=True) != Chem.SANITIZE_NONE:
            return mol
        # A nitrogen that lost its proton is no stereocentre any more.
        Chem.AssignStereochemistry(neutral, cleanIt=True, force=True)
    return neutral


def _charges(mol: Chem.Mol) -> list[int]:
    return [atom.GetFormalCharge() for atom in mol.GetAtoms()]
