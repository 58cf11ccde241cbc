"""SD files: mol blocks to SMILES, properties to columns; a broken record does not affect the next one."""

import contextlib
import itertools
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from rdkit import Chem, rdBase

from molgraph.chem.parse import quiet_rdkit, without_time_stamp
from molgraph.errors import InputError
from molgraph.files.columns import ID_COLUMNS, Request, kept_columns, plain, position_of
from molgraph.files.records import MAX_RECORD_BYTES, Chunk, Fault, Table
from molgraph.files.text import line_fault

#: Records that are read at once, and whose properties are the columns where those of all records are unknown.
N_RECORDS_SAMPLED = 256

#: Different properties that the records of a file may have, so that a broken file cannot fill the memory.
MAX_PROPERTIES = 10_000

_COUNTS_LINE = re.compile(r"[ \d]{6}.*V[23]000\s*")
_PROPERTY_LINE = re.compile(r">.*?<(.+)>")
_MAX_REASON = 200
_BLOCK_CHARACTERS = 1 << 18


@dataclass(frozen=True)
class _Record:
    molblock: str
    title: str
    line: int
    properties: dict[str, str] = field(default_factory=dict)
    fault: Fault | None = None


def property_names(blocks: Iterable[str], name: str) -> Iterator[str]:
    """The properties of all records, in order of appearance; molecules are not parsed.

    Raises:
        InputError: There are more than `MAX_PROPERTIES`.
    """
    seen: set[str] = set()
    for _, lines in _split_records(blocks):
        for property_name in _properties(lines):
            if property_name not in seen:
                seen.add(property_name)
                yield property_name
        if len(seen) > MAX_PROPERTIES:
            raise InputError(f"{name}: the records have more than {MAX_PROPERTIES:,} properties; check the file")


def read_sdf(
    blocks: Iterable[str], name: str, request: Request, *, all_properties: Callable[[], tuple[str, ...]] | None = None
) -> Table:
    """A table of the mol blocks and their properties.

    Structures become SMILES with the stereo of the block. The identifier is the title, where that is empty the first
    property in `ID_COLUMNS`; or the requested property. Columns are the properties of the first
    `N_RECORDS_SAMPLED` records, in order of appearance, or of all records where a requested column is not among those,
    or `all` (of all files, where several are read); where a record lacks one, the text is empty.

    Args:
        blocks: Whole lines.
        name: Name of the file, for errors.
        request: The columns to read.
        all_properties: Gives the properties of all records; None where the blocks can be read only once and have to
            be written to a temporary file for that.

    Raises:
        InputError: A requested column is missing, or a column of structures was requested.
    """
    if request.smiles_column is not None:
        raise InputError(f"{name}: an SD file holds its structures in mol blocks; leave `smiles_column` out")
    kept_file: IO[str] | None = None
    if all_properties is None and request.needs_names:
        kept_file = _written(blocks)
        names = tuple(property_names(_read_again(kept_file), name))
        blocks = _read_to_the_end(kept_file)
    records = (_parsed(lines, line) for line, lines in _split_records(blocks))
    sample = list(itertools.islice(records, N_RECORDS_SAMPLED))
    if kept_file is None:
        names = tuple(dict.fromkeys(column for record in sample for column in record.properties))
        # Other records may have other properties, and so may other files.
        if all_properties is not None or len(sample) == N_RECORDS_SAMPLED:
            names = _all_names(names, request, all_properties)
    identifier = request.id_column
    by_plain = {plain(column): column for column in reversed(names)}
    fallback = next((by_plain[column] for column in ID_COLUMNS if column in by_plain), None)
    if identifier is not None:
        position_of(identifier, names, name)
    kept = tuple(names[position] for position in kept_columns(names, request, name))
    return Table(
        names=names,
        smiles="smiles",
        id=identifier,
        kept=kept,
        chunks=_chunks(itertools.chain(sample, records), identifier, fallback, kept),
    )


def _all_names(
    names: tuple[str, ...], request: Request, all_properties: Callable[[], tuple[str, ...]] | None
) -> tuple[str, ...]:
    """The names, with those of later records where they may matter."""
    if request.needs_names:
        return names if all_properties is None else all_properties()
    if set(request.named) <= set(names):
        return names
    # Input that can be read only once cannot be searched for the requested names, so they are taken to exist.
    return all_properties() if all_properties is not None else tuple(dict.fromkeys((*names, *request.named)))


def _written(blocks: Iterable[str]) -> IO[str]:
    """The blocks in a temporary file, which is deleted when it is closed."""
    file = tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogatepass", newline="")  # noqa: SIM115
    file.writelines(f"{block}\n" for block in blocks)
    return file


def _read_again(file: IO[str]) -> Iterator[str]:
    file.seek(0)
    while lines := file.readlines(_BLOCK_CHARACTERS):
        yield "".join(lines).removesuffix("\n")


