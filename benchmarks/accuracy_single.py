"""One D-MPNN of this project that gets what one chemprop model gets: rows to learn from, and rows to stop by."""

import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from peers import package_versions

from molgraph import TrainConfig, featurize
from molgraph.benchmark.protocol import Problem
from molgraph.features.columns import molecule_columns
from molgraph.features.schema import SCHEMAS
from molgraph.models.batch import ResidentGraphs
from molgraph.models.ensemble import Ensemble
from molgraph.models.precision import resolve_device, resolve_precision
from molgraph.training.loop import TrainingData, train_pass
from molgraph.training.plan import MemberPlan
from molgraph.training.targets import learned_targets


@dataclass(frozen=True)
class SingleNetwork:
    """One member of an ensemble, trained on a split that is given; default settings, default precision."""

    config: TrainConfig

    def settings(self) -> dict[str, Any]:
        return {"epochs": self.config.epochs, **asdict(self.config.model)}

    def versions(self) -> dict[str, str]:
        return package_versions(Path(sys.executable), ("molgraph-toolkit", "torch", "rdkit"))

    def predict_test(self, problem: Problem) -> np.ndarray:
        config = replace(self.config, seed=problem.seed, encoder="none", encoder_tuning="full")
        device = resolve_device(config.device)
        dtype = resolve_precision(config.precision, device)
        dataset, split = problem.dataset, problem.split
        graphs = featurize(dataset.smiles, standardizer="none")
        plan = MemberPlan(member=0, train_rows=split.train, inner_rows=split.valid, held_out_rows=split.test)
        features = molecule_columns(config.blocks_of("network"), graphs)
        targets = learned_targets(dataset.labels, None, dataset.tasks, [plan], config.target_scaling)
        data = TrainingData(
            graphs=ResidentGraphs(graphs, device, features),
            targets=targets,
            weights=dataset.weights,
            task_weights=np.ones(len(dataset.tasks)),
            kinds=tuple(task.kind for task in dataset.tasks),
            vocabulary=SCHEMAS[graphs.schema].vocabulary,
            features=features,
        )
        network = train_pass(data, [plan], config, dtype=dtype).network
        ensemble = Ensemble(network, schema=graphs.schema, device=device, dtype=dtype)
        said = ensemble.predict(graphs.take(split.test), features[split.test])
        return targets.transforms.inverse(said).mean[0]
