"""What changes while a pass of members trains: what is saved, and what training goes on from."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molgraph.models.network import Network
from molgraph.training.checkpoint import Checkpoint, below, restore_state, state_tensors


@dataclass
class PassState:
    """M members in training; all that a checkpoint has to hold.

    Attributes:
        network: The members as they are now.
        optimizer: The optimizer with its moments.
        best_weights: State of the network with the best weights of each member so far.
        best_loss: `[M]` inner loss of these weights; NaN for a member without inner labels.
        best_epoch: `[M]` epoch after which a member had these weights; 0 for its first ones.
        epoch: Epochs done.
    """

    network: Network
    optimizer: torch.optim.AdamW
    best_weights: dict[str, Tensor]
    best_loss: NDArray[np.float64]
    best_epoch: NDArray[np.int64]
    epoch: int = 0

    def has_stopped(self, patience: int | None) -> NDArray[np.bool_]:
        """Whether the last `patience` epochs brought a member nothing, `[M]`."""
        if patience is None:
            return np.zeros(len(self.best_epoch), dtype=np.bool_)
        return self.epoch - self.best_epoch >= patience

    def keep_best(self, losses: NDArray[np.float64], patience: int | None) -> None:
        """Keep the weights of each member whose inner loss `[M]` has never been lower, or is NaN.

        A member that had stopped before this epoch keeps what it has: it only waits for the others of its pass.
        """
        had_stopped = np.zeros(len(losses), dtype=np.bool_)
        if patience is not None:
            had_stopped = self.epoch - 1 - self.best_epoch >= patience
        is_better = ~had_stopped & (np.isnan(losses) | (losses < self.best_loss))
        current = self.network.state_dict()
        for m in np.flatnonzero(is_better).tolist():
            self.best_loss[m], self.best_epoch[m] = losses[m], self.epoch
            for key, tensor in current.items():
                self.best_weights[key][m].copy_(tensor[m])

    def save(self, checkpoint: Checkpoint, name: str) -> None:
        """Write everything under `name`."""
        tensors = state_tensors(self.network, self.optimizer)
        tensors |= {f"best.{key}": tensor for key, tensor in self.best_weights.items()}
        record = {"epoch": self.epoch, "best_loss": self.best_loss.tolist(), "best_epoch": self.best_epoch.tolist()}
        checkpoint.save(name, tensors, record)

    def restore(self, checkpoint: Checkpoint, name: str) -> None:
        """Take over what was saved under `name`; nothing changes where nothing was.

        Raises:
            TrainingError: The file is damaged, or belongs to other data, settings or versions.
        """
        saved = checkpoint.load(name)
        if saved is None:
            return
        tensors, record = saved
        device = self.network.target_mean.device
        restore_state(tensors, self.network, self.optimizer)
        self.best_weights = {key: tensor.to(device) for key, tensor in below(tensors, "best.").items()}
        self.epoch = record["epoch"]
        self.best_loss = np.array(record["best_loss"], dtype=np.float64)
        self.best_epoch = np.array(record["best_epoch"], dtype=np.int64)
