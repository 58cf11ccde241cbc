"""What a column of labels means."""

import math
from dataclasses import dataclass
from typing import Literal

from molgraph.errors import InputError

TaskKind = Literal["regression", "classification"]
Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class TaskSpec:
    """One predicted quantity.

    Attributes:
        name: Column name in the table, and prefix of the output columns.
        kind: `regression` (a real number) or `classification` (0 or 1).
        unit: Unit of the values as printed in headers, e.g. `log10(mol/L)`; None if unitless or unknown.
        direction: Which way is better; None if nobody has said.
        lowest: The least value that the quantity can have, e.g. 0 for per cent; None if there is none.
        highest: The largest value that it can have; None if there is none.
        class_names: What the classes 0 and 1 are called, e.g. `("inactive", "active")`; None if nobody has said.

    Raises:
        InputError: `lowest` is not below `highest`, or `class_names` are not two different words.
    """

    name: str
    kind: TaskKind
    unit: str | None = None
    direction: Direction | None = None
    lowest: float | None = None
    highest: float | None = None
    class_names: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        low = -math.inf if self.lowest is None else self.lowest
        high = math.inf if self.highest is None else self.highest
        if not low < high:
            raise InputError(f"task {self.name!r} has values from {low} to {high}; lowest must be below highest")
        if self.class_names is not None and (len(self.class_names), len(set(self.class_names))) != (2, 2):
            raise InputError(f"task {self.name!r} has the classes {self.class_names!r}; give two different names")
