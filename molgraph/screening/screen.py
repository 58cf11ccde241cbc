"""`screen`: from a library to a ranked, uncertainty-annotated hit list."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np
from numpy.typing import NDArray

from molgraph import __version__
from molgraph.atomic import atomic_folder
from molgraph.chem.files.reader import RecordReader, open_records
from molgraph.chem.files.records import RecordBatch
from molgraph.chem.files.tables import TableWriter
from molgraph.chem.files.writer import open_table_writer
from molgraph.config import Device, Precision
from molgraph.errors import InputError
from molgraph.rank.goal import Goal, parse_goal
from molgraph.rank.hit import parse_hit
from molgraph.rank.top import TopEntries
from molgraph.results import Prediction, Rejected
from molgraph.screening.candidates import CandidateFile, candidate_file
from molgraph.screening.hits import DomainRule, Hit, HitColumns, best_hits, hits_at, write_hits
from molgraph.screening.progress import StreamProgress
from molgraph.screening.sample import Sample, check_shift, weigh_calibration
from molgraph.screening.seen import SeenTexts
from molgraph.screening.selection import (
    DEFAULT_FDR,
    FdrMethod,
    LibrarySelection,
    SelectionReport,
    SelectionSettings,
    check_calibration,
    check_options,
)
from molgraph.screening.stream import BATCH_SIZE, ModelSource, PredictionStream, open_stream
from molgraph.screening.summary import ScreenResult, write_summary
from molgraph.screening.unusable import nothing_usable

if TYPE_CHECKING:  # loading a model loads torch: helpers are started before that
    from molgraph.predictor import Predictor

HITS = "hits.csv"
SELECTED = "selected.csv"
OUTSIDE = "outside.csv"
REJECTED = "rejected.csv"
DUPLICATES = "duplicates.csv"
SUMMARY = "summary.json"
_CANDIDATES = ".candidates.jsonl"

#: More measured compounds beside a hit than this are no help.
_MOST_NEAREST = 20


def screen(
    model: Predictor | str | Path,
    library: str | Path,
    *,
    output: str | Path,
    top: int = 500,
    goal: str | None = None,
    hit: str | None = None,
    fdr: float | None = None,
    fdr_method: FdrMethod = "cfbh",
    level: float = 0.9,
    domain: DomainRule = "separate",
    nearest: int = 1,
    smiles_column: str | None = None,
    id_column: str | None = None,
    keep_columns: Sequence[str] = (),
    device: Device = "auto",
    precision: Precision = "auto",
    processes: int | None = 1,
    overwrite: bool = False,
    on_progress: Callable[[StreamProgress], None] = lambda _progress: None,
) -> ScreenResult:
    r"""Rank a library of any size; the best `top` structures, in memory that does not grow with the library.

    Writes the folder `output`, complete or not at all: `hits.csv` (best first), `selected.csv` (all that were selected
    as hits, if any were asked for and found), `outside.csv` (structures that score as well as the hits but are like
    nothing that the model was trained on, if there are any, the best `top`), `rejected.csv` (each row that could not be
    used, and why), `duplicates.csv` (rows whose structure is spelled as in an earlier row, if there are any) and
    `summary.json` (counts, settings, model, selection, shift check, rate). Every row of the library is scored, rejected
    or a duplicate.

    Args:
        model: Model folder, or a `Predictor` that was loaded from one.
        library: File, folder, glob or address; see `molgraph.chem.files.reader.open_records`.
        output: Folder to write.
        top: Structures in the hit list.
        goal: Task that ranks, alone or after `maximize` or `minimize`; may be left out with a single task, or with
            `hit`, which then ranks by how clearly a compound is a hit.
        hit: What a hit is, e.g. `pIC50 >= 7`, see `molgraph.rank.hit.parse_hit`; each compound then gets a p-value, and
            hits are selected.
        fdr: The share of the selected that may be no hits, on average; 0.1 if left out.
        fdr_method: How to select: `cfbh` all that can be, `weighted` with the calibration compounds weighted to look
            like the library (which is read twice), `diverse` fewer, of as many scaffolds as can be.
        level: Probability with which the intervals and label sets hold the truth.
        domain: `separate` keeps structures out of the hit list that are less similar to the training compounds than
            `ModelCard.domain_similarity`; `ignore` ranks all alike, as is done where the model has no structures.
        nearest: Training compounds that are shown beside each hit.
        smiles_column: Column of structures; found by name if left out.
        id_column: Column of identifiers; found by name if left out.
        keep_columns: Columns of the library to carry into the hits.
        device: Where to compute; ignored with a `Predictor`.
        precision: Number format of the products; ignored with a `Predictor`.
        processes: Processes that share the work, None for one a core; ignored with a `Predictor`.
        overwrite: Replace `output` if it exists.
        on_progress: Called after each batch.

    Raises:
        InputError: The library, the output or a setting cannot be used, the calibration compounds are too few for the
            level or the rate, or no row of the library gives a molecule.
        ModelError: The model folder cannot be used.
        DeviceError: The device is not there.

    Example:
        >>> import tempfile
        >>> from molgraph import TrainConfig, screen, train
        >>> folder = Path(tempfile.mkdtemp())
        >>> alcohols = "\n".join(f"{'C' * n}O,{n}" for n in range(1, 21))
        >>> _ = (folder / "assay.csv").write_text("smiles,y\n" + alcohols)
        >>> config = TrainConfig(folds=2, epochs=2)
        >>> model = train(folder / "assay.csv", target_columns=["y"], output=folder / "model", config=config)
        >>> _ = (folder / "library.smi").write_text("CCO ethanol\nCCCN amine\noops bad\n")
        >>> result = screen(model, folder / "library.smi", output=folder / "hits", top=10, domain="ignore")
        >>> result.rows_read, result.scored, result.rejected, result.duplicates
        (3, 2, 1, 0)
        >>> sorted(path.name for path in (folder / "hits").iterdir())
        ['hits.csv', 'rejected.csv', 'summary.json']
    """
    _check_options(top, level, domain, nearest)
    check_options(hit, fdr, fdr_method)
    started = time.monotonic()

    def open_library() -> AbstractContextManager[RecordReader]:
        return open_records(
            library,
            smiles_column=smiles_column,
            id_column=id_column,
            keep_columns=keep_columns,
            batch_size=BATCH_SIZE,
        )

    with ExitStack() as stack:
        reader = stack.enter_context(open_library())
        folder = stack.enter_context(atomic_folder(output, existing="replace" if overwrite else "error"))
        stream = stack.enter_context(_open_model(model, device, precision, processes, domain=hit is not None))
        predictor = stream.predictor
        predictor.calibration.check_level(level)
        selection = None
        if hit is not None:
            rule = parse_hit(hit, predictor.tasks)
            settings = SelectionSettings(rule, fdr or DEFAULT_FDR, fdr_method, restrict=domain == "separate")
            candidates = stack.enter_context(candidate_file(folder / _CANDIDATES))
            selection = _open_selection(predictor, candidates, settings, library, open_library)
        run = _Run(
            predictor=predictor,
            goal=None if goal is None and selection is not None else parse_goal(goal, predictor.tasks),
            level=level,
            top=best_hits(predictor, top, domain),
            keep_columns=tuple(keep_columns),
            selection=selection,
        )
        _read_library(run, reader, stream, folder, on_progress)
        if run.rejected and not run.scored:
            raise nothing_usable(library, reader.smiles_column, run.first_rejected)
        written = _write_rankings(run, folder, nearest)
        ranked_by = f"hit: {hit}" if run.goal is None else str(run.goal)
        result = _result(run, written, Path(output), ranked_by, started)
        options = {
            "library": str(library),
            "top": top,
            "goal": ranked_by,
            "hit": hit,
            "fdr": None if hit is None else fdr or DEFAULT_FDR,
            "fdr_method": None if hit is None else fdr_method,
            "level": level,
            "domain": domain,
            "nearest": nearest,
            "smiles_column": reader.smiles_column,
            "id_column": reader.id_column,
            "keep_columns": list(keep_columns),
            "device": predictor.device.type,
            "precision": predictor.precision,
            "processes": stream.processes,
        }
        write_summary(folder / SUMMARY, result, predictor, options, version=__version__)
    return result


def _open_selection(
    predictor: Predictor,
    candidates: CandidateFile,
    settings: SelectionSettings,
    library: str | Path,
    open_library: Callable[[], AbstractContextManager[RecordReader]],
) -> LibrarySelection:
    check_calibration(settings, predictor)
    ratio = None
    if settings.method == "weighted":
        if str(library) == "-":
            raise InputError(
                "fdr_method is 'weighted', which reads the library twice, and standard input can be read once; "
                "give a file, or choose cfbh"
            )
        with open_library() as first_pass:
            ratio = weigh_calibration(predictor, first_pass, restrict=settings.restrict)
    return LibrarySelection(predictor, candidates, settings, ratio)


def _result(run: _Run, written: _Written, output: Path, ranked_by: str, started: float) -> ScreenResult:
    return ScreenResult(
        output=output,
        rows_read=run.rows_read,
        scored=run.scored,
        rejected=run.rejected,
        duplicates=run.duplicates,
        duplicates_are_complete=not run.seen.is_full,
        hits=len(written.hits),
        outside_domain=written.n_outside,
        domain_similarity=run.predictor.card.domain_similarity,
        selection=written.selection,
        shift=check_shift(run.predictor, run.sample),
        seconds=time.monotonic() - started,
        goal=ranked_by,
        first_rejected=tuple(run.first_rejected),
        best=tuple(written.hits[:10]),
    )


def _check_options(top: int, level: float, domain: str, nearest: int) -> None:
    if top < 1:
        raise InputError(f"top is {top}; it must be at least 1")
    if not 1 <= nearest <= _MOST_NEAREST:
        raise InputError(f"nearest is {nearest}; it must lie between 1 and {_MOST_NEAREST}")
    if not 0 < level < 1:
        raise InputError(f"level is {level}; it must lie between 0 and 1, e.g. 0.9")
    if domain not in get_args(DomainRule):
        raise InputError(f"domain is {domain!r}; choose one of {', '.join(get_args(DomainRule))}")


@dataclass
class _Run:
    """A screen under way."""

    predictor: Predictor
    goal: Goal | None  # None to rank by how clearly a compound is a hit
    level: float
    top: TopEntries[Hit]
    keep_columns: tuple[str, ...]
    selection: LibrarySelection | None
    sample: Sample = field(default_factory=Sample)
    seen: SeenTexts = field(default_factory=SeenTexts)
    scored: int = 0
    rejected: int = 0
    duplicates: int = 0
    first_rejected: list[Rejected] = field(default_factory=list)

    @property
    def rows_read(self) -> int:
        return self.scored + self.rejected + self.duplicates


def _open_model(
    model: Predictor | str | Path, device: Device, precision: Precision, processes: int | None, *, domain: bool
) -> AbstractContextManager[PredictionStream]:
    if not isinstance(model, str | Path):
        return nullcontext(PredictionStream(model, domain=domain))
    return open_stream(ModelSource(Path(model), device, precision), processes, domain=domain)


def _read_library(
    run: _Run,
    reader: RecordReader,
    stream: PredictionStream,
    folder: Path,
    on_progress: Callable[[StreamProgress], None],
) -> None:
    with ExitStack() as stack:
        rejected_file = stack.enter_context(
            open_table_writer(folder / REJECTED, ["row", "id", "smiles", "step", "reason"])
        )
        duplicates = _DuplicatesFile(folder / DUPLICATES, stack)
        for batch, prediction in stream.predict(_without_repeats(run, reader, duplicates)):
            _take(run, batch, prediction, rejected_file)
            on_progress(StreamProgress(run.rows_read, run.rejected, reader.bytes_read, reader.bytes_total))


class _DuplicatesFile:
    """`duplicates.csv`, made with its first row."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self._path = path
        self._stack = stack
        self._writer: TableWriter | None = None

    def write(self, columns: Mapping[str, Sequence[object]]) -> None:
        if self._writer is None:
            self._writer = self._stack.enter_context(open_table_writer(self._path, list(columns)))
        self._writer.write(columns)


