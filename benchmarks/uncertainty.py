"""Uncertainty of the presets that are shipped: coverage, width, honesty of the spread, selection of hits.

    python benchmarks/uncertainty.py                        # train what is missing (hours on two cores), then judge all
    python benchmarks/uncertainty.py --evaluate             # evaluate what is stored
    python benchmarks/uncertainty.py --page docs/benchmarks.md     # also write the tables of that page from the records

Writes `results/uncertainty/DATASET-SPLIT.json` and the table `results/uncertainty.md`. Every learner is trained once
for each split and seed; all methods of calibration then see the same stored predictions. With `--peer chemprop` stands
beside it, with its own calibrators.
"""

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import uncertainty_cells
import uncertainty_peer
from inputs import data_folder, sha256
from peers import Chemprop, install_chemprop, package_versions
from programs import run_program
from records import RESULTS, new_record, read_record, write_record
from speed import PACKAGES
from uncertainty_metrics import (
    class_entries,
    fixed_selection_entries,
    interval_entries,
    probability_statistics,
    read_cell,
    selection_entries,
    spread_entries,
    spread_statistics,
)
from uncertainty_report import report
from uncertainty_rows import CALIBRATION_SHARE, MOST_ROWS, SMALL_SETS, UNCERTAINTY_SETS, SplitName, split_rows
from uncertainty_tables import with_tables

from molgraph.applicability.shift import shift_check
from molgraph.chem.fingerprints import morgan_fingerprints
from molgraph.metrics.spread import interval_miscalibration
from molgraph.results.tasks import TaskSpec

Entry = dict[str, Any]
HERE = Path(__file__).resolve().parent


def molgraph_entries(data_set: str, split: SplitName, runs: Path) -> Iterator[tuple[str, Entry]]:
    """(section, entry) of each statistic of the stored molgraph cells."""
    spec = UNCERTAINTY_SETS[data_set]
    tasks = tuple(TaskSpec(target, spec.kind) for target in spec.targets)
    shifted: set[int] = set()
    for path in sorted((runs / "molgraph").glob(f"{data_set}-{split}-*.npz")):
        seed, method = int(path.stem.split("-")[2]), path.stem.split("-")[3]
        cell = read_cell(dict(np.load(path)), tasks, method)
        about = {"learner": "molgraph", "seed": seed}
        if spec.kind == "regression":
            yield from (("intervals", {**about, **entry}) for entry in interval_entries(cell))
            yield from (("spreads", {**about, **entry}) for entry in spread_entries(cell))
        else:
            yield from (("classes", {**about, **entry}) for entry in class_entries(cell))
        if spec.hit is not None:
            entries = selection_entries if split == "random" else fixed_selection_entries
            arguments = (cell, spec.hit, seed) if split == "random" else (cell, spec.hit)
            yield from (("selections", {**about, **entry}) for entry in entries(*arguments))
        if seed not in shifted:
            shifted.add(seed)
            yield "shifts", {"seed": seed, **_shift(data_set, split, seed)}


def _shift(data_set: str, split: SplitName, seed: int) -> Entry:
    """Is the test part told from the calibration part?"""
    rows = split_rows(data_folder(), data_set, split, seed)
    rng = np.random.default_rng([seed, 11])
    bits = {}
    for part in ("calibration", "test"):
        index = np.flatnonzero(rows.parts == part)
        index = rng.permutation(index)[:2000]
        bits[part] = morgan_fingerprints([rows.smiles[i] for i in index])
    found = shift_check(bits["calibration"], bits["test"], seed=seed)
    return {"auc": found.auc, "p_value": found.p_value, "fires": found.fires}


