"""Committee: several learners of different kinds, blended member by member into one ensemble."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from molgraph.config.learners import LearnerName
from molgraph.graphs import PackedGraphs
from molgraph.models.inference import Ensemble
from molgraph.models.network import Network
from molgraph.models.target_transforms import TargetTransforms
from molgraph.results.member_outputs import MemberOutputs


class ColumnModel(Protocol):
    """M members that predict T tasks from numbers of a molecule."""

    @property
    def n_members(self) -> int:
        """M."""

    def fits(self, n_columns: int) -> bool:
        """Whether it can read rows of so many columns."""

    def predict(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Values, or probabilities of the class 1, `[M, B, T]`, of rows `columns [B, F]`, or `[M, B, F]` for each."""

    def predict_with_variance(self, columns: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """What `predict` gives, and the variance that each member attributes to its own ignorance, if it can tell."""

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """As they are stored."""


@dataclass(frozen=True)
class ColumnOutputs:
    """What a learner that reads columns says, as it learned it.

    Attributes:
        mean: `[M, B, T]`.
        epistemic_var: `[M, B, T]` variance that a member attributes to its own ignorance; None where it cannot tell.
    """

    mean: NDArray[np.float64]
    epistemic_var: NDArray[np.float64] | None


@dataclass(frozen=True)
class Learners:
    """What was trained.

    Attributes:
        network: The graph network, all members side by side; None if there is none.
        columns: The other learners, by name.
        weights: `[L, M, T]` share that each learner has in a member's prediction: the network first, if there is one,
            then the others in order. They add up to 1 over the learners.
        transforms: How what the blends say becomes labels.
        readers: Learners that read what the network's members make of a molecule.
    """

    network: Network | None
    columns: Mapping[LearnerName, ColumnModel]
    weights: NDArray[np.float64]
    transforms: TargetTransforms
    readers: frozenset[LearnerName] = frozenset()

    @property
    def n_members(self) -> int:
        """M."""
        return int(self.weights.shape[1])


class Committee:
    """Trained learners, ready to predict.

    Member k of the committee is the blend of all members k, which were blind to the same fold.

    Args:
        learners: What was trained.
        schema: Name of the feature schema of the graphs.
        device: Where the network computes.
        dtype: Number format of its products.
    """

    def __init__(self, learners: Learners, *, schema: str, device: torch.device, dtype: torch.dtype) -> None:
        self._learners = learners
        self._network, self._n_latents = None, 1
        if learners.network is not None:
            self._n_latents = learners.n_members if learners.readers else 1
            self._network = Ensemble(learners.network, schema=schema, device=device, dtype=dtype)

    def predict(
        self, graphs: PackedGraphs, columns: Mapping[LearnerName, NDArray[Any]]
    ) -> tuple[MemberOutputs, NDArray[np.float32] | None]:
        """What each member says of B molecules, and what the network's first member makes of them, `[B, H]`.

        Args:
            graphs: The molecules.
            columns: For each learner the numbers that it reads, `[B, F]`; networks without have none.

        Raises:
            InputError: The graphs belong to another feature schema.
        """
        outputs, latents = None, None
        if self._network is not None:
            outputs, latents = self._network.predict_with_latents(
                graphs, columns.get("network"), n_latents=self._n_latents
            )
            if not self._learners.columns:
                return self._learners.transforms.inverse(outputs), _first(latents)
        said = []
        for name, model in self._learners.columns.items():
            seen = columns.get(name)
            if name in self._learners.readers and latents is not None:
                seen = with_latents(latents, seen)
            if seen is None:
                raise ValueError(f"{name} reads columns, and none were given")
            said.append(ColumnOutputs(*model.predict_with_variance(seen)))
        outputs = blended(outputs, said, self._learners.weights)
        return self._learners.transforms.inverse(outputs), None if latents is None else _first(latents)


def _first(latents: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """The vectors of the first member; None of networks without an encoder."""
    return latents[0] if len(latents) else None


def with_latents(latents: NDArray[np.float32], columns: NDArray[Any] | None) -> NDArray[np.float32]:
    """Each member's vectors `[M, B, H]` with the columns `[B, F]` of the molecules beside them, `[M, B, H + F]`."""
    if columns is None:
        return latents
    beside = np.broadcast_to(columns, (len(latents), *columns.shape))
    return np.concatenate([latents, beside], axis=2, dtype=np.float32)


def blended(
    network: MemberOutputs | None, others: Sequence[ColumnOutputs], weights: NDArray[np.float64]
) -> MemberOutputs:
    """The outputs of members that are mixtures of learners.

    By the law of total variance, the learners' disagreement is a part of what a member does not know.

    Args:
        network: What the network says, which alone tells of measurements and quantiles; None if there is none.
        others: What the other learners say.
        weights: `[L, M, T]` shares of all, the network first, if there is one.
    """
    if network is not None and not others:
        return network
    means = np.stack([*([] if network is None else [network.mean]), *(own.mean for own in others)])
    share = weights[:, :, None]
    mean = (share * means).sum(axis=0)
    epistemic = (share * (means - mean) ** 2).sum(axis=0)
    own_shares = share[-len(others) :]
    told = [(own, other.epistemic_var) for own, other in zip(own_shares, others, strict=True)]
    for own, variance in told:
        if variance is not None:
            epistemic += own * variance
    epistemic_is_complete = len(means) > 1 or any(variance is not None for _, variance in told)
    if network is None:
        return MemberOutputs(mean, np.zeros_like(mean), epistemic, epistemic_is_complete=epistemic_is_complete)
    quantiles = network.quantiles
    return MemberOutputs(
        mean=mean,
        aleatoric_var=network.aleatoric_var,
        epistemic_var=share[0] * network.epistemic_var + epistemic,
        quantiles=None if quantiles is None else quantiles + (mean - network.mean)[..., None],
        epistemic_is_complete=epistemic_is_complete,
    )
