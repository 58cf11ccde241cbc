"""The training loop: one pass of members, from fresh weights to the best epoch of each."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molgraph.config.training import TrainConfig
from molgraph.errors import TrainingError
from molgraph.learners.member_rows import MemberRows
from molgraph.models.batch import ResidentGraphs
from molgraph.models.frozen import EncoderWeights
from molgraph.models.network import Network
from molgraph.models.network_shape import NetworkShape
from molgraph.results.labels import Labels
from molgraph.training.checkpoint import Checkpoint
from molgraph.training.pass_state import PassState
from molgraph.training.scaling import column_scaling, positive_weights, target_scaling
from molgraph.training.schedule import learning_rate
from molgraph.training.targets import LearnedTargets

#: Least seconds between two checkpoints.
CHECKPOINT_SECONDS = 5.0


@dataclass(frozen=True)
class TrainingData:
    """What the loop reads: graphs on the device, and their labels.

    Attributes:
        graphs: B molecules.
        targets: Labels of the B molecules, as all members of the ensemble learn them.
        weights: `[B]` weight of each molecule in the loss.
        task_weights: `[T]` weight of each task in the loss.
        shape: Shape of each member's network.
        features: `[B, F]` columns of each molecule that the head reads; None for none.
        encoder: What each member's encoder begins with; None for fresh weights.
    """

    graphs: ResidentGraphs
    targets: LearnedTargets
    weights: NDArray[np.float64]
    task_weights: NDArray[np.float64]
    shape: NetworkShape
    features: NDArray[np.float32] | None = None
    encoder: EncoderWeights | None = None


@dataclass(frozen=True)
class TrainedMembers:
    """Members that have been trained together, and the epoch whose weights each one kept."""

    network: Network
    best_epochs: tuple[int, ...]


def train_pass(
    data: TrainingData,
    plans: list[MemberRows],
    config: TrainConfig,
    *,
    dtype: torch.dtype,
    checkpoint: Checkpoint | None = None,
    on_step: Callable[[int, int, float | None], None] = lambda _epoch, _molecules, _loss: None,
) -> TrainedMembers:
    """The members of `plans` after training, each with the weights of its best epoch.

    Args:
        data: Graphs and labels of all rows.
        plans: Rows of each of the M members.
        config: Settings.
        dtype: Number format of the products.
        checkpoint: Where to save the state and to go on from; None to do neither.
        on_step: Called after each step with the epoch, the molecules of the step and the best inner loss so far.

    Raises:
        TrainingError: A loss is not finite, or the checkpoint does not fit.
    """
    name = f"members-{plans[0].member}-to-{plans[-1].member}"
    state = _start(data, plans, config)
    if checkpoint is not None:
        state.restore(checkpoint, name)
    saved_at = time.monotonic()
    while state.epoch < config.n_epochs and not state.has_stopped(config.patience).all():
        _train_epoch(state, data, plans, config, dtype, on_step)
        _watch(state, data, plans, config, dtype)
        if checkpoint is not None and time.monotonic() - saved_at >= CHECKPOINT_SECONDS:
            state.save(checkpoint, name)
            saved_at = time.monotonic()
    if checkpoint is not None:
        state.save(checkpoint, name)
    state.network.load_state_dict(state.best_weights)
    return TrainedMembers(network=state.network.eval(), best_epochs=tuple(state.best_epoch.tolist()))


def _start(data: TrainingData, plans: list[MemberRows], config: TrainConfig) -> PassState:
    # One by one, so that a member starts the same whoever trains beside it.
    members = [Network(data.shape, seed=_seed(config.seed, plan.member)) for plan in plans]
    network = stack_members(members).to(data.graphs.device)
    targets = data.targets
    known = [targets.labels.values[plan.member][plan.train_rows] for plan in plans]
    scalings = [
        target_scaling(own, data.shape.kinds, targets.is_robust[plan.member])
        for own, plan in zip(known, plans, strict=True)
    ]
    rare = [positive_weights(own, data.shape.kinds, balance=config.balance_classes) for own in known]
    network.set_scaling(
        torch.tensor(np.stack([mean for mean, _ in scalings]), dtype=torch.float32),
        torch.tensor(np.stack([scale for _, scale in scalings]), dtype=torch.float32),
        torch.tensor(np.stack(rare), dtype=torch.float32),
    )
    if network.encoder is not None and data.encoder is None:
        sizes = [data.graphs.atom_counts[plan.train_rows].mean() for plan in plans]
        network.encoder.typical_atoms.copy_(torch.tensor(sizes, dtype=torch.float32))
    elif data.encoder is not None:
        network.begin_with(data.encoder.state, data.encoder.mean, data.encoder.scale)
    if data.features is not None:
        columns = [column_scaling(data.features[plan.train_rows]) for plan in plans]
        network.set_features(
            torch.tensor(np.stack([mean for mean, _ in columns]), dtype=torch.float32),
            torch.tensor(np.stack([scale for _, scale in columns]), dtype=torch.float32),
        )
    # Over the learning rate that the schedule gives: a pretrained encoder begins elsewhere than the layers above it.
    encoder_share = 1.0 if data.encoder is None else config.encoder.lr_factor
    own = [] if network.encoder is None else [*network.encoder.parameters()]
    of_encoder = {*map(id, own)}
    others = [p for p in network.parameters() if id(p) not in of_encoder]
    groups = [{"params": others, "share": 1.0}]
    if own:
        groups.append({"params": own, "share": encoder_share})
    settings = config.optimizer
    optimizer = torch.optim.AdamW(groups, lr=settings.initial_lr, weight_decay=settings.weight_decay, fused=True)
    return PassState(
        network=network,
        optimizer=optimizer,
        best_loss=np.full(len(plans), np.inf),
        best_epoch=np.zeros(len(plans), dtype=np.int64),
        best_weights={key: tensor.clone() for key, tensor in network.state_dict().items()},
    )


def stack_members(members: list[Network]) -> Network:
    """One network that holds all members side by side."""
    stacked = Network(members[0].shape, sum(member.n_members for member in members))
    states = [member.state_dict() for member in members]
    stacked.load_state_dict({key: torch.cat([state[key] for state in states]) for key in states[0]})
    return stacked


def _train_epoch(  # noqa: PLR0917
    state: PassState,
    data: TrainingData,
    plans: list[MemberRows],
    config: TrainConfig,
    dtype: torch.dtype,
    on_step: Callable[[int, int, float | None], None],
) -> None:
    network, device = state.network.train(), data.graphs.device
    if config.model.dropout > 0:  # the only random numbers of an epoch; seeded anew, so the same after a resume
        torch.manual_seed(_seed(config.seed, plans[0].member, state.epoch + 1))
    if network.encoder is not None:
        network.encoder.requires_grad_(data.encoder is None or state.epoch >= config.encoder.frozen_epochs)
    order = _epoch_order(plans, config, state.epoch)
    n_steps = -(-order.shape[1] // config.batch_size)
    loss_sum = torch.zeros(len(plans), device=device)
    best_loss = float(np.mean(state.best_loss)) if np.isfinite(state.best_loss).all() else None
    for step in range(n_steps):
        rows = order[:, step * config.batch_size : (step + 1) * config.batch_size]
        rate = learning_rate(state.epoch * n_steps + step, steps_per_epoch=n_steps, config=config)
        for group in state.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        state.optimizer.zero_grad(set_to_none=True)
        losses = _losses(network, data, plans, rows, dtype)
        torch.autograd.backward(losses.sum())
        clip_gradients(network, config.optimizer.gradient_clip)
        state.optimizer.step()
        loss_sum += losses.detach()
        on_step(state.epoch, rows.size, best_loss)
    state.epoch += 1
    _refuse_non_finite("training loss", loss_sum.tolist(), plans, state.epoch, config)
    largest = [p.detach().flatten(1).abs().amax(1) for p in network.parameters()]
    _refuse_non_finite("largest weight", torch.stack(largest).amax(0).tolist(), plans, state.epoch, config)


def _epoch_order(plans: list[MemberRows], config: TrainConfig, epoch: int) -> NDArray[np.int64]:
    """Training rows of each member in a fresh order, `[M, L]`; shorter members begin again at their start."""
    longest = max(len(plan.train_rows) for plan in plans)
    orders = []
    for plan in plans:
        rng = np.random.default_rng([config.seed, plan.member, epoch])
        orders.append(np.resize(rng.permutation(plan.train_rows), longest))
    return np.stack(orders)


def _losses(  # noqa: PLR0917
    network: Network,
    data: TrainingData,
    plans: list[MemberRows],
    rows: NDArray[np.int64],
    dtype: torch.dtype,
    is_own: NDArray[np.bool_] | None = None,
) -> Tensor:
    """Loss of each member over its `rows [M, L]`; with `is_own [M, L]` that which is watched, over these alone."""
    labels = _labels_of(plans, rows, data)
    if is_own is not None:
        labels = labels.map(lambda array: np.where(is_own[..., None], array, np.nan))
    if network.encoder is None:
        raw = network.read(None, data.graphs.columns(rows), dtype)
    else:
        raw = network(data.graphs.batch(rows), dtype)

    def tensor(array: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(array).to(raw.device, torch.float32)

    return network.losses(
        raw,
        tensor(labels.values),
        tensor(data.weights[rows]),
        bounds=None if labels.lower is None else tensor(np.stack(labels.bounds)),
        task_weights=tensor(data.task_weights),
        watching=is_own is not None,
    )


def _labels_of(plans: list[MemberRows], rows: NDArray[np.int64], data: TrainingData) -> Labels:
    """What each member learns of its `rows [M, L]`, `[M, L, T]`."""
    member = np.array([plan.member for plan in plans])[:, None]
    return data.targets.labels.map(lambda array: array[member, rows])


def clip_gradients(network: Network, largest: float) -> None:
    """Shrink the gradient of each member to a norm of at most `largest`, members apart from each other."""
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    squares = torch.stack([g.flatten(1).square().sum(1) for g in gradients]).sum(0)  # [M]
    factor = (largest / (squares.sqrt() + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor.view(-1, *[1] * (gradient.dim() - 1)))


def _refuse_non_finite(
    what: str, values: list[float], plans: list[MemberRows], epoch: int, config: TrainConfig
) -> None:
    for plan, value in zip(plans, values, strict=True):
        if not np.isfinite(value):
            raise TrainingError(
                f"the {what} of member {plan.member} is {value} in epoch {epoch}; lower the learning rate "
                f"(optimizer.peak_lr is {config.optimizer.peak_lr}) or look for extreme labels and weights in the table"
            )


def _watch(
    state: PassState, data: TrainingData, plans: list[MemberRows], config: TrainConfig, dtype: torch.dtype
) -> None:
    """Keep the weights of each member whose inner loss has never been lower (all, where no inner rows are)."""
    totals, counts = _inner_losses(state.network.eval(), data, plans, dtype)
    _refuse_non_finite("loss on the inner rows", totals.tolist(), plans, state.epoch, config)
    state.keep_best(np.divide(totals, counts, out=np.full(len(plans), np.nan), where=counts > 0), config.patience)


def _inner_losses(
    network: Network, data: TrainingData, plans: list[MemberRows], dtype: torch.dtype, batch_size: int = 256
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum of the losses of each member's inner rows and sum of their weights, `[M]` each."""
    longest = max(len(plan.inner_rows) for plan in plans)
    totals, counts = np.zeros(len(plans)), np.zeros(len(plans))
    for start in range(0, longest, batch_size):
        parts = [plan.inner_rows[start : start + batch_size] for plan in plans]
        rows, is_own = _pad(parts, [plan.train_rows[0] for plan in plans])
        is_known = _labels_of(plans, rows, data).is_known & is_own[..., None]
        weight = (is_known * data.weights[rows][..., None] * data.task_weights).sum(axis=(1, 2))
        with torch.inference_mode():
            losses = _losses(network, data, plans, rows, dtype, is_own)
        totals += losses.double().cpu().numpy() * weight
        counts += weight
    return totals, counts


def _pad(parts: list[NDArray[np.int64]], filler: list[int]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    longest = max(len(part) for part in parts)
    rows = np.array([np.r_[part, np.full(longest - len(part), fill)] for part, fill in zip(parts, filler, strict=True)])
    is_own = np.array([np.arange(longest) < len(part) for part in parts])
    return rows.astype(np.int64), is_own


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint32)[0])
