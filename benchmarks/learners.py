"""The learners of the accuracy comparison: each fits one model on given rows and predicts the test rows."""

import csv
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from inputs import LabelledRows, write_split_table
from peers import BATCH_SIZE, Chemprop, TrainJob, package_versions
from programs import ProgramError, run_program


@dataclass(frozen=True)
class Problem:
    """One split of one data set.

    Attributes:
        rows: All rows.
        parts: train, val or test for each row, `[B]`.
        kind: `regression` or `classification`.
        seed: Seed of weights and shuffling.
        epochs: Passes over the training rows.
    """

    rows: LabelledRows
    parts: np.ndarray
    kind: str
    seed: int
    epochs: int


class Learner(Protocol):
    """Fits one model and predicts."""

    def versions(self) -> Mapping[str, str]:
        """Versions of what the result depends on."""
        ...

    def predict_test(self, problem: Problem) -> np.ndarray:
        """Values, or probabilities of the class 1, for the test rows in their order."""
        ...


@dataclass(frozen=True)
class ChempropLearner:
    """chemprop through its command line."""

    program: Chemprop

    def versions(self) -> Mapping[str, str]:
        return package_versions(self.program.python, ("chemprop", "torch", "rdkit"))

    def predict_test(self, problem: Problem) -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            table, output = Path(folder, "table.csv"), Path(folder, "model")
            write_split_table(problem.rows, problem.parts, table)
            job = TrainJob(table, "label", problem.epochs, kind=problem.kind, splits_column="split", seed=problem.seed)
            run_program(self.program.train(job, output), cwd=Path(folder))
            return _aligned(output / "model_0" / "test_predictions.csv", problem)


@dataclass(frozen=True)
class MolgraphLearner:
    """One member of this project's ensemble, trained on a given split; default settings, default precision."""

    def versions(self) -> Mapping[str, str]:
        return package_versions(Path(sys.executable), ("molgraph-toolkit", "torch", "rdkit"))

    def predict_test(self, problem: Problem) -> np.ndarray:
        from molgraph.config import TrainConfig
        from molgraph.features.featurize import featurize
        from molgraph.features.schema import SCHEMAS
        from molgraph.models.batch import ResidentGraphs
        from molgraph.models.ensemble import Ensemble
        from molgraph.models.precision import resolve_device, resolve_precision
        from molgraph.training.loop import TrainingData, train_pass
        from molgraph.training.plan import MemberPlan

        config = TrainConfig(folds=1, epochs=problem.epochs, batch_size=BATCH_SIZE, seed=problem.seed, device="cpu")
        device = resolve_device(config.device)
        dtype = resolve_precision(config.precision, device)
        graphs = featurize(problem.rows.smiles, standardizer=config.standardizer)
        if graphs.rejected:  # RDKit parsed every row, so all have to be there
            raise ProgramError(f"molgraph rejected {len(graphs.rejected)} rows, the first: {graphs.rejected[0]}")
        schema = SCHEMAS[graphs.schema]
        data = TrainingData(
            graphs=ResidentGraphs(graphs, device),
            labels=problem.rows.labels[:, None],
            weights=np.ones(len(graphs)),
            task_weights=np.ones(1),
            kinds=(problem.kind,),
            vocabulary=schema.vocabulary,
        )
        train, valid, test = (np.flatnonzero(problem.parts == part) for part in ("train", "val", "test"))
        plan = MemberPlan(member=0, train_rows=train, inner_rows=valid, held_out_rows=test)
        network = train_pass(data, [plan], config, dtype=dtype).network
        return (
            Ensemble(network, schema=graphs.schema, device=device, dtype=dtype).predict(graphs.take(test)).mean[0, :, 0]
        )


def _aligned(path: Path, problem: Problem) -> np.ndarray:
    """Predictions of a CSV file with the columns smiles and label, in the order of the test rows."""
    with path.open(encoding="utf-8", newline="") as file:
        predictions = {record["smiles"]: float(record["label"]) for record in csv.DictReader(file)}
    return np.array([predictions[problem.rows.smiles[row]] for row in np.flatnonzero(problem.parts == "test")])
