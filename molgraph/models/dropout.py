"""Dropout for training, and thinned networks for prediction (Monte-Carlo dropout; Gal and Ghahramani 2016)."""

import torch
from torch import Tensor, nn


class UnitDropout(nn.Module):
    """Drops single entries in training, nothing at prediction, and whole units while a mask is set.

    A mask makes one thinned network: the same units are missing for every molecule, atom and bond. So what a thinned
    network predicts for a molecule depends neither on the batch it comes in nor on the process that runs it.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self._mask: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """`x [..., H]` with some entries at 0 and the others scaled up."""
        if self._mask is not None:
            return x * self._mask.to(x.device, x.dtype)
        return nn.functional.dropout(x, self.rate, self.training)

    def set_mask(self, seed: int | None, n_units: int) -> None:
        """Drop the units drawn with `seed` until further notice; None drops no unit."""
        if seed is None:
            self._mask = None
            return
        kept = torch.rand(n_units, generator=torch.Generator().manual_seed(seed)) >= self.rate
        self._mask = kept / (1.0 - self.rate)
