"""Sums along the edges of a batch of graphs, and their derivatives.

All of them gather: every row of the result is the sum of the rows that belong to it. Nothing is scattered, so the
result does not depend on the order of threads (deterministic on CPU and GPU), and the backward pass of each is a
gather again.
"""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.nn.functional import embedding_bag


def directed_messages(hidden: Tensor, previous: Tensor, previous_ptr: Tensor) -> Tensor:
    """Message into each directed edge: the sum of what flows into its source, less its own reverse, `[2E, H]`.

    Equation 3 of Yang et al. 2019 (doi:10.1021/acs.jcim.9b00237): m(v→w) = Σ over k in N(v) without w of h(k→v).

    Args:
        hidden: `[2E, H]` hidden state of each directed edge; edges 2e and 2e+1 are the two directions of bond e.
        previous: for each edge those that enter its source, its reverse apart, one after the other.
        previous_ptr: `[2E]` where each edge's part of `previous` starts.
    """
    messages: Tensor = _DirectedMessages.apply(hidden, previous, previous_ptr)  # type: ignore[no-untyped-call]
    return messages


def segment_sums(rows: Tensor, order: Tensor, starts: Tensor, segment: Tensor) -> Tensor:
    """Sum of the rows of each segment, `[S, H]`.

    Args:
        rows: `[R, H]`.
        order: `[R']` rows sorted by segment.
        starts: `[S]` where each segment starts in `order`.
        segment: `[R]` segment of each row (what the backward pass gathers by).
    """
    sums: Tensor = _SegmentSums.apply(rows, order, starts, segment)  # type: ignore[no-untyped-call]
    return sums


def select_sources(atoms: Tensor, source: Tensor, incoming: Tensor, incoming_ptr: Tensor) -> Tensor:
    """Row of the source atom for each directed edge, `[2E, H]`.

    Its derivative sums over the edges that leave an atom: these are the reverses of the edges that enter it.
    """
    selected: Tensor = _SelectSources.apply(atoms, source, incoming, incoming_ptr)  # type: ignore[no-untyped-call]
    return selected


def _gathered_sums(rows: Tensor, order: Tensor, starts: Tensor) -> Tensor:
    if len(order) == 0:  # single atoms only; an empty table is refused by embedding_bag
        return rows.new_zeros(len(starts), rows.shape[1])
    return embedding_bag(order, rows, starts, mode="sum")


class _DirectedMessages(torch.autograd.Function):
    """An edge gives to those that follow it; these are the reverses of those that come before its reverse."""

    @staticmethod
    def forward(ctx: FunctionCtx, hidden: Tensor, previous: Tensor, previous_ptr: Tensor) -> Tensor:
        ctx.save_for_backward(previous, previous_ptr)
        return _gathered_sums(hidden, previous, previous_ptr)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, None, None]:
        previous, previous_ptr = ctx.saved_tensors  # type: ignore[attr-defined]
        of_reverse = _gathered_sums(grad.contiguous(), previous ^ 1, previous_ptr)
        return of_reverse.index_select(0, torch.arange(len(grad), device=grad.device) ^ 1), None, None


class _SegmentSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, rows: Tensor, order: Tensor, starts: Tensor, segment: Tensor) -> Tensor:
        ctx.save_for_backward(segment)
        return _gathered_sums(rows, order, starts)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, None, None, None]:
        (segment,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return grad.index_select(0, segment), None, None, None


class _SelectSources(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, atoms: Tensor, source: Tensor, incoming: Tensor, incoming_ptr: Tensor) -> Tensor:
        ctx.save_for_backward(incoming, incoming_ptr)
        return atoms.index_select(0, source)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, None, None, None]:
        incoming, incoming_ptr = ctx.saved_tensors  # type: ignore[attr-defined]
        return _gathered_sums(grad.contiguous(), incoming ^ 1, incoming_ptr), None, None, None
