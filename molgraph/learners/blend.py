"""Blended ensemble: member k is the weighted average of the members k of several learners, all out of the same fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgraph.config.learners import LearnerName
from molgraph.graphs import PackedGraphs
from molgraph.learners.base import TabularModel, TabularOutputs
from molgraph.learners.target_transforms import TargetTransforms
from molgraph.models.inference import NetworkInference
from molgraph.models.network import Network
from molgraph.results.member_outputs import MemberOutputs


@dataclass(frozen=True)
class BlendedEnsemble:
    """What was trained: M members of each learner, and how they are blended.

    Attributes:
        network: The graph network, all members side by side; None if there is none.
        tabular: The other learners, by name.
        weights: `[L, M, T]` share that each learner has in a member's prediction: the network first, if there is one,
            then the others in order. They add up to 1 over the learners.
        transforms: How the outputs of the blends become labels.
        network_readers: Learners that read the embeddings of the network's members.
    """

    network: Network | None
    tabular: Mapping[LearnerName, TabularModel]
    weights: NDArray[np.float64]
    transforms: TargetTransforms
    network_readers: frozenset[LearnerName] = frozenset()

    @property
    def n_members(self) -> int:
        """M."""
        return int(self.weights.shape[1])

    def predict(
        self,
        graphs: PackedGraphs,
        columns: Mapping[LearnerName, NDArray[Any]],
        inference: NetworkInference | None,
    ) -> MemberOutputs:
        """The outputs of each member for B molecules, in label units, before calibration.

        Args:
            graphs: The molecules.
            columns: For each learner the columns that it reads, `[B, F]`; a network without any has none.
            inference: The network, ready to predict; None if there is none.

        Raises:
            InputError: The graphs belong to another feature schema.
        """
        outputs, embeddings = None, None
        if inference is not None:
            n_embeddings = self.n_members if self.network_readers else 1
            outputs, embeddings = inference.predict_and_embed(graphs, columns.get("network"), n_embeddings=n_embeddings)
        others = []
        for name, model in self.tabular.items():
            read = columns.get(name)
            if name in self.network_readers and embeddings is not None:
                read = with_embeddings(embeddings, read)
            if read is None:
                raise ValueError(f"{name} reads columns, and none were given")
            others.append(TabularOutputs(*model.predict_with_variance(read)))
        return self.transforms.inverse(blended(outputs, others, self.weights))


def with_embeddings(embeddings: NDArray[np.float32], columns: NDArray[Any] | None) -> NDArray[np.float32]:
    """Each member's embeddings `[M, B, H]` with the columns `[B, F]` of the molecules beside them, `[M, B, H + F]`."""
    if columns is None:
        return embeddings
    beside = np.broadcast_to(columns, (len(embeddings), *columns.shape))
    return np.concatenate([embeddings, beside], axis=2, dtype=np.float32)


def blended(
    network: MemberOutputs | None, others: Sequence[TabularOutputs], weights: NDArray[np.float64]
) -> MemberOutputs:
    """The outputs of members that are mixtures of learners.

    By the law of total variance, the learners' disagreement is a part of a member's epistemic variance.

    Args:
        network: The network's outputs, which alone hold aleatoric variances and quantiles; None if there is none.
        others: The outputs of the other learners.
        weights: `[L, M, T]` shares of all, the network first, if there is one.
    """
    if network is not None and not others:
        return network
    means = np.stack([*([] if network is None else [network.mean]), *(other.mean for other in others)])
    share = weights[:, :, None]
    mean = (share * means).sum(axis=0)
    epistemic = (share * (means - mean) ** 2).sum(axis=0)
    for other_share, other in zip(share[-len(others) :], others, strict=True):
        if other.epistemic_var is not None:
            epistemic += other_share * other.epistemic_var
    epistemic_is_complete = len(means) > 1 or any(other.epistemic_var is not None for other in others)
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
