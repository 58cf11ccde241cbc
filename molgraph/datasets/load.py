"""`load_dataset`: a benchmark set by its name, or a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from molgraph.chem.standardize import StandardizerName
from molgraph.config.training import KindChoice
from molgraph.datasets.cards import all_cards, card_named
from molgraph.datasets.dataset import Dataset
from molgraph.datasets.download import Progress
from molgraph.datasets.fetch import fetch, read_columns
from molgraph.datasets.tables import read_table
from molgraph.errors import InputError
from molgraph.files.frames import MemoryTable, TableLike
from molgraph.results.tasks import Direction


def load_dataset(
    source: TableLike | MemoryTable,
    *,
    smiles_column: str | None = None,
    target_columns: Sequence[str] | None = None,
    task_kind: KindChoice = "auto",
    weight_column: str | None = None,
    id_column: str | None = None,
    standardizer: StandardizerName = "default",
    units: Mapping[str, str] | str | None = None,
    directions: Mapping[str, Direction] | None = None,
    missing: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
    as_is: bool = False,
    cache_dir: str | Path | None = None,
    progress: Progress | None = None,
) -> Dataset:
    r"""A benchmark set by its name (`molgraph datasets list`), or your own table by its path.

    The columns and kinds of a benchmark set are those of its card; `target_columns` may choose some of its tasks. The
    file is fetched if needed, see `molgraph.datasets.fetch`. For a table see `molgraph.datasets.tables.read_table`.

    Args:
        source: Name of a set, upper or lower case; path, folder, glob or address of a table; or a frame.
        smiles_column: Column of structures; found by name if left out.
        target_columns: Columns of labels; all tasks of a set, or the only column of numbers in a table.
        task_kind: `auto` takes columns of two classes as classification, others as regression.
        weight_column: Column of row weights.
        id_column: Column of identifiers; found by name if left out.
        standardizer: Standardizer of the structures.
        units: Unit of a column of your table; or the unit of all concentrations whose columns name none.
        directions: Which way is better in a column, or in the task that is learned of it; for a benchmark set,
            instead of that of its card.
        missing: Cells that mean "not measured" besides the usual ones.
        where: Filter of rows: the text that they must have in a column.
        as_is: Recognise no quantities, units and relations in your table. Those of benchmark sets are on their cards.
        cache_dir: Folder for downloaded sets.
        progress: Called with the bytes read so far and the bytes expected while downloading.

    Raises:
        InputError: There is no such set or file, or the table cannot be used.
        FetchError: The set cannot be downloaded, or is not what its card describes.

    Example:
        >>> import tempfile
        >>> table = Path(tempfile.mkdtemp()) / "assay.csv"
        >>> _ = table.write_text("smiles,active\nCCO,no\nCCN,yes\nc1ccccc1O,yes\nwrong,no\n")
        >>> load_dataset(table)
        Dataset('assay.csv', 3 structures, 1 task: active)
        >>> load_dataset(table).rejected[0].reason
        'cannot read the structure, is it a name? SMILES Parse Error: ...'
    """
    if not isinstance(source, str | Path) or not _is_card(source):
        return read_table(
            source,
            smiles_column=smiles_column,
            target_columns=target_columns,
            task_kind=task_kind,
            weight_column=weight_column,
            id_column=id_column,
            standardizer=standardizer,
            units=units,
            directions=directions,
            missing=missing,
            where=where,
            as_is=as_is,
        )
    card = card_named(str(source))
    path = fetch(card.name, cache_dir=cache_dir, progress=progress)
    columns = read_columns(path)
    tasks = {task.name: task for task in card.tasks_in(columns)}
    unknown = [name for name in target_columns or () if name not in tasks]
    if unknown:
        raise InputError(f"{card.name} has no task {unknown[0]!r}; its tasks are {', '.join(list(tasks)[:30])}")
    chosen = list(tasks) if target_columns is None else list(target_columns)
    return read_table(
        path,
        smiles_column=smiles_column or card.smiles_column(columns),
        target_columns=chosen,
        task_kind=card.kind if task_kind == "auto" else task_kind,
        weight_column=weight_column,
        id_column=id_column or card.id_column,
        standardizer=standardizer,
        units={task.name: task.unit for task in tasks.values() if task.unit},
        directions={
            **{name: way for name in chosen if (way := tasks[name].direction) is not None},
            **(directions or {}),
        },
        missing=missing,
        where=where,
        as_is=True,
        name=card.name,
    )


def _is_card(source: str | Path) -> bool:
    """True for a bare name, unless only a file has it; a card goes before a file of the same name (write `./esol`)."""
    text = str(source)
    if isinstance(source, Path) or text == "-" or any(mark in text for mark in "./\\*?["):
        return False
    return text.lower() in all_cards() or not Path(text).exists()
