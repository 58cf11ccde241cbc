"""The learning rate: a linear rise, then an exponential fall (chemprop's schedule), or one cycle."""

import math

from molgraph.config.training import TrainConfig

#: Share of one cycle in which the learning rate rises, and the part of its peak with which it begins and ends.
RISE, LOWEST = 0.05, 0.01


def learning_rate(step: int, *, steps_per_epoch: int, config: TrainConfig) -> float:
    """Learning rate of the step with number `step`, counted from 0."""
    rates = config.optimizer
    warmup = min(rates.warmup_epochs, config.n_epochs) * steps_per_epoch
    total = config.n_epochs * steps_per_epoch
    if step < warmup:
        return rates.initial_lr + (rates.peak_lr - rates.initial_lr) * step / warmup
    if rates.peak_lr <= 0 or rates.final_lr <= 0:
        return rates.final_lr
    fallen = (step - warmup) / max(total - warmup, 1)
    return float(rates.peak_lr * (rates.final_lr / rates.peak_lr) ** fallen)


def one_cycle(step: int, total: int, peak: float) -> float:
    """Learning rate of step `step` of `total`: a short rise, then half a cosine (Smith 2018, arXiv:1803.09820).

    >>> [round(one_cycle(step, 100, 1.0), 2) for step in (0, 5, 100)]
    [0.01, 1.0, 0.01]
    """
    rise = max(RISE * total, 1e-9)
    if step < rise:
        return peak * (LOWEST + (1 - LOWEST) * step / rise)
    fallen = min((step - rise) / max(total - rise, 1e-9), 1.0)
    return peak * (LOWEST + (1 - LOWEST) * (1 + math.cos(math.pi * fallen)) / 2)
