"""Second stage of a training: all members of all learners are fitted, each without its held-out fold."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.config.learners import LearnerName
from molgraph.config.training import TrainConfig
from molgraph.datasets.dataset import Dataset
from molgraph.errors import InputError
from molgraph.features.schema import SCHEMAS
from molgraph.learners.base import TabularModel, TabularOutputs
from molgraph.models.batch import ResidentGraphs
from molgraph.models.inference import NetworkInference
from molgraph.models.network_shape import NetworkShape
from molgraph.results.member_outputs import MemberOutputs
from molgraph.training.fit_tabular import TabularRows, fit_tabular_learners
from molgraph.training.loop import TrainedMembers, TrainingData
from molgraph.training.members import train_members
from molgraph.training.prepare import Prepared


@dataclass(frozen=True)
class Fitted:
    """Learners that have been fitted apart from each other, and their outputs for all rows, in learned units.

    Attributes:
        network: The network on the CPU, if there is one.
        network_outputs: Its outputs; None without a network.
        tabular: The other learners.
        tabular_outputs: Their outputs.
    """

    network: TrainedMembers | None
    network_outputs: MemberOutputs | None
    tabular: Mapping[LearnerName, TabularModel]
    tabular_outputs: Mapping[LearnerName, TabularOutputs]


def fit(prepared: Prepared) -> Fitted:
    """Fit the network, and then the learners of columns, which may read its embeddings.

    Raises:
        InputError: A task weight names no task.
        TrainingError: A loss is not finite, or the checkpoint does not fit.
    """
    config = prepared.config
    network, outputs, embeddings = None, None, None
    if "network" in prepared.names:
        network = train_members(
            _training_data(prepared),
            prepared.plans,
            config,
            dtype=prepared.dtype,
            checkpoint=prepared.checkpoint,
            on_progress=prepared.on_progress,
        )
        inference = NetworkInference(
            network.network, schema=prepared.graphs.schema, device=prepared.device, dtype=prepared.dtype
        )
        n_embeddings = len(prepared.plans) if any(config.reads_network(name) for name in prepared.names) else 1
        outputs, embeddings = inference.predict_and_embed(
            prepared.graphs, prepared.columns.get("network"), n_embeddings=n_embeddings
        )
        network.network.cpu()
    models, tabular_outputs = fit_tabular_learners(
        prepared.names,
        TabularRows(prepared.dataset, prepared.columns, prepared.targets, embeddings),
        prepared.plans,
        config,
        checkpoint=prepared.checkpoint,
        on_progress=prepared.on_progress,
    )
    return Fitted(network, outputs, models, tabular_outputs)


def _training_data(prepared: Prepared) -> TrainingData:
    dataset, config, encoder = prepared.dataset, prepared.config, prepared.encoder
    features = prepared.columns.get("network")
    weights = None if encoder is None or config.encoder.tuning == "frozen" else encoder.weights
    return TrainingData(
        graphs=ResidentGraphs(prepared.graphs, prepared.device, features),
        targets=prepared.targets,
        weights=dataset.weights,
        task_weights=_task_weights(dataset, config),
        shape=NetworkShape(
            config.model,
            SCHEMAS[prepared.graphs.schema].vocabulary,
            tuple(task.kind for task in dataset.tasks),
            n_features=0 if features is None else features.shape[1],
            reads_graphs=config.encoder.tuning == "full",
            standardizes_vectors=weights is not None,
            uncertainty=config.uncertainty.method,
            loss=config.loss,
        ),
        features=features,
        encoder=weights,
    )


def _task_weights(dataset: Dataset, config: TrainConfig) -> NDArray[np.float64]:
    names = [task.name for task in dataset.tasks]
    unknown = [name for name in config.task_weights if name not in names]
    if unknown:
        raise InputError(f"task_weights names {unknown[0]!r}, which is no task; the tasks are {', '.join(names)}")
    return np.array([config.task_weights.get(name, 1.0) for name in names])
