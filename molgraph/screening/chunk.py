"""A chunk: some thousand consecutive rows of a library, and what a screen found in them."""

import hashlib
import json
import math
import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from molgraph.errors import InputError
from molgraph.files.records import RecordBatch
from molgraph.results.prediction import Rejected
from molgraph.screening.hit import Hit
from molgraph.storage.decode import decode_json
from molgraph.storage.decode_typed import decode

#: Version of a stored chunk.
FORMAT_VERSION = 4


@dataclass(frozen=True)
class ChunkResult:
    """What a screen found in some rows, and all that is needed to go on after them.

    Attributes:
        scored: Rows that were predicted.
        considered: Rows of these that may be sampled, or selected.
        above_each: How many of these lie above each threshold at which a selection counts; empty without one.
        rejected: Rows that could not be used.
        hits: Rows that may still be among the best.
        candidates: Rows that may be selected.
        sample: Key and text of the rows that may be in the sample of the library.
    """

    scored: int
    considered: int
    above_each: tuple[int, ...]
    rejected: tuple[Rejected, ...]
    hits: tuple[Hit, ...]
    candidates: tuple[Hit, ...]
    sample: tuple[tuple[int, str], ...]


def joined(parts: Iterable[ChunkResult], has_chance: Callable[[Hit], bool], *, largest_key: int) -> ChunkResult:
    """The parts as one, without what has no chance any more.

    Args:
        parts: In the order of the rows.
        has_chance: Whether a hit may still be among the best.
        largest_key: Rows above it are not in the sample.
    """
    parts = list(parts)
    return ChunkResult(
        scored=sum(part.scored for part in parts),
        considered=sum(part.considered for part in parts),
        above_each=tuple(map(sum, zip(*(part.above_each for part in parts), strict=True))),
        rejected=tuple(rejected for part in parts for rejected in part.rejected),
        hits=tuple(hit for part in parts for hit in part.hits if has_chance(hit)),
        candidates=tuple(hit for part in parts for hit in part.candidates),
        sample=tuple(drawn for part in parts for drawn in part.sample if drawn[0] <= largest_key),
    )


@dataclass
class ChunkContent:
    """What the library holds in a chunk: tells whether it is still the same.

    Attributes:
        first_row: Position of its first row in the library.
        n_rows: Rows, those that could not be read included.
        stored_digest: Hash of what it held when it was stored; None while it is read.
    """

    first_row: int
    n_rows: int = 0
    stored_digest: str | None = None

    def __post_init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def add(self, batch: RecordBatch) -> None:
        """Take in the next rows."""
        self.n_rows += len(batch) + len(batch.rejected)
        unread = [f"{rejected.row}\t{rejected.text}" for rejected in batch.rejected]
        for column in (batch.ids, batch.smiles, *batch.columns.values(), unread):
            self._hash.update("\x1e".join(column).encode(errors="surrogatepass"))
            self._hash.update(b"\x1d")

    @property
    def digest(self) -> str:
        """Hash of identifiers, structures and kept columns."""
        return self._hash.hexdigest() if self.stored_digest is None else self.stored_digest


def to_bytes(content: ChunkContent, result: ChunkResult) -> bytes:
    """A chunk as it is stored: a line with the checksum of what follows, and JSON."""
    values = {
        "format_version": FORMAT_VERSION,
        "first_row": content.first_row,
        "n_rows": content.n_rows,
        "content": content.digest,
        "result": {
            "scored": result.scored,
            "considered": result.considered,
            "above_each": result.above_each,
            "rejected": [asdict(rejected) for rejected in result.rejected],
            "hits": [hit_values(hit) for hit in result.hits],
            "candidates": [hit_values(hit) for hit in result.candidates],
            "sample": list(result.sample),
        },
    }
    body = json.dumps(values, separators=(",", ":")).encode()
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def from_bytes(stored: bytes, name: str, *, n_tasks: int, n_kept: int) -> tuple[ChunkContent, ChunkResult]:
    """What the library held there, and the result, of what `to_bytes` gave.

    Args:
        stored: The bytes.
        name: What they are called in errors.
        n_tasks: Tasks of the models.
        n_kept: Columns of the library that are carried along.

    Raises:
        InputError: It is damaged, or of another version.
    """
    checksum, _, body = stored.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != checksum:
        raise InputError(f"{name} is damaged: its checksum does not fit; begin anew with `overwrite=True`")
    try:
        values = decode_json(body, allows_nonfinite=True)
        version = values.get("format_version") if isinstance(values, dict) else None
        if version == FORMAT_VERSION:
            return _checked(decode(_StoredChunk, values, "chunk", allows_nonfinite=True), n_tasks, n_kept)
    except InputError as error:
        raise InputError(f"{name} is damaged ({error}); begin anew with `overwrite=True`") from error
    raise InputError(
        f"{name} has format {reprlib.repr(version)}, and this molgraph reads {FORMAT_VERSION}; begin anew with "
        "`overwrite=True`"
    )


@dataclass(frozen=True)
class _StoredChunk:
    """A chunk as JSON has it."""

    format_version: int
    first_row: int
    n_rows: int
    content: str
    result: ChunkResult


def _checked(stored: _StoredChunk, n_tasks: int, n_kept: int) -> tuple[ChunkContent, ChunkResult]:
    result = stored.result
    hits = (*result.hits, *result.candidates)
    if any(math.isnan(hit.score) for hit in hits):
        raise InputError("a hit has no score")
    rows = [hit.row for hit in hits] + [bad.row for bad in result.rejected]
    if rows and not stored.first_row <= min(rows) <= max(rows) < stored.first_row + stored.n_rows:
        raise InputError("a row is not one of this chunk")
    if not 0 <= result.considered <= result.scored <= stored.n_rows - len(result.rejected):
        raise InputError(f"of {stored.n_rows} rows it has {result.scored} that were scored")
    if any(not 0 <= count <= result.considered for count in result.above_each):
        raise InputError(f"of {result.considered} rows it counts others above a threshold")
    if any(len(hit.kept) != n_kept or _widths(hit) != {n_tasks} for hit in hits):
        raise InputError(f"a hit has not {n_tasks} predictions and {n_kept} columns")
    return ChunkContent(stored.first_row, stored.n_rows, stored_digest=stored.content), result


def _widths(hit: Hit) -> set[int]:
    own = [value for name, value in vars(hit).items() if name != "kept"]
    return {len(value) for value in own if isinstance(value, tuple | np.ndarray)}


def hit_values(hit: Hit) -> dict[str, Any]:
    """A hit as plain values, for JSON."""
    values = {field.name: getattr(hit, field.name) for field in fields(hit) if field.init}
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}


def hit_from_values(values: Mapping[str, Any]) -> Hit:
    """The hit that `hit_values` took apart.

    Raises:
        InputError: A field is missing, unknown or of the wrong type, or the score is no number.
    """
    hit = decode(Hit, values, "a hit", allows_nonfinite=True)
    if math.isnan(hit.score):
        raise InputError("a hit has no score")
    return hit
