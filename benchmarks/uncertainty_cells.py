"""molgraph in the uncertainty comparison: train each method once, keep what every member says of every row.

    python benchmarks/uncertainty_cells.py [--split random] [--seed 0] [--data-set esol] [--method fast latent]

What is there is not run again. All statistics come later, from the stored outputs.
"""

import argparse
import itertools
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np
from inputs import data_folder
from uncertainty_rows import UNCERTAINTY_SETS, SplitName, SplitRows, split_rows

if TYPE_CHECKING:
    from molgraph.config.training import TrainConfig
    from molgraph.datasets.dataset import Dataset

RUNS = Path(__file__).resolve().parent / ".runs"
#: What is shipped: the default preset, the other large one, and single learners as `train --learner` makes them.
SHIPPED = ("fast", "accurate", "gp_embedding", "gp_tanimoto", "catboost", "maplight", "random_forest")
#: The network alone, from fresh weights, with each of its heads.
NETWORKS = ("ensemble", "mve", "evidential", "quantile", "dropout")
METHODS = (*SHIPPED, *NETWORKS)

#: Not for tasks of classes: a class has no spread of its own.
REGRESSION_ONLY = ("mve", "quantile")
DROPOUT = 0.1


def run_cell(data_set: str, split: SplitName, seed: int, method: str, output: Path) -> None:
    """Train on the training rows of one split; writes what the members say of all rows to `output`."""
    from molgraph.features.featurize import featurize_molecules
    from molgraph.prediction.predictor import Predictor
    from molgraph.training.ensemble import train_ensemble
    from molgraph.training.train import to_stored_model

    rows = split_rows(data_folder(), data_set, split, seed)
    train = np.flatnonzero(rows.parts == "train")
    dataset = _dataset(rows, data_set).take(train)
    started = time.monotonic()
    trained = train_ensemble(dataset, _config(method, UNCERTAINTY_SETS[data_set].epochs, seed))
    seconds = time.monotonic() - started
    predictor = Predictor(to_stored_model(dataset, trained, keep="nothing"), digest="", device="cpu")
    outputs = predictor.member_outputs(featurize_molecules(rows.smiles, standardizer="none"))
    fold = np.full(len(rows.smiles), -1)
    fold[train] = trained.fold
    arrays = {name: values for name, values in vars(outputs).items() if isinstance(values, np.ndarray)}
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_suffix(".partial.npz")
    np.savez_compressed(
        partial,
        fold=fold,
        parts=rows.parts,
        labels=rows.labels,
        similarity=_similarity(rows, fold),
        seconds=np.array([seconds]),
        epistemic_is_complete=np.array([outputs.epistemic_is_complete]),
        **{name: values.astype(np.float32) for name, values in arrays.items()},
    )
    partial.rename(output)


def _config(method: str, epochs: int, seed: int) -> "TrainConfig":
    from molgraph import EncoderConfig, ModelConfig, TrainConfig, UncertaintyConfig

    if method in {"fast", "accurate"}:
        return TrainConfig(preset=method, seed=seed, standardizer="none", device="cpu")
    if method in SHIPPED:
        return TrainConfig(learner=method, seed=seed, standardizer="none", device="cpu")
    model = ModelConfig(dropout=DROPOUT) if method == "dropout" else ModelConfig()
    return TrainConfig(
        learner="network",
        encoder=EncoderConfig(pretrained="none"),
        epochs=epochs,
        seed=seed,
        model=model,
        uncertainty=UncertaintyConfig(method),
    )


def _dataset(rows: SplitRows, name: str) -> "Dataset":
    from molgraph.datasets.dataset import Dataset
    from molgraph.datasets.duplicates import MergeReport
    from molgraph.results.labels import Labels
    from molgraph.results.tasks import TaskSpec

    spec = UNCERTAINTY_SETS[name]
    return Dataset(
        name=name,
        smiles=rows.smiles,
        ids=tuple(str(row) for row in range(len(rows.smiles))),
        labels=Labels(rows.labels),
        weights=np.ones(len(rows.smiles)),
        tasks=tuple(TaskSpec(target, spec.kind) for target in spec.targets),
        rejected=(),
        merges=MergeReport(),
        rows_read=len(rows.smiles),
    )


def _similarity(rows: SplitRows, fold: np.ndarray) -> np.ndarray:
    """Similarity of each row to the nearest training row, of a training row to the nearest in another fold, `[B]`."""
    from molgraph.applicability.neighbours import nearest
    from molgraph.chem.fingerprints import morgan_fingerprints

    fingerprints = morgan_fingerprints(rows.smiles)
    similarity = np.empty(len(fingerprints))
    for k in np.unique(fold):
        seen = fingerprints[(rows.parts == "train") & (fold != k)]
        similarity[fold == k] = nearest(fingerprints[fold == k], seen)[1]
    return similarity


def main(arguments: list[str] | None = None) -> int:
    """Runs the cells that are not there."""
    options = _options(arguments)
    for split, seed, method, data_set in itertools.product(
        options.split, options.seed, options.method, options.data_set
    ):
        is_class = UNCERTAINTY_SETS[data_set].kind == "classification"
        output = options.runs / "molgraph" / f"{data_set}-{split}-{seed}-{method}.npz"
        if output.exists() or (is_class and method in REGRESSION_ONLY):
            continue
        print(time.strftime("%H:%M:%S"), output.stem, file=sys.stderr, flush=True)
        run_cell(data_set, split, seed, method, output)
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", nargs="+", choices=get_args(SplitName), default=["random"])
    parser.add_argument("--seed", nargs="+", type=int, default=[0])
    parser.add_argument("--data-set", nargs="+", choices=tuple(UNCERTAINTY_SETS), default=list(UNCERTAINTY_SETS))
    parser.add_argument("--method", nargs="+", choices=METHODS, default=["fast"])
    parser.add_argument("--runs", type=Path, default=RUNS, help="folder of the stored outputs")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
