"""FrozenEncoder: a pretrained encoder that stays as it is, and makes columns of numbers of molecules."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molgraph.config.training import ModelConfig
from molgraph.errors import InputError
from molgraph.graphs import PackedGraphs, Vocabulary
from molgraph.models.batch import ResidentGraphs
from molgraph.models.encoders import encoder_width, make_encoder
from molgraph.models.inference import BATCH_LIMITS, cut_batches
from molgraph.models.linear import MemberLinear
from molgraph.models.weights import require_fitting

_MEAN, _SCALE = "vector_mean", "vector_scale"


@dataclass(frozen=True)
class EncoderWeights:
    """What a pretrained encoder has learned.

    Attributes:
        state: Weights of one encoder; the leading axis of each is 1.
        mean: `[H]` mean of its vectors over molecules of the corpus that it did not learn from.
        scale: `[H]` their standard deviation.
    """

    state: Mapping[str, Tensor]
    mean: Tensor
    scale: Tensor

    def to_tensors(self) -> dict[str, Tensor]:
        """As they are stored."""
        return {**self.state, _MEAN: self.mean, _SCALE: self.scale}


def weights_from_tensors(config: ModelConfig, vocabulary: Vocabulary, tensors: Mapping[str, Tensor]) -> EncoderWeights:
    """What `to_tensors` took apart.

    Args:
        config: Shape of the encoder.
        vocabulary: Sizes of its feature codes.
        tensors: What was stored.

    Raises:
        ValueError: They are not those of such an encoder.
    """
    with torch.device("meta"):
        outline = make_encoder(config, vocabulary, 1, torch.Generator("cpu")).state_dict()
        width = torch.empty(encoder_width(config))
    require_fitting({**outline, _MEAN: width, _SCALE: width}, tensors)
    if not bool((tensors[_SCALE] > 0).all()):
        raise ValueError(f"{_SCALE} has an entry that is not above 0")
    return EncoderWeights({key: tensors[key] for key in outline}, tensors[_MEAN], tensors[_SCALE])


class FrozenEncoder:
    """An encoder on one device, which gives its vectors in deviations from those of the corpus.

    Args:
        config: Its shape.
        vocabulary: Sizes of the feature codes.
        weights: What it has learned.
        schema: Name of the feature schema that it reads.
        digest: Its identity.
        device: Where to compute.
        dtype: Number format of the products.
    """

    def __init__(
        self,
        config: ModelConfig,
        vocabulary: Vocabulary,
        weights: EncoderWeights,
        *,
        schema: str,
        digest: str,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.schema = schema
        self.digest = digest
        self._device = device
        self._dtype = dtype
        encoder = make_encoder(config, vocabulary, 1, torch.Generator())
        encoder.load_state_dict(weights.state)
        self._mean = weights.mean.numpy()
        self._scale = weights.scale.numpy()
        self._encoder = encoder.to(device).eval()
        for layer in self._encoder.modules():
            if isinstance(layer, MemberLinear):
                layer.to(dtype)

    @property
    def n_columns(self) -> int:
        """H, numbers of a molecule."""
        return self._encoder.n_out

    def vectors(self, graphs: PackedGraphs) -> NDArray[np.float32]:
        """`[B, H]` of B molecules.

        Raises:
            InputError: The graphs belong to another feature schema.
        """
        if graphs.schema != self.schema:
            raise InputError(f"graphs of schema {graphs.schema!r} cannot be read by an encoder of {self.schema!r}")
        found = np.empty((len(graphs), self.n_columns), dtype=np.float32)
        if len(graphs) == 0:
            return found
        resident = ResidentGraphs(graphs, self._device)
        order = np.argsort(resident.atom_counts, kind="stable")
        with torch.inference_mode():
            for rows in cut_batches(order, resident.atom_counts, *BATCH_LIMITS[self._device.type]):
                batch = resident.batch(rows[None])
                found[rows] = self._encoder(batch, self._dtype)[0].float().cpu().numpy()
        found -= self._mean
        found /= self._scale
        return found
