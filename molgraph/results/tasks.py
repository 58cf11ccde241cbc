"""Task specifications: what a column of labels means."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from molgraph.errors import InputError

TaskKind = Literal["regression", "classification"]
Direction = Literal["maximize", "minimize"]

#: Names of the classes 0 and 1 where none are given.
DEFAULT_CLASS_NAMES = ("inactive", "active")

#: Calls that name no class: either may be right, or neither looks like its calibration compounds.
UNCERTAIN, ATYPICAL = "uncertain", "atypical"


@dataclass(frozen=True)
class TaskSpec:
    """One predicted quantity.

    Attributes:
        name: Column name in the table, and prefix of the output columns.
        kind: `regression` (a real number) or `classification` (0 or 1).
        unit: Unit of the values as printed in headers, e.g. `log10(mol/L)`; None if unitless or unknown.
        direction: Which way is better; None if unknown.
        lowest: The least value that the quantity can have, e.g. 0 for per cent; None if there is none.
        highest: The largest value that it can have; None if there is none.
        class_names: Names of the classes 0 and 1, e.g. `("inactive", "active")`; None if not given.

    Raises:
        InputError: `lowest` is not below `highest`, or `class_names` are not two different names.
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
        if {UNCERTAIN, ATYPICAL, ""} & {*(self.class_names or ())}:
            raise InputError(
                f"task {self.name!r} has the classes {self.class_names!r}; {UNCERTAIN!r} and {ATYPICAL!r} are reserved "
                "for calls, so give other names"
            )

    @property
    def range(self) -> tuple[float, float]:
        """Least and largest value that the quantity can have; infinite where there is none.

        >>> TaskSpec("yield", "regression", lowest=0.0).range
        (0.0, inf)
        """
        return (-math.inf if self.lowest is None else self.lowest, math.inf if self.highest is None else self.highest)

    @property
    def calls(self) -> tuple[str, str, str, str]:
        """Labels for no class, class 0 alone, class 1 alone and either of them, in this order."""
        return (ATYPICAL, *(self.class_names or DEFAULT_CLASS_NAMES), UNCERTAIN)


def are_labels_of(kinds: Sequence[TaskKind], labels: NDArray[np.float64]) -> bool:
    """Whether `labels [B, T]` are valid for tasks of these kinds: 0, 1 or NaN for classes, nothing infinite for values.

    >>> [are_labels_of(["classification"], np.array([[1.0], [other]])) for other in (0.0, np.nan, 2.0)]
    [True, True, False]
    """
    is_class = np.array([kind == "classification" for kind in kinds])
    class_labels = labels[:, is_class]
    return not np.isinf(labels).any() and bool(np.isin(class_labels[~np.isnan(class_labels)], (0.0, 1.0)).all())


def ranges(tasks: Sequence[TaskSpec]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and largest possible value of each task, `[T]` each; infinite where there is none.

    >>> [ends.tolist() for ends in ranges([TaskSpec("yield", "regression", lowest=0, highest=100)])]
    [[0.0], [100.0]]
    """
    ends = np.array([task.range for task in tasks], dtype=np.float64).reshape(-1, 2)
    return ends[:, 0], ends[:, 1]
