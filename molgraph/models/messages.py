"""Sums along the edges of a batch of graphs, and their derivatives.

All of them gather: every row of the result is the sum of the rows that belong to it. Nothing is scattered, so the
result does not depend on the order of threads (deterministic on CPU and GPU), and the backward pass of each is a
gather again.
"""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.nn.functional import embedding_bag


def directed_messages(hidden: Tensor, source: Tensor, incoming: Tensor, incoming_ptr: Tensor) -> Tensor:
    """Message into each directed edge: the sum of what flows into its source, less its own reverse, `[2E, H]`.

    Equation 3 of Yang et al. 2019 (doi:10.1021/acs.jcim.9b00237): m(v→w) = Σ over k in N(v) without w of h(k→v).

    Args:
        hidden: `[2E, H]` hidden state of each directed edge; edges 2e and 2e+1 are the two directions of bond e.
        source: `[2E]` atom that each directed edge leaves.
        incoming: `[2E]` edges sorted by the atom that they enter.
        incoming_ptr: `[N]` where each atom's part of `incoming` starts.
    """
    messages: Tensor = _DirectedMessages.apply(hidden, source, incoming, incoming_ptr)  # type: ignore[no-untyped-call]
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


def _messages(hidden: Tensor, source: Tensor, incoming: Tensor, incoming_ptr: Tensor) -> Tensor:
    into_atom = _gathered_sums(hidden, incoming, incoming_ptr)
    messages = into_atom.index_select(0, source)
    pairs, hidden_pairs = messages.view(-1, 2, hidden.shape[1]), hidden.view(-1, 2, hidden.shape[1])
    pairs[:, 0].sub_(hidden_pairs[:, 1])
    pairs[:, 1].sub_(hidden_pairs[:, 0])
    return messages


class _DirectedMessages(torch.autograd.Function):
    """Backward is the same sum on the reversed graph: an edge gives to those that follow it, its reverse apart."""

    @staticmethod
    def forward(ctx: FunctionCtx, hidden: Tensor, source: Tensor, incoming: Tensor, incoming_ptr: Tensor) -> Tensor:
        ctx.save_for_backward(source, incoming, incoming_ptr)
        return _messages(hidden, source, incoming, incoming_ptr)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, None, None, None]:
        source, incoming, incoming_ptr = ctx.saved_tensors  # type: ignore[attr-defined]
        target = source.view(-1, 2).flip(1).reshape(-1)
        return _messages(grad.contiguous(), target, incoming ^ 1, incoming_ptr), None, None, None


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
