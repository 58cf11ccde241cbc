"""Any module M times side by side: its parameters with the member as their leading axis."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call


class Stacked(nn.Module):
    """M copies of a module, which is called for one of them at a time.

    The parameters and buffers of all copies lie in this module, stacked, under the names that they have in one copy;
    so members can be cut out, joined and stored like those of any layer here. First weights are drawn anew from the
    generator: matrices as `torch.nn.Linear` starts them, norms at 1, biases at 0.

    Args:
        make: Makes one copy.
        n_members: M.
        generator: What the first weights are drawn from.
    """

    def __init__(self, make: Callable[[], nn.Module], n_members: int, generator: torch.Generator) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            template = make()
        self._template = (template,)  # in a tuple, so that its own parameters are not those of this module
        self._names: dict[str, str] = {}
        for name, parameter in template.named_parameters():
            stacked = torch.stack([_first_weights(name, parameter, generator) for _ in range(n_members)])
            self._names[name] = f"stack_{name.replace('.', '_')}"
            self.register_parameter(self._names[name], nn.Parameter(stacked))
        persistent = template.state_dict().keys()
        for name, buffer in template.named_buffers():
            self._names[name] = f"stack_{name.replace('.', '_')}"
            stacked = buffer.detach().clone().expand(n_members, *buffer.shape).contiguous()
            self.register_buffer(self._names[name], stacked, persistent=name in persistent)

    def forward(self, member: int, *arguments: Any) -> Tensor:
        """Output of copy number `member` for the arguments."""
        own = {name: getattr(self, stacked)[member] for name, stacked in self._names.items()}
        template = self._template[0].train(self.training)
        found: Tensor = functional_call(template, own, arguments)
        return found


def _first_weights(name: str, parameter: Tensor, generator: torch.Generator) -> Tensor:
    if parameter.dim() >= 2:
        bound = 1.0 / math.sqrt(parameter.shape[-1])
        return torch.empty_like(parameter).uniform_(-bound, bound, generator=generator).detach()
    is_scale = name.endswith("weight")
    return torch.full_like(parameter, 1.0 if is_scale else 0.0).detach()
