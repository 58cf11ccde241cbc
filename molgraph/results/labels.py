"""Labels: what was measured of molecules, and the bounds of censored values (`>10`)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgraph.errors import InputError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Rows of the first axis, as numpy takes them.
Rows = int | slice | Sequence[int] | NDArray[np.int64] | NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of B molecules and T tasks.

    A value is measured (`values`), censored (not measured, and known to lie above `lower`, below `upper` or between
    both), or missing. Other axes may stand before or instead of these: `[M, B, T]` of the members of an ensemble, or
    `[B]` of one task.

    Attributes:
        values: `[B, T]` measured values and classes 0 and 1; NaN = not measured.
        lower: `[B, T]` what unmeasured values lie above, NaN = no bound; None where no value is censored.
        upper: `[B, T]` what they lie below; None where `lower` is.

    Raises:
        InputError: One of the bounds is given without the other, or has another shape than the values.

    Example:
        >>> nan = np.nan
        >>> labels = Labels(np.array([[7.2], [nan], [nan]]), np.array([[nan], [5.0], [nan]]), np.full((3, 1), nan))
        >>> labels.is_measured[:, 0].tolist(), labels.is_censored[:, 0].tolist()
        ([True, False, False], [False, True, False])
        >>> labels.take([1, 0]).lower.tolist()
        [[5.0], [nan]]
    """

    values: Floats
    lower: Floats | None = None
    upper: Floats | None = None

    def __post_init__(self) -> None:
        if (self.lower is None) != (self.upper is None):
            raise InputError("labels have bounds on one side alone; give both, NaN where there is none, or neither")
        shapes = [side.shape for side in (self.values, self.lower, self.upper) if side is not None]
        if len(set(shapes)) > 1:
            raise InputError(f"labels {shapes[0]} got bounds {shapes[1]} and {shapes[2]}; all three need one shape")

    def __len__(self) -> int:
        """Length of the first axis, B."""
        return len(self.values)

    @property
    def n_tasks(self) -> int:
        """T, the length of the last axis."""
        return int(self.values.shape[-1])

    @property
    def bounds(self) -> tuple[Floats, Floats]:
        """`lower` and `upper`, also where no value is censored: then all NaN, read-only and without memory of its own.

        >>> Labels(np.zeros((1, 2))).bounds[0].tolist()
        [[nan, nan]]
        """
        if self.lower is None or self.upper is None:
            none = np.broadcast_to(np.float64(np.nan), self.values.shape)
            return none, none
        return self.lower, self.upper

    @property
    def measured(self) -> Floats:
        """The values alone, without NaN, `[n]`.

        >>> Labels(np.array([[1.0, np.nan], [3.0, 4.0]])).task(1).measured.tolist()
        [4.0]
        """
        return self.values[~np.isnan(self.values)]

    @property
    def is_measured(self) -> Bools:
        """`[B, T]` whether there is a value."""
        return np.asarray(~np.isnan(self.values))

    @property
    def is_censored(self) -> Bools:
        """`[B, T]` whether there is a bound, and no value."""
        if self.lower is None or self.upper is None:
            return np.zeros(self.values.shape, dtype=np.bool_)
        return np.asarray(np.isnan(self.values) & ~(np.isnan(self.lower) & np.isnan(self.upper)))

    @property
    def is_known(self) -> Bools:
        """`[B, T]` whether there is a value or a bound."""
        return self.is_measured if self.lower is None else self.is_measured | self.is_censored

    def map(self, function: Callable[[Floats], Floats]) -> "Labels":
        """The same function of values and bounds: an increasing map, or a choice of some of them.

        >>> Labels(np.array([[1.0, 10.0]])).map(np.log10).values.tolist()
        [[0.0, 1.0]]
        """
        if self.lower is None or self.upper is None:
            return Labels(function(self.values))
        return Labels(function(self.values), function(self.lower), function(self.upper))

    def take(self, rows: Rows) -> "Labels":
        """Rows of the first axis, in that order; `rows [Q, K]` give labels `[Q, K, T]`."""
        return self.map(lambda array: array[rows])

    def for_tasks(self, columns: Sequence[int] | slice) -> "Labels":
        """Some of the tasks, in that order.

        >>> Labels(np.array([[1.0, 2.0, 3.0]])).for_tasks([2, 0]).values.tolist()
        [[3.0, 1.0]]
        """
        return self.map(lambda array: array[..., columns])

    def task(self, column: int) -> "Labels":
        """One task, `[B]`.

        >>> Labels(np.array([[1.0, 2.0], [3.0, 4.0]])).task(1).values.tolist()
        [2.0, 4.0]
        """
        return self.map(lambda array: array[..., column])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """As they are stored: `labels [B, T]`, and `bounds [2, B, T]` where there are any."""
        if self.lower is None or self.upper is None:
            return {"labels": self.values}
        return {"labels": self.values, "bounds": np.stack([self.lower, self.upper])}


def labels_from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Labels:
    """The labels that `Labels.to_arrays` took apart, from arrays whose types and shapes were checked.

    >>> labels_from_arrays({"labels": np.zeros((3, 1)), "bounds": np.ones((2, 3, 1))}).upper.tolist()
    [[1.0], [1.0], [1.0]]
    """
    bounds = arrays.get("bounds")
    return Labels(arrays["labels"]) if bounds is None else Labels(arrays["labels"], bounds[0], bounds[1])


def labels_of_columns(columns: Sequence[Labels]) -> Labels:
    """Labels `[B, T]` of T columns `[B]`.

    >>> ages = Labels(np.array([1.0, np.nan]), np.array([np.nan, 5.0]), np.array([np.nan, np.nan]))
    >>> both = labels_of_columns([Labels(np.array([3.0, 4.0])), ages])
    >>> both.values.tolist(), both.lower.tolist()
    ([[3.0, 1.0], [4.0, nan]], [[nan, nan], [nan, 5.0]])
    """
    values = np.column_stack([column.values for column in columns])
    if all(column.lower is None for column in columns):
        return Labels(values)
    return Labels(values, *(np.column_stack([column.bounds[side] for column in columns]) for side in (0, 1)))
