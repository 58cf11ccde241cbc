"""Ensemble: trained members, ready to predict graphs in batches."""

import numpy as np
import torch
from numpy.typing import NDArray

from molgraph.errors import InputError
from molgraph.graphs import PackedGraphs
from molgraph.models.batch import ResidentGraphs
from molgraph.models.network import Network
from molgraph.models.precision import members_per_pass

#: Molecules of a batch, and atoms at which a batch of large molecules is cut: small batches stay in the cache of a CPU
#: (32 are as fast as 64 and take 50 MB less), large ones keep a GPU busy.
BATCH_LIMITS = {"cpu": (32, 4_096), "cuda": (4_096, 131_072)}


class Ensemble:
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
        self.n_tasks = len(network.kinds)
        size = members_per_pass(per_pass, network.n_members, device)
        on_device = network.to(device)
        self._passes = [
            on_device.members(start, min(start + size, network.n_members)).cast(dtype)
            for start in range(0, network.n_members, size)
        ]

    def predict(self, graphs: PackedGraphs) -> NDArray[np.float64]:
        """Values in label units or probabilities of each member, `[M, B, T]`.

        Raises:
            InputError: The graphs belong to another feature schema.
        """
        if graphs.schema != self.schema:
            raise InputError(f"graphs of schema {graphs.schema!r} cannot be predicted by a model of {self.schema!r}")
        means = np.empty((self.n_members, len(graphs), self.n_tasks))
        if len(graphs) == 0:
            return means
        resident = ResidentGraphs(graphs, self.device)
        # Molecules of like size share a batch, so that all batches cost about the same; results go back in place.
        order = np.argsort(resident.atom_counts, kind="stable")
        for rows in _batches(order, resident.atom_counts, *BATCH_LIMITS[self.device.type]):
            means[:, rows] = self._predict_batch(resident, rows)
        return means

    def _predict_batch(self, resident: ResidentGraphs, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        with torch.inference_mode():
            parts = []
            batch = None
            for network in self._passes:
                if batch is None or batch.n_members != network.n_members:
                    batch = resident.batch(np.tile(rows, (network.n_members, 1)))
                parts.append(network.means(network(batch, self.dtype)).double().cpu().numpy())
        return np.concatenate(parts)


def _batches(
    order: NDArray[np.int64], atom_counts: NDArray[np.int64], n_molecules: int, n_atoms: int
) -> list[NDArray[np.int64]]:
    """`order` cut into pieces of `n_molecules`, and those again where their atoms exceed `n_atoms`."""
    pieces = []
    for start in range(0, len(order), n_molecules):
        piece = order[start : start + n_molecules]
        filled = np.cumsum(atom_counts[piece]) // n_atoms
        pieces += np.split(piece, np.flatnonzero(np.diff(filled)) + 1)
    return pieces