def chemprop_entries(data_set: str, split: SplitName, runs: Path, program: Chemprop) -> Iterator[tuple[str, Entry]]:
    """(section, entry) of each statistic of the stored chemprop cells, with its own calibrators."""
    cells = [
        _read_chemprop(path, data_set, split) for path in sorted((runs / "chemprop").glob(f"{data_set}-{split}-*.npz"))
    ]
    groups = {}
    for cell in cells:
        groups |= cell.groups()
    found = _calibrate(groups, program) if groups else {}
    for cell in cells:
        about = {"learner": "chemprop", "seed": cell.seed, "method": cell.family, "rows": "split"}
        make = _chemprop_classes if UNCERTAINTY_SETS[data_set].kind == "classification" else _chemprop_values
        yield from ((section, {**about, **entry}) for section, entry in make(cell, found))


@dataclass(frozen=True)
class ChempropCell:
    """What one chemprop model says of the n rows that it was not trained on.

    Attributes:
        family: What it is.
        seed: Of split and model.
        prediction: `[n, T]` values or probabilities.
        spread: `[n, T]` variances, half widths for the family `quantile`; None where it gives none.
        labels: `[n, T]`.
        is_test: `[n]`; the others calibrate.
    """

    family: str
    seed: int
    prediction: np.ndarray
    spread: np.ndarray | None
    labels: np.ndarray
    is_test: np.ndarray

    def name(self, task: int) -> str:
        """What the group of a task is called."""
        return f"{self.seed}-{task}-{self.family}"

    def groups(self) -> dict[str, dict[str, np.ndarray]]:
        """What `uncertainty_calibrators.py` reads."""
        found = {}
        for t in range(self.labels.shape[1]):
            known = np.isfinite(self.labels[:, t]) & ~self.is_test
            group = {"prediction": self.prediction[known, t], "label": self.labels[known, t],
                     "new_prediction": self.prediction[self.is_test, t]}  # fmt: skip
            if self.spread is not None:
                group |= {"spread": self.spread[known, t], "new_spread": self.spread[self.is_test, t]}
            found[self.name(t)] = group
        return found


def _read_chemprop(path: Path, data_set: str, split: SplitName) -> ChempropCell:
    seed, family = int(path.stem.split("-")[2]), path.stem.split("-")[3]
    rows, stored = split_rows(data_folder(), data_set, split, seed), dict(np.load(path))
    tasks = range(rows.labels.shape[1])
    prediction = np.column_stack([stored[f"column.t{t}"] for t in tasks])
    spread = None
    if family != "classification":
        spread = np.column_stack([stored.get(f"column.t{t}_unc", np.zeros(len(prediction))) for t in tasks])
    return ChempropCell(
        family, seed, prediction, spread, rows.labels[stored["row"]], rows.parts[stored["row"]] == "test"
    )


def _chemprop_values(cell: ChempropCell, found: dict[str, np.ndarray]) -> Iterator[tuple[str, Entry]]:
    truth, mean = cell.labels[cell.is_test, 0], cell.prediction[cell.is_test, 0]
    half = found[f"{cell.name(0)}/conformal"]
    coverage, width = float(np.mean(np.abs(truth - mean) <= half)), float(np.mean(2 * half))
    entry = {"kind": "conformal", "level": 0.9, "n": len(truth), "coverage": coverage, "width": width}
    halves = found.get(f"{cell.name(0)}/conformal-levels")
    if halves is not None:
        entry["miscalibration"] = interval_miscalibration(np.abs(truth - mean) <= halves)
    yield "intervals", entry
    if cell.spread is None or cell.family in {"single", "quantile"}:
        return
    variances = {"none": cell.spread[cell.is_test, 0]}
    variances |= {kind: found[f"{cell.name(0)}/{kind}"] for kind in ("zscaling", "zelikman")
                  if f"{cell.name(0)}/{kind}" in found}  # fmt: skip
    for kind, variance in variances.items():
        # Its minimiser sometimes ends at no number; such a model has no calibrated spread, and is left out.
        if np.isfinite(variance).all() and (variance > 0).all():
            yield "spreads", {"kind": kind, **spread_statistics(truth - mean, np.sqrt(variance))}


