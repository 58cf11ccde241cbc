"""The contract of every uncertainty method of the table: what its row says is what its heads do."""

import dataclasses
from importlib import import_module
from typing import get_args

import pytest
import torch

from molgraph.config.uncertainty_methods import UNCERTAINTY_METHODS, Uncertainty
from molgraph.models.heads import point
from molgraph.models.heads.head import Head
from molgraph.models.heads.registry import head_of, heads_of
from molgraph.results.member_outputs import QUANTILE_LEVELS
from molgraph.results.tasks import TaskKind

KINDS = get_args(TaskKind)
EACH_METHOD = pytest.mark.parametrize("name", UNCERTAINTY_METHODS)
EACH_KIND = pytest.mark.parametrize("kind", KINDS)


def test_the_names_are_those_of_the_rows():
    assert get_args(Uncertainty) == tuple(UNCERTAINTY_METHODS)
    for words in ("title", "description"):
        texts = {getattr(spec, words) for spec in UNCERTAINTY_METHODS.values()}
        assert len(texts) == len(UNCERTAINTY_METHODS)
        assert all(texts)


@EACH_METHOD
def test_a_row_says_what_its_heads_do(name):
    spec = UNCERTAINTY_METHODS[name]
    own = {} if spec.heads is None else import_module(spec.heads).HEADS
    assert spec.name == name
    assert set(own) <= set(KINDS)
    assert bool(own) == (spec.heads is not None)
    assert set(heads_of(name)) == set(KINDS)
    assert all(heads_of(name)[kind] is own.get(kind, point.HEADS[kind]) for kind in KINDS)
    assert not (spec.values_only and "classification" in own)
    assert (head_of(name, "regression", "absolute") is not point.MEDIAN) == spec.has_own_loss
    assert (spec.intervals == "quantile") == (heads_of(name)["regression"].quantiles is not None)
    # Of thinned networks there are means alone: what their heads say of the spread would be lost.
    assert not (spec.is_sampled and own)
    # Classes have no other spread than that of a head of their own, of thinned networks, or of the members.
    assert spec.values_only or spec.is_sampled or "classification" in own or not spec.networks_only


@EACH_METHOD
@EACH_KIND
def test_moments_have_the_shape_of_the_entries(name, kind):
    head = head_of(name, kind)
    raw = torch.randn(3, 7, head.n_outputs, generator=torch.Generator().manual_seed(0))
    moments = head.moments(raw)
    assert moments.mean.shape == (3, 7)
    for variance in (moments.aleatoric_var, moments.epistemic_var):
        assert variance is None or (variance.shape == (3, 7) and bool((variance >= 0).all()))
    if head.quantiles is not None:
        assert head.quantiles(raw).shape == (3, 7, len(QUANTILE_LEVELS))
    if UNCERTAINTY_METHODS[name].values_only and kind == "regression":
        assert moments.aleatoric_var is not None or moments.epistemic_var is not None


@EACH_METHOD
@EACH_KIND
def test_a_small_fit_lowers_the_loss_and_finds_the_labels(name, kind):
    head: Head = head_of(name, kind)
    x = torch.linspace(-1.5, 1.5, 60)
    noise = 0.3 * torch.randn(60, generator=torch.Generator().manual_seed(0))
    target = x / x.std() + noise if kind == "regression" else (x > 0.3).float()
    weight = torch.ones_like(x)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layer = torch.nn.Linear(1, head.n_outputs)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
    losses = []
    for _ in range(200):
        optimizer.zero_grad()
        loss = head.loss(layer(x[:, None]), target, weight).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert torch.isfinite(torch.tensor(losses)).all()
    # Not every step of Adam goes down, and a loss that weighs rows by their variance need not do so throughout.
    assert sum(losses[-10:]) < sum(losses[:10])
    with torch.inference_mode():
        mean = head.moments(layer(x[:, None])).mean
    assert torch.corrcoef(torch.stack([mean, target]))[0, 1] > 0.75


def test_heads_and_rows_are_frozen():
    with pytest.raises(TypeError):
        heads_of("mve")["regression"] = point.VALUE
    with pytest.raises(dataclasses.FrozenInstanceError):
        head_of("mve", "regression").n_outputs = 3
    with pytest.raises(TypeError):
        UNCERTAINTY_METHODS["mve"] = UNCERTAINTY_METHODS["ensemble"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        UNCERTAINTY_METHODS["mve"].values_only = False
