"""`embed_file`: embeddings of structures, as a table or as arrays."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.standardize import StandardizerName
from molgraph.config.training import WRITTEN_PRECISION, Device, Precision
from molgraph.errors import InputError
from molgraph.features.featurize import featurize
from molgraph.files.records import RecordBatch
from molgraph.files.stream_progress import StreamProgress
from molgraph.files.unusable import nothing_usable
from molgraph.files.writer import open_table_writer
from molgraph.model_folder.encoder_folder import builtin_encoder_folder, load_encoder
from molgraph.models.frozen import FrozenEncoder
from molgraph.models.precision import resolve_device, resolve_precision
from molgraph.packed_library.open_library import check_standardizer, open_library
from molgraph.prediction.builtin_models import model_folder
from molgraph.prediction.predictor import Predictor
from molgraph.results.prediction import Rejected
from molgraph.storage.atomic import atomic_path, check_file, refuse_input
from molgraph.storage.checked_folder import sealed_noun

#: Records that are embedded at a time.
_BATCH_SIZE = 1024

#: Rejected rows that a summary shows.
_SHOWN = 5


@dataclass(frozen=True)
class EmbedSummary:
    """What `embed_file` did.

    Attributes:
        rows_read: Rows of the input, and of the output.
        embedded: Rows with a vector.
        rejected: Rows without one; their reason is in the output.
        n_columns: Numbers of a vector.
        first_rejected: The first few rejected rows.
    """

    rows_read: int
    embedded: int
    rejected: int
    n_columns: int
    first_rejected: tuple[Rejected, ...]


def embed_file(
    source: str | Path,
    output: str | Path,
    *,
    encoder: str | Path = "auto",
    smiles_column: str | None = None,
    id_column: str | None = None,
    device: Device = "auto",
    precision: Precision = WRITTEN_PRECISION,
    overwrite: bool = False,
    on_progress: Callable[[StreamProgress], None] = lambda _progress: None,
) -> EmbedSummary:
    r"""Write the vector of each structure to `output`: rows in = rows out, in the same order.

    Args:
        source: Table or library; see `molgraph.files.reader.open_records`.
        output: `.parquet` (or `.csv`, `.tsv`, each also `.gz`) with `id, smiles, status, reason` and the numbers in
            columns `v000` and so on, empty where a row was rejected; or `.npz` with the arrays `ids`, `smiles`,
            `reasons` and `vectors [B, H]` float32, NaN where a row was rejected, all of them in memory meanwhile.
        encoder: `auto` for the built-in encoder; an encoder folder; or a model folder (or name), whose
            (first member's) encoder is taken as it was fine-tuned.
        smiles_column: Column of structures; found by name if left out.
        id_column: Column of identifiers; found by name if left out.
        device: Where to compute.
        precision: Number format of the products.
        overwrite: Replace `output` if it exists.
        on_progress: Called after each batch.

    Raises:
        InputError: The input or the output cannot be used, no row gives a molecule, or the model has no encoder.
        ModelError: The folder cannot be used.

    Example:
        >>> import tempfile
        >>> from molgraph import ModelConfig, PretrainConfig, pretrain
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "library.smi").write_text("\n".join("C" * n + "O" for n in range(1, 41)))
        >>> config = PretrainConfig(model=ModelConfig(hidden=16), epochs=1, held_out_fraction=0.1)
        >>> _ = pretrain([folder / "library.smi"], output=folder / "encoder", config=config)
        >>> summary = embed_file(folder / "library.smi", folder / "vectors.npz", encoder=folder / "encoder")
        >>> np.load(folder / "vectors.npz")["vectors"].shape
        (40, 16)
    """
    embedder = _embedder(encoder, device, precision)
    with ExitStack() as stack:
        reader = stack.enter_context(
            open_library(source, smiles_column=smiles_column, id_column=id_column, batch_size=_BATCH_SIZE)
        )
        refuse_input(output, (name for name, _ in reader.files))
        check_file(output, overwrite=overwrite)
        write = stack.enter_context(_writer(output, embedder.encoder.n_columns))
        check_standardizer(reader, embedder.standardizer)
        rows_read = rejected = 0
        shown: list[Rejected] = []
        for batch in reader:
            rows, lost = _rows(batch, embedder)
            write(rows)
            rows_read += len(rows.ids)
            rejected += len(lost)
            shown += lost[: _SHOWN - len(shown)]
            on_progress(StreamProgress(rows_read, rejected, reader.bytes_of(rows_read), reader.bytes_total))
        if rejected == rows_read:
            raise nothing_usable(source, reader, shown)
    return EmbedSummary(rows_read, rows_read - rejected, rejected, embedder.encoder.n_columns, tuple(shown))


@dataclass(frozen=True)
class _Embedder:
    """What makes the vectors.

    Attributes:
        encoder: Makes vectors of graphs.
        standardizer: What is done to each structure first.
    """

    encoder: FrozenEncoder
    standardizer: StandardizerName


def _embedder(encoder: str | Path, device: Device, precision: Precision) -> _Embedder:
    folder = builtin_encoder_folder() if str(encoder) == "auto" else model_folder(encoder)
    if folder is None:
        raise InputError(
            "this installation has no built-in encoder; name the folder of one that molgraph pretrain wrote, or a model"
        )
    if sealed_noun(folder) == "model":
        predictor = Predictor.load(folder, device=device, precision=precision)
        if predictor.vectorizer is None:
            raise InputError(
                f"{folder} has no network and no encoder (its learners are {', '.join(predictor.card.learners)}); "
                "give another model, or an encoder"
            )
        return _Embedder(predictor.vectorizer, predictor.card.standardizer)
    stored = load_encoder(folder)
    where = resolve_device(device)
    return _Embedder(stored.frozen(where, resolve_precision(precision, where)), stored.card.standardizer)


@dataclass(frozen=True)
class _Rows:
    """Rows of the output.

    Attributes:
        ids: `[B]`.
        smiles: `[B]` as they came.
        reasons: `[B]` why there is no vector; empty where there is one.
        vectors: `[B, H]`, NaN where there is none.
    """

    ids: list[str]
    smiles: list[str]
    reasons: list[str]
    vectors: NDArray[np.float32]


def _rows(batch: RecordBatch, embedder: _Embedder) -> tuple[_Rows, list[Rejected]]:
    """The records of a batch in the order of the input, and those that gave no vector."""
    graphs = batch.graphs
    if graphs is None:
        graphs = featurize(batch.smiles, ids=batch.ids, standardizer=embedder.standardizer)
    found = np.full((len(batch) + len(batch.rejected), embedder.encoder.n_columns), np.nan, dtype=np.float32)
    found[graphs.row_index] = embedder.encoder.vectors(graphs)
    failed = [*enumerate(batch.rejected, len(batch)), *((bad.row, bad) for bad in graphs.rejected)]
    reasons = [""] * len(found)
    for row, bad in failed:
        reasons[row] = f"{bad.step}: {bad.reason}"
    position = np.concatenate([batch.rows, np.array([bad.row for bad in batch.rejected], dtype=np.int64)])
    order = np.argsort(position, kind="stable")
    ids = [*batch.ids, *(bad.id for bad in batch.rejected)]
    smiles = [*batch.smiles, *(bad.text for bad in batch.rejected)]
    placed = [replace(bad, row=int(batch.rows[bad.row])) for bad in graphs.rejected]
    lost = sorted([*batch.rejected, *placed], key=lambda bad: bad.row)
    places = order.tolist()
    return _Rows(
        [ids[i] for i in places], [smiles[i] for i in places], [reasons[i] for i in places], found[order]
    ), lost


@contextmanager
def _writer(output: str | Path, n_columns: int) -> Iterator[Callable[[_Rows], None]]:
    """Takes rows; the file is there on a clean exit and not before."""
    if str(output).endswith(".npz"):
        parts: list[_Rows] = []
        with atomic_path(output) as temporary:
            yield parts.append
            with temporary.open("wb") as file:
                np.savez(
                    file,
                    ids=np.array([text for part in parts for text in part.ids], dtype=np.str_),
                    smiles=np.array([text for part in parts for text in part.smiles], dtype=np.str_),
                    reasons=np.array([text for part in parts for text in part.reasons], dtype=np.str_),
                    vectors=np.concatenate([part.vectors for part in parts]),
                )
        return
    names = [f"v{column:03}" for column in range(n_columns)]
    with open_table_writer(output, ["id", "smiles", "status", "reason", *names]) as table:

        def write(rows: _Rows) -> None:
            status = ["rejected" if reason else "ok" for reason in rows.reasons]
            texts = {"id": rows.ids, "smiles": rows.smiles, "status": status, "reason": rows.reasons}
            table.write({**texts, **dict(zip(names, rows.vectors.T, strict=True))})

        yield write