def _chemprop_classes(cell: ChempropCell, found: dict[str, np.ndarray]) -> Iterator[tuple[str, Entry]]:
    labels, tasks = cell.labels[cell.is_test], range(cell.labels.shape[1])
    yield "classes", {"kind": "none", **probability_statistics(labels, cell.prediction[cell.is_test])}
    for kind in ("platt", "isotonic"):
        probability = np.column_stack([found[f"{cell.name(t)}/{kind}"] for t in tasks])
        yield "classes", {"kind": kind, **probability_statistics(labels, probability)}


def _calibrate(groups: dict[str, dict[str, np.ndarray]], program: Chemprop) -> dict[str, np.ndarray]:
    """Calibrated spreads and probabilities by `GROUP/KIND`."""
    arrays = {f"{group}/{name}": values for group, own in groups.items() for name, values in own.items()}
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.npz"), Path(folder, "out.npz")
        np.savez(source, **arrays)
        run_program([program.python, HERE / "uncertainty_calibrators.py", source, target], cwd=Path(folder))
        return dict(np.load(target))


def uncertainty_record(data_set: str, split: SplitName, runs: Path, program: Chemprop | None) -> dict[str, Any] | None:
    """All statistics of a data set in one split; None if nothing is stored."""
    sections: dict[str, list[Entry]] = defaultdict(list)
    for section, entry in molgraph_entries(data_set, split, runs):
        sections[section].append(entry)
    versions = {"molgraph": package_versions(Path(sys.executable), ("molgraph-toolkit", *PACKAGES))}
    if program is not None:
        for section, entry in chemprop_entries(data_set, split, runs, program):
            sections[section].append(entry)
        versions["chemprop"] = package_versions(program.python, ("chemprop", *PACKAGES))
    if not sections:
        return None
    file = UNCERTAINTY_SETS[data_set].file
    return {
        **new_record("presets", versions, {file: sha256(data_folder() / file)}),
        "data_set": data_set,
        "split": split,
        "settings": {"most_rows": MOST_ROWS, "calibration_share": CALIBRATION_SHARE},
        **{name: sections[name] for name in ("intervals", "spreads", "classes", "selections", "shifts")},
    }


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing, judges what is there, writes records and table."""
    options = _options(arguments)
    program = None
    if options.peer:
        program = Chemprop(options.chemprop) if options.chemprop else install_chemprop()
    if not options.evaluate:
        seeds = [str(seed) for seed in range(options.seeds)]
        for split, some in (("random", seeds), ("scaffold_deepchem", seeds[:2])):
            what = ["--split", split, "--seed", *some, "--data-set", *options.data_set, "--runs", str(options.runs)]
            uncertainty_cells.main([*what, "--method", "fast", "gp_embedding"])
            if options.peer:
                uncertainty_peer.main(["--split", split, "--seed", *some, "--data-set", *options.data_set])
    for data_set in options.data_set:
        for split in get_args(SplitName):
            record = uncertainty_record(data_set, split, options.runs, program)
            if record is not None:
                write_record(record, RESULTS / "uncertainty" / f"{data_set}-{split}.json")
                print(f"{data_set}-{split}", file=sys.stderr, flush=True)
    records = stored_records()
    (RESULTS / "uncertainty.md").write_text(report(records) + "\n", encoding="utf-8")
    if options.page is not None:
        options.page.write_text(with_tables(options.page.read_text(encoding="utf-8"), records), encoding="utf-8")
    return 0


def stored_records() -> list[dict[str, Any]]:
    """The records in the tree."""
    return [read_record(path) for path in sorted((RESULTS / "uncertainty").glob("*.json"))]


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evaluate", action="store_true", help="train nothing, evaluate what is stored")
    parser.add_argument("--seeds", type=int, default=5, help="random splits (5); two by scaffold")
    parser.add_argument("--data-set", nargs="+", choices=tuple(UNCERTAINTY_SETS), default=list(SMALL_SETS))
    parser.add_argument("--page", type=Path, help="also replace the tables in this file")
    parser.add_argument("--peer", action="store_true", help="chemprop 2.3.1 beside it")
    parser.add_argument("--chemprop", type=Path, help="an existing chemprop executable")
    parser.add_argument("--runs", type=Path, default=HERE / ".runs", help="folder of the stored outputs")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
