"""The interface of a tabular learner: what it fits, what a fit may take, and the model that comes out.

A learner's module holds all of it and exposes one value, `LEARNER`, by which `molgraph.learners.registry` finds it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from molgraph.config.training import Loss
from molgraph.learners.member_rows import MemberRows
from molgraph.results.tasks import TaskKind


class TabularModel(Protocol):
    """M members that predict T tasks from the columns of a molecule."""

    @property
    def n_members(self) -> int:
        """M."""

    def fits(self, n_columns: int) -> bool:
        """Whether it can read rows of so many columns."""

    def predict(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Values, or probabilities of the class 1, `[M, B, T]`, of rows `columns [B, F]`, or `[M, B, F]` for each."""

    def predict_with_variance(self, columns: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """What `predict` gives, and the epistemic variance of each member, `[M, B, T]`; None where it has none."""

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """As they are stored."""


@dataclass(frozen=True)
class TabularOutputs:
    """Predictions of a tabular model in the units that it learned.

    Attributes:
        mean: `[M, B, T]`.
        epistemic_var: `[M, B, T]` variance that a member attributes to its own ignorance; None where it has none.
    """

    mean: NDArray[np.float64]
    epistemic_var: NDArray[np.float64] | None


@dataclass(frozen=True)
class TabularData:
    """What a learner fits.

    Attributes:
        columns: `[B, F]` numbers of each molecule.
        labels: `[B, T]`, NaN = not measured.
        weights: `[B]` how much each row counts.
        kinds: Kind of each of the T tasks.
        loss: What is made small where values are learned; forests and processes know squared errors only.
    """

    columns: NDArray[np.float32]
    labels: NDArray[np.float64]
    weights: NDArray[np.float64]
    kinds: tuple[TaskKind, ...]
    loss: Loss = "squared"


def never() -> bool:
    """No."""
    return False


def no_listener(_share: float) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class FitLimits:
    """What a fit may take.

    Attributes:
        threads: Threads that share its work.
        is_stopped: Whether the fit is to end; one that takes long asks now and then, and ends by raising
            `concurrent.futures.CancelledError`.
        on_share: Takes the share of the fit's work that is newly done, after each task.
    """

    threads: int = 1
    is_stopped: Callable[[], bool] = never
    on_share: Callable[[float], None] = no_listener


#: Fits one member: takes the data, the rows of the member, a seed, and what it may take. The model has that member
#: alone. The same arguments give the same model, on any number of threads.
Fit = Callable[[TabularData, MemberRows, int, FitLimits], TabularModel]


@dataclass(frozen=True)
class TabularLearner:
    """A learner of columns; its module's `LEARNER`.

    Attributes:
        fit: Fits one member.
        from_arrays: Takes arrays, the kinds of the tasks and M, and gives the model that `to_arrays` took apart; raises
            ValueError where they do not fit.
        join: Makes one model of the members of several.
    """

    fit: Fit
    from_arrays: Callable[[Mapping[str, NDArray[Any]], tuple[TaskKind, ...], int], TabularModel]
    join: Callable[[Sequence[Any]], TabularModel]
