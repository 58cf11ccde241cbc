"""Linear layers of all ensemble members at once, with the fastest product that the device has.

`x [M, R, I]` times `weight [M, O, I]`: M members, R rows, I inputs, O outputs. One member is an ordinary linear
layer; several are one batched product, which pays on a GPU, where small products are bound by launches.
"""

import math

import torch
from torch import Tensor, nn


class MemberLinear(nn.Module):
    """M linear layers side by side, `[M, R, I]` to `[M, R, O]`, started as `torch.nn.Linear` starts one."""

    def __init__(self, n_members: int, n_in: int, n_out: int, *, generator: torch.Generator, bias: bool = True) -> None:
        super().__init__()
        bound = 1.0 / math.sqrt(n_in)
        self.weight = nn.Parameter(torch.empty(n_members, n_out, n_in).uniform_(-bound, bound, generator=generator))
        self.bias = None
        if bias:
            self.bias = nn.Parameter(torch.empty(n_members, n_out).uniform_(-bound, bound, generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        """`[M, R, O]`, in the number format of `x`."""
        weight = self.weight.to(x.dtype)
        bias = None if self.bias is None else self.bias.to(x.dtype)
        if len(weight) == 1:
            return single_linear(x[0], weight[0], None if bias is None else bias[0])[None]
        if bias is None:
            return torch.bmm(x, weight.transpose(1, 2))
        return torch.baddbmm(bias[:, None, :], x, weight.transpose(1, 2))


def single_linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`x [R, I]` times `weight [O, I]`, plus `bias [O]`: `[R, O]`."""
    if _has_onednn_linear() and x.device.type == "cpu" and x.dtype in _ONEDNN_DTYPES and len(x) > 0:
        product: Tensor = _OneDnnLinear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
        return product
    return torch.nn.functional.linear(x, weight, bias)


_ONEDNN_DTYPES = (torch.float32, torch.bfloat16)


def _has_onednn_linear() -> bool:
    # On processors that are not Intel's, torch's float32 product goes through MKL at less than half of the rate
    # that oneDNN reaches with the same weights (measured: 150 against 360 GFLOP/s on two Zen 5 cores). The operator
    # is the one that torch's own compiler emits; where it is missing, the ordinary product does the same.
    return bool(torch.backends.mkldnn.is_available()) and hasattr(torch.ops.mkldnn, "_linear_pointwise")  # type: ignore[no-untyped-call]


def _onednn_product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")  # noqa: SLF001
    return product


class _OneDnnLinear(torch.autograd.Function):
    """The product and both of its derivatives through oneDNN."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None  # type: ignore[attr-defined]
        return _onednn_product(x, weight, bias)

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, grad: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors  # type: ignore[attr-defined]
        need_x, need_weight, _ = ctx.needs_input_grad  # type: ignore[attr-defined]
        grad = grad.contiguous()
        grad_x = _onednn_product(grad, weight.t(), None) if need_x else None
        grad_weight = _weight_gradient(grad, x) if need_weight else None
        grad_bias = grad.sum(0) if ctx.has_bias else None  # type: ignore[attr-defined]
        return grad_x, grad_weight, grad_bias


def _weight_gradient(grad: Tensor, x: Tensor) -> Tensor:
    if grad.dtype == torch.float32:
        return _onednn_product(grad.t(), x.t(), None)
    return torch.mm(grad.t(), x)  # in bfloat16 torch's own product is oneDNN already
