"""What the encoder brings: the same learners on the same rows, with the encoder that comes along and without.

    python benchmarks/transfer.py run [--data-set esol] [--seeds 0 1 2] [--learner dmpnn_tuned]
    python benchmarks/transfer.py curves [--seeds 0 1 2]
    python benchmarks/transfer.py report

One record per (data set, split, seed, learner) under `benchmarks/results/transfer/`; what is there is not run again.
The curves are learned from 50, 100, 200 and 500 rows of the training part, drawn by the seed, and have records of their
own, named `<learner>_<rows>`. One network from fresh weights (`dmpnn`) and the presets are run on whole tables by
`accuracy.py` (`--learner dmpnn fast fast_scratch accurate accurate_scratch`), and read from its records. The report is
`benchmarks/results/transfer.md`.
"""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from accuracy_single import SINGLE_NETWORKS
from inputs import data_folder
from records import RESULTS

from molgraph.benchmark.learner import OWN_LEARNERS, BenchmarkLearner
from molgraph.benchmark.protocol import BENCHMARK_SPLITS, SUITES, Problem, make_experiments
from molgraph.benchmark.record import Record, read_records
from molgraph.benchmark.report import compare, write_report
from molgraph.benchmark.run import ExperimentOutcome, run_experiments
from molgraph.metrics.scores import METRICS

#: With the encoder, and the same without.
PAIRS = (
    ("dmpnn_tuned", "dmpnn"),
    ("dmpnn_frozen", "dmpnn"),
    ("network_tuned", "network_scratch"),
    ("network_frozen", "network_scratch"),
    ("fast", "fast_scratch"),
    ("accurate", "accurate_scratch"),
)
RUN_BY_ACCURACY = ("dmpnn", "fast", "fast_scratch", "accurate", "accurate_scratch")
ALONE = ("dmpnn_tuned", "dmpnn_frozen", "network_tuned", "network_frozen", "network_scratch", "gp_embedding")
WHOLE = (*ALONE, *RUN_BY_ACCURACY)
CURVES = ("network_tuned", "network_frozen", "network_scratch", "gp_embedding", "fast", "fast_scratch")
ROWS = (50, 100, 200, 500)


@dataclass(frozen=True)
class FewRows:
    """A learner that gets some of the rows that there are to learn from, drawn by the seed."""

    learner: BenchmarkLearner
    n_rows: int

    def settings(self) -> dict[str, Any]:
        return {**self.learner.settings(), "rows": self.n_rows}

    def versions(self) -> dict[str, str]:
        return self.learner.versions()

    def predict_test(self, problem: Problem) -> np.ndarray:
        seen = np.concatenate([problem.split.train, problem.split.valid])
        rows = np.sort(np.random.default_rng(problem.seed).permutation(seen)[: self.n_rows])
        few = replace(problem.split, train=rows, valid=rows[:0])
        return self.learner.predict_test(replace(problem, split=few))


LEARNERS: Mapping[str, BenchmarkLearner] = {
    **{name: {**OWN_LEARNERS, **SINGLE_NETWORKS}[name] for name in ALONE},
    **{f"{name}_{n}": FewRows(OWN_LEARNERS[name], n) for name in CURVES for n in ROWS},
}


def main(arguments: list[str] | None = None) -> int:
    """Runs cells, or writes the report; 1 if a cell failed."""
    options = _options(arguments)
    if options.what == "report":
        others = [record for record in read_records(RESULTS / "moleculenet") if record.learner in RUN_BY_ACCURACY]
        write(read_records(options.records) + others, options.records.with_suffix(".md"))
        return 0
    data_folder()  # says at once if there is none
    learners = options.learner or (ALONE if options.what == "run" else CURVES)
    if options.what == "curves":
        learners = [f"{name}_{n}" for n in ROWS for name in learners]
    experiments = make_experiments(options.data_set, options.split, options.seeds, learners, LEARNERS)
    outcomes = run_experiments(
        experiments,
        LEARNERS,
        options.records,
        on_begin=lambda experiment: print(experiment.name, flush=True),
        on_end=_tell,
    )
    return int(any(outcome.error for outcome in outcomes))


