"""Integer codes to vectors for one member."""

from itertools import accumulate

import torch
from torch import Tensor, nn

from molgraph.graphs import Codes


class CodeBag(nn.Module):
    """Sum of one learned vector for each code, `[R, F]` to `[R, D]`; a blank code has none.

    Args:
        codes: The F vocabularies.
        n_out: D.
    """

    offsets: Tensor
    is_used: Tensor

    def __init__(self, codes: Codes, n_out: int) -> None:
        super().__init__()
        starts = [0, *accumulate(codes.sizes[:-1])]
        self.weight = nn.Parameter(torch.zeros(sum(codes.sizes), n_out))
        is_used = torch.ones(sum(codes.sizes), 1)
        for start, blank in zip(starts, codes.blanks, strict=True):
            if blank is not None:
                is_used[start + blank] = 0.0
        self.register_buffer("offsets", torch.tensor(starts), persistent=False)
        self.register_buffer("is_used", is_used, persistent=False)

    def forward(self, codes: Tensor) -> Tensor:
        """`[R, D]`."""
        index = codes.to(torch.int64) + self.offsets
        return nn.functional.embedding_bag(index, self.weight * self.is_used, mode="sum")