def _without_repeats(run: _Run, reader: RecordReader, duplicates: _DuplicatesFile) -> Iterator[RecordBatch]:
    """The batches without the rows whose structure was spelled the same in an earlier row."""
    for batch in reader:
        is_repeat = run.seen.repeats(batch.smiles)
        if not is_repeat.any():
            yield batch
            continue
        repeats = np.flatnonzero(is_repeat).tolist()
        run.duplicates += len(repeats)
        duplicates.write(
            {
                "row": [int(batch.rows[i]) for i in repeats],
                "id": [batch.ids[i] for i in repeats],
                "smiles": [batch.smiles[i] for i in repeats],
            }
        )
        kept = np.flatnonzero(~is_repeat)
        yield replace(
            batch,
            rows=batch.rows[kept],
            ids=[batch.ids[i] for i in kept],
            smiles=[batch.smiles[i] for i in kept],
            columns={name: [cells[i] for i in kept] for name, cells in batch.columns.items()},
        )


def _take(run: _Run, batch: RecordBatch, prediction: Prediction, rejected_file: TableWriter) -> None:
    lost = sorted([*batch.rejected, *prediction.rejected], key=lambda rejected: rejected.row)
    if lost:
        rejected_file.write(
            {
                "row": [r.row for r in lost],
                "id": [r.id for r in lost],
                "smiles": [r.text for r in lost],
                "step": [r.step for r in lost],
                "reason": [r.reason for r in lost],
            }
        )
        run.first_rejected += lost[: 5 - len(run.first_rejected)]
    run.rejected += len(lost)
    run.scored += len(batch) - len(prediction.rejected)
    hit_scores = None if run.selection is None else run.selection.scores(prediction)
    goal_scores = hit_scores if run.goal is None else run.goal.sign * prediction.mean[:, run.goal.column]
    scores = as_shown(np.full(len(batch), np.nan) if goal_scores is None else goal_scores)
    is_ranked = scores > run.top.threshold  # a rejected row's NaN is above nothing
    is_candidate = np.zeros(len(batch), dtype=np.bool_)
    is_considered = ~np.isnan(scores)
    if run.selection is not None and hit_scores is not None:
        is_considered = run.selection.consider(prediction, hit_scores)
        is_candidate = is_considered & run.selection.may_be_selected(hit_scores)
    run.sample.offer([batch.smiles[i] for i in np.flatnonzero(is_considered).tolist()])
    index = np.flatnonzero(is_ranked | is_candidate)
    found = hits_at(index, batch, prediction, scores, hit_scores, level=run.level, keep=run.keep_columns)
    for hit in found:
        run.top.offer(hit.score, hit.row, hit)
    if run.selection is not None:
        run.selection.keep([hit for hit, i in zip(found, index.tolist(), strict=True) if is_candidate[i]])


