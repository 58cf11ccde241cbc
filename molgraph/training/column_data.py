"""What a learner of columns fits, and how it is called."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.config import Loss
from molgraph.models.committee import ColumnModel
from molgraph.tasks import TaskKind
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


#: Fits one member: takes the data, the rows of the member, a seed, and the number of threads that share the work. The
#: model has that member alone.
Fit = Callable[[ColumnData, MemberPlan, int, int], ColumnModel]
