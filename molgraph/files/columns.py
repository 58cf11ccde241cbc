"""Selection of the columns of structures and identifiers by their names and first cells."""

import difflib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from rdkit import Chem

from molgraph.chem.inchi import INCHI_PREFIX
from molgraph.chem.parse import quiet_rdkit
from molgraph.errors import InputError

#: Names of structure columns, best first, compared after `plain`: those with stereo before those that may lack it. A
#: `weak` name is also used for other things (the name of a drug, say), so such a column is taken only where its cells
#: parse as structures.
STRUCTURE_COLUMNS: Mapping[str, Literal["strong", "weak"]] = MappingProxyType(
    {
        "isomeric_smiles": "strong",
        "isomericsmiles": "strong",
        "absolute_smiles": "strong",
        "absolutesmiles": "strong",
        "smiles": "strong",
        "canonical_smiles": "strong",
        "canonicalsmiles": "strong",
        "rdkit_smiles": "strong",
        "standardized_smiles": "strong",
        "cleaned_smiles": "strong",
        "smiles_string": "strong",
        "ligand_smiles": "strong",
        "compound_smiles": "strong",
        "molecule_smiles": "strong",
        "cxsmiles": "strong",
        "smi": "strong",
        "connectivity_smiles": "strong",
        "connectivitysmiles": "strong",
        "inchi": "strong",
        "standard_inchi": "strong",
        "standardinchi": "strong",
        "mol": "weak",
        "molecule": "weak",
        "structure": "weak",
        "drug": "weak",
        "compound": "weak",
        "ligand": "weak",
    }
)

#: Names of identifier columns, best first, compared after `plain`.
ID_COLUMNS: tuple[str, ...] = (
    "id",
    "compound_id",
    "molecule_id",
    "molecule_chembl_id",
    "cmpd_chemblid",
    "chembl_id",
    "zinc_id",
    "mcule_id",
    "mol_id",
    "drug_id",
    "ligand_id",
    "catalog_id",
    "idnumber",
    "id_number",
    "cid",
    "cas",
    "molecule_name",
    "compound_name",
    "drug_name",
    "name",
    "title",
)

_N_CELLS_TRIED = 20
_MAX_HEADER_READ = 100_000


#: Further columns to pass on: their names, `all`, or a function that chooses them from the names of all columns.
KeepColumns = Sequence[str] | Literal["all"] | Callable[[Sequence[str]], Sequence[str]]


@dataclass(frozen=True)
class Request:
    """The columns that a caller asked for; None means that it is found by name.

    Attributes:
        smiles_column: The column of structures.
        id_column: The column of identifiers.
        keep_columns: The further columns to pass on.
    """

    smiles_column: str | None = None
    id_column: str | None = None
    keep_columns: KeepColumns = ()

    @property
    def needs_names(self) -> bool:
        """Whether the columns to pass on depend on the names of all columns."""
        return self.keep_columns == "all" or callable(self.keep_columns)

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that are asked for by name."""
        kept = () if isinstance(self.keep_columns, str) or callable(self.keep_columns) else self.keep_columns
        return tuple(name for name in (self.smiles_column, self.id_column, *kept) if name is not None)

    def of(self, names: Sequence[str]) -> "Request":
        """The request for a file with columns of these names."""
        return replace(self, keep_columns=tuple(self.keep_columns(names))) if callable(self.keep_columns) else self


@dataclass(frozen=True)
class Choice:
    """The columns of one file that are read, as positions in `names`.

    Attributes:
        names: All columns; the second of one name is called `name (2)`, and so on.
        smiles: The column of structures.
        id: The column of identifiers; None where there is none.
        kept: The columns to pass on.
        others: Further columns with the name of a structure column, not taken.
    """

    names: tuple[str, ...]
    smiles: int
    id: int | None
    kept: tuple[int, ...]
    others: tuple[int, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Which column was chosen where there were several."""
        if not self.others:
            return ()
        left = _quoted([self.names[i] for i in self.others])
        return (f"structures are read from {self.names[self.smiles]!r}, not from {left} (choose with `smiles_column`)",)


def plain(name: str) -> str:
    """A column name in lower case with blanks, dots and hyphens as underscores, for comparison.

    Example:
        >>> plain(" Canonical SMILES")
        'canonical_smiles'
    """
    return name.strip().lower().lstrip("#").strip().replace(" ", "_").replace("-", "_").replace(".", "_")


def is_header(cells: Sequence[str]) -> bool:
    """True if one of the cells names a structure column and none is a structure."""
    return any(plain(cell) in STRUCTURE_COLUMNS for cell in cells) and not is_smiles(cells[0])


def structure_names(smiles_column: str | None) -> frozenset[str]:
    """Plain names of structure columns: the one that was asked for, else all in `STRUCTURE_COLUMNS`."""
    return frozenset({plain(smiles_column)} if smiles_column else STRUCTURE_COLUMNS)


def names_column(line: str, wanted: Collection[str]) -> bool:
    """Whether a line, split at commas, semicolons or tabs, has a cell of one of these plain names."""
    splits = (line[:_MAX_HEADER_READ].split(delimiter) for delimiter in ",;\t")
    return any(plain(cell.strip('"')) in wanted for cells in splits for cell in cells)


def is_structure(text: str) -> bool:
    """True for SMILES with atoms and for an InChI."""
    return text.strip().strip('"').startswith(INCHI_PREFIX) or is_smiles(text.strip('"'))


