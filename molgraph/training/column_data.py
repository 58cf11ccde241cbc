"""What a learner of columns fits, and how it is called."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.config.training import Loss
from molgraph.models.committee import ColumnModel
from molgraph.results.tasks import TaskKind
from molgraph.training.plan import MemberPlan


@dataclass(frozen=True)
class ColumnData:
    """What a learner fits.

    Attributes:
        columns: `[B, F]` numbers of each molecule.
        labels: `[B, T]`, NaN = not measured.
        weights: `[B]` how much each row counts.
        kinds: Kind of each of the T tasks.
        loss: What is made small where values are learned; forests and processes know squared errors only.
        bounds: `[2, B, T]` values that unmeasured labels lie above and below, NaN = no bound; None for none.
    """

    columns: NDArray[np.float32]
    labels: NDArray[np.float64]
    weights: NDArray[np.float64]
    kinds: tuple[TaskKind, ...]
    loss: Loss = "squared"
    bounds: NDArray[np.float64] | None = None


def never() -> bool:
    """No."""
    return False


def nobody(_share: float) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class FitLimits:
    """What a fit may take.

    Attributes:
        threads: Threads that share its work.
        is_stopped: Whether nobody wants it any more; a fit that takes long asks now and then, and ends by raising
            `concurrent.futures.CancelledError`.
        on_share: Takes the share of the fit's work that is newly done, after each task.
    """

    threads: int = 1
    is_stopped: Callable[[], bool] = never
    on_share: Callable[[float], None] = nobody


#: Fits one member: takes the data, the rows of the member, a seed, and what it may take. The model has that member
#: alone.
Fit = Callable[[ColumnData, MemberPlan, int, FitLimits], ColumnModel]
