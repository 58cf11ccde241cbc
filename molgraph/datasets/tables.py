"""A table of structures and measured values, in any format that `molgraph.chem.files` reads, to a `Dataset`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.files import open_records
from molgraph.chem.identity import canonical_smiles
from molgraph.chem.standardize import StandardizerName, standardize_smiles
from molgraph.datasets.dataset import Dataset
from molgraph.datasets.duplicates import merge_duplicates
from molgraph.datasets.labels import KindChoice, NumberColumn
from molgraph.errors import InputError
from molgraph.results import Rejected
from molgraph.tasks import Direction, TaskKind, TaskSpec

_SHOWN_REASONS = 3
_SHOWN_COLUMNS = 30
_SHOWN_OBSTACLES = 5


@dataclass
class _Rows:
    """The table as it is read: records in columns, structures and numbers still apart."""

    smiles_column: str = ""
    rows: list[NDArray[np.int64]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    smiles: list[str] = field(default_factory=list)
    numbers: dict[str, NumberColumn] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def n_read(self) -> int:
        return len(self.smiles) + len(self.rejected)


def read_table(
    source: str | Path,
    *,
    smiles_column: str | None = None,
    target_columns: Sequence[str] | None = None,
    task_kind: KindChoice | Sequence[TaskKind] = "auto",
    weight_column: str | None = None,
    id_column: str | None = None,
    standardizer: StandardizerName = "default",
    units: Mapping[str, str] | None = None,
    directions: Mapping[str, Direction] | None = None,
    name: str | None = None,
    to_learn: bool = True,
) -> Dataset:
    r"""The labelled structures of a table: standardized, checked, and one row per structure.

    Gaps may be written as an empty cell, NA, NaN, null or `-`; classes as 0/1, true/false, active/inactive or yes/no;
    numbers with a decimal point, or all of a column with a decimal comma.
    Cells like `>10` and `<=0.1` are bounds of a value that was not measured (`Dataset.bounds`).
    Rows without any label are left out and counted; rows of the same structure are merged and reported (see
    `molgraph.datasets.duplicates`).

    Args:
        source: Path, folder, glob or address of the table.
        smiles_column: Column of structures; found by name if left out.
        target_columns: Columns of labels; may be left out if exactly one further column holds numbers, and no other
            does but for a few cells.
        task_kind: `auto` takes columns of two classes as classification, others as regression; or the kind of each
            target column.
        weight_column: Column that says how much each row counts, 0 or more.
        id_column: Column of identifiers; found by name if left out.
        standardizer: What is done to structures, see `molgraph.chem.standardize`.
        units: Unit of a target column, where known.
        directions: Which way is better in a target column, where known.
        name: Name of the data set; the file's name if left out.
        to_learn: Refuse a target that nothing can be learned from, because all its values are the same.

    Raises:
        InputError: The table cannot be used; the message names the column and the row.

    Example:
        >>> import tempfile
        >>> table = Path(tempfile.mkdtemp()) / "assay.csv"
        >>> _ = table.write_text("smiles,pIC50\nCCO,5.0\nOCC,5.5\nc1ccccc1,6.0\n")
        >>> read_table(table).labels.tolist()
        [[5.25], [6.0]]
    """
    table = _read_rows(source, smiles_column, target_columns, weight_column, id_column)
    if table.n_read == 0:
        raise InputError(f"{source} has no rows; give a table with structures and measured values")
    targets = _targets(table, source, target_columns, weight_column)
    labels = np.column_stack([table.numbers[target].values() for target in targets])
    weights = _weights(table, weight_column)
    choices = [task_kind] * len(targets) if isinstance(task_kind, str) else task_kind
    kinds = [table.numbers[target].kind(choice) for target, choice in zip(targets, choices, strict=True)]
    tasks = tuple(
        TaskSpec(target, kind, (units or {}).get(target), (directions or {}).get(target))
        for target, kind in zip(targets, kinds, strict=True)
    )
    bounds = _bounds(table, targets)
    structures, keys, rejected = _structures(table, standardizer, source)
    has_label = ~np.isnan(labels).all(axis=1)
    if bounds is not None:
        has_label |= ~np.isnan(bounds).all(axis=(0, 2))
    has_structure = np.array([key is not None for key in keys], dtype=np.bool_)
    used = np.flatnonzero(has_structure & has_label)
    merged = merge_duplicates(
        [keys[i] or "" for i in used],
        [table.ids[i] for i in used],
        labels[used],
        weights[used],
        tasks,
        bounds=None if bounds is None else bounds[:, used],
    )
    index = used[merged.index]
    dataset = Dataset(
        name=name or Path(source).name,
        smiles=tuple(structures[i] for i in index),
        ids=tuple(table.ids[i] for i in index),
        labels=merged.labels,
        weights=merged.weights,
        tasks=tasks,
        rejected=rejected,
        merges=merged.report,
        rows_read=table.n_read,
        n_unlabelled=int((has_structure & ~has_label).sum()),
        bounds=merged.bounds,
    )
    _check_labels(dataset, source, to_learn=to_learn)
    return dataset


def _read_rows(
    source: str | Path,
    smiles_column: str | None,
    target_columns: Sequence[str] | None,
    weight_column: str | None,
    id_column: str | None,
) -> _Rows:
    """All records; numbers of the named columns, or of all columns where no target is named."""
    if target_columns is not None and len(set(target_columns)) < max(len(target_columns), 1):
        raise InputError(f"target columns are {', '.join(target_columns) or 'none'}; name at least one, and each once")
    wanted = [*(target_columns or ()), *([weight_column] if weight_column else ())]
    table = _Rows()
    with open_records(
        source,
        smiles_column=smiles_column,
        id_column=id_column,
        keep_columns="all" if target_columns is None else tuple(dict.fromkeys(wanted)),
    ) as records:
        table.smiles_column = records.smiles_column
        if weight_column is not None and weight_column not in records.column_names:
            raise InputError(
                f"{source} has no column {weight_column!r}; the columns are {_listed(records.column_names)}"
            )
        for batch in records:
            table.rows.append(batch.rows)
            table.ids += batch.ids
            table.smiles += batch.smiles
            table.rejected += batch.rejected
            for column, cells in batch.columns.items():
                table.numbers.setdefault(column, NumberColumn(column)).extend(cells, batch.rows)
    return table


def _targets(
    table: _Rows, source: str | Path, target_columns: Sequence[str] | None, weight_column: str | None
) -> tuple[str, ...]:
    """The target columns as named, or the only candidate."""
    if target_columns is not None:
        return tuple(target_columns)
    others = [column for column in table.numbers if column != weight_column]
    candidates = [column for column in others if table.numbers[column].is_usable]
    nearly = [column for column in others if table.numbers[column].is_nearly_usable]
    if len(candidates) == 1 and not nearly:
        return (candidates[0],)
    if candidates:
        # The one column without a flaw may be a molecular weight beside the assay.
        spoiled = f", and in {nearly[0]!r} but for {table.numbers[nearly[0]].first_obstacle}" if nearly else ""
        raise InputError(
            f"{source}: which column is to be predicted? Numbers stand in {_listed(candidates)}{spoiled}; "
            "name one or more with --target-columns"
        )
    if len(others) == 1 or len(nearly) == 1:
        table.numbers[(nearly or others)[0]].values()  # says which cell is no number, and why
    found = [f"{name!r} holds {table.numbers[name].first_obstacle}" for name in others[:_SHOWN_OBSTACLES]]
    more = f" ({len(others) - len(found)} more columns are not shown)" if len(others) > len(found) else ""
    why = f"{', '.join(found)}{more}; write numbers alone" if found else "there is no other column"
    raise InputError(f"{source} has no column of numbers besides {table.smiles_column!r} and the identifiers: {why}")


def _bounds(table: _Rows, targets: Sequence[str]) -> NDArray[np.float64] | None:
    """`[2, n, T]` bounds of values that were not measured; None if there are none."""
    columns = [table.numbers[target].bounds() for target in targets]
    if all(column is None for column in columns):
        return None
    none = np.full((2, len(table.smiles)), np.nan)
    return np.stack([none if column is None else column for column in columns], axis=2)


def _weights(table: _Rows, weight_column: str | None) -> NDArray[np.float64]:
    if weight_column is None:
        return np.ones(len(table.smiles))
    first_bound = table.numbers[weight_column].first_bound if weight_column in table.numbers else None
    if first_bound is not None:
        raise InputError(f"weight column {weight_column!r} holds {first_bound}; a weight is a number")
    weights = table.numbers[weight_column].values()
    rows = np.concatenate(table.rows) if table.rows else np.empty(0, dtype=np.int64)
    bad = np.flatnonzero(np.isnan(weights) | (weights < 0))
    if len(bad):
        found = "nothing" if np.isnan(weights[bad[0]]) else f"{weights[bad[0]]:g}"
        raise InputError(
            f"weight column {weight_column!r} holds {found} in row {rows[bad[0]]} (rows of data count from 0); "
            "every row needs a weight of 0 or more"
        )
    if len(weights) and weights.max() == 0:
        raise InputError(f"weight column {weight_column!r} holds nothing but 0; at least one row must count")
    return weights


def _structures(
    table: _Rows, standardizer: StandardizerName, source: str | Path
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
            rejected.append(key)
    rejected.sort(key=lambda molecule: molecule.row)
    if len(rejected) == table.n_read:
        reasons = "; ".join(f"{r.text[:40]!r}: {r.reason}" for r in rejected[:_SHOWN_REASONS])
        raise InputError(
            f"{source}: none of the {table.n_read} rows gives a molecule ({reasons}); "
            f"is {table.smiles_column!r} the column of structures?"
        )
    return structures, keys, tuple(rejected)


def _check_labels(dataset: Dataset, source: str | Path, *, to_learn: bool) -> None:
    """Refuse a target without labels, and one that nothing can be learned from."""
    for t, task in enumerate(dataset.tasks):
        measured = dataset.labels[~np.isnan(dataset.labels[:, t]), t]
        if len(measured) == 0:
            raise InputError(f"{source}: target {task.name!r} has no value in any usable row; choose another target")
        if to_learn and measured.min() == measured.max():
            found = (
                f"only class {measured[0]:g}" if task.kind == "classification" else f"only the value {measured[0]:g}"
            )
            raise InputError(
                f"{source}: target {task.name!r} holds {found} in {len(measured)} usable rows, so there is nothing "
                "to learn; add rows of the other kind, or choose another target"
            )


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(repr(column) for column in columns[:_SHOWN_COLUMNS])
    return f"{shown} and {len(columns) - _SHOWN_COLUMNS} more" if len(columns) > _SHOWN_COLUMNS else shown
