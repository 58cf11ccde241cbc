"""Integer codes to vectors: one row of a table per code, summed."""

import math
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from molgraph.graphs import Codes


class CodeEmbedding(nn.Module):
    """Sum of one learned vector per categorical code, for M members at once, `[M*R, F]` codes to `[M, R, D]`.

    The same numbers as a linear layer on the joined one-hot features, without ever building these. A blank code has no
    vector of its own, as the 0 of a yes/no feature has no weight.

    Args:
        n_members: M.
        codes: The F vocabularies; their blank values get no vector.
        n_out: D.
        generator: What the first weights are drawn from.
        fan_in: Number of inputs that the weights are scaled for at the start.
    """

    offsets: Tensor
    is_used: Tensor

    def __init__(
        self,
        n_members: int,
        codes: Codes,
        n_out: int,
        *,
        generator: torch.Generator,
        fan_in: int,
    ) -> None:
        super().__init__()
        n_rows = sum(codes.sizes)
        bound = 1.0 / math.sqrt(fan_in)
        self.weight = nn.Parameter(torch.empty(n_members, n_rows, n_out).uniform_(-bound, bound, generator=generator))
        starts = [0, *accumulate(codes.sizes[:-1])]
        is_used = torch.ones(n_rows, 1)
        for start, blank in zip(starts, codes.blanks, strict=True):
            if blank is not None:
                is_used[start + blank] = 0.0
        self.register_buffer("offsets", torch.tensor(starts), persistent=False)
        self.register_buffer("is_used", is_used, persistent=False)

    def forward(self, codes: Tensor, dtype: torch.dtype) -> Tensor:
        """`[M, R, D]` in `dtype`."""
        n_members, n_rows, n_out = self.weight.shape
        if len(codes) == 0:
            return self.weight.new_zeros(n_members, 0, n_out, dtype=dtype)
        index = codes.to(torch.int64) + self.offsets
        if n_members > 1:
            member = torch.arange(n_members, device=codes.device).repeat_interleave(len(codes) // n_members)
            index = index + n_rows * member[:, None]
        table = (self.weight * self.is_used).view(n_members * n_rows, n_out)
        # Summed in the format of the weights: the derivative of a row adds up hundreds of atoms, which bfloat16 cannot
        # (measured on 256 molecules: norm 8% too small), and the sums are no faster in it.
        return embedding_bag(index, table, mode="sum").view(n_members, -1, n_out).to(dtype)
