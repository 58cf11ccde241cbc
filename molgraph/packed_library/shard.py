"""One shard of a packed library: some thousand records with their graphs, in one safetensors file.

Nothing in it is executed. Texts are one UTF-8 string each, with the position of each text in it; rejected records are
JSON. Codes and pointers are checked when a shard is read, since they index other arrays.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as serialize_arrays

from molgraph.errors import InputError
from molgraph.features.schema import SCHEMAS
from molgraph.files.records import RecordBatch
from molgraph.graphs import PackedGraphs, concatenate
from molgraph.results.prediction import Rejected, Step
from molgraph.storage.decode import decode_json, read_bounded
from molgraph.storage.decode_typed import decode

#: Records of a shard, which is read or written at once.
SHARD_ROWS = 16_384

#: A shard of ordinary molecules has some 20 MB; more than this is not read.
_MAX_BYTES = 2**33

#: Rows of a library.
_MOST_ROWS = 2**40


def shard_bytes(batch: RecordBatch) -> bytes:
    """The bytes of a shard.

    Args:
        batch: The records, with their graphs.
    """
    graphs = graphs_of(batch)
    arrays = graphs.to_arrays()
    arrays |= {"rows": batch.rows, **_packed_texts("ids", batch.ids), **_packed_texts("smiles", batch.smiles)}
    for position, cells in enumerate(batch.columns.values()):
        arrays |= _packed_texts(f"column.{position}", cells)
    lost = {
        "unread": [_plain(rejected) for rejected in batch.rejected],
        "unread_columns": [*batch.rejected_columns.values()],
        "rejected": [_plain(rejected) for rejected in graphs.rejected],
    }
    arrays["lost"] = np.frombuffer(json.dumps(lost).encode(), dtype=np.uint8)
    about = {"schema": graphs.schema, "first_row": str(batch.first_row), "columns": json.dumps([*batch.columns])}
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    stored: bytes = serialize_arrays(contiguous, metadata=about)
    return stored


def read_shard(path: Path, keep: Sequence[str], *, sha256: str) -> RecordBatch:
    """The records of a shard, with their graphs.

    The file is read and not mapped: one that is cut off or changed meanwhile would end this process, or give other
    numbers than those that were checked.

    Args:
        path: Its file.
        keep: Columns to pass on.
        sha256: Hash of the file in the index.

    Raises:
        InputError: It is missing, damaged, or not the file of the index.
    """
    try:
        content = _verified(read_bounded(path, _MAX_BYTES), sha256)
        arrays = load_arrays(content)
        header = decode_json(content[8 : 8 + int.from_bytes(content[:8], "little")])
        about = decode(_About, header.get("__metadata__"), "its header")
        return _batch(arrays, about, keep)
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing; pack the library again") from error
    except (InputError, OSError, SafetensorError, ValueError, KeyError, TypeError, IndexError) as error:
        raise InputError(f"{path} is damaged ({error}); pack the library again") from error


def _verified(content: bytes, sha256: str) -> bytes:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InputError("its sha256 is not the one in the index")
    return content


@dataclass(frozen=True)
class _About:
    """Header of a shard; all values are text."""

    schema: str
    first_row: str
    columns: str


#: Row, identifier, text, step and reason of a rejected record.
_Lost = tuple[int, str, str, Step, str]


@dataclass(frozen=True)
class _LostRows:
    """Rejected records, as stored in JSON.

    Attributes:
        unread: Records that could not be read, by their row in the library.
        unread_columns: Their cells in each column of the library.
        rejected: Structures that gave no graph, by their position among the others.
    """

    unread: tuple[_Lost, ...]
    unread_columns: tuple[tuple[str, ...], ...]
    rejected: tuple[_Lost, ...]


def parts(batch: RecordBatch, size: int) -> Iterator[RecordBatch]:
    """The records in batches of `size`, those that could not be read included."""
    n_records = len(batch) + len(batch.rejected)
    unread = np.array([rejected.row for rejected in batch.rejected], dtype=np.int64)
    for start in range(0, n_records, size):
        first = batch.first_row + start
        low, high = np.searchsorted(batch.rows, [first, first + size]).tolist()
        lost_low, lost_high = np.searchsorted(unread, [first, first + size]).tolist()
        yield RecordBatch(
            first_row=first,
            rows=batch.rows[low:high],
            ids=batch.ids[low:high],
            smiles=batch.smiles[low:high],
            columns=MappingProxyType({name: cells[low:high] for name, cells in batch.columns.items()}),
            rejected=batch.rejected[lost_low:lost_high],
            rejected_columns=MappingProxyType(
                {name: cells[lost_low:lost_high] for name, cells in batch.rejected_columns.items()}
            ),
            graphs=None if batch.graphs is None else batch.graphs.rows(low, high),
        )


def _batch(arrays: Mapping[str, NDArray[Any]], about: _About, keep: Sequence[str]) -> RecordBatch:
    names = decode(tuple[str, ...], decode_json(about.columns.encode()), "columns")
    first_row = decode(int, decode_json(about.first_row.encode()), "first_row")
    lost = decode(_LostRows, decode_json(arrays["lost"].tobytes()), "lost")
    missing = [name for name in keep if name not in names]
    if missing:
        raise ValueError(f"the column {missing[0]!r} is missing")
    ids, smiles, rows = _texts(arrays, "ids"), _texts(arrays, "smiles"), arrays["rows"]
    n_records = len(ids) + len(lost.unread)
    own = [*rows.tolist(), *(values[0] for values in lost.unread)]
    if rows.dtype != np.int64 or rows.shape != (len(ids),) or len(smiles) != len(ids) or np.any(np.diff(rows) <= 0):
        raise ValueError("rows, identifiers and structures do not go together")
    if not 0 <= first_row <= _MOST_ROWS or sorted(own) != list(range(first_row, first_row + n_records)):
        raise ValueError("the rows are not those from the first one on")
    if any(not 0 <= values[0] < len(ids) for values in lost.rejected):
        raise ValueError("a structure without a graph belongs to a row that is not there")
    graphs = PackedGraphs.from_arrays(arrays, about.schema, tuple(Rejected(*values) for values in lost.rejected))
    _check_graphs(graphs, len(ids))
    cells = lost.unread_columns
    if len(cells) != len(names) or any(len(column) != len(lost.unread) for column in cells):
        raise ValueError("the columns do not go together")
    return RecordBatch(
        first_row=first_row,
        rows=rows,
        ids=ids,
        smiles=smiles,
        columns=MappingProxyType({name: _texts(arrays, f"column.{names.index(name)}") for name in keep}),
        rejected=tuple(Rejected(*values) for values in lost.unread),
        rejected_columns=MappingProxyType({name: [*cells[names.index(name)]] for name in keep}),
        graphs=graphs,
    )


def _check_graphs(graphs: PackedGraphs, n_rows: int) -> None:
    """Refuse graphs whose numbers point out of the tables that they index.

    Raises:
        ValueError: They do.
    """
    schema = SCHEMAS.get(graphs.schema)
    if schema is None:
        raise ValueError(f"its feature schema is {graphs.schema!r}, and this molgraph knows {', '.join(SCHEMAS)}")
    for codes, specs in ((graphs.atom_codes, schema.atom), (graphs.bond_codes, schema.bond)):
        sizes = np.array([spec.n_codes for spec in specs])
        if codes.ndim != 2 or codes.shape[1] != len(specs) or (len(codes) and np.any(codes.max(axis=0) >= sizes)):
            raise ValueError("a code is out of range")
    if np.any(np.diff(graphs.atom_ptr) < 0) or np.any(np.diff(graphs.bond_ptr) < 0):
        raise ValueError("a pointer runs backwards")
    atoms = np.repeat(np.diff(graphs.atom_ptr), np.diff(graphs.bond_ptr))
    if len(atoms) and np.any(graphs.bond_atoms.max(axis=1) >= atoms):
        raise ValueError("a bond ends at an atom that is not there")
    taken = np.zeros(n_rows, dtype=np.int64)
    index = np.concatenate([graphs.row_index, np.array([bad.row for bad in graphs.rejected], dtype=np.int64)])
    if len(index) and (index.min() < 0 or index.max() >= n_rows):
        raise ValueError("a molecule belongs to a row that is not there")
    np.add.at(taken, index, 1)
    if np.any(taken != 1) or np.any(np.diff(graphs.row_index) <= 0):
        raise ValueError("a row has no molecule and no reason, or more than one")


def _packed_texts(name: str, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    """All texts as one, and where each begins, counted in characters."""
    ptr = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum([len(text) for text in texts], out=ptr[1:])
    joined = "".join(texts).encode("utf-8", errors="surrogatepass")
    return {f"text.{name}": np.frombuffer(joined, dtype=np.uint8), f"ptr.{name}": ptr}


def _texts(arrays: Mapping[str, NDArray[Any]], name: str) -> list[str]:
    joined = arrays[f"text.{name}"].tobytes().decode("utf-8", errors="surrogatepass")
    ptr = arrays[f"ptr.{name}"]
    if ptr.dtype != np.int64 or ptr.ndim != 1 or ptr[0] != 0 or ptr[-1] != len(joined) or np.any(np.diff(ptr) < 0):
        raise ValueError(f"the texts of {name} do not fit their positions")
    return [joined[start:stop] for start, stop in pairwise(ptr.tolist())]


def _plain(rejected: Rejected) -> list[Any]:
    return [rejected.row, rejected.id, rejected.text, rejected.step, rejected.reason]


def joined(parts: Sequence[RecordBatch]) -> RecordBatch:
    """Batches that follow each other, with their graphs, as one.

    Raises:
        InputError: One has no graphs.
    """
    first, start, moved = parts[0], 0, []
    for part in parts:
        graphs = graphs_of(part)
        rejected = tuple(replace(bad, row=bad.row + start) for bad in graphs.rejected)
        moved.append(replace(graphs, row_index=graphs.row_index + start, rejected=rejected))
        start += len(part)
    lines = [part.lines for part in parts if part.lines is not None]
    return replace(
        first,
        lines=np.concatenate(lines) if len(lines) == len(parts) else None,
        rows=np.concatenate([part.rows for part in parts]),
        ids=[text for part in parts for text in part.ids],
        smiles=[text for part in parts for text in part.smiles],
        columns={name: [cell for part in parts for cell in part.columns[name]] for name in first.columns},
        rejected=tuple(rejected for part in parts for rejected in part.rejected),
        rejected_columns={
            name: [cell for part in parts for cell in part.rejected_columns[name]] for name in first.rejected_columns
        },
        graphs=concatenate(moved),
    )


def graphs_of(batch: RecordBatch) -> PackedGraphs:
    """The graphs of a batch.

    Raises:
        InputError: It has none.
    """
    if batch.graphs is None:
        raise InputError("these records have no graphs; they come from no packed library")
    return batch.graphs
