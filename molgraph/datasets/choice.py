"""Selection of the target columns of a table, and recognition of what they measure."""

from collections.abc import Collection, Sequence

from molgraph.datasets.companions import Companions, companion_names, find_companions, is_generic
from molgraph.datasets.labels import BadCell, describe_bad_cells
from molgraph.datasets.odd_values import refuse_sentinel
from molgraph.datasets.recognition import ColumnOptions, Recognizer, Target, target_as_is
from molgraph.datasets.rows import ALL_COLUMNS, Rows, TableRequest
from molgraph.errors import InputError, setting
from molgraph.files.columns import plain
from molgraph.files.frames import Readable
from molgraph.quantities.names import named

_SHOWN_COLUMNS = 30
_SHOWN_OBSTACLES = 5


def choose_targets(table: Rows, source: Readable, request: TableRequest) -> tuple[str, ...]:
    """The target columns: as requested, all of numbers, the only one of numbers, or the one that is recognised.

    Raises:
        InputError: The choice is ambiguous, or no column holds numbers.
    """
    targets = request.target_columns
    if targets is not None and not request.takes_all:
        return targets
    texts = companion_names(tuple(table.numbers))
    others = [column for column in table.numbers if column != request.weight_column and column not in texts]
    candidates = [column for column in others if table.numbers[column].is_usable]
    nearly = [column for column in others if table.numbers[column].is_nearly_usable]
    if targets == (ALL_COLUMNS,) and candidates:
        return tuple(candidates)
    if len(candidates) == 1 and not nearly:
        return (candidates[0],)
    recognised = _recognised(table, [column for column in others if column in candidates or column in nearly])
    if recognised is not None:
        return (recognised,)
    if candidates:
        # The only column without bad cells may be a molecular weight beside the assay.
        with_bad_cells = f", and in {nearly[0]!r} but for {table.numbers[nearly[0]].first_obstacle}" if nearly else ""
        raise InputError(
            f"{source}: which column is to be predicted? Numbers stand in {_listed(candidates)}{with_bad_cells}; "
            f"name one or more with `target_columns`, or all with {setting('target_columns', [ALL_COLUMNS])}"
        )
    if len(others) == 1 or len(nearly) == 1:
        table.numbers[(nearly or others)[0]].values()  # raises with the cells that are no numbers, and why
    obstacles = [f"{name!r} holds {table.numbers[name].first_obstacle}" for name in others[:_SHOWN_OBSTACLES]]
    more = f" ({len(others) - len(obstacles)} more columns are not shown)" if len(others) > len(obstacles) else ""
    why = f"{', '.join(obstacles)}{more}; write numbers alone" if obstacles else "there is no other column"
    raise InputError(f"{source} has no column of numbers besides {table.smiles_column!r} and the identifiers: {why}")


def _recognised(table: Rows, columns: Sequence[str]) -> str | None:
    """The only column with a recognised quantity and unit; ChEMBL's standard values go before its p-values.

    None is chosen beside a column of two classes, which may be a target as well.
    """
    recognised = []
    for column in columns:
        quantity = named(column)
        has_unit = quantity is not None and (quantity.unit is not None or quantity.scale == "p")
        companions = _companions(table, column, is_alone=True)
        if is_generic(column) and companions.type is not None and companions.unit is not None:
            if plain(column) == "standard_value":
                return column
            has_unit = True
        if has_unit:
            recognised.append(column)
    others = [column for column in columns if column not in recognised and table.numbers[column].is_usable]
    is_ambiguous = len(recognised) != 1 or any(table.numbers[column].has_two_classes for column in others)
    return None if is_ambiguous else recognised[0]


def _companions(table: Rows, column: str, *, is_alone: bool) -> Companions:
    return find_companions(column, [name for name in table.texts if name != column], is_alone=is_alone)


def find_targets(
    table: Rows,
    source: Readable,
    columns: Sequence[str],
    options: Sequence[ColumnOptions],
    *,
    as_is: bool | Collection[str],
) -> tuple[list[Target], tuple[str, ...]]:
    """The targets that the columns are learned as, and notes on how each column was interpreted.

    Raises:
        InputError: Cells are no numbers (of all columns at once), or what a column measures is ambiguous.
    """
    _refuse_bad_cells(table, source, columns)
    targets: list[Target] = []
    for column, column_options in zip(columns, options, strict=True):
        numbers = table.numbers[column]
        if as_is is True or (not isinstance(as_is, bool) and column in as_is):
            targets.append(target_as_is(numbers, column_options))
            continue
        refuse_sentinel(numbers)
        companions = _companions(table, column, is_alone=len(columns) == 1)
        targets.append(Recognizer(numbers, companions, table.texts, column_options).target())
    names = [target.task.name for target in targets]
    repeated = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    if repeated:
        name = min(repeated)
        same_name = [column for column, task in zip(columns, names, strict=True) if task == name]
        raise InputError(
            f"{source}: {_listed(same_name)} would all be learned as {name!r}; choose one with `target_columns`, or "
            "learn the numbers as they are with `as_is=True`"
        )
    _refuse_unknown(options, columns, names)
    return targets, tuple(note for target in targets for note in target.notes)


def _refuse_bad_cells(table: Rows, source: Readable, columns: Sequence[str]) -> None:
    """Refuse cells that cannot be learned, of all columns in one message."""
    bad = [column for column in columns if table.numbers[column].n_bad]
    if len(bad) == 1:
        table.numbers[bad[0]].values()
    if bad:
        cells: list[BadCell] = sorted(
            (cell for column in bad for cell in table.numbers[column].bad_cells()), key=lambda cell: cell.row
        )
        n_bad = sum(table.numbers[column].n_bad for column in bad)
        raise InputError(f"{source} holds {describe_bad_cells(cells, n_bad, table.place, columns=True)}")


def _refuse_unknown(options: Sequence[ColumnOptions], columns: Sequence[str], names: Sequence[str]) -> None:
    for name in options[0].directions if options else ():
        if name not in columns and name not in names:
            raise InputError(
                f"a direction (`directions`) is given for {name!r}, which is no target; the targets are "
                f"{', '.join(names)}"
            )


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(repr(column) for column in columns[:_SHOWN_COLUMNS])
    return f"{shown} and {len(columns) - _SHOWN_COLUMNS} more" if len(columns) > _SHOWN_COLUMNS else shown
