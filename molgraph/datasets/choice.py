"""Which columns of a table are learned, and what they are."""

from collections.abc import Collection, Sequence

from molgraph.datasets.companions import Companions, companion_names, find_companions, is_generic
from molgraph.datasets.labels import BadCell, describe_bad_cells
from molgraph.datasets.odd_values import refuse_sentinel
from molgraph.datasets.recognition import Recognizer, Target, Told, as_it_is
from molgraph.datasets.rows import ALL_COLUMNS, Rows, Wanted
from molgraph.errors import InputError, setting
from molgraph.files.columns import plain
from molgraph.files.frames import Readable
from molgraph.quantities.names import named

_SHOWN_COLUMNS = 30
_SHOWN_OBSTACLES = 5


def choose_targets(table: Rows, source: Readable, wanted: Wanted) -> tuple[str, ...]:
    """The target columns: as named, all of numbers, the only one that can be meant, or the one that is recognised.

    Raises:
        InputError: It cannot be told which column is meant, or none holds numbers.
    """
    targets = wanted.target_columns
    if targets is not None and not wanted.takes_all:
        return targets
    texts = companion_names(tuple(table.numbers))
    others = [column for column in table.numbers if column != wanted.weight_column and column not in texts]
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
        # The one column without a flaw may be a molecular weight beside the assay.
        spoiled = f", and in {nearly[0]!r} but for {table.numbers[nearly[0]].first_obstacle}" if nearly else ""
        raise InputError(
            f"{source}: which column is to be predicted? Numbers stand in {_listed(candidates)}{spoiled}; "
            f"name one or more with `target_columns`, or all with {setting('target_columns', [ALL_COLUMNS])}"
        )
    if len(others) == 1 or len(nearly) == 1:
        table.numbers[(nearly or others)[0]].values()  # says which cells are no numbers, and why
    found = [f"{name!r} holds {table.numbers[name].first_obstacle}" for name in others[:_SHOWN_OBSTACLES]]
    more = f" ({len(others) - len(found)} more columns are not shown)" if len(others) > len(found) else ""
    why = f"{', '.join(found)}{more}; write numbers alone" if found else "there is no other column"
    raise InputError(f"{source} has no column of numbers besides {table.smiles_column!r} and the identifiers: {why}")


def _recognised(table: Rows, columns: Sequence[str]) -> str | None:
    """The only one of the columns that measures something known; ChEMBL's values go before the p-values beside them.

    Beside a column of two classes, which may be a target as well, none is chosen.
    """
    found = []
    for column in columns:
        says = named(column)
        has_unit = says is not None and (says.unit is not None or says.scale == "p")
        own = _companions(table, column, is_alone=True)
        if is_generic(column) and own.type is not None and own.unit is not None:
            if plain(column) == "standard_value":
                return column
            has_unit = True
        if has_unit:
            found.append(column)
    others = [column for column in columns if column not in found and table.numbers[column].is_usable]
    return None if len(found) != 1 or any(table.numbers[column].has_two_classes for column in others) else found[0]


def _companions(table: Rows, column: str, *, is_alone: bool) -> Companions:
    return find_companions(column, [name for name in table.texts if name != column], is_alone=is_alone)


def find_targets(
    table: Rows, source: Readable, columns: Sequence[str], told: Sequence[Told], *, as_is: bool | Collection[str]
) -> tuple[list[Target], tuple[str, ...]]:
    """What the columns are, and sentences that say what was made of them.

    Raises:
        InputError: Cells are no numbers (of all columns at once), or what a column measures cannot be told.
    """
    _refuse_bad_cells(table, source, columns)
    targets: list[Target] = []
    for column, own in zip(columns, told, strict=True):
        numbers = table.numbers[column]
        if as_is is True or (not isinstance(as_is, bool) and column in as_is):
            targets.append(as_it_is(numbers, own))
            continue
        refuse_sentinel(numbers)
        companions = _companions(table, column, is_alone=len(columns) == 1)
        targets.append(Recognizer(numbers, companions, table.texts, own).target())
    names = [target.task.name for target in targets]
    doubled = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    if doubled:
        name = min(doubled)
        own_columns = [column for column, other in zip(columns, names, strict=True) if other == name]
        raise InputError(
            f"{source}: {_listed(own_columns)} would all be learned as {name!r}; choose one with `target_columns`, or "
            "learn the numbers as they are with `as_is=True`"
        )
    _refuse_unknown(told, columns, names)
    return targets, tuple(note for target in targets for note in target.notes)


def _refuse_bad_cells(table: Rows, source: Readable, columns: Sequence[str]) -> None:
    """Name all cells of all columns that cannot be learned in one message."""
    bad = [column for column in columns if table.numbers[column].n_bad]
    if len(bad) == 1:
        table.numbers[bad[0]].values()
    if bad:
        cells: list[BadCell] = sorted(
            (cell for column in bad for cell in table.numbers[column].bad_cells()), key=lambda cell: cell.row
        )
        n_bad = sum(table.numbers[column].n_bad for column in bad)
        raise InputError(f"{source} holds {describe_bad_cells(cells, n_bad, table.place, columns=True)}")


def _refuse_unknown(told: Sequence[Told], columns: Sequence[str], names: Sequence[str]) -> None:
    for name in told[0].directions if told else ():
        if name not in columns and name not in names:
            raise InputError(
                f"a direction (`directions`) is given for {name!r}, which is no target; the targets are "
                f"{', '.join(names)}"
            )


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(repr(column) for column in columns[:_SHOWN_COLUMNS])
    return f"{shown} and {len(columns) - _SHOWN_COLUMNS} more" if len(columns) > _SHOWN_COLUMNS else shown