def _read_to_the_end(file: IO[str]) -> Iterator[str]:
    """The blocks of a temporary file, which is closed behind them."""
    with file:
        yield from _read_again(file)


def _split_records(blocks: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """The first line of each record, counted from 1, and its lines.

    A second mol block begins a record of its own, should `$$$$` be missing before it.
    """
    lines: list[str] = []
    start = 1
    n_characters = n_molblocks = 0
    for number, line in enumerate(itertools.chain.from_iterable(block.split("\n") for block in blocks), 1):
        if line.startswith("$$$$"):
            yield start, lines
            lines, n_characters, n_molblocks = [], 0, 0
            start = number + 1
            continue
        if n_characters > MAX_RECORD_BYTES:
            continue  # the record is rejected for its length, so the rest of it is not needed
        lines.append(line.removesuffix("\r"))
        n_characters += len(line)
        if _COUNTS_LINE.fullmatch(line):
            n_molblocks += 1
            if n_molblocks > 1 and len(lines) > 4 and not lines[-5].startswith(">"):
                yield start, lines[:-4]
                lines, n_molblocks = lines[-4:], 1
                start = number - 3
                n_characters = sum(map(len, lines))
    if any(line.strip() for line in lines):
        yield start, lines


def _parsed(lines: list[str], line: int) -> _Record:
    title = lines[0].strip() if lines else ""
    if sum(map(len, lines)) > MAX_RECORD_BYTES:
        return _Record("", title[:200], line, fault=Fault("", f"the record is longer than {MAX_RECORD_BYTES} bytes"))
    if fault := next(filter(None, map(line_fault, lines)), None):
        return _Record("", title.replace("\0", ""), line, fault=Fault("", fault.reason))
    end = _end_of_molblock(lines)
    fault = None if end else Fault("", "the record has no line M  END, so it is cut short or no mol block")
    return _Record("\n".join(lines[:end]) + "\n", title, line, _properties(lines), fault)


def _end_of_molblock(lines: list[str]) -> int:
    return next((position for position, line in enumerate(lines, 1) if line.startswith("M  END")), 0)


def _properties(lines: list[str]) -> dict[str, str]:
    properties: dict[str, str] = {}
    rest = iter(lines[_end_of_molblock(lines) :])
    for line in rest:
        if match := _PROPERTY_LINE.match(line):
            properties[match[1].strip()] = "\n".join(itertools.takewhile(str.strip, rest))
    return properties


def _chunks(
    records: Iterator[_Record], identifier: str | None, fallback: str | None, kept: Sequence[str]
) -> Iterator[Chunk]:
    while part := list(itertools.islice(records, N_RECORDS_SAMPLED)):
        structures = []
        faults = {}
        for position, record in enumerate(part):
            smiles = record.fault or _smiles(record)
            structures.append(smiles if isinstance(smiles, str) else "")
            if isinstance(smiles, Fault):
                faults[position] = smiles
        yield Chunk(
            structures=structures,
            ids=[_identifier(record, identifier, fallback) for record in part],
            columns=[[record.properties.get(name, "") for record in part] for name in kept],
            faults=faults,
            lines=[record.line for record in part],
        )


def _identifier(record: _Record, identifier: str | None, fallback: str | None) -> str:
    if identifier is not None:
        return record.properties.get(identifier, "")
    return record.title or (record.properties.get(fallback, "") if fallback else "")


def _smiles(record: _Record) -> str | Fault:
    """SMILES of a mol block with its stereo, or RDKit's reason why there is none."""
    with quiet_rdkit():
        try:
            mol = Chem.MolFromMolBlock(record.molblock)
            smiles: str | None = None if mol is None else Chem.MolToSmiles(mol)
        except (RuntimeError, ValueError) as error:  # an RDKit invariant
            return Fault("", str(error).strip().partition("\n")[0])
    if smiles is None:
        return Fault("", _reason(record.molblock))
    return smiles or Fault("", "the mol block has no atoms")


def _reason(molblock: str) -> str:
    """RDKit's message on a mol block that it cannot read; its reader of SD files says more."""
    with quiet_rdkit(), rdBase.CaptureErrorLog() as log:
        supplier = Chem.SDMolSupplier()
        supplier.SetData(f"{molblock}$$$$\n")
        with contextlib.suppress(RuntimeError, ValueError, StopIteration):
            next(supplier)
        try:
            messages = log.messages
        except UnicodeDecodeError:  # RDKit quotes a block to the byte, and may end within a character
            messages = ""
    lines = [without_time_stamp(line).strip() for line in messages.split("\n")]
    errors = [line for line in lines if line.startswith(("ERROR: ", "Explicit valence", "Can't"))]
    errors = [line.removeprefix("ERROR: ") for line in errors]
    reasons = [line for line in errors if not line.startswith(("moving to", "Could not sanitize"))]
    return next(iter(reasons), "the mol block cannot be read")[:_MAX_REASON]
