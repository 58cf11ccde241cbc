"""The learning rate: a linear rise, then an exponential fall (chemprop's schedule)."""

from molgraph.config import TrainConfig


def learning_rate(step: int, *, steps_per_epoch: int, config: TrainConfig) -> float:
    """Learning rate of the step with number `step`, counted from 0."""
    warmup = min(config.warmup_epochs, config.epochs) * steps_per_epoch
    total = config.epochs * steps_per_epoch
    if step < warmup:
        return config.initial_lr + (config.peak_lr - config.initial_lr) * step / warmup
    if config.peak_lr <= 0 or config.final_lr <= 0:
        return config.final_lr
    fallen = (step - warmup) / max(total - warmup, 1)
    return float(config.peak_lr * (config.final_lr / config.peak_lr) ** fallen)
