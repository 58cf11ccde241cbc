import pytest
import torch

from molgraph.graphs import Codes
from molgraph.models import linear
from molgraph.models.embedding import CodeEmbedding
from molgraph.models.linear import MemberLinear, single_linear

SHAPES = [(1, 3, 2), (37, 133, 300), (64, 300, 1)]


def random(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, generator=generator).to(dtype).requires_grad_()


@pytest.fixture(params=["onednn", "ordinary"])
def path(request, monkeypatch):
    if request.param == "ordinary":
        monkeypatch.setattr(linear, "_has_onednn_linear", lambda: False)
    elif not linear._has_onednn_linear():
        pytest.skip("this torch has no oneDNN linear operator")


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize(("rows", "n_in", "n_out"), SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_product_and_derivatives_are_those_of_torch(dtype, rows, n_in, n_out, has_bias):
    x, weight = random(rows, n_in, dtype=dtype), random(n_out, n_in, dtype=dtype)
    inputs = [x, weight, *([random(n_out, dtype=dtype)] if has_bias else [])]
    grad = random(rows, n_out, dtype=dtype).detach()
    found = single_linear(*inputs, *([] if has_bias else [None]))
    exact = [tensor.detach().double().requires_grad_() for tensor in inputs]
    expected = torch.nn.functional.linear(*exact)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-2
    assert found.dtype == dtype
    pairs = [
        (found, expected),
        *zip(
            torch.autograd.grad(found, inputs, grad), torch.autograd.grad(expected, exact, grad.double()), strict=True
        ),
    ]
    for ours, theirs in pairs:
        assert ours.dtype == dtype
        scale = float(theirs.detach().abs().max())
        torch.testing.assert_close(ours.double(), theirs, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.usefixtures("path")
def test_a_gradient_that_is_not_contiguous():
    x, weight = random(8, 5), random(4, 5)
    grad = random(4, 8).detach().t()
    found = torch.autograd.grad(single_linear(x, weight, None), [x, weight], grad)
    torch.testing.assert_close(found, (grad @ weight.detach(), grad.t() @ x.detach()))


@pytest.mark.usefixtures("path")
def test_only_the_derivatives_that_are_needed():
    x, weight = random(8, 5).detach(), random(4, 5)
    single_linear(x, weight, None).sum().backward()
    assert x.grad is None
    torch.testing.assert_close(weight.grad, x.sum(0).expand(4, 5))


@pytest.mark.usefixtures("path")
def test_no_rows():
    assert single_linear(torch.zeros(0, 5), random(4, 5), random(4)).shape == (0, 4)


@pytest.mark.parametrize("bias", [True, False])
def test_members_are_layers_side_by_side(bias):
    layer = MemberLinear(3, 7, 4, generator=torch.Generator(), bias=bias)
    x = torch.randn(3, 11, 7)
    for m in range(3):
        expected = torch.nn.functional.linear(x[m], layer.weight[m], layer.bias[m] if bias else None)
        torch.testing.assert_close(layer(x)[m], expected)


def test_starts_as_torch_starts_a_layer():
    layer = MemberLinear(1, 400, 300, generator=torch.Generator())
    ours, theirs = layer.weight.std(), torch.nn.Linear(400, 300).weight.std()
    assert abs(float(ours.detach() / theirs.detach()) - 1) < 0.02
    assert float(layer.weight.detach().abs().max()) <= 400**-0.5


def test_embeddings_equal_a_layer_on_one_hot_features():
    sizes, blanks = (3, 5, 2), (None, 4, 0)
    embedding = CodeEmbedding(2, Codes(sizes, blanks), 4, generator=torch.Generator(), fan_in=10)
    codes = torch.stack([torch.randint(0, size, (10,)) for size in sizes], dim=1).to(torch.uint8)
    parts = [torch.nn.functional.one_hot(codes[:, f].long(), size) for f, size in enumerate(sizes)]
    for part, blank in zip(parts, blanks, strict=True):
        if blank is not None:
            part[:, blank] = 0
    features = torch.cat(parts, dim=1).float().view(2, 5, sum(sizes))
    torch.testing.assert_close(embedding(codes, torch.float32), features @ embedding.weight)
