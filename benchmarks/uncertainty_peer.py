"""chemprop 2.3.1 in the uncertainty comparison: train each family once, keep its raw predictions.

    python benchmarks/uncertainty_peer.py [--split random] [--seed 0] [--data-set esol] [--family mve]

What is there is not run again. Calibration and judgement come later, from the stored predictions.
"""

import argparse
import csv
import itertools
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from inputs import data_folder
from peers import BATCH_SIZE, DEPTH, WIDTH, Chemprop, install_chemprop
from programs import ProgramError, run_program
from uncertainty_rows import UNCERTAINTY_SETS, SplitName, SplitRows, split_rows

RUNS = Path(__file__).resolve().parent / ".runs"

#: Share of the training rows on which chemprop chooses its best epoch.
VALIDATION_SHARE = 0.1


@dataclass(frozen=True)
class Family:
    """One kind of chemprop model.

    Attributes:
        task_type: What it is trained as.
        members: Models of the ensemble.
        method: What gives its uncertainty at prediction.
    """

    task_type: str
    members: int
    method: str


FAMILIES = {
    "single": Family("regression", 1, "none"),
    "ensemble": Family("regression", 5, "ensemble"),
    "mve": Family("regression-mve", 1, "mve"),
    "evidential": Family("regression-evidential", 1, "evidential-total"),
    "quantile": Family("regression-quantile", 1, "quantile-regression"),
    "classification": Family("classification", 1, "classification"),
}


@dataclass(frozen=True)
class Cell:
    """One model of the comparison.

    Attributes:
        data_set: One of `UNCERTAINTY_SETS`.
        split: How the rows are divided.
        seed: Of the split, and of the model.
        family: One of `FAMILIES`.
    """

    data_set: str
    split: SplitName
    seed: int
    family: str

    def __str__(self) -> str:
        return f"{self.data_set}-{self.split}-{self.seed}-{self.family}"


def run_cell(program: Chemprop, cell: Cell, output: Path) -> None:
    """Train one family on one split; writes the predictions of the calibration and test rows to `output`."""
    spec, kind = UNCERTAINTY_SETS[cell.data_set], FAMILIES[cell.family]
    seed = cell.seed
    rows = split_rows(data_folder(), cell.data_set, cell.split, seed)
    held_out = np.flatnonzero(rows.parts != "train")
    names = [f"t{t}" for t in range(len(spec.targets))]
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        _write_training(rows, folder / "train.csv", names, seed)
        with (folder / "held_out.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["smiles"], *([rows.smiles[row]] for row in held_out)])
        started = time.monotonic()
        run_program(_train_command(program, cell, names, folder), cwd=folder)
        trained = time.monotonic()
        run_program(_predict_command(program, kind, folder), cwd=folder)
        with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
            records = list(csv.DictReader(file))
        columns = list(records[0])
        values = {name: np.array([float(record[name]) for record in records]) for name in columns if name != "smiles"}
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_suffix(".partial.npz")
    np.savez_compressed(
        partial,
        row=held_out,
        seconds=np.array([trained - started, time.monotonic() - trained]),
        **{f"column.{name}": column for name, column in values.items()},
    )
    partial.rename(output)


def _write_training(rows: SplitRows, path: Path, names: list[str], seed: int) -> None:
    train = np.flatnonzero(rows.parts == "train")
    order = np.random.default_rng([seed, 1]).permutation(train)
    is_validation = np.isin(train, order[: round(VALIDATION_SHARE * len(train))])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["smiles", *names, "split"])
        for row, is_val in zip(train, is_validation, strict=True):
            labels = ["" if np.isnan(value) else repr(float(value)) for value in rows.labels[row]]
            writer.writerow([rows.smiles[row], *labels, "val" if is_val else "train"])


def _train_command(program: Chemprop, cell: Cell, names: list[str], folder: Path) -> list[str | Path]:
    kind, epochs, seed = FAMILIES[cell.family], UNCERTAINTY_SETS[cell.data_set].epochs, cell.seed
    command: list[object] = [program.executable, "train", "--data-path", folder / "train.csv"]
    command += ["--output-dir", folder / "model", "--smiles-columns", "smiles", "--target-columns", *names]
    command += ["--task-type", kind.task_type, "--epochs", epochs, "--batch-size", BATCH_SIZE]
    command += ["--ensemble-size", kind.members, "--splits-column", "split", "--accelerator", "cpu"]
    command += ["--message-hidden-dim", WIDTH, "--ffn-hidden-dim", WIDTH, "--depth", DEPTH]
    command += ["--pytorch-seed", seed, "--data-seed", seed]
    return [part if isinstance(part, Path) else str(part) for part in command]


def _predict_command(program: Chemprop, kind: Family, folder: Path) -> list[str | Path]:
    command: list[object] = [program.executable, "predict", "--test-path", folder / "held_out.csv"]
    command += ["--preds-path", folder / "predictions.csv", "--model-paths", folder / "model"]
    command += ["--smiles-columns", "smiles", "--batch-size", BATCH_SIZE, "--accelerator", "cpu"]
    command += ["--uncertainty-method", kind.method, "--use-cuikmolmaker-featurization"]
    return [part if isinstance(part, Path) else str(part) for part in command]


def main(arguments: list[str] | None = None) -> int:
    """Runs the cells that are not there; 1 if one failed."""
    options = _options(arguments)
    program = Chemprop(options.chemprop) if options.chemprop else install_chemprop()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    failures = 0
    for split, seed, family, data_set in itertools.product(
        options.split, options.seed, options.family, options.data_set
    ):
        is_class = UNCERTAINTY_SETS[data_set].kind == "classification"
        cell = Cell(data_set, split, seed, family)
        output = RUNS / "chemprop" / f"{cell}.npz"
        if output.exists() or is_class != (family == "classification"):
            continue
        print(time.strftime("%H:%M:%S"), cell, file=sys.stderr, flush=True)
        try:
            run_cell(program, cell, output)
        except ProgramError as error:
            print(error, file=sys.stderr, flush=True)
            failures += 1
    return 1 if failures else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", nargs="+", choices=("random", "scaffold"), default=["random"])
    parser.add_argument("--seed", nargs="+", type=int, default=[0])
    parser.add_argument("--data-set", nargs="+", choices=tuple(UNCERTAINTY_SETS), default=list(UNCERTAINTY_SETS))
    parser.add_argument("--family", nargs="+", choices=tuple(FAMILIES), default=list(FAMILIES))
    parser.add_argument("--chemprop", type=Path, help="an existing chemprop executable")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
