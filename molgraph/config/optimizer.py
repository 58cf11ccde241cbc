"""Settings of the optimizer and of its learning rate."""

from dataclasses import dataclass

from molgraph.config.settings import checked_settings, require_range
from molgraph.config.short_repr import short_repr


@checked_settings
@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW, its learning-rate schedule and the clipping of gradients, of a network.

    Attributes:
        warmup_epochs: Epochs in which the learning rate rises.
        initial_lr: Learning rate at the start.
        peak_lr: Learning rate after the warm-up.
        final_lr: Learning rate at the end.
        weight_decay: Decoupled weight decay of AdamW.
        gradient_clip: Largest norm of a member's gradient.

    >>> OptimizerConfig(peak_lr=5e-4)
    OptimizerConfig(peak_lr=0.0005)
    """

    warmup_epochs: float = 2.0
    initial_lr: float = 1e-4
    peak_lr: float = 1e-3
    final_lr: float = 1e-4
    weight_decay: float = 0.0
    gradient_clip: float = 10.0

    def __repr__(self) -> str:
        return short_repr(self)

    def __post_init__(self) -> None:
        require_range(self, "gradient_clip", self.gradient_clip, 1e-6, 1e6)
        require_range(self, "peak_lr", self.peak_lr, 0.0, 10.0)
        require_range(self, "initial_lr", self.initial_lr, 0.0, self.peak_lr)
        require_range(self, "final_lr", self.final_lr, 0.0, self.peak_lr)
        require_range(self, "warmup_epochs", self.warmup_epochs, 0.0, 1e6)
        require_range(self, "weight_decay", self.weight_decay, 0.0, 1e3)
