"""SMILES to a molecule, or to a `Rejected` with the reason; nothing is printed to stderr."""

import re
import signal
import threading
from contextlib import AbstractContextManager
from typing import Any

from rdkit import Chem, rdBase

from molgraph.parallel.interrupts import HeldInterrupts
from molgraph.results.prediction import Rejected, Step

#: Longest structure text that is parsed. RDKit writes canonical SMILES by recursion along the chain, and a chain
#: of 16,000 atoms overflows the usual stack of 8 MB; insulin needs fewer than 1,000 characters.
MAX_TEXT_LENGTH = 5_000

#: Most atoms of a structure, salts included. Fingerprints and descriptors of RDKit take the third power of them: a
#: second for 500, minutes for 2,000. A count keeps that within bounds on every machine alike, which a clock would not.
#: Insulin has about 400; of the drugs and benchmark sets the largest has 492.
MAX_ATOMS = 600

_MAX_QUOTED_LENGTH = 200
_NO_REASON = "RDKit gave no reason"

# RDKit's capture swaps a stream of the whole process, so two threads must not overlap theirs. It puts the log back to
# where it found it, hence it stays within `quiet_rdkit`.
_CAPTURE_LOCK = threading.Lock()
_MAIN_THREAD = threading.main_thread().ident
_TIME_STAMP = re.compile(r"^\[\d\d:\d\d:\d\d\] ")
_ECHO = re.compile(r" (?:while parsing|for input):.*")
_INCHI_KEY = re.compile(r"[A-Z]{14}-[A-Z]{10}-[A-Z]")
_CAS_NUMBER = re.compile(r"\d{2,7}-\d\d-\d")
# What SMILES are made of: atoms of the organic subset, brackets, bonds, branches and ring closures. Nothing is tried
# twice (`*+`): a bracket may end in two ways, and forty of them in 2^40 (backtracking).
_SMILES_LETTERS = re.compile(r"(?:Br|Cl|[BCNOPSFIbcnops*]|\[[^\]]*+\]?|[\d%().=#$:/\\@~+\-<>{}\]])*+")
_POSITION = re.compile(r"check for mistakes (around position \d+)")


