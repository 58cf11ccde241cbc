"""`library.json`: what a packed library holds, and the hash of each of its shards."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from molgraph.chem.standardize import STANDARDIZERS
from molgraph.errors import InputError
from molgraph.features.schema import SCHEMAS
from molgraph.storage.atomic import atomic_path
from molgraph.storage.decode import decode_json, read_bounded
from molgraph.storage.decode_typed import decode
from molgraph.storage.hashes import values_sha256
from molgraph.version import __version__

#: Raised when older versions of molgraph can no longer read the folder.
FORMAT_VERSION = 1

INDEX = "library.json"
SHARDS = "shards"

#: An index of 10⁹ rows has 20 MB.
_MAX_BYTES = 2**30


@dataclass(frozen=True)
class ShardEntry:
    """One shard.

    Attributes:
        file: Its name in the folder `shards`.
        sha256: Hash of the file.
        n_bytes: Its size.
        first_row: Position of its first record in the library.
        n_records: Records, rejected ones included.
        n_molecules: Records with a graph.
    """

    file: str
    sha256: str
    n_bytes: int
    first_row: int
    n_records: int
    n_molecules: int


@dataclass(frozen=True)
class LibraryIndex:
    """What a packed library holds.

    Attributes:
        schema: Name of the feature schema of its graphs.
        schema_hash: Hash of that schema.
        standardizer: Standardizer that was applied to each structure.
        smiles_column: Column of structures of the files that it was made from.
        id_column: Their column of identifiers; None where these are titles or row numbers.
        columns: The kept columns.
        sources: The files that it was made from.
        shards: Its shards, in order.
    """

    schema: str
    schema_hash: str
    standardizer: str
    smiles_column: str
    id_column: str | None
    columns: tuple[str, ...]
    sources: tuple[str, ...]
    shards: tuple[ShardEntry, ...]

    @property
    def n_records(self) -> int:
        """Records of the library."""
        return sum(shard.n_records for shard in self.shards)

    @property
    def n_molecules(self) -> int:
        """Records with a graph."""
        return sum(shard.n_molecules for shard in self.shards)


def is_packed(source: str | Path) -> bool:
    """Whether a folder is a packed library.

    >>> is_packed("library.smi")
    False
    """
    text = str(source)
    return text != "-" and "://" not in text and Path(text).expanduser().joinpath(INDEX).is_file()


def write_index(folder: Path, index: LibraryIndex) -> None:
    """Write `library.json`, complete or not at all."""
    values = {"format_version": FORMAT_VERSION, "molgraph_version": __version__, **asdict(index)}
    values["seal"] = values_sha256(values)
    with atomic_path(folder / INDEX) as temporary:
        temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def read_index(folder: str | Path) -> LibraryIndex:
    """What a packed library holds.

    Raises:
        InputError: The folder is none, or damaged, or of another format.
    """
    path = Path(folder).expanduser() / INDEX
    values = _read(path)
    version = values.get("format_version")
    if version != FORMAT_VERSION:
        raise InputError(
            f"{path} has format {version}, written by molgraph {values.get('molgraph_version')}; molgraph "
            f"{__version__} reads format {FORMAT_VERSION}, so update it or pack the library again"
        )
    if values.pop("seal", None) != values_sha256(values):
        raise InputError(f"{path} is damaged: its seal does not fit its content; pack the library again")
    try:
        index = _index(values)
    except InputError as error:
        raise InputError(f"{path} is damaged ({error}); pack the library again") from error
    schema = SCHEMAS.get(index.schema)
    if schema is None or schema.schema_hash != index.schema_hash or index.standardizer not in STANDARDIZERS:
        raise InputError(
            f"{path} has graphs of {index.schema!r} and {index.standardizer!r}, which this molgraph does not know; "
            "update it or pack the library again"
        )
    return index


def shard_path(folder: Path, entry: ShardEntry) -> Path:
    """The file of a shard."""
    return folder / SHARDS / entry.file


def _index(values: Mapping[str, Any]) -> LibraryIndex:
    index = decode(LibraryIndex, values, INDEX, beside=("format_version", "molgraph_version"))
    at = 0
    for entry in index.shards:
        if Path(entry.file).name != entry.file or not entry.file.isprintable():
            raise InputError(f"the shard {entry.file[:80]!r} is no file of its folder")
        if entry.first_row != at or not 0 <= entry.n_molecules <= entry.n_records or entry.n_bytes < 0:
            raise InputError(f"the rows of the shard {entry.file} do not follow those before")
        at += entry.n_records
    if len(set(index.columns)) < len(index.columns):
        raise InputError("a column comes more than once")
    return index


def _read(path: Path) -> dict[str, Any]:
    try:
        content = read_bounded(path, _MAX_BYTES)
    except FileNotFoundError as error:
        raise InputError(f"{path.parent} is no packed library: it has no {INDEX}; make one with featurize") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the file and its permissions") from error
    try:
        values = decode_json(content)
    except InputError as error:
        raise InputError(f"{path} is damaged ({error}); pack the library again") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} is damaged (no table); pack the library again")
    return values
