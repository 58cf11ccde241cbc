"""All members of an ensemble: in one pass on a GPU, side by side on the cores of a CPU."""

import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from molgraph.config.training import TrainConfig
from molgraph.errors import TrainingError
from molgraph.learners.member_rows import MemberRows
from molgraph.models.precision import members_per_pass
from molgraph.parallel.cpu import usable_cores
from molgraph.training.checkpoint import Checkpoint
from molgraph.training.loop import TrainedMembers, TrainingData, stack_members, train_pass
from molgraph.training.training_progress import ProgressListener, TrainProgress


def train_members(
    data: TrainingData,
    plans: list[MemberRows],
    config: TrainConfig,
    *,
    dtype: torch.dtype,
    checkpoint: Checkpoint | None,
    on_progress: ProgressListener,
) -> TrainedMembers:
    """All members after training, side by side on the CPU.

    On a CPU each member trains on a core of its own, in a thread: members need nothing of each other, while the
    threads inside one product wait for each other after every layer. With dropout they train one after the other,
    because its random numbers come from a generator that threads share.

    Raises:
        TrainingError: A loss is not finite, or the checkpoint does not fit.
    """
    device = data.graphs.device
    size = members_per_pass(config.members_per_pass, len(plans), device)
    parts = [plans[start : start + size] for start in range(0, len(plans), size)]
    lanes = 1 if device.type == "cuda" or config.model.dropout > 0 else min(len(parts), usable_cores())
    progress = _Progress(config.n_epochs, config.n_epochs * sum(len(plan.train_rows) for plan in plans), on_progress)

    def train_part(part: list[MemberRows]) -> TrainedMembers:
        members = tuple(plan.member for plan in part)

        def report(epoch: int, molecules: int, inner_loss: float | None) -> None:
            progress.step(members, epoch, molecules, inner_loss)

        return train_pass(data, part, config, dtype=dtype, checkpoint=checkpoint, on_step=report)

    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda), threads_per_lane(lanes), ThreadPoolExecutor(lanes) as pool:
        futures = [pool.submit(train_part, part) for part in parts]
        try:
            finished, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in finished:
                future.result()  # raises at once what a member raised, whatever the others still do
            passes = [future.result() for future in futures]
        except BaseException:  # also an interrupt: end the other members before leaving
            progress.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return TrainedMembers(
        network=stack_members([trained.network.cpu() for trained in passes]).eval(),
        best_epochs=tuple(epoch for trained in passes for epoch in trained.best_epochs),
    )


@contextmanager
def threads_per_lane(lanes: int) -> Iterator[None]:
    """Leave each lane its share of torch's threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, before // lanes))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass
class _Progress:
    """Adds up the steps of all lanes."""

    epochs: int
    total: int
    listener: ProgressListener
    done: int = 0
    stopped: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self, members: tuple[int, ...], epoch: int, molecules: int, inner_loss: float | None) -> None:
        with self.lock:
            if self.stopped:
                raise TrainingError("training was stopped because another member failed")
            self.done += molecules
            self.listener(
                TrainProgress(
                    members=members,
                    epoch=epoch,
                    epochs=self.epochs,
                    molecules_done=min(self.done, self.total),
                    molecules_total=self.total,
                    inner_loss=inner_loss,
                )
            )

    def stop(self) -> None:
        with self.lock:
            self.stopped = True
