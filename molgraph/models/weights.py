"""Whether stored weights are those of a network, before anything of its size is allocated."""

from collections.abc import Mapping

from torch import Tensor

from molgraph.storage.arrays import LARGEST


def require_fitting(outline: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    """Refuse weights that are not those of a network.

    Args:
        outline: State of the network, on the meta device.
        weights: Those that were stored.

    Raises:
        ValueError: One is missing, unknown, of another type or shape, or not finite.
    """
    for key in outline.keys() | weights.keys():
        asked, found = (_describe(tensors.get(key)) for tensors in (outline, weights))
        if asked != found:
            raise ValueError(f"{key} is {found}, not {asked}")
    for key, tensor in weights.items():
        if tensor.is_floating_point() and not bool((tensor.abs() <= LARGEST).all()):  # NaN is not
            raise ValueError(f"{key} has entries that are not finite, or beyond {LARGEST:g}")


def _describe(tensor: Tensor | None) -> str:
    return "missing" if tensor is None else f"{tensor.dtype} {tuple(tensor.shape)}"
