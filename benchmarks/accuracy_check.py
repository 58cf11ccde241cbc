"""One molgraph model against one chemprop model: same rows, same random splits, same epochs.

    python benchmarks/accuracy_check.py [--learner chemprop] [--data-set esol] [--chemprop PATH]

One record per (data set, seed, learner) under `benchmarks/results/accuracy/`; what is there is not run
again. At the end a table, also written to `benchmarks/results/accuracy.md`.
"""

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

import numpy as np
from accuracy_report import report
from inputs import ACCURACY_SETS, data_folder, labelled_rows, random_parts, sha256, write_split_table
from learners import ChempropLearner, Learner, MolgraphLearner, Problem
from peers import BATCH_SIZE, Chemprop, install_chemprop
from programs import ProgramError
from records import RESULTS, new_record, read_record, write_record

SEEDS = (0, 1, 2)
EPOCHS = 30
LEARNERS = ("chemprop", "molgraph")


def main(arguments: list[str] | None = None) -> int:
    """Runs what has no record yet and prints the table; 1 if something failed."""
    options = _options(arguments)
    learners: dict[str, Learner] = {}
    failures = 0
    for data_set in options.data_set or ACCURACY_SETS:
        for seed in SEEDS[: options.seeds]:
            for name in options.learner or LEARNERS:
                path = options.records / f"{data_set}-seed{seed}-{name}.json"
                if path.exists():
                    continue
                print(f"{data_set}, seed {seed}, {name}", file=sys.stderr)
                try:
                    learner = learners.setdefault(name, _learner(name, options.chemprop))
                    write_record(run_one(learner, name, data_set, seed, options.epochs), path)
                except ProgramError as error:
                    print(error, file=sys.stderr)
                    failures += 1
    found = [read_record(path) for path in sorted(options.records.glob("*.json"))]
    if found:
        text = report(found)
        print(text)
        options.records.with_suffix(".md").write_text(text + "\n", encoding="utf-8")
    return 1 if failures else 0


def run_one(learner: Learner, name: str, data_set: str, seed: int, epochs: int) -> dict[str, object]:
    """The record of one learner on one split of one data set."""
    spec = ACCURACY_SETS[data_set]
    source = data_folder() / spec.file
    rows = labelled_rows(source, spec.target)
    parts = random_parts(len(rows.smiles), seed)
    problem = Problem(rows, parts, spec.kind, seed, epochs)
    prediction = learner.predict_test(problem)
    return {
        **new_record("accuracy", learner.versions(), {spec.file: sha256(source)}),
        "data_set": data_set,
        "learner": name,
        "seed": seed,
        "metric": spec.metric,
        "value": score(spec.metric, rows.labels[parts == "test"], prediction),
        "rows": {part: int(np.sum(parts == part)) for part in ("train", "val", "test")},
        "epochs": epochs,
        "batch_size": BATCH_SIZE,
        "split_sha256": _split_sha256(problem),
    }


def score(metric: str, truth: np.ndarray, prediction: np.ndarray) -> float:
    """Root mean square error, or area under the ROC curve."""
    if metric == "rmse":
        return float(np.sqrt(np.mean((truth - prediction) ** 2)))
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, prediction))


def _split_sha256(problem: Problem) -> str:
    """Fingerprint of rows, labels and split: equal where two learners saw the same table."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "table.csv")
        write_split_table(problem.rows, problem.parts, table)
        return hashlib.sha256(table.read_bytes()).hexdigest()


def _learner(name: str, chemprop: Path | None) -> Learner:
    if name == "molgraph":
        return MolgraphLearner()
    return ChempropLearner(Chemprop(chemprop) if chemprop else install_chemprop())


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-set", action="append", choices=tuple(ACCURACY_SETS), help="only these")
    parser.add_argument("--learner", action="append", choices=LEARNERS, help="only these")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="splits per data set, at most 3")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--chemprop", type=Path, help="an existing chemprop executable")
    parser.add_argument("--records", type=Path, default=RESULTS / "accuracy", help="folder of the records")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