@dataclass(frozen=True)
class _Written:
    """What the rankings hold."""

    hits: list[Hit]
    n_outside: int
    selection: SelectionReport | None


def _write_rankings(run: _Run, folder: Path, nearest: int) -> _Written:
    """Write `hits.csv`, and `selected.csv` and `outside.csv` if there is anything for them."""
    inside, outside = run.top.inside(), run.top.outside()
    report, selected = (None, []) if run.selection is None else run.selection.finish()
    columns = HitColumns(
        run.keep_columns,
        task=_shown_task(run),
        nearest=nearest,
        has_selection=run.selection is not None,
    )
    keys = frozenset(entry.key for entry in selected)
    for name, ranking in ((HITS, inside), (SELECTED, selected), (OUTSIDE, outside)):
        if ranking or name == HITS:
            p_values = run.selection.p_values(ranking) if run.selection is not None and name != OUTSIDE else {}
            write_hits(folder / name, run.predictor, ranking, columns, p_values=p_values, selected=keys)
    return _Written([entry.payload for entry in inside], len(outside), report)


def _shown_task(run: _Run) -> int:
    """The task whose measured values stand beside a hit: the one that ranks, else the first that makes a hit."""
    if run.goal is not None:
        return run.goal.column
    return 0 if run.selection is None else run.selection.first_task


def as_shown(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores to the six significant digits that tables show.

    The last digits of a float32 sum depend on the order of the atoms in the text, and on the machine. Ranked like this,
    spellings of one structure tie, and ties go by row.
    """
    return np.array([float(f"{score:.6g}") for score in scores.tolist()])