def is_smiles(text: str) -> bool:
    """True if RDKit reads the text as a molecule with atoms."""
    text = text.strip()
    with quiet_rdkit():
        mol = Chem.MolFromSmiles(text) if text else None
    return mol is not None and mol.GetNumAtoms() > 0


def choose_columns(names: Sequence[str], rows: Sequence[Sequence[str]], request: Request, file: str) -> Choice:
    """The columns to read from a table.

    Args:
        names: The header.
        rows: The first rows, to check columns of ambiguous names.
        request: What the caller asked for.
        file: Name of the file, for errors.

    Raises:
        InputError: A requested column is missing or comes more than once, or no column of structures is found.
    """
    header = tuple(name.strip() or f"column_{position}" for position, name in enumerate(names, start=1))
    names = _unique(header)
    request = request.of(names)
    _refuse_doubled(header, request, file)
    if request.smiles_column is None:
        smiles = _find_structures(names, rows, file)
    else:
        smiles = position_of(request.smiles_column, names, file)
    wanted = request.id_column
    identifier = _find_ids(names, smiles) if wanted is None else position_of(wanted, names, file)
    kept = kept_columns(names, request, file, without=(smiles, identifier))
    others: tuple[int, ...] = ()
    if request.smiles_column is None:
        strong = (i for i, name in enumerate(names) if STRUCTURE_COLUMNS.get(plain(name)) == "strong")
        others = tuple(i for i in strong if i != smiles)
    return Choice(names, smiles, identifier, kept, others)


def _refuse_doubled(header: Sequence[str], request: Request, file: str) -> None:
    """Refuse repeated names, but only where one of them is asked for."""
    doubled = [name for name, count in Counter(header).items() if count > 1 and name in request.named]
    if doubled:
        raise InputError(f"{file}: the header has {_quoted(doubled)} more than once; give every column its own name")


def _unique(header: Sequence[str]) -> tuple[str, ...]:
    taken, seen, names = set(header), Counter[str](), []
    for name in header:
        seen[name] += 1
        unique = name
        while seen[name] > 1 and unique in taken:
            unique = f"{name} ({seen[name]})"
            seen[name] += unique in taken
        taken.add(unique)
        names.append(unique)
    return tuple(names)


def kept_columns(
    names: Sequence[str], request: Request, file: str, *, without: Sequence[int | None] = ()
) -> tuple[int, ...]:
    """Positions of the columns to pass on; `all` leaves out those in `without`."""
    keep = request.of(names).keep_columns
    if isinstance(keep, str) or callable(keep):
        return tuple(position for position in range(len(names)) if position not in without)
    return tuple(position_of(name, names, file) for name in keep)


def position_of(name: str, names: Sequence[str], file: str) -> int:
    """Position of the column `name`.

    Raises:
        InputError: It is missing; the message lists the columns, those with a similar name first.
    """
    if name in names:
        return names.index(name)
    by_lower = {column.lower(): column for column in names}
    near = [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, n=3)]
    hint = f"did you mean {_quoted(near)}? The" if near else "the"
    raise InputError(f"{file} has no column {name!r}; {hint} columns are {_quoted(names)}")


def _find_structures(names: Sequence[str], rows: Sequence[Sequence[str]], file: str) -> int:
    plain_names = [plain(name) for name in names]
    for wanted, strength in STRUCTURE_COLUMNS.items():
        if strength == "strong" and wanted in plain_names:
            if plain_names.count(wanted) > 1:
                raise InputError(f"{file}: which column is meant? {_quoted(names)}; choose one with `smiles_column`")
            return plain_names.index(wanted)
    weak = [
        i for i, name in enumerate(plain_names) if name in STRUCTURE_COLUMNS and (not rows or _holds_smiles(rows, i))
    ]
    if len(weak) == 1:
        return weak[0]
    spelled = [i for i, name in enumerate(plain_names) if "smiles" in name and _holds_smiles(rows, i)]
    if not weak and len(spelled) == 1:  # as in "Structure (SMILES)"
        return spelled[0]
    if weak:
        candidates = _quoted([names[i] for i in weak])
        raise InputError(f"{file}: {candidates} may each hold the structures; choose one with `smiles_column`")
    if any(map(is_structure, names)):
        raise InputError(f"{file}: the first line looks like data; put a header above it, such as smiles,id")
    likely = _quoted([name for i, name in enumerate(names) if _holds_smiles(rows, i)][:3])
    hint = f"{likely} may be the one; " if likely else ""
    if "inchikey" in plain_names or "inchi_key" in plain_names:
        hint += "from an InChIKey no structure can be made; "
    raise InputError(f"{file}: no column is called smiles; {hint}name it with `smiles_column`, from {_quoted(names)}")


def _holds_smiles(rows: Sequence[Sequence[str]], position: int) -> bool:
    """True if most of the first cells that are not empty read as SMILES."""
    cells = [row[position] for row in rows[:_N_CELLS_TRIED] if position < len(row) and row[position].strip()]
    return bool(cells) and sum(map(is_structure, cells)) > len(cells) / 2


def _find_ids(names: Sequence[str], smiles: int) -> int | None:
    plain_names = [plain(name) for name in names]
    positions = (plain_names.index(name) for name in ID_COLUMNS if name in plain_names)
    return next((position for position in positions if position != smiles), None)


def _quoted(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:30])
    return f"{shown} and {len(names) - 30} more" if len(names) > 30 else shown
