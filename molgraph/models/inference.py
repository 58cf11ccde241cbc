"""Inference with the network: trained members on one device, which predict graphs in batches."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molgraph.config.uncertainty_methods import UNCERTAINTY_METHODS
from molgraph.errors import InputError
from molgraph.graphs import PackedGraphs
from molgraph.models.batch import GraphBatch, ResidentGraphs
from molgraph.models.network import Network, Outputs
from molgraph.models.precision import members_per_pass
from molgraph.results.member_outputs import QUANTILE_LEVELS, MemberOutputs

#: Molecules of a batch, and atoms at which a batch of large molecules is cut: small batches stay in the cache of a CPU
#: (64 take 4% less time than 32, and more than 64 no less), large ones keep a GPU busy.
BATCH_LIMITS = {"cpu": (64, 8_192), "cuda": (4_096, 131_072)}

#: Molecules of which heads alone read at once.
_ROWS_AT_ONCE = 4096

#: Thinned networks of Monte-Carlo dropout; a prediction costs so many times as much.
DROPOUT_SAMPLES = 10


class NetworkInference:
    """M trained members on one device.

    Args:
        network: All members side by side.
        schema: Name of the feature schema that the members read.
        device: Where to compute.
        dtype: Number format of the products.
        per_pass: Members in one pass; None for what suits the device.
    """

    def __init__(
        self,
        network: Network,
        *,
        schema: str,
        device: torch.device,
        dtype: torch.dtype,
        per_pass: int | None = None,
    ) -> None:
        self.schema = schema
        self.device = device
        self.dtype = dtype
        self.n_members = network.n_members
        self.n_tasks = len(network.shape.kinds)
        self._is_sampled = UNCERTAINTY_METHODS[network.shape.uncertainty].is_sampled
        self._has_quantiles = any(head.quantiles is not None for head in network.heads)
        size = members_per_pass(per_pass, network.n_members, device)
        on_device = network.to(device)
        self._passes = [
            on_device.members(start, min(start + size, network.n_members)).cast(dtype)
            for start in range(0, network.n_members, size)
        ]

    def predict(self, graphs: PackedGraphs, features: NDArray[np.float32] | None = None) -> MemberOutputs:
        """Outputs of each member for each molecule, before calibration.

        Raises:
            InputError: The graphs belong to another feature schema.
        """
        return self.predict_and_embed(graphs, features)[0]

    def predict_and_embed(
        self, graphs: PackedGraphs, features: NDArray[np.float32] | None = None, *, n_embeddings: int = 1
    ) -> tuple[MemberOutputs, NDArray[np.float32]]:
        """Outputs of each member, and the embeddings `[K, B, H]` of the first K.

        Of networks without an encoder there are none, `[0, B, 0]`.

        Args:
            graphs: B molecules.
            features: `[B, F]` columns that the head reads; None for networks that read none.
            n_embeddings: K.

        Raises:
            InputError: The graphs belong to another feature schema.
        """
        if graphs.schema != self.schema:
            raise InputError(f"graphs of schema {graphs.schema!r} cannot be predicted by a model of {self.schema!r}")
        shape = (self.n_members, len(graphs), self.n_tasks)
        quantiles = np.empty((*shape, len(QUANTILE_LEVELS))) if self._has_quantiles else None
        outputs = MemberOutputs(np.empty(shape), np.zeros(shape), np.zeros(shape), quantiles)
        encoder = self._passes[0].encoder
        width = 0 if encoder is None else encoder.n_out
        embeddings = np.empty((0 if encoder is None else n_embeddings, len(graphs), width), dtype=np.float32)
        if len(graphs) == 0:
            return outputs, embeddings
        if encoder is None:
            self._predict_columns(features, outputs)
            return outputs, embeddings
        resident = ResidentGraphs(graphs, self.device, features)
        # Molecules of like size share a batch, so that all batches cost about the same; results go back in place.
        order = np.argsort(resident.atom_counts, kind="stable")
        for rows in cut_batches(order, resident.atom_counts, *BATCH_LIMITS[self.device.type]):
            self._predict_batch(resident, rows, outputs, embeddings)
        return outputs, embeddings

    def _predict_batch(
        self,
        resident: ResidentGraphs,
        rows: NDArray[np.int64],
        outputs: MemberOutputs,
        embeddings: NDArray[np.float32],
    ) -> None:
        """Fill in the molecules `rows`."""
        first = 0
        batch = None
        with torch.inference_mode():
            for network in self._passes:
                if batch is None or batch.n_members != network.n_members:
                    batch = resident.batch(np.tile(rows, (network.n_members, 1)))
                members = slice(first, first + network.n_members)
                vectors = None if network.encoder is None else network.encoder(batch, self.dtype)
                kept = embeddings[members]
                if vectors is not None and len(kept):
                    kept[:, rows] = vectors[: len(kept)].float().cpu().numpy()
                # Of thinned networks the encoders are thinned too.
                read = None if self._is_sampled else vectors
                self._fill(outputs, network, members, rows, partial(self._raw, network, batch, read))
                first += network.n_members

    def _raw(self, network: Network, batch: GraphBatch, vectors: Tensor | None) -> Tensor:
        return network(batch, self.dtype) if vectors is None else network.read(vectors, batch.features, self.dtype)

    def _predict_columns(self, features: NDArray[np.float32] | None, outputs: MemberOutputs) -> None:
        """Fill in all molecules, of which the heads read columns alone."""
        if features is None:
            raise ValueError("the heads read columns of each molecule, and none were given")
        with torch.inference_mode():
            for start in range(0, len(features), _ROWS_AT_ONCE):
                rows = np.arange(start, min(start + _ROWS_AT_ONCE, len(features)))
                columns = torch.from_numpy(features[rows]).to(self.device)[None]
                first = 0
                for network in self._passes:
                    members = slice(first, first + network.n_members)
                    self._fill(outputs, network, members, rows, partial(network.read, None, columns, self.dtype))
                    first += network.n_members

    def _fill(
        self,
        outputs: MemberOutputs,
        network: Network,
        members: slice,
        rows: NDArray[np.int64],
        compute: Callable[[], Tensor],
    ) -> None:
        outputs_by_name = _sample(network, compute) if self._is_sampled else network.outputs(compute())
        for name, tensor in zip(outputs_by_name._fields, outputs_by_name, strict=True):
            if tensor is not None:
                getattr(outputs, name)[members, rows] = tensor.double().cpu().numpy()


def _sample(network: Network, compute: Callable[[], Tensor]) -> Outputs:
    """Mean of the thinned networks' means, and their variance as what a member does not know."""
    means = []
    for sample in range(DROPOUT_SAMPLES):
        with network.thinned(sample):
            means.append(network.outputs(compute()).mean)
    stacked = torch.stack(means)
    return Outputs(stacked.mean(0), None, stacked.var(0, unbiased=False), None)


def cut_batches(
    order: NDArray[np.int64], atom_counts: NDArray[np.int64], n_molecules: int, n_atoms: int
) -> list[NDArray[np.int64]]:
    """`order` cut into pieces of `n_molecules`, and those again where their atoms exceed `n_atoms`."""
    pieces = []
    for start in range(0, len(order), n_molecules):
        piece = order[start : start + n_molecules]
        filled = np.cumsum(atom_counts[piece]) // n_atoms
        pieces += np.split(piece, np.flatnonzero(np.diff(filled)) + 1)
    return pieces
