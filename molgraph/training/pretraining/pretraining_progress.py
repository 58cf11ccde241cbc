"""Progress of a pretraining, and its listeners."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

#: The three steps: read and compare structures, compute their targets, learn these.
Stage = Literal["collect", "describe", "train"]


@dataclass(frozen=True)
class PretrainProgress:
    """Where pretraining is.

    Attributes:
        stage: What is done now.
        molecules_done: Molecules so far; in training each as often as it was learned from.
        molecules_total: Molecules when the stage is done; None where that is not known.
        epoch: Epochs of training done.
        epochs: All epochs.
        loss: Mean loss since the last report; None outside of training.
    """

    stage: Stage
    molecules_done: int
    molecules_total: int | None
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None


PretrainListener = Callable[[PretrainProgress], None]


def silent(progress: PretrainProgress) -> None:
    """Listen to nothing."""
