"""What a column of labels means."""

from dataclasses import dataclass
from typing import Literal

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
    """

    name: str
    kind: TaskKind
    unit: str | None = None
    direction: Direction | None = None
