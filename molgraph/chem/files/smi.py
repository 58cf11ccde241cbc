"""SMILES files: a structure, then blanks, a tab or a comma, then a name, on each line; with a header or without."""

import itertools
import re
from collections.abc import Iterable, Sequence

from molgraph.chem.files.columns import ID_COLUMNS, Choice, Request, choose_columns, is_header, plain
from molgraph.chem.files.delimited import read_delimited
from molgraph.chem.files.records import Chunk, Fault, Table
from molgraph.chem.files.text import line_fault, needs_care
from molgraph.errors import InputError

# Structure; perhaps a CXSMILES block; the name, up to a tab. No SMILES holds a blank or a comma.
_LINE = re.compile(r"\s*([^\s,]*)(?:[\s,]+\|[^|]*\|(?![^\s,]))?(?:\s*(,)\s*|\s+|$)([^\t]*)")
_WORD = re.compile(r"[^\s,]+")


def read_smi(blocks: Iterable[str], name: str, request: Request) -> Table:
    """A table with the columns `smiles` and `name`, or those of the header.

    The first line is a header if one of its words names a structure column and its first word is no SMILES. A header
    set apart by tabs or commas makes the file a table like `.csv`, except that a row may be short. Otherwise the name
    is the rest of the line up to a tab, blanks included; after a comma it may be quoted.

    Raises:
        InputError: A column was asked for that is not there, or a header without tabs has the structure not in front.
    """
    blocks = iter(blocks)
    first = next(blocks).lstrip()
    line = first.partition("\n")[0].rstrip()
    if not is_header(_WORD.findall(line)):
        return _read_lines(itertools.chain([first], blocks), ["smiles", "name"], name, request)
    line, rest = line.lstrip("# "), first.partition("\n")[2]
    delimiter = next((character for character in "\t," if character in line), None)
    if delimiter:
        table = itertools.chain([f"{line}\n{rest}"], blocks)
        return read_delimited(table, name, request, delimiter=delimiter, quotes=delimiter == ",", ragged=True)
    words = line.split()
    if not is_header(words[:1]):
        raise InputError(f"{name}: the header is {line!r}; put the structure first, or set the columns apart by tabs")
    names = words if len(words) > 1 else [*words, "name"]
    return _read_lines(itertools.chain([rest], blocks), names, name, request)


def _read_lines(blocks: Iterable[str], names: Sequence[str], name: str, request: Request) -> Table:
    """Lines of a structure and words, the last of which may hold blanks."""
    structure = request.smiles_column
    if structure is None or plain(structure) == plain(names[0]):
        structure = names[0]
    identifier = request.id_column or next((word for word in names[1:] if plain(word) in ID_COLUMNS), names[1])
    choice = choose_columns(names, [], Request(structure, identifier, request.keep_columns), name)
    return Table(
        names=choice.names,
        smiles=structure,
        id=identifier,
        kept=tuple(choice.names[position] for position in choice.kept),
        chunks=(_chunk(block, choice) for block in blocks),
    )


def _chunk(block: str, choice: Choice) -> Chunk:
    lines = [line for line in block.split("\n") if line and not line.isspace()]
    faults: dict[int, Fault] = {}
    if needs_care(block):
        found = ((position, line_fault(line)) for position, line in enumerate(lines))
        faults = {position: fault for position, fault in found if fault}
        lines = ["" if position in faults else line for position, line in enumerate(lines)]
    n_columns = len(choice.names)
    rows = [_cells(line, n_columns) for line in lines]
    return Chunk(
        structures=[row[choice.smiles] for row in rows],
        ids=[row[choice.id or 0] for row in rows],
        columns=[[row[position] for row in rows] for position in choice.kept],
        faults=faults,
    )


def _cells(line: str, n_columns: int) -> tuple[str, ...]:
    match = _LINE.match(line)
    if match is None:  # the pattern matches any text
        return (line,) + ("",) * (n_columns - 1)
    structure, comma, name = match.groups()
    name = name.strip()
    if comma and len(name) > 1 and name[0] == name[-1] == '"':
        name = name[1:-1].replace('""', '"')
    if n_columns == 2:
        return structure, name
    words = name.split(None, n_columns - 2)
    return (structure, *words, *[""] * (n_columns - 1 - len(words)))
