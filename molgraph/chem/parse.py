"""SMILES text to a molecule, or to a `Rejected` that says why not, with nothing on stderr."""

import re
import threading
from contextlib import AbstractContextManager

from rdkit import Chem, rdBase

from molgraph.graphs import MAX_ATOMS_PER_MOLECULE
from molgraph.results import Rejected, Step

#: Longest structure text that is parsed. RDKit writes canonical SMILES by recursion along the chain, and a chain
#: of 16,000 atoms overflows the usual stack of 8 MB; insulin needs fewer than 1,000 characters.
MAX_TEXT_LENGTH = 5_000

_MAX_QUOTED_LENGTH = 200

# RDKit's capture swaps a stream of the whole process, so two threads must not overlap theirs.
_CAPTURE_LOCK = threading.Lock()
_TIME_STAMP = re.compile(r"^\[\d\d:\d\d:\d\d\] ")
_QUOTED_INPUT = re.compile(r" (?:while parsing|for input):.*")
_POSITION = re.compile(r"check for mistakes (around position \d+)")


def quiet_rdkit() -> AbstractContextManager[object]:
    """A context in which RDKit, and every library linked to it, logs nothing; then the log is as it was.

    Entering and leaving costs about a microsecond.

    Example:
        >>> from rdkit import Chem
        >>> with quiet_rdkit():
        ...     Chem.MolFromSmiles("C1CC") is None
        True
    """
    context: AbstractContextManager[object] = rdBase.BlockLogs()
    return context


def parse_smiles(text: str, *, row: int = 0, id: str = "") -> Chem.Mol | Rejected:  # noqa: A002
    """The sanitized molecule, or a `Rejected` of step `parse` with the reason.

    Text after the first blank is a name or a CXSMILES block, as RDKit has it.

    Args:
        text: SMILES of at most `MAX_TEXT_LENGTH` characters and `MAX_ATOMS_PER_MOLECULE` atoms.
        row: Position in the input, for the `Rejected`.
        id: Identifier in the input, for the `Rejected`; the row number where there is none.

    Example:
        >>> parse_smiles("CCO").GetNumAtoms()
        3
        >>> parse_smiles("C1CC", row=7).reason
        'SMILES Parse Error: unclosed ring'
    """
    mol = _molecule(text)
    return rejected(text, "parse", rejection_reason(text), row=row, id=id) if mol is None else mol


def rejection_reason(text: str) -> str:
    """Why `parse_smiles` rejects the text, in one short line; empty if it does not.

    Example:
        >>> rejection_reason("CN(C)(C)C")
        'Explicit valence for atom # 1 N, 4, is greater than permitted'
        >>> rejection_reason("CCO")
        ''
    """
    if not text or text.isspace():
        return "the structure is empty"
    if len(text) > MAX_TEXT_LENGTH:
        return f"the structure has {len(text)} characters; at most {MAX_TEXT_LENGTH} are read"
    with _CAPTURE_LOCK, quiet_rdkit(), rdBase.CaptureErrorLog() as log:
        try:
            mol = _read(text)
        except (ValueError, RuntimeError) as error:
            return f"the structure cannot be read: {_first_line(str(error))}"
    if mol is None:
        return _readable(log.messages)
    n_atoms = mol.GetNumAtoms()
    if n_atoms == 0:
        return "the structure has no atoms"
    if n_atoms > MAX_ATOMS_PER_MOLECULE:
        return f"the structure has {n_atoms} atoms; at most {MAX_ATOMS_PER_MOLECULE} fit into a graph"
    return ""


def rejected(text: str, step: Step, reason: str, *, row: int, id: str) -> Rejected:  # noqa: A002
    """A `Rejected` with the text cut to a bounded length, and the row number where there is no identifier."""
    return Rejected(row=row, id=id or str(row), text=text[:_MAX_QUOTED_LENGTH], step=step, reason=reason)


def _molecule(text: str) -> Chem.Mol | None:
    if len(text) > MAX_TEXT_LENGTH:
        return None
    with quiet_rdkit():
        try:
            mol = _read(text)
        except (ValueError, RuntimeError):  # text that is not UTF-8, or an RDKit invariant; the reason comes later
            return None
    return mol if mol is not None and 0 < mol.GetNumAtoms() <= MAX_ATOMS_PER_MOLECULE else None


def _read(text: str) -> Chem.Mol | None:
    return Chem.MolFromSmiles(text)  # None if it fails, whatever RDKit's own stub says


def _readable(log: str) -> str:
    """RDKit's first message without its time stamp and its echo of the input, with the position if it gave one."""
    reason = _QUOTED_INPUT.sub("", _first_line(log))
    position = _POSITION.search(log)
    return f"{reason} {position[1]}" if position else reason or "RDKit gave no reason"


def _first_line(text: str) -> str:
    line = text.partition("\n")[0]
    return _TIME_STAMP.sub("", line)[:_MAX_QUOTED_LENGTH].strip()
