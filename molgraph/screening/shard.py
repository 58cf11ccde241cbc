"""A shard: some thousand consecutive rows of a library, and what a screen found in them."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from molgraph.chem.files.records import RecordBatch
from molgraph.errors import InputError
from molgraph.results import Rejected
from molgraph.screening.hits import Hit

#: Version of a stored shard.
FORMAT_VERSION = 3

_ARRAYS = ("mean", "std", "lower", "upper", "percentiles")


@dataclass(frozen=True)
class ShardResult:
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


def joined(parts: Iterable[ShardResult], has_chance: Callable[[Hit], bool], *, largest_key: int) -> ShardResult:
    """The parts as one, without what has no chance any more.

    Args:
        parts: In the order of the rows.
        has_chance: Whether a hit may still be among the best.
        largest_key: Rows above it are not in the sample.
    """
    parts = list(parts)
    return ShardResult(
        scored=sum(part.scored for part in parts),
        considered=sum(part.considered for part in parts),
        above_each=tuple(map(sum, zip(*(part.above_each for part in parts), strict=True))),
        rejected=tuple(rejected for part in parts for rejected in part.rejected),
        hits=tuple(hit for part in parts for hit in part.hits if has_chance(hit)),
        candidates=tuple(hit for part in parts for hit in part.candidates),
        sample=tuple(drawn for part in parts for drawn in part.sample if drawn[0] <= largest_key),
    )


@dataclass
class ShardContent:
    """What the library holds in a shard: tells whether it is still the same.

    Attributes:
        first_row: Position of its first row in the library.
        n_rows: Rows, those that could not be read included.
    """

    first_row: int
    n_rows: int = 0

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
        return self._hash.hexdigest()


def to_bytes(content: ShardContent, result: ShardResult) -> bytes:
    """A shard as it is stored: a line with the checksum of what follows, and JSON."""
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


def from_bytes(stored: bytes, name: str) -> tuple[str, ShardResult]:
    """Digest of the content, and the result, of what `to_bytes` gave.

    Raises:
        InputError: It is damaged, or of another version.
    """
    checksum, _, body = stored.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != checksum:
        raise InputError(f"{name} is damaged: its checksum does not fit; begin anew with --overwrite")
    values = json.loads(body)  # written by `to_bytes`, or else somebody took the trouble of a new checksum
    version = values.get("format_version") if isinstance(values, dict) else None
    if version != FORMAT_VERSION:
        raise InputError(
            f"{name} has format {version}, and this molgraph reads {FORMAT_VERSION}; begin anew with --overwrite"
        )
    try:
        result = ShardResult(
            scored=int(values["scored"]),
            considered=int(values["considered"]),
            above_each=tuple(int(count) for count in values["above_each"]),
            rejected=tuple(Rejected(**rejected) for rejected in values["rejected"]),
            hits=tuple(hit_from_values(hit) for hit in values["hits"]),
            candidates=tuple(hit_from_values(hit) for hit in values["candidates"]),
            sample=tuple((int(key), str(text)) for key, text in values["sample"]),
        )
        return str(values["content"]), result
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{name} is damaged ({error}); begin anew with --overwrite") from error


def hit_values(hit: Hit) -> dict[str, Any]:
    """A hit as plain values, for JSON."""
    values = {field.name: getattr(hit, field.name) for field in fields(hit)}
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}


def hit_from_values(values: Mapping[str, Any]) -> Hit:
    """The hit that `hit_values` took apart."""
    arrays = {name: np.array(values[name], dtype=np.float64) for name in _ARRAYS}
    return Hit(
        **{
            **values,
            **arrays,
            "sets": tuple(values["sets"]),
            "in_domain": tuple(values["in_domain"]),
            "kept": tuple(values["kept"]),
        }
    )