class _Quiet:
    """RDKit's log switched off while any thread is inside.

    The switch belongs to the process. If each thread saved and restored it for itself, one that enters while another
    is inside would save "off" and could leave it off for good; so the first one in switches and the last one out.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._block: rdBase.BlockLogs | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._depth == 0:
                self._block = rdBase.BlockLogs()
            self._depth += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                self._block = None


_QUIET = _Quiet()  # used alone for parsing, which does not touch interrupts and should cost nothing


class _QuietAndInterruptible:
    """The same switch, and interrupts of the main thread wait until RDKit is done.

    To search for substructures RDKit takes interrupts for itself, keeps one that arrives from Python, and does not
    always give them back: Ctrl-C would do nothing then, and the next one would end the program without a message.
    """

    def __init__(self) -> None:
        self._main_depth = 0
        self._held = HeldInterrupts()
        self._handler: Any = None

    def __enter__(self) -> None:
        if threading.get_ident() == _MAIN_THREAD:
            if self._main_depth == 0:
                self._held.__enter__()
                self._handler = signal.getsignal(signal.SIGINT)
            self._main_depth += 1
        _QUIET.__enter__()

    def __exit__(self, *_: object) -> None:
        _QUIET.__exit__()
        if threading.get_ident() == _MAIN_THREAD:
            self._main_depth -= 1
            if self._main_depth == 0:
                try:
                    if self._handler is not None:  # else it is not Python's
                        signal.signal(signal.SIGINT, self._handler)
                finally:
                    self._held.__exit__()


_QUIET_AND_INTERRUPTIBLE = _QuietAndInterruptible()


def quiet_rdkit() -> AbstractContextManager[None]:
    """A context in which RDKit, and every library linked to it, logs nothing; then the log is as it was.

    Interrupts wait until the main thread leaves it. It may be nested, and used by many threads. Entering and leaving
    costs ten microseconds.

    Example:
        >>> from rdkit import Chem
        >>> with quiet_rdkit():
        ...     Chem.MolFromSmiles("C1CC") is None
        True
    """
    return _QUIET_AND_INTERRUPTIBLE


def parse_smiles(text: str, *, row: int = 0, id: str = "") -> Chem.Mol | Rejected:  # noqa: A002
    """The sanitized molecule of at most `MAX_ATOMS` atoms, or a `Rejected` of step `parse` with the reason.

    Text after the first blank is a name or a CXSMILES block, as RDKit has it.

    Args:
        text: SMILES of at most `MAX_TEXT_LENGTH` characters.
        row: Position in the input, for the `Rejected`.
        id: Identifier in the input, for the `Rejected`; the row number where there is none.

    Example:
        >>> parse_smiles("CCO").GetNumAtoms()
        3
        >>> parse_smiles("C1CC", row=7).reason
        'SMILES Parse Error: unclosed ring'
    """
    if text and len(text) <= MAX_TEXT_LENGTH:  # only empty text gives a molecule without atoms
        with _QUIET:
            try:
                mol = _read(text)
            except (ValueError, RuntimeError):  # text that is not UTF-8, or an RDKit invariant
                mol = None
        if mol is not None and mol.GetNumAtoms() <= MAX_ATOMS:
            return mol
    return rejected(text, "parse", rejection_reason(text), row=row, id=id)


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
    with _QUIET:
        try:
            mol = _read(text)
            if mol is None:
                return _rdkit_reason(text)
        except (ValueError, RuntimeError) as error:
            return f"the structure cannot be read: {_short_line(str(error))}"
    n_atoms = mol.GetNumAtoms()
    if n_atoms > MAX_ATOMS:
        return f"the structure has {n_atoms:,} atoms; at most {MAX_ATOMS} are read, as molgraph is for small molecules"
    return ""


def rejected(text: str, step: Step, reason: str, *, row: int, id: str) -> Rejected:  # noqa: A002
    """A `Rejected` with the text cut to a bounded length, and the row number where there is no identifier."""
    return Rejected(row=row, id=id or str(row), text=text[:_MAX_QUOTED_LENGTH], step=step, reason=reason)


# RDKit's own stub hides that these give None when they fail.
def _read(text: str) -> Chem.Mol | None:
    mol = Chem.MolFromSmiles(text)
    if mol is not None and mol.HasProp("_Name"):  # of any bytes; what writes mol blocks would stumble over some
        mol.ClearProp("_Name")
    return mol


def _read_unsanitized(text: str) -> Chem.Mol | None:
    return Chem.MolFromSmiles(text, sanitize=False)


def _rdkit_reason(text: str) -> str:
    """RDKit's message for text that it does not read: an exception about the chemistry, or its log about the syntax."""
    with _CAPTURE_LOCK, rdBase.CaptureErrorLog() as log:
        mol = _read_unsanitized(text)
    if mol is None:
        return _syntax_reason(text, log.messages)
    try:
        Chem.SanitizeMol(mol)
    except Chem.MolSanitizeException as error:
        return _short_line(str(error))
    return _NO_REASON


def _syntax_reason(text: str, messages: str) -> str:
    """The first message without time stamp and echo of the input, with the position if the next message gives it."""
    lines = (messages or _NO_REASON).split("\n")
    # Another thread may have logged in between: the message must echo this text, unless RDKit garbled the echo.
    is_echoed = text.isascii() and text.isprintable()
    first = next((i for i, line in enumerate(lines) if text in line), 0) if is_echoed else 0
    reason = _short_line(_ECHO.sub("", lines[first]))
    position = _POSITION.search("".join(lines[first + 1 : first + 2]))
    reason = f"{reason} {position[1]}" if position else reason
    return f"{_diagnosis(text)}{reason}"


def _diagnosis(text: str) -> str:
    """What text that is no SMILES may be instead; empty for what could be a misspelt SMILES."""
    word = text.split(maxsplit=1)[0]
    if word.startswith("InChI="):
        return "an InChI that cannot be read: "
    if _INCHI_KEY.fullmatch(word):
        return "this is an InChIKey, from which no structure can be made; look up its SMILES: "
    if _CAS_NUMBER.fullmatch(word):
        return "this is a CAS number; look up its SMILES: "
    if _SMILES_LETTERS.fullmatch(word):
        return ""
    return "cannot read the structure, is it a name? "


def _short_line(text: str) -> str:
    return without_time_stamp(text.partition("\n")[0])[:_MAX_QUOTED_LENGTH].strip()


def without_time_stamp(line: str) -> str:
    """A line of RDKit's log without the time at its beginning.

    >>> without_time_stamp("[12:30:01] Can't kekulize mol.")
    "Can't kekulize mol."
    """
    return _TIME_STAMP.sub("", line)
