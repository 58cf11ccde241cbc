"""Which device and which number format to compute with."""

import platform
from functools import cache
from pathlib import Path

import torch

from molgraph.config.training import Device, Precision
from molgraph.errors import DeviceError, InputError


def resolve_device(device: Device) -> torch.device:
    """The device to compute on; `auto` takes a CUDA device if there is one.

    Raises:
        DeviceError: `cuda` was asked for, and this torch sees no CUDA device.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"device is {device!r}; allowed are auto, cpu and cuda")
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise DeviceError(
            f"device is cuda, but torch {torch.__version__} sees no CUDA device; use `device='auto'` or `device='cpu'`"
        )
    return torch.device("cuda" if has_cuda and device != "cpu" else "cpu")


def resolve_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """The number format of the matrix products; `auto` takes bfloat16 where the processor is fast at it."""
    if precision == "auto":
        return torch.bfloat16 if is_fast_at_bfloat16(device) else torch.float32
    if precision not in ("float32", "bfloat16"):
        raise InputError(f"precision is {precision!r}; allowed are auto, float32 and bfloat16")
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def is_fast_at_bfloat16(device: torch.device) -> bool:
    """Whether products in bfloat16 are faster than in float32 on this device."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    # Without these bfloat16 is emulated. Through AVX512-BF16, products are faster than float32 ones on AMD processors,
    # and take 1.8 times as long on those of Intel (300 x 300, on Sapphire Rapids without AMX).
    if getattr(torch.cpu, "_is_amx_tile_supported", bool)():
        return True
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()) and not _is_intel()


@cache
def _is_intel() -> bool:
    try:
        description = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        description = platform.processor()
    return "GenuineIntel" in description


def is_fast_at_int8() -> bool:
    """Whether matrices of int8 are multiplied in hardware here (AVX512-VNNI); elsewhere torch has a slow loop."""
    return bool(getattr(torch.cpu, "_is_vnni_supported", bool)()) and hasattr(torch, "_int_mm")


def members_per_pass(asked: int | None, n_members: int, device: torch.device) -> int:
    """How many members go through the network at once: all on a GPU, one after the other on a CPU.

    On a GPU small models are bound by launches, which members in one pass share; on a CPU a single member's batch
    fits the cache and several do not.
    """
    if asked is not None:
        return max(1, min(asked, n_members))
    return n_members if device.type == "cuda" else 1
