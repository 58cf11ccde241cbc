"""Data set cards: content, source and known defects of a benchmark set.

One TOML file per set in the installed package `molgraph_data`. A card with an unknown or a missing key is refused, so
that a spelling mistake does not pass as an absent value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources
from types import MappingProxyType

from molgraph.config.training import FoldSplit
from molgraph.errors import InputError
from molgraph.metrics.scores import METRICS
from molgraph.results.tasks import Direction, TaskKind, TaskSpec
from molgraph.spelling import did_you_mean
from molgraph.storage.decode import decode_toml
from molgraph.storage.decode_typed import decode


@dataclass(frozen=True)
class OtherColumns:
    """The tasks of a set in which every column is a label, besides the structures and identifiers.

    Attributes:
        count: Number of tasks.
        direction: Which way is better, for all of them.
    """

    count: int
    direction: Direction


@dataclass(frozen=True)
class DatasetCard:
    """Description of one benchmark set.

    Attributes:
        name: Name in `load_dataset` and on the command line.
        title: What was measured, in one line.
        address: Where the file is downloaded from.
        mirror: Path of the file below the folder that `MOLGRAPH_DATA` names.
        sha256: Checksum of the mirror copy. The file at the address may differ in bytes.
        rows: Number of data rows of the mirror copy.
        smiles_columns: Names that the column of structures has in known copies.
        kind: Kind of all its tasks.
        metric: Metric that MoleculeNet recommends, a name in `molgraph.metrics.scores.METRICS`.
        split: Split that MoleculeNet recommends.
        licence: Terms of the file and of the data in it.
        source: Where the data come from.
        citation: What to cite.
        defects: Known traps and faults.
        id_column: Column of identifiers, or None.
        tasks: The tasks; empty if the labels are all other columns.
        all_other_columns: What these are; None where the tasks are listed one by one.
    """

    name: str
    title: str
    address: str
    mirror: str
    sha256: str
    rows: int
    smiles_columns: tuple[str, ...]
    kind: TaskKind
    metric: str
    split: FoldSplit
    licence: str
    source: str
    citation: str
    defects: tuple[str, ...]
    id_column: str | None = None
    tasks: tuple[TaskSpec, ...] = ()
    all_other_columns: OtherColumns | None = None

    @property
    def n_tasks(self) -> int:
        """Number of tasks."""
        return len(self.tasks) if self.all_other_columns is None else self.all_other_columns.count

    def smiles_column(self, columns: Sequence[str]) -> str | None:
        """The column of structures among those of a file, or None."""
        return next((name for name in self.smiles_columns if name in columns), None)

    def tasks_in(self, columns: Sequence[str]) -> tuple[TaskSpec, ...]:
        """The tasks of a file with these columns."""
        if self.all_other_columns is None:
            return self.tasks
        rest = [name for name in columns if name not in self.smiles_columns and name != self.id_column]
        return tuple(TaskSpec(name, self.kind, None, self.all_other_columns.direction) for name in rest)

    def lines(self) -> list[tuple[str, str]]:
        """Label and text of each entry of the card, for users."""
        units = dict.fromkeys(task.unit for task in self.tasks if task.unit)
        tasks = ", ".join(task.name for task in self.tasks) or "all columns besides the structures"
        return [
            ("name", self.name),
            ("title", self.title),
            ("rows", f"{self.rows:,}"),
            ("structures", "column " + " or ".join(self.smiles_columns)),
            ("identifiers", f"column {self.id_column}" if self.id_column else "none: row numbers"),
            ("tasks", f"{self.n_tasks}, {self.kind}: {tasks}"),
            ("unit", ", ".join(units) or "none"),
            ("metric", self.metric),
            ("split", self.split),
            ("source", self.source),
            ("cite", self.citation),
            ("licence", self.licence),
            ("address", self.address),
            ("mirror", f"$MOLGRAPH_DATA/{self.mirror}"),
            ("sha256", self.sha256),
            *(("beware" if i == 0 else "", defect) for i, defect in enumerate(self.defects)),
        ]


def card_named(name: str) -> DatasetCard:
    """The card of that name; upper and lower case are the same.

    Raises:
        InputError: There is none; near names are suggested.

    Example:
        >>> card_named("ESOL").rows
        1128
    """
    cards = all_cards()
    if name.lower() in cards:
        return cards[name.lower()]
    near = [known for known in cards if known.startswith(name.lower())] or get_close_matches(name.lower(), cards, n=1)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise InputError(f"there is no data set {name!r}; {hint}known: {', '.join(cards)}")


@cache
def all_cards() -> Mapping[str, DatasetCard]:
    """Every card by its name, in alphabetical order.

    Example:
        >>> sorted(all_cards())[:3]
        ['bace_classification', 'bace_regression', 'bbbp']
    """
    folder = resources.files("molgraph_data") / "cards"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    cards = [parse_card(file.read_text(encoding="utf-8"), file.name) for file in files]
    return MappingProxyType({card.name: card for card in cards})


def parse_card(text: str, file: str) -> DatasetCard:
    """The card in a TOML text.

    Args:
        text: The TOML.
        file: Its file name, for error messages; the card's name is this without `.toml`.

    Raises:
        InputError: The text is no TOML, or a key is unknown, missing or of the wrong kind.
    """
    try:
        fields = decode_toml(text.encode(errors="surrogatepass"))
    except InputError as error:
        raise InputError(f"{file} is not valid TOML: {error}") from error
    tasks = fields.get("tasks")
    if isinstance(tasks, list) and "kind" in fields:  # all of one kind, which the file gives once
        fields["tasks"] = [{"kind": fields["kind"], **task} if isinstance(task, dict) else task for task in tasks]
    card = decode(DatasetCard, fields, file)
    if card.name != file.removesuffix(".toml"):
        raise InputError(f"{file}: name is {card.name!r}; it must be the file's name without .toml")
    if not card.address.startswith("https://"):
        raise InputError(f"{file}: address is {card.address!r}; it must begin with https://")
    if bool(card.tasks) == (card.all_other_columns is not None):
        raise InputError(f"{file}: give either tasks or all_other_columns")
    suited = [metric.name for metric in METRICS.values() if metric.kind == card.kind]
    if card.metric not in suited:
        near = did_you_mean(card.metric, suited)
        raise InputError(f"{file}: metric is {card.metric!r}; {near}it must be one of {', '.join(map(repr, suited))}")
    return card
