"""`read_table`: a table of structures and measured values, in any format of `molgraph.files`, to a `Dataset`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.identity import canonical_smiles
from molgraph.chem.standardize import StandardizerName, standardize_smiles
from molgraph.config.training import KindChoice
from molgraph.datasets.choice import choose_targets, find_targets
from molgraph.datasets.dataset import Dataset
from molgraph.datasets.duplicates import merge_duplicates
from molgraph.datasets.recognition import ColumnOptions, Target
from molgraph.datasets.rows import ALL_COLUMNS, Rows, TableRequest, read_rows
from molgraph.errors import InputError
from molgraph.files.frames import MemoryTable, Readable, TableLike, readable
from molgraph.results.labels import labels_of_columns
from molgraph.results.prediction import Rejected
from molgraph.results.tasks import Direction, TaskKind, TaskSpec
from molgraph.spelling import counted

_SHOWN_REASONS = 3

#: Targets that a message names.
_SHOWN_TARGETS = 20


def read_table(
    source: TableLike | MemoryTable,
    *,
    smiles_column: str | None = None,
    target_columns: Sequence[str] | None = None,
    task_kind: KindChoice | Sequence[TaskKind] = "auto",
    weight_column: str | None = None,
    id_column: str | None = None,
    standardizer: StandardizerName = "default",
    units: Mapping[str, str] | str | None = None,
    directions: Mapping[str, Direction] | None = None,
    missing: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
    as_is: bool | Collection[str] = False,
    name: str | None = None,
    to_learn: bool = True,
) -> Dataset:
    r"""The labelled structures of a table: standardized, checked, and one row per structure.

    Missing values may be written as an empty cell, NA, NaN, null, n.d. or `-`; classes as 0/1, -1/1, true/false,
    active/inactive or yes/no; numbers with a decimal point, or all of a column with a decimal comma.
    Cells like `>10` and `<=0.1` are bounds of a value that was not measured (`Dataset.labels`), `7-8` is two of them,
    and `~6.1` is 6.1. Cells may have units (`5.7 uM`).
    Rows without any label are left out and counted; rows of the same structure are merged and reported (see
    `molgraph.datasets.duplicates`).

    What a column measures is recognised by its name and by the columns beside it (`molgraph.quantities.names`,
    `molgraph.datasets.companions`): an IC50 or Ki in nM is learned as pIC50 or pKi, `-log10(mol/L)`, a column of
    relations turns values into bounds, values in several units are converted to one, a 0 among concentrations is
    less than the smallest that was measured, and directions and ranges are known. `Dataset.notes` tells how the
    table was interpreted.

    Args:
        source: Path, folder, glob or address of the table; or a frame of pandas, polars or Arrow, or a mapping of
            columns. Structures in a frame may be RDKit molecules.
        smiles_column: Column of structures; found by name if left out.
        target_columns: Columns of labels, or `["*"]` for all that hold numbers; may be left out if exactly one further
            column holds numbers, and no other does but for a few cells, or if what one measures is recognised.
        task_kind: `auto` takes columns of two classes as classification, others as regression; or the kind of each
            target column.
        weight_column: Column of row weights, 0 or more.
        id_column: Column of identifiers; found by name if left out.
        standardizer: Standardizer of the structures, see `molgraph.chem.standardize`.
        units: Unit of a target column; or the unit of all concentrations whose columns name none, e.g. `nM`.
        directions: Which way is better in a target column, or in the task that is learned of it, where known.
        missing: Cells that mean "not measured" besides the usual ones, e.g. `["-999", "inactive"]`.
        where: Filter of rows: the text that they must have in a column, e.g. `{"Standard Type": "IC50"}`.
        as_is: Recognise nothing and learn the numbers as they are; or the columns for which that holds.
        name: Name of the data set; the file's name if left out.
        to_learn: Refuse a target whose values are all the same, so that nothing can be learned.

    Raises:
        InputError: The table cannot be used; the message names the column and the line.

    Example:
        >>> import tempfile
        >>> table = Path(tempfile.mkdtemp()) / "assay.csv"
        >>> _ = table.write_text("smiles,pIC50\nCCO,5.0\nOCC,5.5\nc1ccccc1,6.0\n")
        >>> read_table(table).labels.values.tolist()
        [[5.25], [6.0]]
        >>> _ = table.write_text("smiles,IC50 (nM)\nCCO,1000\nCCN,>10000\nc1ccccc1,10\n")
        >>> read_table(table).tasks[0].name, read_table(table).labels.values.tolist()
        ('pIC50', [[6.0], [nan], [8.0]])
    """
    request = TableRequest(
        smiles_column=smiles_column,
        id_column=id_column,
        target_columns=None if target_columns is None else tuple(target_columns),
        weight_column=weight_column,
        missing=tuple(missing),
        where=where or {},
    )
    source = readable(source)
    table = read_rows(source, request)
    _refuse_empty(table, source)
    columns = choose_targets(table, source, request)
    choices = [task_kind] * len(columns) if isinstance(task_kind, str) else task_kind
    concentrations = units if isinstance(units, str) else None
    column_units = {} if units is None or isinstance(units, str) else units
    options = [
        ColumnOptions(choice, column_units.get(column), directions or {}, concentrations)
        for column, choice in zip(columns, choices, strict=True)
    ]
    targets, notes = find_targets(table, source, columns, options, as_is=as_is)
    weights = _weights(table, weight_column)
    takes_all = request.target_columns == (ALL_COLUMNS,)
    texts = [column for column in table.numbers if column not in (*columns, weight_column)]
    skipped = _skipped(table, request)
    if takes_all and texts:
        skipped = (_left_columns(table, texts), *skipped)
    dataset = _merged(table, targets, weights, standardizer, source)
    dataset = replace(dataset, name=name or Path(source).name, notes=(*table.notes, *skipped, *notes))
    return _check_labels(dataset, source, to_learn=to_learn, leave_out=takes_all)


@dataclass(frozen=True)
class TargetColumn:
    """A column of labels whose kind is known.

    Attributes:
        name: Its name.
        kind: What it is learned as.
        as_is: Whether to take its numbers as they are, and to recognise no unit.
    """

    name: str
    kind: TaskKind
    as_is: bool = False


def read_columns(
    source: TableLike | MemoryTable,
    choose: Callable[[Sequence[str]], Sequence[TargetColumn]],
    *,
    smiles_column: str | None = None,
    id_column: str | None = None,
    standardizer: StandardizerName = "default",
    missing: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
) -> Dataset:
    r"""As `read_table`, with the target columns chosen from the names of all columns, so that a table is opened once.

    A column may hold one value alone: nothing is learned from it.

    Args:
        source: The table.
        choose: Gives the target columns, of the names of all columns.
        smiles_column: Column of structures; found by name if left out.
        id_column: Column of identifiers; found by name if left out.
        standardizer: Standardizer of the structures, see `molgraph.chem.standardize`.
        missing: Cells that mean "not measured" besides the usual ones.
        where: Filter of rows: the text that they must have in a column.

    Raises:
        InputError: The table cannot be used; the message names the column and the line.

    Example:
        >>> dataset = read_columns(
        ...     {"smiles": ["CCO", "CCN"], "y": [1, 1], "note": ["", ""]},
        ...     lambda names: [TargetColumn(name, "regression") for name in names if name == "y"],
        ... )
        >>> dataset.labels.values.tolist()
        [[1.0], [1.0]]
    """
    chosen: list[TargetColumn] = []

    def names_of(header: Sequence[str]) -> list[str]:
        chosen[:] = choose(header)
        return [column.name for column in chosen]

    request = TableRequest(smiles_column, id_column, missing=tuple(missing), where=where or {})
    source = readable(source)
    table = read_rows(source, request, names_of)
    _refuse_empty(table, source)
    targets, notes = find_targets(
        table,
        source,
        [column.name for column in chosen],
        [ColumnOptions(column.kind) for column in chosen],
        as_is=[column.name for column in chosen if column.as_is],
    )
    dataset = _merged(table, targets, np.ones(len(table.smiles)), standardizer, source)
    dataset = replace(dataset, name=Path(source).name, notes=(*table.notes, *_skipped(table, request), *notes))
    return _check_labels(dataset, source, to_learn=False, leave_out=False)


def _refuse_empty(table: Rows, source: Readable) -> None:
    if table.n_read == 0:
        raise InputError(f"{source} has no rows; give a table with structures and measured values")


def _skipped(table: Rows, request: TableRequest) -> tuple[str, ...]:
    """A note on the rows that the filter leaves out; none if there are none."""
    if not table.n_skipped:
        return ()
    chosen = ", ".join(f"{column}={text}" for column, text in request.where.items())
    return (f"{table.n_read:,} rows with {chosen}; {table.n_skipped:,} others are not taken",)


def _left_columns(table: Rows, columns: Sequence[str]) -> str:
    """Note on the columns that `target_columns=['*']` does not take, and why."""
    nearly = [name for name in columns if table.numbers[name].is_nearly_usable]
    others = [name for name in columns if name not in nearly]
    parts = [f"{name!r} holds numbers but for {table.numbers[name].first_obstacle}" for name in nearly[:5]]
    more = f"{counted(len(nearly) - 5, 'column')} more hold other cells too"
    parts += [more] if len(nearly) > 5 else []
    if others:
        names = ", ".join(map(repr, others[:5])) + (", ..." if len(others) > 5 else "")
        parts.append(f"{counted(len(others), 'column')} without numbers: {names}")
    return f"columns that are not taken: {'; '.join(parts)}"


def _merged(
    table: Rows,
    targets: Sequence[Target],
    weights: NDArray[np.float64],
    standardizer: StandardizerName,
    source: Readable,
) -> Dataset:
    """The data set of a table: standardized, with duplicates merged."""
    labels = labels_of_columns([target.labels for target in targets])
    tasks = tuple(target.task for target in targets)
    structures, keys, rejected = _structures(table, standardizer, source)
    has_label = labels.is_known.any(axis=1)
    has_structure = np.array([key is not None for key in keys], dtype=np.bool_)
    used = np.flatnonzero(has_structure & has_label)
    merged = merge_duplicates(
        [keys[i] or "" for i in used],
        [table.ids[i] for i in used],
        labels.take(used),
        weights[used],
        tasks,
    )
    index = used[merged.index]
    return Dataset(
        name="",
        smiles=tuple(structures[i] for i in index),
        ids=tuple(table.ids[i] for i in index),
        labels=merged.labels,
        weights=merged.weights,
        tasks=tasks,
        rejected=rejected,
        merges=merged.report,
        rows_read=table.n_read,
        n_unlabelled=int((has_structure & ~has_label).sum()),
    )


def _weights(table: Rows, weight_column: str | None) -> NDArray[np.float64]:
    if weight_column is None:
        return np.ones(len(table.smiles))
    first_bound = table.numbers[weight_column].first_bound if weight_column in table.numbers else None
    if first_bound is not None:
        raise InputError(f"weight column {weight_column!r} holds {first_bound}; a weight is a number")
    weights = table.numbers[weight_column].values()
    rows = np.concatenate(table.rows) if table.rows else np.empty(0, dtype=np.int64)
    bad = np.flatnonzero(np.isnan(weights) | (weights < 0))
    if len(bad):
        value = "nothing" if np.isnan(weights[bad[0]]) else f"{weights[bad[0]]:g}"
        raise InputError(
            f"weight column {weight_column!r} holds {value} in {table.place(int(rows[bad[0]]))}; "
            "every row needs a weight of 0 or more"
        )
    if len(weights) and weights.max() == 0:
        raise InputError(f"weight column {weight_column!r} holds nothing but 0; at least one row must count")
    return weights


def _structures(
    table: Rows, standardizer: StandardizerName, source: Readable
) -> tuple[list[str], list[str | None], tuple[Rejected, ...]]:
    """Standardized and canonical structure of each record (None where there is none), and everything rejected."""
    structures: list[str] = []
    keys: list[str | None] = []
    rejected = list(table.rejected)
    rows = np.concatenate(table.rows).tolist() if table.rows else []
    for text, row, identifier in zip(table.smiles, rows, table.ids, strict=True):
        standardized = standardize_smiles(text, standardizer, row=row, id=identifier)
        key = canonical_smiles(standardized, row=row, id=identifier) if isinstance(standardized, str) else standardized
        if isinstance(key, str):
            structures.append(str(standardized))
            keys.append(key)
        else:
            structures.append("")
            keys.append(None)
            rejected.append(replace(key, line=table.lines.line(row) if table.has_lines else None))
    rejected.sort(key=lambda molecule: molecule.row)
    if len(rejected) == table.n_read:
        reasons = "; ".join(f"{r.text[:40]!r}: {r.reason}" for r in rejected[:_SHOWN_REASONS])
        raise InputError(
            f"{source}: none of the {table.n_read} rows gives a molecule ({reasons}); "
            f"is {table.smiles_column!r} the column of structures?"
        )
    return structures, keys, tuple(rejected)


def _check_labels(dataset: Dataset, source: Readable, *, to_learn: bool, leave_out: bool) -> Dataset:
    """Refuse targets without labels or with a single value, all in one message, or leave them out."""
    empty, constant = [], []
    for t in range(len(dataset.tasks)):
        measured = dataset.labels.task(t).measured
        if len(measured) == 0:
            empty.append(t)
        elif to_learn and measured.min() == measured.max():
            constant.append(t)
    bad = [*empty, *constant]
    if not bad:
        return dataset
    if leave_out and len(bad) < len(dataset.tasks):
        return _without_tasks(dataset, empty, constant)
    if len(bad) == 1 and constant:
        raise InputError(f"{source}: {_nothing_to_learn(dataset, constant[0])}")
    parts = []
    for which, what in ((empty, "no value in any usable row"), (constant, "the same value in all usable rows")):
        if which:
            parts.append(f"{_named(dataset.tasks, which)} {'has' if len(which) == 1 else 'have'} {what}")
    raise InputError(f"{source}: {' and '.join(parts)}, so there is nothing to learn; choose other targets")


def _nothing_to_learn(dataset: Dataset, t: int) -> str:
    task, measured = dataset.tasks[t], dataset.labels.task(t).measured
    content = f"only class {measured[0]:g}" if task.kind == "classification" else f"only the value {measured[0]:g}"
    return (
        f"target {task.name!r} holds {content} in {len(measured)} usable rows, so there is nothing to learn; add rows "
        "of the other kind, or choose another target"
    )


def _named(tasks: Sequence[TaskSpec], which: Sequence[int]) -> str:
    shown = ", ".join(repr(tasks[t].name) for t in which[:_SHOWN_TARGETS])
    more = f" and {len(which) - _SHOWN_TARGETS} more" if len(which) > _SHOWN_TARGETS else ""
    return f"{'target' if len(which) == 1 else 'targets'} {shown}{more}"


def _without_tasks(dataset: Dataset, empty: Sequence[int], constant: Sequence[int]) -> Dataset:
    """The set without some tasks, and without the rows that only they have."""
    bad = {*empty, *constant}
    kept = [t for t in range(len(dataset.tasks)) if t not in bad]
    labels = dataset.labels.for_tasks(kept)
    rows = np.flatnonzero(labels.is_known.any(axis=1))
    counts = [f"{len(which):,} {what}" for which, what in ((constant, "of one value"), (empty, "of none")) if which]
    note = f"{len(bad):,} columns are left out ({', '.join(counts)}): {_named(dataset.tasks, sorted(bad))}"
    return replace(
        dataset,
        smiles=tuple(dataset.smiles[i] for i in rows),
        ids=tuple(dataset.ids[i] for i in rows),
        labels=labels.take(rows),
        weights=dataset.weights[rows],
        tasks=tuple(dataset.tasks[t] for t in kept),
        n_unlabelled=dataset.n_unlabelled + len(dataset) - len(rows),
        notes=(*dataset.notes, note),
    )
