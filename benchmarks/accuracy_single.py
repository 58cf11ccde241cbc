"""One D-MPNN of this project that gets what one chemprop model gets: rows to learn from, and rows to stop by.

With and without the encoder that comes along.
"""

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from peers import BATCH_SIZE, package_versions

from molgraph import EncoderConfig, TrainConfig, featurize
from molgraph.benchmark.protocol import Problem
from molgraph.features.blocks import ENCODER, MoleculeFeatures
from molgraph.features.molecules import Molecules
from molgraph.features.schema import SCHEMAS
from molgraph.learners.member_rows import MemberRows
from molgraph.model_folder.encoder_folder import builtin_encoder_folder, encoder_for
from molgraph.model_folder.folder import model_hash
from molgraph.models.batch import ResidentGraphs
from molgraph.models.inference import NetworkInference
from molgraph.models.network_shape import NetworkShape
from molgraph.models.precision import resolve_device, resolve_precision
from molgraph.training.loop import TrainingData, train_pass
from molgraph.training.targets import learned_targets


@dataclass(frozen=True)
class SingleNetwork:
    """One member of an ensemble, trained on a split that is given; default settings, default precision."""

    config: TrainConfig

    def settings(self) -> dict[str, Any]:
        settings = {"epochs": self.config.n_epochs, **asdict(self.config.model)}
        return (
            settings
            if self.config.encoder.pretrained == "none"
            else {**settings, "encoder_tuning": self.config.encoder.tuning}
        )

    def versions(self) -> dict[str, str]:
        versions = package_versions(Path(sys.executable), ("molgraph-toolkit", "torch", "rdkit"))
        folder = None if self.config.encoder.pretrained == "none" else builtin_encoder_folder()
        return versions if folder is None else {**versions, "encoder": model_hash(folder)}

    def predict_test(self, problem: Problem) -> np.ndarray:
        dataset, split = problem.dataset, problem.split
        encoder, config = encoder_for(replace(self.config, seed=problem.seed), len(split.train))
        device = resolve_device(config.device)
        dtype = resolve_precision(config.precision, device)
        graphs = featurize(dataset.smiles, standardizer="none")
        plan = MemberRows(member=0, train_rows=split.train, inner_rows=split.valid, held_out_rows=split.test)
        blocks = config.blocks_of("network")
        frozen = encoder.frozen(device, dtype) if encoder is not None and ENCODER in blocks else None
        features = MoleculeFeatures(Molecules(graphs, dataset.smiles)).of(blocks, frozen)
        targets = learned_targets(dataset.labels, dataset.tasks, [plan], config.target_scaling)
        weights = None if encoder is None or config.encoder.tuning == "frozen" else encoder.weights
        data = TrainingData(
            graphs=ResidentGraphs(graphs, device, features),
            targets=targets,
            weights=dataset.weights,
            task_weights=np.ones(len(dataset.tasks)),
            shape=NetworkShape(
                config.model,
                SCHEMAS[graphs.schema].vocabulary,
                tuple(task.kind for task in dataset.tasks),
                n_features=features.shape[1],
                reads_graphs=config.encoder.tuning == "full",
                standardizes_vectors=weights is not None,
                uncertainty=config.uncertainty.method,
                loss=config.loss,
            ),
            features=features,
            encoder=weights,
        )
        network = train_pass(data, [plan], config, dtype=dtype).network
        inference = NetworkInference(network, schema=graphs.schema, device=device, dtype=dtype)
        outputs = inference.predict(graphs.take(split.test), features[split.test])
        return targets.transforms.inverse(outputs).mean[0]


_FRESH = TrainConfig(
    folds=1, batch_size=BATCH_SIZE, target_scaling="standard", device="cpu", encoder=EncoderConfig(pretrained="none")
)

#: By the name in records: from fresh weights, with an encoder that is trained on, and with one that is not.
SINGLE_NETWORKS: Mapping[str, SingleNetwork] = MappingProxyType(
    {
        "dmpnn": SingleNetwork(_FRESH),
        "dmpnn_tuned": SingleNetwork(replace(_FRESH, encoder=EncoderConfig(tuning="full"))),
        "dmpnn_frozen": SingleNetwork(replace(_FRESH, encoder=EncoderConfig(tuning="frozen"))),
    }
)
