"""The pretraining loop: from fresh weights through all shards, a number of times."""

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molgraph.config.training import PretrainConfig
from molgraph.errors import TrainingError
from molgraph.features.schema import SCHEMA
from molgraph.graphs import PackedGraphs, concatenate
from molgraph.models.batch import ResidentGraphs
from molgraph.models.pretrainer import Pretrainer
from molgraph.parallel.cpu import default_processes
from molgraph.training.checkpoint import Checkpoint, restore_state, state_tensors
from molgraph.training.members import threads_per_lane
from molgraph.training.pretraining.pretraining_progress import PretrainListener, PretrainProgress, silent
from molgraph.training.pretraining.pretraining_targets import FARTHEST, UNKNOWN, block_slices, target_names
from molgraph.training.pretraining.shards import ShardedCorpus, load_shard
from molgraph.training.schedule import one_cycle

#: Least seconds between two checkpoints.
CHECKPOINT_SECONDS = 60.0

#: Held-out molecules that are evaluated at once.
_JUDGED_AT_ONCE = 256

#: A unit of the encoder that varies less than this share of the mean one is scaled as if it varied so much.
_LEAST_SHARE = 0.05

_STATE = "pretraining"
_STEPS = 127 / FARTHEST


@dataclass(frozen=True)
class Piece:
    """Molecules that are on the device together.

    Attributes:
        graphs: B of them.
        targets: `[B, F]` int8 as stored.
    """

    graphs: ResidentGraphs
    targets: Tensor


