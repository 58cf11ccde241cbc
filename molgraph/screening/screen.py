"""`screen`: from a library to a ranked, uncertainty-annotated hit list."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from molgraph.config.compute import ComputeConfig
from molgraph.config.screening import ScreenConfig
from molgraph.errors import InputError
from molgraph.files.frames import TableLike, readable
from molgraph.files.library_reader import LibraryReader
from molgraph.files.stream_progress import StreamProgress
from molgraph.files.table_writers import TableWriter
from molgraph.files.unusable import nothing_usable
from molgraph.files.writer import open_table_writer
from molgraph.packed_library.open_library import check_standardizer
from molgraph.prediction.builtin_models import refuse_swapped
from molgraph.prediction.open_models import Model, model_list, model_paths, open_models
from molgraph.prediction.parallel_predict import BATCH_SIZE, ParallelPredictor
from molgraph.screening.candidates import candidate_file
from molgraph.screening.chunk import joined
from molgraph.screening.plan import LibrarySource, about_run, begin_screen, plan_screen, shown_settings
from molgraph.screening.read_library import CHUNK_BATCHES, DuplicatesFile, LibraryChunks
from molgraph.screening.screen_checkpoint import ScreenCheckpoint, open_checkpoint, run_id
from molgraph.screening.state import ScreenState
from molgraph.screening.summary import ScreenResult, write_summary, write_timing
from molgraph.screening.write_results import DIVERSE, DUPLICATES, HITS, OUTSIDE, SELECTED, WrittenResults, write_results
from molgraph.storage.atomic import check_folder

REJECTED = "rejected.csv"
SUMMARY = "summary.json"
TIMING = "timing.json"
_CANDIDATES = ".candidates.jsonl"

#: All that an output folder may hold.
_FILES = (HITS, SELECTED, OUTSIDE, DIVERSE, DUPLICATES, REJECTED, SUMMARY, TIMING)

#: Seconds that the lists of a screen take, and each hit in them on one core.
_LIST_SECONDS, _HIT_SECONDS = 1.5, 0.018


def screen(
    model: Model | Sequence[Model],
    library: TableLike,
    *,
    output: str | Path,
    config: ScreenConfig | None = None,
    compute: ComputeConfig | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Callable[[StreamProgress], None] = lambda _progress: None,
) -> ScreenResult:
    r"""Rank a library of any size; the best `config.top` structures, in memory that does not grow with the library.

    Writes the folder `output`, complete or not at all: `hits.csv` (best first), `selected.csv` (all that were selected
    as hits, if any were asked for and found), `diverse.csv` (hits that differ, if asked for), `outside.csv` (structures
    that score as well as the hits but are like nothing that the model was trained on, if there are any, the best
    `top`), `rejected.csv` (each row that could not be used, and why), `duplicates.csv` (rows whose structure is spelled
    as in an earlier row, if there are any), `summary.json` (counts, settings, model, selection, shift check) and
    `timing.json`. Every row of the library is scored, rejected or a duplicate.

    Every few thousand rows, what was found is kept in `<output>.partial`, so that a run which was killed can `resume`.

    Args:
        model: Model folder, the name of a built-in model (`herg`, `panel:herg,ames`, or `panel` for all
            of them), or a `Predictor` or `Panel` that was loaded; or several, all of which score each row. What is near
            to the training compounds, and what is selected, goes by the first.
        library: File, folder, glob or address, see `molgraph.files.reader.open_records`; a packed library, see
            `molgraph.packed_library.pack.pack_library`; or a frame, a mapping of columns or a list of structures.
        output: Folder to write.
        config: What ranks, what is selected, and what is shown of it; the defaults of `ScreenConfig` if left out.
        compute: Where to compute, and with how much of the machine; one process if left out.
        resume: Go on with a screen into `output` that was stopped; from the start where there is none. The result is
            the same, to the byte, as if it had never been stopped, but for `timing.json`.
        overwrite: Replace `output` if it exists, and forget what was done of a screen that was stopped.
        on_progress: Called after each batch.

    Raises:
        InputError: The library, the output or a setting cannot be used, the calibration compounds are too few for the
            level or the rate, no row of the library gives a molecule, or what was stopped cannot go on with this
            model, these options or this library.
        ModelError: The model folder cannot be used.
        DeviceError: The device is not there.

    Example:
        >>> import tempfile
        >>> from molgraph import ScreenConfig, TrainConfig, screen, train
        >>> folder = Path(tempfile.mkdtemp())
        >>> alcohols = "\n".join(f"{'C' * n}O,{n}" for n in range(1, 21))
        >>> _ = (folder / "assay.csv").write_text("smiles,y\n" + alcohols)
        >>> config = TrainConfig(folds=2, epochs=2)
        >>> model = train(folder / "assay.csv", target_columns=["y"], output=folder / "model", config=config)
        >>> _ = (folder / "library.smi").write_text("CCO ethanol\nCCCN amine\noops bad\n")
        >>> config = ScreenConfig(top=10, domain="ignore")
        >>> result = screen(model, folder / "library.smi", output=folder / "hits", config=config)
        >>> result.rows_read, result.scored, result.rejected, result.duplicates
        (3, 2, 1, 0)
        >>> sorted(path.name for path in (folder / "hits").iterdir())
        ['hits.csv', 'rejected.csv', 'summary.json', 'timing.json']
    """
    config, compute = config or ScreenConfig(), compute or ComputeConfig()
    if resume and overwrite:
        raise InputError("resume goes on with what is there and overwrite begins anew; give one of the two")
    started = time.monotonic()
    source = readable(library)
    models = model_list(model)
    refuse_swapped(model_paths(models), source)
    opened = LibrarySource(source, config, BATCH_SIZE)
    with ExitStack() as stack:
        reader = stack.enter_context(opened.open())
        if not resume:
            check_folder(output, Path(output), _FILES if overwrite else None)
        stream = stack.enter_context(open_models(models, compute))
        check_standardizer(reader, stream.panel.standardizer)
        plan = plan_screen(stream.panel, config)
        about = about_run(plan, reader, CHUNK_BATCHES * BATCH_SIZE)
        checkpoint = stack.enter_context(
            open_checkpoint(output, about, reader.files, _FILES, resume=resume, overwrite=overwrite)
        )
        rows_before = checkpoint.n_done * CHUNK_BATCHES * BATCH_SIZE
        candidates = stack.enter_context(candidate_file(checkpoint.result / _CANDIDATES))
        state = begin_screen(plan, candidates, opened)
        chunks = _read_all(state, reader, stream, checkpoint, _until_written(on_progress, config.top, stream.processes))
        if state.rejected and not state.scored:
            checkpoint.discard()
            raise nothing_usable(source, reader, state.first_rejected)
        written = write_results(state, checkpoint.result, config, stream)
        result = replace(
            _result(state, chunks, written, Path(output), plan.ranked_by),
            notes=reader.notes,
            rows_before=min(rows_before, state.scored + state.rejected + chunks.n_duplicates),
            seconds=time.monotonic() - started,
        )
        settings = {"library": str(source), **shown_settings(plan, reader)}
        write_summary(checkpoint.result / SUMMARY, result, plan.panel, settings, run=run_id(about))
        write_timing(checkpoint.result / TIMING, result, processes=stream.processes)
    return result


def _result(
    state: ScreenState, chunks: LibraryChunks, written: WrittenResults, output: Path, ranked_by: str
) -> ScreenResult:
    return ScreenResult(
        output=output,
        rows_read=state.scored + state.rejected + chunks.n_duplicates,
        scored=state.scored,
        rejected=state.rejected,
        duplicates=chunks.n_duplicates,
        duplicates_are_complete=not chunks.seen.is_full,
        hits=written.hits,
        outside=written.outside,
        selected=written.selected,
        diverse=written.diverse,
        diversity=written.diversity,
        selection=written.selection,
        shift=written.shift,
        rows_before=0,
        seconds=0.0,
        goal=ranked_by,
        first_rejected=tuple(state.first_rejected),
        no_better_than_chance=state.panel.no_better_than_chance,
    )


def _until_written(
    listener: Callable[[StreamProgress], None], top: int, processes: int
) -> Callable[[StreamProgress], None]:
    """Tells the listener also how long the lists will take: alerts and drug-likeness of each hit, most of all."""

    def tell(progress: StreamProgress) -> None:
        seconds = _LIST_SECONDS + min(top, progress.rows) * _HIT_SECONDS / processes
        listener(replace(progress, seconds_after=seconds))

    return tell


def _read_all(
    state: ScreenState,
    reader: LibraryReader,
    stream: ParallelPredictor,
    checkpoint: ScreenCheckpoint,
    on_progress: Callable[[StreamProgress], None],
) -> LibraryChunks:
    """Read the library to its end."""

    def tell() -> None:
        rows = state.scored + state.rejected + chunks.n_duplicates
        on_progress(StreamProgress(rows, state.rejected, reader.bytes_of(rows), reader.bytes_total))

    with ExitStack() as stack:
        names = ["row", "line", "id", "smiles", "step", "reason"]
        rejected_file = stack.enter_context(open_table_writer(checkpoint.result / REJECTED, names))
        duplicates = DuplicatesFile(checkpoint.result / DUPLICATES, stack)
        chunks = LibraryChunks(reader, duplicates, checkpoint.forget_sizes)
        _take_chunks(state, chunks, stream, checkpoint=checkpoint, rejected_file=rejected_file, tell=tell)
    return chunks


def _take_chunks(
    state: ScreenState,
    chunks: LibraryChunks,
    stream: ParallelPredictor,
    *,
    checkpoint: ScreenCheckpoint,
    rejected_file: TableWriter,
    tell: Callable[[], None],
) -> None:
    """Take in what is done, then do the rest, chunk by chunk."""
    for index in range(checkpoint.n_done):
        content = chunks.skip_chunk(index)
        done = checkpoint.read(index, content, n_tasks=len(state.panel.tasks), n_kept=len(state.keep_columns))
        state.take(done, rejected_file)
    if checkpoint.n_done:
        tell()  # once, so that a rate begins to count here
    results = enumerate(stream.predict(chunks.batches()), start=checkpoint.n_done * CHUNK_BATCHES)
    for index, numbered in groupby(results, key=lambda result: result[0] // CHUNK_BATCHES):
        parts = []
        for _, (batch, prediction) in numbered:
            part = state.find(batch, prediction)
            state.take(part, rejected_file)
            parts.append(part)
            tell()
        found = joined(parts, state.has_chance, largest_key=state.sample.largest_key)
        checkpoint.write(chunks.pop_content(index), found)
