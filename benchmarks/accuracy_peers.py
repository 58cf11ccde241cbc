"""What users would pick instead: chemprop, DeepChem, a random forest, MapLight. Each is a learner of the benchmark."""

import csv
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from peers import BATCH_SIZE, DEPTH, WIDTH, Chemprop, install_chemprop, package_versions
from programs import run_program

from molgraph.benchmark.learner import BenchmarkLearner
from molgraph.benchmark.protocol import Problem

#: chemprop's own default.
EPOCHS = 50

#: CatBoost's own default.
MAPLIGHT_TREES = 1000


@dataclass(frozen=True)
class ChempropLearner:
    """chemprop 2.3.1 through its command line; training rows to learn from, validation rows to stop by.

    Attributes:
        members: Models of an ensemble, which chemprop starts from different weights.
    """

    members: int

    def settings(self) -> dict[str, Any]:
        return {"epochs": EPOCHS, "ensemble-size": self.members, "message-hidden-dim": WIDTH, "depth": DEPTH}

    def versions(self) -> dict[str, str]:
        return package_versions(install_chemprop().python, ("chemprop", "torch", "rdkit"))

    def predict_test(self, problem: Problem) -> np.ndarray:
        program, dataset = install_chemprop(), problem.dataset
        targets = [f"t{place}" for place in range(len(dataset.tasks))]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            parts = np.full(len(dataset), "train", dtype="<U5")
            parts[problem.split.valid], parts[problem.split.test] = "val", "test"
            with (folder / "table.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(["smiles", *targets, "split"])
                for text, labels, part in zip(dataset.smiles, dataset.labels.values.tolist(), parts, strict=True):
                    writer.writerow([text, *("" if np.isnan(label) else repr(label) for label in labels), part])
            test = [dataset.smiles[row] for row in problem.split.test.tolist()]
            (folder / "test.csv").write_text("smiles\n" + "".join(f"{text}\n" for text in test), encoding="utf-8")
            run_program(self._train(program, folder, targets, dataset.tasks[0].kind, problem.seed), cwd=folder)
            run_program(program.predict(folder / "model", folder / "test.csv", folder / "test-said.csv"), cwd=folder)
            with (folder / "test-said.csv").open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
        if [row["smiles"] for row in rows] != test:
            raise ValueError("chemprop did not predict the test rows in their order")
        return np.array([[float(row[target]) for target in targets] for row in rows])

    def _train(self, program: Chemprop, folder: Path, targets: list[str], kind: str, seed: int) -> list[str | Path]:
        command = [program.executable, "train", "--data-path", folder / "table.csv", "--output-dir", folder / "model"]
        command += ["--smiles-columns", "smiles", "--target-columns", *targets, "--task-type", kind]
        command += ["--epochs", EPOCHS, "--batch-size", BATCH_SIZE, "--ensemble-size", self.members]
        command += ["--message-hidden-dim", WIDTH, "--ffn-hidden-dim", WIDTH, "--depth", DEPTH]
        command += ["--pytorch-seed", seed, "--data-seed", seed, "--accelerator", "cpu", "--splits-column", "split"]
        return [part if isinstance(part, Path) else str(part) for part in command]


@dataclass(frozen=True)
class ForestPeer:
    """scikit-learn's random forest on ECFP counts and properties, 500 trees, all rows that may be seen."""

    def settings(self) -> dict[str, Any]:
        return {"n_estimators": 500, "features": ["ecfp_counts", "properties"]}

    def versions(self) -> dict[str, str]:
        return package_versions(Path(sys.executable), ("scikit-learn", "rdkit"))

    def predict_test(self, problem: Problem) -> np.ndarray:
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        def fit(columns: np.ndarray, labels: np.ndarray, kind: str) -> Any:
            forest = RandomForestClassifier if kind == "classification" else RandomForestRegressor
            return forest(n_estimators=500, n_jobs=-1, random_state=problem.seed).fit(columns, labels)

        return _by_task(problem, ("ecfp_counts", "properties"), fit)


@dataclass(frozen=True)
class MaplightPeer:
    """MapLight (Notwell and Wood 2023, arXiv:2310.00174) with its published settings, all rows that may be seen."""

    def settings(self) -> dict[str, Any]:
        features = ["ecfp_counts", "avalon_counts", "reduced_graph", "descriptors"]
        return {"random_strength": 2, "features": features, "iterations": MAPLIGHT_TREES}

    def versions(self) -> dict[str, str]:
        return package_versions(Path(sys.executable), ("catboost", "rdkit"))

    def predict_test(self, problem: Problem) -> np.ndarray:
        from catboost import CatBoostClassifier, CatBoostRegressor

        def fit(columns: np.ndarray, labels: np.ndarray, kind: str) -> Any:
            settings = {"random_strength": 2, "iterations": MAPLIGHT_TREES, "random_seed": problem.seed, "verbose": 0}
            settings["allow_writing_files"] = False
            if kind == "classification":
                return CatBoostClassifier(loss_function="Logloss", **settings).fit(columns, labels)
            return CatBoostRegressor(loss_function="RMSE", **settings).fit(columns, labels)

        return _by_task(problem, ("ecfp_counts", "avalon_counts", "reduced_graph", "descriptors"), fit)


def _by_task(problem: Problem, blocks: tuple[str, ...], fit: Any) -> np.ndarray:
    """One model a task, on the columns of these blocks."""
    from molgraph.features.blocks import MoleculeFeatures
    from molgraph.features.featurize import featurize_molecules

    dataset = problem.dataset
    columns = MoleculeFeatures(featurize_molecules(dataset.smiles, standardizer="none")).of(blocks)
    columns = np.nan_to_num(columns, posinf=1e30, neginf=-1e30)
    seen = np.concatenate([problem.split.train, problem.split.valid])
    said = np.empty((len(problem.split.test), len(dataset.tasks)))
    for t, task in enumerate(dataset.tasks):
        rows = seen[~np.isnan(dataset.labels.values[seen, t])]
        labels = dataset.labels.values[rows, t]
        if len(np.unique(labels)) < 2:
            said[:, t] = labels.mean() if len(labels) else 0.0
            continue
        model = fit(columns[rows], labels, task.kind)
        test = columns[problem.split.test]
        said[:, t] = model.predict_proba(test)[:, 1] if task.kind == "classification" else model.predict(test)
    return said


@dataclass(frozen=True)
class DeepchemLearner:
    """A torch model of DeepChem, as its documentation starts one; the validation rows choose the epoch.

    Attributes:
        model: `fcn`, a fully connected network on ECFP bits, or `dmpnn`, DeepChem's own D-MPNN.
    """

    model: str

    def settings(self) -> dict[str, Any]:
        return {"model": self.model, "epochs": EPOCHS}

    def versions(self) -> dict[str, str]:
        return package_versions(Path(sys.executable), ("deepchem", "torch", "rdkit"))

    def predict_test(self, problem: Problem) -> np.ndarray:
        import deepchem
        import torch
        from rdkit import rdBase

        torch.manual_seed(problem.seed)
        np.random.seed(problem.seed)  # noqa: NPY002 - DeepChem draws from it
        dataset = problem.dataset
        featurizer = deepchem.feat.CircularFingerprint(radius=2, size=2048)
        if self.model == "dmpnn":
            featurizer = deepchem.feat.DMPNNFeaturizer()
        with rdBase.BlockLogs():  # one line of deprecation for each molecule
            features = featurizer.featurize(list(dataset.smiles))
        weights = (~np.isnan(dataset.labels.values)).astype(float)
        labels = np.nan_to_num(dataset.labels.values)
        is_class = dataset.tasks[0].kind == "classification"
        centre, scale = 0.0, 1.0
        if not is_class:
            seen = dataset.labels.values[problem.split.train]
            centre, scale = np.nanmean(seen, axis=0), np.nanstd(seen, axis=0)
            labels = (labels - centre) / scale
        parts = [
            deepchem.data.NumpyDataset(features[rows], labels[rows], weights[rows])
            for rows in (problem.split.train, problem.split.valid, problem.split.test)
        ]
        with tempfile.TemporaryDirectory() as folder:
            model = self._model(deepchem, len(dataset.tasks), is_class=is_class, folder=folder)
            best, said = np.inf, None
            for _ in range(EPOCHS // 5):
                model.fit(parts[0], nb_epoch=5)
                loss = _deepchem_loss(_deepchem_said(model, parts[1], is_class), parts[1], is_class=is_class)
                if loss < best:
                    best, said = loss, _deepchem_said(model, parts[2], is_class)
        return np.asarray(said * scale + centre)

    def _model(self, deepchem: Any, n_tasks: int, *, is_class: bool, folder: str) -> Any:
        if self.model == "dmpnn":
            kind = "classification" if is_class else "regression"
            return deepchem.models.DMPNNModel(mode=kind, n_tasks=n_tasks, n_classes=2, batch_size=50, model_dir=folder)
        settings = {"n_tasks": n_tasks, "n_features": 2048, "layer_sizes": [1000], "dropouts": 0.2, "model_dir": folder}
        kind = deepchem.models.MultitaskClassifier if is_class else deepchem.models.MultitaskRegressor
        return kind(**settings)


def _deepchem_said(model: Any, part: Any, is_class: bool) -> np.ndarray:
    said = np.asarray(model.predict(part), dtype=float)
    said = said.reshape(len(part), -1, 2)[..., 1] if is_class else said.reshape(len(part), -1)
    return np.asarray(said)


def _deepchem_loss(said: np.ndarray, part: Any, *, is_class: bool) -> float:
    entries = (said - part.y) ** 2
    if is_class:
        chance = np.clip(said, 1e-6, 1 - 1e-6)
        entries = -np.where(part.y == 1, np.log(chance), np.log(1 - chance))
    return float((entries * part.w).sum() / max(part.w.sum(), 1e-9))


#: All peers, by the name in records.
PEERS: MappingProxyType[str, BenchmarkLearner] = MappingProxyType(
    {
        "chemprop": ChempropLearner(1),
        "chemprop_x5": ChempropLearner(5),
        "rf": ForestPeer(),
        "maplight_published": MaplightPeer(),
        "deepchem_fcn": DeepchemLearner("fcn"),
        "deepchem_dmpnn": DeepchemLearner("dmpnn"),
    }
)
