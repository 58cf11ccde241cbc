"""SD files: mol blocks to SMILES, properties to columns; a broken record never harms the next one."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rdkit import Chem, rdBase

from molgraph.chem.files.columns import ID_COLUMNS, Request, kept_columns, plain, position_of
from molgraph.chem.files.records import MAX_RECORD_BYTES, Chunk, Fault, Table
from molgraph.chem.files.text import line_fault
from molgraph.chem.parse import quiet_rdkit
from molgraph.errors import InputError

#: The column names of an SD file are the properties of its first records; later ones may lack or add some.
N_RECORDS_SAMPLED = 256

_COUNTS_LINE = re.compile(r"[ \d]{6}.*V[23]000\s*")
_PROPERTY_LINE = re.compile(r">.*?<(.+)>")
_TIME_STAMP = re.compile(r"^\[\d\d:\d\d:\d\d\] ")


@dataclass(frozen=True)
class _Record:
    molblock: str
    title: str
    properties: dict[str, str] = field(default_factory=dict)
    fault: Fault | None = None


def read_sdf(blocks: Iterable[str], name: str, request: Request) -> Table:
    """A table of the mol blocks and their properties.

    Structures become SMILES with the stereo of the block. The identifier is the title, where that is empty the first
    property with a known name; or the property that was asked for. Columns are the properties of the first
    `N_RECORDS_SAMPLED` records, in order of appearance; where a record lacks one, the text is empty.

    Raises:
        InputError: A column was asked for that is not there, or one of structures.
    """
    if request.smiles_column is not None:
        raise InputError(f"{name}: an SD file holds its structures in mol blocks; leave --smiles-column out")
    records = (_parsed(lines) for lines in _split_records(blocks))
    sample = list(itertools.islice(records, N_RECORDS_SAMPLED))
    names = tuple(dict.fromkeys(known for record in sample for known in record.properties))
    identifier = request.id_column
    by_plain = {plain(known): known for known in reversed(names)}
    fallback = next((by_plain[known] for known in ID_COLUMNS if known in by_plain), None)
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


def _split_records(blocks: Iterable[str]) -> Iterator[list[str]]:
    """The lines of each record. A second mol block begins a record of its own, should `$$$$` be missing before it."""
    lines: list[str] = []
    n_characters = n_molblocks = 0
    for line in itertools.chain.from_iterable(block.split("\n") for block in blocks):
        if line.startswith("$$$$"):
            yield lines
            lines, n_characters, n_molblocks = [], 0, 0
            continue
        if n_characters > MAX_RECORD_BYTES:
            continue  # the record is rejected for its length, so the rest of it is of no use
        lines.append(line.removesuffix("\r"))
        n_characters += len(line)
        if _COUNTS_LINE.fullmatch(line):
            n_molblocks += 1
            if n_molblocks > 1 and len(lines) > 4 and not lines[-5].startswith(">"):
                yield lines[:-4]
                lines, n_molblocks = lines[-4:], 1
                n_characters = sum(map(len, lines))
    if any(line.strip() for line in lines):
        yield lines


def _parsed(lines: list[str]) -> _Record:
    title = lines[0].strip() if lines else ""
    if sum(map(len, lines)) > MAX_RECORD_BYTES:
        return _Record("", title[:200], fault=Fault(title, f"the record is longer than {MAX_RECORD_BYTES} bytes"))
    if fault := next(filter(None, map(line_fault, lines)), None):
        return _Record("", title.replace("\0", ""), fault=fault)
    end = next((position for position, line in enumerate(lines, 1) if line.startswith("M  END")), 0)
    fault = None if end else Fault(title, "the record has no line M  END, so it is cut short or no mol block")
    properties: dict[str, str] = {}
    rest = iter(lines[end:])
    for line in rest:
        if match := _PROPERTY_LINE.match(line):
            properties[match[1].strip()] = "\n".join(itertools.takewhile(str.strip, rest))
    return _Record("\n".join(lines[:end]) + "\n", title, properties, fault)


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
            return Fault(record.title, str(error).strip().partition("\n")[0])
    if smiles is None:
        return Fault(record.title, _reason(record.molblock))
    return smiles or Fault(record.title, "the mol block has no atoms")


def _reason(molblock: str) -> str:
    with quiet_rdkit(), rdBase.CaptureErrorLog() as log:
        Chem.MolFromMolBlock(molblock)
    line = log.messages.strip().partition("\n")[0]
    return _TIME_STAMP.sub("", line) or "the mol block cannot be read"
