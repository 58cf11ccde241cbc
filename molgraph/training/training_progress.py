"""Progress of a training, and its listeners."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from molgraph.config.learners import LearnerName

#: The learners in their order, and before them the descriptors that some of them read.
StageName = LearnerName | Literal["descriptors"]


@dataclass(frozen=True)
class TrainProgress:
    """Where training is.

    Attributes:
        members: Numbers of the members in this pass; none while descriptors are computed.
        epoch: Epochs done in this pass.
        epochs: Epochs of a pass, at most.
        molecules_done: Molecules trained on so far, over all members.
        molecules_total: Molecules that the whole training will take, at most.
        inner_loss: Mean of the members' best loss on inner rows so far; None before there is one.
        task: Tasks of this member that are fitted, by learners that fit one after the other; 0 by others.
        tasks: Tasks of a member.
        learner: What is trained, or `descriptors` while RDKit computes what some learners read; each counts its
            molecules from 0, and learners that are not networks an epoch for each member.
        share: Share of the work of the whole training that is done, by what its stages are known to take.
    """

    members: tuple[int, ...]
    epoch: int
    epochs: int
    molecules_done: int
    molecules_total: int
    inner_loss: float | None
    learner: StageName = "network"
    task: int = 0
    tasks: int = 1
    share: float = 0.0


ProgressListener = Callable[[TrainProgress], None]


def silent(progress: TrainProgress) -> None:
    """Listen to nothing."""
