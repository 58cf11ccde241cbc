"""A chunk: some thousand consecutive rows of a library, and what a screen found in them."""

import hashlib
import json
import math
import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any, get_origin, get_type_hints

import numpy as np

from molgraph.config.plain import is_table, parse_plain
from molgraph.errors import InputError
from molgraph.files.records import RecordBatch
from molgraph.results.prediction import Rejected
from molgraph.screening.hits import Hit
from molgraph.storage.decode import decode_json

#: Version of a stored chunk.
FORMAT_VERSION = 3


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
        "scored": result.scored,
        "considered": result.considered,
        "above_each": result.above_each,
        "rejected": [asdict(rejected) for rejected in result.rejected],
        "hits": [hit_values(hit) for hit in result.hits],
        "candidates": [hit_values(hit) for hit in result.candidates],
        "sample": list(result.sample),
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
        version = values.get("format_version") if is_table(values) else None
        if version == FORMAT_VERSION:
            shard: _Shard = parse_plain(_Shard, values, f"shard of format {FORMAT_VERSION}", "shard")
            return _checked(shard, n_tasks, n_kept)
    except InputError as error:
        raise InputError(f"{name} is damaged ({error}); begin anew with `overwrite=True`") from error
    raise InputError(
        f"{name} has format {reprlib.repr(version)}, and this molgraph reads {FORMAT_VERSION}; begin anew with "
        "`overwrite=True`"
    )


@dataclass(frozen=True)
class _Shard:
    """A shard as JSON has it."""

    format_version: int
    first_row: int
    n_rows: int
    content: str
    scored: int
    considered: int
    above_each: tuple[int, ...]
    rejected: tuple[Rejected, ...]
    hits: tuple[dict[str, Any], ...]
    candidates: tuple[dict[str, Any], ...]
    sample: tuple[tuple[int, str], ...]


def _checked(shard: _Shard, n_tasks: int, n_kept: int) -> tuple[ChunkContent, ChunkResult]:
    result = ChunkResult(
        scored=shard.scored,
        considered=shard.considered,
        above_each=shard.above_each,
        rejected=shard.rejected,
        hits=tuple(hit_from_values(hit) for hit in shard.hits),
        candidates=tuple(hit_from_values(hit) for hit in shard.candidates),
        sample=shard.sample,
    )
    hits = (*result.hits, *result.candidates)
    rows = [hit.row for hit in hits] + [bad.row for bad in result.rejected]
    if rows and not shard.first_row <= min(rows) <= max(rows) < shard.first_row + shard.n_rows:
        raise InputError("a row is not one of this shard")
    if not 0 <= shard.considered <= shard.scored <= shard.n_rows - len(shard.rejected):
        raise InputError(f"of {shard.n_rows} rows it has {shard.scored} that were scored")
    if any(not 0 <= count <= shard.considered for count in shard.above_each):
        raise InputError(f"of {shard.considered} rows it counts others above a threshold")
    if any(len(hit.kept) != n_kept or _widths(hit) != {n_tasks} for hit in hits):
        raise InputError(f"a hit has not {n_tasks} predictions and {n_kept} columns")
    return ChunkContent(shard.first_row, shard.n_rows, stored_digest=shard.content), result


def _widths(hit: Hit) -> set[int]:
    own = [value for name, value in vars(hit).items() if name != "kept"]
    return {len(value) for value in own if isinstance(value, tuple | np.ndarray)}


def hit_values(hit: Hit) -> dict[str, Any]:
    """A hit as plain values, for JSON."""
    values = {field.name: getattr(hit, field.name) for field in fields(hit)}
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}


def hit_from_values(values: Mapping[str, Any]) -> Hit:
    """The hit that `hit_values` took apart.

    Raises:
        InputError: A field is missing, unknown or of the wrong type, or the score is no number.
    """
    kinds = _hit_kinds()
    odd = sorted(kinds.keys() ^ values.keys())
    if odd:
        raise InputError(f"a hit has missing or unknown fields {reprlib.repr(odd)}")
    hit = Hit(**{name: _hit_value(kinds[name], value, name) for name, value in values.items()})
    if math.isnan(hit.score):
        raise InputError("a hit has no score")
    return hit


@cache
def _hit_kinds() -> Mapping[str, Any]:
    return get_type_hints(Hit)


def _hit_value(kind: Any, value: object, name: str) -> Any:
    if get_origin(kind) is np.ndarray and isinstance(value, list) and all(type(item) is float for item in value):
        return np.array(value, dtype=np.float64)
    if kind is float and type(value) is float:  # NaN and infinity too
        return value
    return parse_plain(kind, value, "hit", name)