def train_pretrainer(
    corpus: ShardedCorpus,
    config: PretrainConfig,
    *,
    device: torch.device,
    dtype: torch.dtype,
    checkpoint: Checkpoint | None = None,
    on_progress: PretrainListener = silent,
) -> Pretrainer:
    """The network after all epochs.

    Args:
        corpus: What to learn from.
        config: Settings.
        device: Where to compute.
        dtype: Number format of the products.
        checkpoint: Where the state is saved now and then, and read first; None to do neither.
        on_progress: Called after each piece of the corpus.

    Raises:
        TrainingError: The loss is not finite, a shard is damaged, or the checkpoint does not fit.
    """
    model = Pretrainer(
        config.model,
        SCHEMA.vocabulary,
        len(target_names()),
        hidden=config.decoder_hidden,
        mean_atoms=corpus.mean_atoms,
        seed=config.seed,
    ).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.peak_lr, weight_decay=config.weight_decay, fused=True)
    pieces = _Pieces(corpus, device)
    steps = [-(-size // config.batch_size) for size in pieces.sizes]
    total = config.epochs * sum(steps)
    position, step = _restored(model, optimizer, checkpoint)
    saved_at = time.monotonic()
    n_lanes = 1 if device.type == "cuda" else default_processes()
    with threads_per_lane(n_lanes), ThreadPoolExecutor(n_lanes) as pool:
        steps_of = _Step(_Lanes(model, n_lanes), pool, optimizer, block_weights(device), config, dtype)
        while position < config.epochs * len(pieces):
            epoch, place = divmod(position, len(pieces))
            order = np.random.default_rng([config.seed, epoch]).permutation(len(pieces))
            piece = pieces.load(int(order[place]))
            losses = []
            rows = np.random.default_rng([config.seed, epoch, place]).permutation(len(piece.graphs))
            for start in range(0, len(rows), config.batch_size):
                for group in optimizer.param_groups:
                    group["lr"] = one_cycle(step, total, config.peak_lr)
                losses.append(steps_of.take(piece, rows[start : start + config.batch_size], step))
                step += 1
            position += 1
            loss = float(torch.stack(losses).mean())
            if not np.isfinite(loss):
                raise TrainingError(
                    f"the loss is {loss} in epoch {epoch + 1}; lower the learning rate (peak_lr is {config.peak_lr})"
                )
            on_progress(
                PretrainProgress(
                    "train",
                    round(step / total * config.epochs * corpus.n_train),
                    config.epochs * corpus.n_train,
                    epoch=position // len(pieces),
                    epochs=config.epochs,
                    loss=loss,
                )
            )
            if checkpoint is not None and time.monotonic() - saved_at >= CHECKPOINT_SECONDS:
                _save(model, optimizer, checkpoint, position, step)
                saved_at = time.monotonic()
    if checkpoint is not None:
        _save(model, optimizer, checkpoint, position, step)
    return model.eval()


def held_out_r2(
    model: Pretrainer, corpus: ShardedCorpus, *, device: torch.device, dtype: torch.dtype
) -> NDArray[np.float64]:
    """R² of each target on held-out molecules, `[F]`; NaN where it does not vary."""
    n_targets = len(target_names())
    squares, sums, errors, counts = (np.zeros(n_targets) for _ in range(4))
    for name in corpus.held_out:
        graphs, stored = load_shard(corpus.folder, name)
        resident = ResidentGraphs(graphs, device)
        outputs: list[NDArray[np.float64]] = []
        with torch.inference_mode():
            outputs += [model(resident.batch(rows[None]), dtype).double().cpu().numpy() for rows in _in_order(graphs)]
        is_known = stored != UNKNOWN
        true = np.where(is_known, stored / _STEPS, 0.0)
        errors += np.where(is_known, (np.concatenate(outputs) - true) ** 2, 0.0).sum(axis=0)
        squares += (true**2).sum(axis=0)
        sums += true.sum(axis=0)
        counts += is_known.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = squares - sums**2 / counts
        return np.where(variance > 1e-9, 1.0 - errors / variance, np.nan)


def vector_scaling(
    model: Pretrainer, corpus: ShardedCorpus, *, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the encoder's vectors over held-out molecules, `[H]` each."""
    found = []
    for name in corpus.held_out:
        graphs, _ = load_shard(corpus.folder, name)
        resident = ResidentGraphs(graphs, device)
        with torch.inference_mode():
            found += [model.encoder(resident.batch(rows[None]), dtype)[0].double().cpu() for rows in _in_order(graphs)]
    vectors = torch.cat(found)
    deviation = vectors.std(0, unbiased=False)
    # A unit that is hardly ever on must not outweigh all others by its rare values.
    return vectors.mean(0).float(), deviation.clamp(min=_LEAST_SHARE * float(deviation.mean()) + 1e-6).float()


def _in_order(graphs: PackedGraphs) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(graphs), _JUDGED_AT_ONCE):
        yield np.arange(start, min(start + _JUDGED_AT_ONCE, len(graphs)))


def block_weights(device: torch.device) -> Tensor:
    """`[F]` weight of each target, so that all blocks count the same; they add up to 1."""
    slices = block_slices()
    weight = torch.zeros(len(target_names()), device=device)
    for own in slices.values():
        weight[own] = 1.0 / (len(slices) * (own.stop - own.start))
    return weight


class _Pieces:
    """The training molecules: all of them on a GPU, which has the memory; one shard after the other on a CPU."""

    def __init__(self, corpus: ShardedCorpus, device: torch.device) -> None:
        self._corpus = corpus
        self._device = device
        self._names = [[*corpus.train]] if device.type == "cuda" else [[name] for name in corpus.train]
        self._loaded: tuple[int, Piece] | None = None
        self.sizes = [sum(corpus.train[name] for name in names) for names in self._names]

    def __len__(self) -> int:
        return len(self._names)

    def load(self, place: int) -> Piece:
        """Piece number `place`."""
        if self._loaded is None or self._loaded[0] != place:
            parts = [load_shard(self._corpus.folder, name) for name in self._names[place]]
            graphs = concatenate(graphs for graphs, _ in parts)
            targets = torch.from_numpy(np.concatenate([stored for _, stored in parts])).to(self._device)
            self._loaded = (place, Piece(ResidentGraphs(graphs, self._device), targets))
        return self._loaded[1]


class _Lanes:
    """The same weights on each core of a CPU, in a thread each: a step's molecules are shared between them.

    The threads inside one product wait for each other after every layer; these wait once a step. A GPU has one lane.
    """

    def __init__(self, model: Pretrainer, n_lanes: int) -> None:
        self.models = [model, *(copy.deepcopy(model) for _ in range(n_lanes - 1))]
        for other in self.models[1:]:
            for own, first in zip(other.parameters(), model.parameters(), strict=True):
                own.data = first.data  # the optimizer changes these in place, and all lanes see it

    def gradients(self, losses: Sequence[Callable[[Pretrainer], Tensor]], pool: ThreadPoolExecutor) -> Tensor:
        """The sum of the losses, one for each lane, and in the first model the derivatives of that sum."""

        def part(model: Pretrainer, loss_of: Callable[[Pretrainer], Tensor]) -> Tensor:
            model.zero_grad(set_to_none=True)
            loss = loss_of(model)
            torch.autograd.backward(loss)
            return loss.detach()

        found = [*pool.map(part, self.models, losses)]
        first, *others = (list(model.parameters()) for model in self.models[: len(losses)])
        for own, *theirs in zip(first, *others, strict=True):
            for their in theirs:
                if own.grad is not None and their.grad is not None:
                    own.grad += their.grad
        return torch.stack(found).sum()


@dataclass(frozen=True)
class _Step:
    """What the steps have in common.

    Attributes:
        lanes: Where the model is.
        pool: A thread for each lane.
        optimizer: Of the first lane's weights.
        weight: `[F]` of each target.
        config: Settings.
        dtype: Number format of the products.
    """

    lanes: _Lanes
    pool: ThreadPoolExecutor
    optimizer: torch.optim.AdamW
    weight: Tensor
    config: PretrainConfig
    dtype: torch.dtype

    def take(self, piece: Piece, rows: NDArray[np.int64], step: int) -> Tensor:
        """One step; the loss before it."""
        device = self.weight.device
        stored = piece.targets[torch.from_numpy(rows).to(device)]
        # Seeded by the step, so that a training that goes on hides the same targets as one that was not stopped.
        generator = torch.Generator(device).manual_seed(self.config.seed * 1_000_003 + step)
        is_shown = torch.rand(stored.shape, generator=generator, device=device) >= self.config.hidden_fraction
        share = self.weight * (is_shown & (stored != UNKNOWN))
        share = share / share.sum().clamp(min=1e-12)

        def loss_of(part: NDArray[np.int64]) -> Callable[[Pretrainer], Tensor]:
            chosen = torch.from_numpy(part).to(device)

            def loss(model: Pretrainer) -> Tensor:
                outputs = model(piece.graphs.batch(rows[part][None]), self.dtype)
                squares: Tensor = (outputs - stored[chosen] / _STEPS).square() * share[chosen]
                return squares.sum()

            return loss

        parts = [part for part in np.array_split(np.arange(len(rows)), len(self.lanes.models)) if len(part)]
        total = self.lanes.gradients([loss_of(part) for part in parts], self.pool)
        torch.nn.utils.clip_grad_norm_(self.lanes.models[0].parameters(), self.config.gradient_clip)
        self.optimizer.step()
        return total


def _save(model: Pretrainer, optimizer: torch.optim.AdamW, checkpoint: Checkpoint, position: int, step: int) -> None:
    checkpoint.save(_STATE, state_tensors(model, optimizer), {"position": position, "step": step})


def _restored(model: Pretrainer, optimizer: torch.optim.AdamW, checkpoint: Checkpoint | None) -> tuple[int, int]:
    """Take over what was saved; pieces and steps that were done."""
    saved = None if checkpoint is None else checkpoint.load(_STATE)
    if saved is None:
        return 0, 0
    tensors, record = saved
    restore_state(tensors, model, optimizer)
    return int(record["position"]), int(record["step"])
