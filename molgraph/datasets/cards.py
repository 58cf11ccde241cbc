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
from typing import Any, get_args

from molgraph.config.training import FoldSplit
from molgraph.errors import InputError
from molgraph.metrics.scores import METRICS
from molgraph.results.tasks import Direction, TaskKind, TaskSpec
from molgraph.storage.decode import decode_toml

#: Keys of a card: name to (type of the value, whether it may be left out).
_KEYS: Mapping[str, tuple[type, bool]] = MappingProxyType(
    {
        "name": (str, False),
        "title": (str, False),
        "address": (str, False),
        "mirror": (str, False),
        "sha256": (str, False),
        "rows": (int, False),
        "smiles_columns": (list, False),
        "id_column": (str, True),
        "kind": (str, False),
        "metric": (str, False),
        "split": (str, False),
        "licence": (str, False),
        "source": (str, False),
        "citation": (str, False),
        "defects": (list, False),
        "tasks": (list, True),
        "all_other_columns": (dict, True),
    }
)


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
        id_column: Column of identifiers, or None.
        kind: Kind of all its tasks.
        tasks: The tasks; empty if the labels are all other columns.
        n_tasks: Number of tasks.
        direction: Direction of tasks that are not listed one by one.
        metric: Metric that MoleculeNet recommends, a name in `molgraph.metrics.scores.METRICS`.
        split: Split that MoleculeNet recommends.
        licence: Terms of the file and of the data in it.
        source: Where the data come from.
        citation: What to cite.
        defects: Known traps and faults.
    """

    name: str
    title: str
    address: str
    mirror: str
    sha256: str
    rows: int
    smiles_columns: tuple[str, ...]
    id_column: str | None
    kind: TaskKind
    tasks: tuple[TaskSpec, ...]
    n_tasks: int
    direction: Direction | None
    metric: str
    split: FoldSplit
    licence: str
    source: str
    citation: str
    defects: tuple[str, ...]

    def smiles_column(self, columns: Sequence[str]) -> str | None:
        """The column of structures among those of a file, or None."""
        return next((name for name in self.smiles_columns if name in columns), None)

    def tasks_in(self, columns: Sequence[str]) -> tuple[TaskSpec, ...]:
        """The tasks of a file with these columns."""
        if self.tasks:
            return self.tasks
        rest = [name for name in columns if name not in self.smiles_columns and name != self.id_column]
        return tuple(TaskSpec(name, self.kind, None, self.direction) for name in rest)

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
    _check_fields(fields, file)
    kind: TaskKind = fields["kind"]
    rest = fields.get("all_other_columns", {"count": len(fields.get("tasks", ())), "direction": None})
    return DatasetCard(
        name=fields["name"],
        title=fields["title"],
        address=fields["address"],
        mirror=fields["mirror"],
        sha256=fields["sha256"],
        rows=fields["rows"],
        smiles_columns=tuple(fields["smiles_columns"]),
        id_column=fields.get("id_column"),
        kind=kind,
        tasks=tuple(
            TaskSpec(task["name"], kind, task.get("unit"), task.get("direction")) for task in fields.get("tasks", ())
        ),
        n_tasks=rest["count"],
        direction=rest["direction"],
        metric=fields["metric"],
        split=fields["split"],
        licence=fields["licence"],
        source=fields["source"],
        citation=fields["citation"],
        defects=tuple(fields["defects"]),
    )


def _check_fields(fields: Mapping[str, Any], file: str) -> None:
    _check_keys(fields, set(_KEYS), {key for key, (_, optional) in _KEYS.items() if not optional}, file)
    for key, value in fields.items():
        if not isinstance(value, _KEYS[key][0]):
            raise InputError(f"{file}: {key} is {value!r}; a value of type {_KEYS[key][0].__name__} is needed")
    if fields["name"] != file.removesuffix(".toml"):
        raise InputError(f"{file}: name is {fields['name']!r}; it must be the file's name without .toml")
    if not fields["address"].startswith("https://"):
        raise InputError(f"{file}: address is {fields['address']!r}; it must begin with https://")
    if ("tasks" in fields) == ("all_other_columns" in fields):
        raise InputError(f"{file}: give either tasks or all_other_columns")
    _check_choice(fields["kind"], get_args(TaskKind), "kind", file)
    _check_choice(fields["split"], get_args(FoldSplit), "split", file)
    _check_choice(fields["metric"], [m.name for m in METRICS.values() if m.kind == fields["kind"]], "metric", file)
    for task in fields.get("tasks", ()):
        _check_keys(task, {"name", "unit", "direction"}, {"name"}, f"{file}: tasks")
        _check_choice(task.get("direction"), (None, *get_args(Direction)), "direction", file)
    if "all_other_columns" in fields:
        rest = fields["all_other_columns"]
        _check_keys(rest, {"count", "direction"}, {"count", "direction"}, f"{file}: all_other_columns")
        _check_choice(rest["direction"], get_args(Direction), "direction", file)


def _check_keys(fields: Mapping[str, Any], allowed: set[str], required: set[str], where: str) -> None:
    for problem, keys in (("unknown", set(fields) - allowed), ("missing", required - set(fields))):
        if keys:
            raise InputError(f"{where}: {problem} {', '.join(sorted(keys))}; allowed: {', '.join(sorted(allowed))}")


def _check_choice(value: object, allowed: Sequence[object], key: str, file: str) -> None:
    if value not in allowed:
        raise InputError(f"{file}: {key} is {value!r}; choose one of: {', '.join(map(str, allowed))}")