def write(records: list[Record], path: Path) -> None:
    """The report of all records that are there."""
    whole = [record for record in records if record.learner in WHOLE]
    write_report(compare(whole), whole, path, overwrite=True)
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}\n{_pairs(whole)}\n{_curves(records)}", encoding="utf-8")


def _errors(records: list[Record]) -> dict[str, dict[tuple[str, str], dict[int, float]]]:
    """Errors by learner, cell (data set and split) and seed; one less the area under a curve counts as an error."""
    errors: dict[str, dict[tuple[str, str], dict[int, float]]] = {}
    for record in records:
        error = 1 - record.value if METRICS[record.metric].direction == "maximize" else record.value
        errors.setdefault(record.learner, {}).setdefault((record.data_set, record.split), {})[record.seed] = error
    return errors


def _ratios(records: list[Record], own: str, other: str) -> dict[tuple[str, str], float]:
    """Error of one learner over that of another, cell by cell, over the seeds that both have."""
    errors = _errors(records)
    ratios = {}
    for cell, by_seed in sorted(errors.get(own, {}).items()):
        beside = errors.get(other, {}).get(cell, {})
        seeds = sorted(by_seed.keys() & beside.keys())
        if seeds:
            ratios[cell] = float(np.mean([by_seed[seed] for seed in seeds]) / np.mean([beside[seed] for seed in seeds]))
    return ratios


def _pairs(records: list[Record]) -> str:
    lines = [
        "### With the encoder and without",
        "",
        "Cells (data set and split) in which the mean error over the seeds is smaller with the encoder, and others.",
        "",
        "| with | without | better in | error with over without, median | worse in |",
        "|---|---|---|---|---|",
    ]
    for own, other in PAIRS:
        ratios = _ratios(records, own, other)
        if not ratios:
            continue
        worse = ", ".join(f"{name} {split} ({ratio:.2f})" for (name, split), ratio in ratios.items() if ratio > 1)
        middle = float(np.median([*ratios.values()]))
        better = sum(ratio < 1 for ratio in ratios.values())
        lines.append(f"| {own} | {other} | {better} of {len(ratios)} | {middle:.3f} | {worse or 'none'} |")
    return "\n".join([*lines, ""])


def _curves(records: list[Record]) -> str:
    compared = tuple(name for name in CURVES if name != "network_scratch")
    lines = [
        "### Few rows",
        "",
        "Error over that of `network_scratch` on the same rows, mean over the cells that both have (1 is as good), and",
        "how many these are.",
        "",
        "| rows | " + " | ".join(compared) + " |",
        "|---" * (len(compared) + 1) + "|",
    ]
    for n in ROWS:
        ratios = [[*_ratios(records, f"{name}_{n}", f"network_scratch_{n}").values()] for name in compared]
        shown = [f"{np.mean(own):.3f} ({len(own)})" if own else "" for own in ratios]
        if any(shown):
            lines.append(f"| {n} | " + " | ".join(shown) + " |")
    return "\n".join([*lines, ""])


def _tell(outcome: ExperimentOutcome) -> None:
    if outcome.error:
        print(f"  failed: {outcome.error}", file=sys.stderr, flush=True)
    elif outcome.record is not None and not outcome.was_there:
        print(f"  {outcome.record.metric} {outcome.record.value:.4f}, {outcome.record.seconds:,.0f} s", flush=True)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "curves", "report"))
    parser.add_argument("--data-set", nargs="+", default=SUITES["small"], help="default: the small suite")
    parser.add_argument("--split", nargs="+", choices=tuple(BENCHMARK_SPLITS), default=("random", "scaffold"))
    parser.add_argument("--seeds", nargs="+", type=int, default=(0, 1, 2))
    parser.add_argument("--learner", nargs="+", choices=WHOLE)
    parser.add_argument("--records", type=Path, default=RESULTS / "transfer")
    options = parser.parse_args(arguments)
    if options.what == "run" and not set(options.learner or ()) <= set(ALONE):
        parser.error(f"on whole tables dmpnn and the presets are run by accuracy.py; here there are {', '.join(ALONE)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
