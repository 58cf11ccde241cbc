"""SMILES files: a structure, then blanks, a tab or a comma, then a name, on each line; with a header or without."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from molgraph.chem.inchi import INCHI_PREFIX
from molgraph.errors import InputError
from molgraph.files.columns import (
    ID_COLUMNS,
    Choice,
    Request,
    choose_columns,
    is_header,
    is_structure,
    plain,
    structure_names,
)
from molgraph.files.delimited import read_delimited
from molgraph.files.records import Chunk, Fault, Table
from molgraph.files.text import line_fault, needs_care, without_top

# Structure; perhaps a CXSMILES block; the name, up to a tab. No SMILES holds a blank or a comma.
_LINE = re.compile(r"\s*([^\s,]*)(?:[\s,]+\|[^|]*\|(?![^\s,]))?(?:\s*(,)\s*|\s+|$)([^\t]*)")
_WORD = re.compile(r"[^\s,]+")
_N_LINES_TRIED = 20


def read_smi(blocks: Iterable[str], name: str, request: Request) -> Table:
    """A table with the columns `smiles` and `name`, or those of the header.

    The first line is a header if one of its words names a structure column and its first word is no SMILES. A header
    with tabs or commas makes the file a table like `.csv`, except that a row may be short. Otherwise the name
    is the rest of the line up to a tab, blanks included; after a comma it may be quoted. Where the first word of most
    lines is no structure and the second one is, the first is the name. Lines on top that begin with `#` are comments.

    Raises:
        InputError: A requested column is missing, or a header without tabs does not have the structure in front.
    """
    blocks = iter(blocks)
    first, n_skipped = without_top(next(blocks), _is_above)
    line = first.partition("\n")[0].strip()
    if not is_header(_WORD.findall(line)):
        lines = itertools.chain([first], blocks)
        if request.smiles_column is None and _is_second(first):
            return _read_lines(lines, ["name", "smiles", "rest"], name, request, first_line=n_skipped + 1)
        return _read_lines(lines, ["smiles", "name"], name, request, first_line=n_skipped + 1)
    line, rest = line.lstrip("# "), first.partition("\n")[2]
    delimiter = next((character for character in "\t," if character in line), None)
    if delimiter:
        table = itertools.chain([f"{line}\n{rest}"], blocks)
        return read_delimited(
            table,
            name,
            request,
            delimiter=delimiter,
            quotes=delimiter == ",",
            ragged=True,
            first_line=n_skipped + 1,
        )
    words = line.split()
    if not is_header(words[:1]):
        raise InputError(f"{name}: the header is {line!r}; put the structure first, or separate the columns by tabs")
    names = words if len(words) > 1 else [*words, "name"]
    return _read_lines(itertools.chain([rest], blocks), names, name, request, first_line=n_skipped + 2)


def _is_above(line: str) -> bool:
    """Whether a line on top is blank or a comment; a header may begin with `#` too."""
    return not line.strip() or (line.startswith("#") and not is_header(_WORD.findall(line)))


def _is_second(block: str) -> bool:
    """Whether the second word of most lines is the structure, and the first one is not."""
    lines = [words for words in map(str.split, block.split("\n", _N_LINES_TRIED)[:_N_LINES_TRIED]) if words]
    n_first = sum(is_structure(words[0]) for words in lines)
    n_second = sum(is_structure(words[1]) for words in lines if len(words) > 1)
    return n_first < len(lines) / 2 < n_second


def _read_lines(blocks: Iterable[str], names: Sequence[str], name: str, request: Request, *, first_line: int) -> Table:
    """Lines of words, one of which is the structure; the last of them may hold blanks."""
    known_names = structure_names(None)
    default = next((word for word in names if plain(word) in known_names), names[0])
    structure = request.smiles_column
    if structure is None or plain(structure) == plain(default):
        structure = default
    others = [word for word in names if word != default]
    identifier = request.id_column or next((word for word in others if plain(word) in ID_COLUMNS), others[0])
    choice = choose_columns(names, [], Request(structure, identifier, request.keep_columns), name)
    return Table(
        names=choice.names,
        smiles=structure,
        id=identifier,
        kept=tuple(choice.names[position] for position in choice.kept),
        chunks=_chunks(blocks, choice, first_line),
    )


def _chunks(blocks: Iterable[str], choice: Choice, first_line: int) -> Iterator[Chunk]:
    for block in blocks:
        yield _chunk(block, choice, first_line)
        first_line += block.count("\n") + 1


def _chunk(block: str, choice: Choice, first_line: int) -> Chunk:
    lines = block.split("\n")
    numbers = [number for number, line in enumerate(lines, first_line) if line and not line.isspace()]
    if len(numbers) < len(lines):
        lines = [lines[number - first_line] for number in numbers]
    faults: dict[int, Fault] = {}
    if needs_care(block):
        checked = ((position, line_fault(line)) for position, line in enumerate(lines))
        faults = {position: fault for position, fault in checked if fault}
        lines = ["" if position in faults else line for position, line in enumerate(lines)]
    n_columns = len(choice.names)
    # Where the structure is not in front, there are no names with blanks, and no commas.
    rows = [_cells(line, n_columns) if choice.smiles == 0 else _words(line, n_columns) for line in lines]
    return Chunk(
        structures=[row[choice.smiles] for row in rows],
        ids=[row[choice.id or 0] for row in rows],
        columns=[[row[position] for row in rows] for position in choice.kept],
        faults=faults,
        lines=numbers,
    )


def _words(line: str, n_columns: int) -> tuple[str, ...]:
    words = line.split(None, n_columns - 1)
    return (*words, *[""] * (n_columns - len(words)))


def _cells(line: str, n_columns: int) -> tuple[str, ...]:
    match = _LINE.match(line)
    if match is None:  # the pattern matches any text
        return (line,) + ("",) * (n_columns - 1)
    structure, comma, name = match.groups()
    if structure.startswith(INCHI_PREFIX):  # which holds commas
        structure, *rest = line.split(None, 1)
        comma, name = None, " ".join(rest)
    name = name.strip()
    if comma and len(name) > 1 and name[0] == name[-1] == '"':
        name = name[1:-1].replace('""', '"')
    if n_columns == 2:
        return structure, name
    words = name.split(None, n_columns - 2)
    return (structure, *words, *[""] * (n_columns - 1 - len(words)))
