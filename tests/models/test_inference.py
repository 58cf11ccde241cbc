import dataclasses

import numpy as np
import pytest
import torch

from molgraph.config.training import ModelConfig
from molgraph.errors import DeviceError, InputError
from molgraph.models import inference as module
from molgraph.models import precision
from molgraph.models.inference import NetworkInference
from molgraph.models.precision import is_fast_at_bfloat16, members_per_pass, resolve_device, resolve_precision

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
SMALL = ModelConfig(hidden=16, head_hidden=16)


def make_ensemble(network, graphs, per_pass=None, device=CPU):
    return NetworkInference(network, schema=graphs.schema, device=device, dtype=torch.float32, per_pass=per_pass)


@pytest.mark.parametrize("per_pass", [2, 4, 100])
def test_passes_do_not_change_predictions(per_pass, drug_like, make_network):
    network = make_network(SMALL, 4)
    one_by_one = make_ensemble(network, drug_like).predict(drug_like).mean
    assert one_by_one.shape == (4, len(drug_like), 2)
    assert np.isfinite(one_by_one).all()
    found = make_ensemble(network, drug_like, per_pass).predict(drug_like).mean
    np.testing.assert_allclose(found, one_by_one, rtol=1e-5, atol=1e-6)


def test_predictions_stand_in_the_order_of_the_molecules(drug_like, make_network, monkeypatch):
    monkeypatch.setattr(module, "BATCH_LIMITS", {"cpu": (5, 50)})  # many batches, sorted by size inside
    ensemble = make_ensemble(make_network(SMALL, 2), drug_like)
    together = ensemble.predict(drug_like).mean
    order = np.random.default_rng(0).permutation(len(drug_like))
    np.testing.assert_allclose(ensemble.predict(drug_like.take(order)).mean, together[:, order], rtol=1e-5, atol=1e-6)
    alone = np.concatenate([ensemble.predict(drug_like.slice(i, i + 1)).mean for i in range(len(drug_like))], axis=1)
    np.testing.assert_allclose(alone, together, rtol=1e-5, atol=1e-6)


def test_bfloat16_is_close_and_leaves_the_network_as_it_is(drug_like, make_network):
    network = make_network(ModelConfig(), 2)
    exact = make_ensemble(network, drug_like).predict(drug_like).mean
    rough = NetworkInference(network, schema=drug_like.schema, device=CPU, dtype=torch.bfloat16).predict(drug_like).mean
    assert {tensor.dtype for tensor in network.state_dict().values()} == {torch.float32}
    assert not np.array_equal(rough, exact)
    assert np.sqrt(np.mean((rough - exact) ** 2)) < 0.02 * exact.std()
    assert np.array_equal(make_ensemble(network, drug_like).predict(drug_like).mean, exact)


def test_no_molecules(drug_like, make_network):
    assert make_ensemble(make_network(SMALL, 3), drug_like).predict(drug_like.slice(0, 0)).mean.shape == (3, 0, 2)


def test_molecule_larger_than_a_batch(odd_graphs, make_network, monkeypatch):
    ensemble = make_ensemble(make_network(SMALL), odd_graphs)
    expected = ensemble.predict(odd_graphs).mean
    monkeypatch.setattr(module, "BATCH_LIMITS", {"cpu": (64, 3)})
    np.testing.assert_allclose(ensemble.predict(odd_graphs).mean, expected, rtol=1e-5, atol=1e-6)


def test_other_schema_is_refused(drug_like, make_network):
    other = dataclasses.replace(drug_like, schema="molgraph-0")
    with pytest.raises(InputError, match="schema 'molgraph-0' cannot be predicted by a model of 'molgraph-1'"):
        make_ensemble(make_network(SMALL), drug_like).predict(other)


def test_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == resolve_device("cpu") == CPU
    with pytest.raises(DeviceError, match="sees no CUDA device; use `device='auto'`"):
        resolve_device("cuda")
    with pytest.raises(InputError, match="allowed are auto, cpu and cuda"):
        resolve_device("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == resolve_device("cuda") == CUDA
    assert resolve_device("cpu") == CPU


def test_precision(monkeypatch):
    assert resolve_precision("float32", CPU) == torch.float32
    assert resolve_precision("bfloat16", CPU) == torch.bfloat16
    for fast, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(precision, "is_fast_at_bfloat16", lambda _device, fast=fast: fast)
        assert resolve_precision("auto", CPU) == dtype
    with pytest.raises(InputError, match="allowed are auto, float32 and bfloat16"):
        resolve_precision("float16", CPU)


def test_bfloat16_needs_hardware(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (7, 5))
    assert not is_fast_at_bfloat16(CUDA)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (8, 0))
    assert is_fast_at_bfloat16(CUDA)
    for has_amx, has_avx, is_intel, is_fast in (
        (False, False, False, False),
        (False, True, False, True),
        (False, True, True, False),  # slower than float32 there
        (True, True, True, True),
    ):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda has=has_amx: has, raising=False)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda has=has_avx: has, raising=False)
        monkeypatch.setattr(precision, "_is_intel", lambda has=is_intel: has)
        assert is_fast_at_bfloat16(CPU) is is_fast


def test_members_of_a_pass():
    assert members_per_pass(None, 5, CPU) == 1
    assert members_per_pass(None, 5, CUDA) == 5
    assert members_per_pass(3, 5, CPU) == 3
    assert members_per_pass(9, 5, CPU) == 5


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_predicts_as_the_cpu_does(drug_like, odd_graphs, make_network):
    for graphs in (drug_like, odd_graphs):
        expected = make_ensemble(make_network(SMALL, 3), graphs).predict(graphs)
        for per_pass in (None, 1):
            found = make_ensemble(make_network(SMALL, 3), graphs, per_pass, CUDA).predict(graphs)
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
