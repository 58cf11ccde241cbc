"""`predict_file`: every row of a table with its predictions beside it; rows in = rows out, in the same order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from molgraph.applicability.shift import ShiftReport
from molgraph.config.compute import ComputeConfig
from molgraph.config.level import DEFAULT_LEVEL, check_level
from molgraph.config.training import WRITTEN_PRECISION, Device, Precision
from molgraph.files.frames import TableLike, readable
from molgraph.files.library_reader import LibraryReader
from molgraph.files.records import RecordBatch
from molgraph.files.stream_progress import StreamProgress
from molgraph.files.unusable import nothing_usable
from molgraph.files.writer import open_table_writer
from molgraph.packed_library.open_library import check_standardizer, open_library
from molgraph.prediction.builtin_models import refuse_swapped
from molgraph.prediction.open_models import Model, model_list, model_paths, open_models
from molgraph.prediction.output_columns import (
    ROW_COLUMNS,
    STATUS_COLUMNS,
    Columns,
    ShownTask,
    free_names,
    prediction_columns,
    prediction_values,
    shown_tasks,
    task_values,
)
from molgraph.prediction.parallel_predict import BATCH_SIZE
from molgraph.prediction.shift_sample import Sample, check_shift
from molgraph.results.prediction import Prediction, Rejected
from molgraph.storage.atomic import check_file, refuse_input


@dataclass(frozen=True)
class PredictSummary:
    """What `predict_file` did.

    Attributes:
        rows_read: Rows of the input, and of the output.
        predicted: Rows with a prediction.
        rejected: Rows without one; their reason is in the output.
        first_rejected: The first few of them.
        outside: Rows outside the applicability domain of the first model.
        shift: Whether the rows are like the calibration compounds of the first model; None if their structures are not
            known.
        no_better_than_chance: Tasks whose calibration compounds are ranked no better than by chance.
        notes: What was chosen where the input left a choice, e.g. of two columns of structures.
    """

    rows_read: int
    predicted: int
    rejected: int
    first_rejected: tuple[Rejected, ...]
    outside: int
    shift: ShiftReport | None
    no_better_than_chance: tuple[str, ...]
    notes: tuple[str, ...]


#: Rejected rows that a summary shows.
_SHOWN = 5


def predict_file(
    model: Model | Sequence[Model],
    source: TableLike,
    output: str | Path,
    *,
    smiles_column: str | None = None,
    id_column: str | None = None,
    keep_extra_columns: bool = True,
    level: float = DEFAULT_LEVEL,
    device: Device = "auto",
    precision: Precision = WRITTEN_PRECISION,
    processes: int | None = 1,
    memory: float | None = None,
    overwrite: bool = False,
    on_progress: Callable[[StreamProgress], None] = lambda _progress: None,
) -> PredictSummary:
    """Write `id, smiles, status, reason`, the input's other columns, and the predictions of each row to `output`.

    Args:
        model: Model folder, or the name of a built-in model: `herg`, `panel:herg,ames`, or `panel` for
            all of them; a loaded `Predictor` or `Panel`; or several, all of which predict each row.
        source: Table or library; see `molgraph.files.reader.open_records`. Or a frame of pandas, polars or Arrow,
            a mapping of columns, or a list of structures.
        output: `.csv`, `.tsv`, `.sdf` (each also `.gz`) or `.parquet`; `-` is CSV on stdout.
        smiles_column: Column of structures; found by name if left out.
        id_column: Column of identifiers; found by name if left out.
        keep_extra_columns: Copy the other columns of the input.
        level: Probability with which the intervals and calls hold the truth.
        device: Where to compute.
        precision: Number format of the products.
        processes: Processes that share the work, None for one a core.
        memory: Gigabytes that these may take together, about; fewer of them work where it is short.
        overwrite: Replace `output` if it exists.
        on_progress: Called after each batch.

    Raises:
        InputError: The input or the output cannot be used, the calibration compounds are too few for the level, or no
            row of the input gives a molecule.
        ModelError: The model folder cannot be used.
    """
    check_level(level)
    compute = ComputeConfig(device=device, precision=precision, processes=processes, memory=memory)
    models = model_list(model)
    table = readable(source)
    refuse_swapped(model_paths(models), table)
    keep = "all" if keep_extra_columns else ()
    with (
        open_library(
            table, smiles_column=smiles_column, id_column=id_column, keep_columns=keep, batch_size=BATCH_SIZE
        ) as reader,
        open_models(models, compute) as stream,
    ):
        refuse_input(output, (name for name, _ in reader.files))
        check_file(output, overwrite=overwrite)
        check_standardizer(reader, stream.panel.standardizer)
        stream.panel.check_level(level)
        shown_columns = shown_tasks(stream.panel, first_domain=True, measured=True)
        row_names = [spec.name for spec in (*ROW_COLUMNS, *STATUS_COLUMNS)]
        own = [*row_names, *prediction_columns(shown_columns)]
        renamed = free_names(_extra_columns(reader) if keep_extra_columns else [], own)
        names = [*row_names, *renamed.values(), *prediction_columns(shown_columns)]
        rows_read = rejected = outside = 0
        sample = Sample()
        shown: list[Rejected] = []
        with open_table_writer(output, names) as writer:
            for batch, predicted in stream.predict(reader):
                prediction = replace(predicted, measured=stream.panel.measured(predicted, batch.smiles))
                columns, lost = _table(batch, prediction, renamed, shown_columns, level)
                writer.write(columns)
                rows_read += len(columns["id"])
                outside += int(prediction.is_outside.sum())
                usable = np.flatnonzero(~np.isnan(prediction.mean[:, 0]))
                sample.offer(sample.draw([batch.smiles[row] for row in usable.tolist()]))
                rejected += len(lost)
                shown += lost[: _SHOWN - len(shown)]
                on_progress(StreamProgress(rows_read, rejected, reader.bytes_of(rows_read), reader.bytes_total))
            if rejected and rejected == rows_read:
                raise nothing_usable(table, reader, shown)
        by_chance = stream.panel.no_better_than_chance
        shift = check_shift(stream.panel.first, sample)
        notes = reader.notes
    return PredictSummary(rows_read, rows_read - rejected, rejected, tuple(shown), outside, shift, by_chance, notes)


def _extra_columns(reader: LibraryReader) -> list[str]:
    return [name for name in reader.column_names if name not in (reader.smiles_column, reader.id_column)]


def _table(
    batch: RecordBatch,
    prediction: Prediction,
    renamed: Mapping[str, str],
    shown: Sequence[ShownTask],
    level: float,
) -> tuple[Columns, list[Rejected]]:
    """The rows of one batch, readable or not, in the order of the input."""
    lost = sorted([*batch.rejected, *prediction.rejected], key=lambda rejected: rejected.row)
    reasons = {rejected.row: f"{rejected.step}: {rejected.reason}" for rejected in lost}
    n_unread = len(batch.rejected)
    row = np.concatenate([batch.rows, np.array([r.row for r in batch.rejected], dtype=np.int64)])
    order = np.argsort(row, kind="stable")
    columns: Columns = {
        "id": [*batch.ids, *(r.id for r in batch.rejected)],
        "smiles": [*batch.smiles, *(r.text for r in batch.rejected)],
        "status": ["rejected" if r in reasons else "ok" for r in row.tolist()],
        "reason": [reasons.get(r, "") for r in row.tolist()],
    }
    for name, shown_as in renamed.items():
        columns[shown_as] = [*batch.columns[name], *batch.rejected_columns[name]]
    fillers = {"call": "", "domain": "", "measured": ""}
    endings = [ending for one in shown for ending in one.endings]
    for (name, values), ending in zip(
        prediction_values(task_values(prediction, level), shown).items(), endings, strict=True
    ):
        filler = fillers.get(ending, np.nan)
        columns[name] = np.concatenate([values, np.full(n_unread, filler, dtype=values.dtype)])
    if n_unread:
        columns = {
            name: values[order] if isinstance(values, np.ndarray) else [values[i] for i in order]
            for name, values in columns.items()
        }
    return columns, lost
