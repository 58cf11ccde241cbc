"""Accuracy side by side: this project's learners and what users would pick instead, on the same rows.

    python benchmarks/accuracy.py run [--learner accurate rf] [--data-set esol] [--split random] [--seeds 0 1 2]
    python benchmarks/accuracy.py report

One record per (data set, split, seed, learner) under `benchmarks/results/moleculenet/`; what is there is not run again,
so a run can be stopped and go on. The report is `benchmarks/results/moleculenet.md`, the table in `docs/benchmarks.md`.
"""

import argparse
import re
import sys
from pathlib import Path

from accuracy_peers import PEERS
from accuracy_single import SINGLE_NETWORKS
from inputs import data_folder
from records import RESULTS

from molgraph.benchmark.learner import OWN_LEARNERS
from molgraph.benchmark.protocol import BENCHMARK_SPLITS, SUITES, make_experiments
from molgraph.benchmark.record import Record, read_records
from molgraph.benchmark.report import compare, rank_lines, summary_table, write_report
from molgraph.benchmark.run import ExperimentOutcome, run_experiments

LEARNERS = {**OWN_LEARNERS, "dmpnn": SINGLE_NETWORKS["dmpnn"], **PEERS}

#: Those that the report and `docs/benchmarks.md` compare. Presets without the encoder: see `transfer.py`.
COMPARED = (
    "accurate",
    "fast",
    "dmpnn",
    "chemprop",
    "chemprop_x5",
    "maplight_published",
    "rf",
    "deepchem_fcn",
    "deepchem_dmpnn",
)

#: What is asked of three learners: the peers beside which each has to stand.
FIELDS = {
    "accurate": ("chemprop", "chemprop_x5", "rf", "maplight_published", "deepchem_dmpnn"),
    "fast": ("chemprop", "chemprop_x5", "rf", "maplight_published", "deepchem_dmpnn"),
    "dmpnn": ("chemprop",),
}

_BLOCK = re.compile(r"(<!-- accuracy: .*? -->\n).*?(<!-- end of accuracy -->)", re.DOTALL)


def main(arguments: list[str] | None = None) -> int:
    """Runs cells, or writes the report; 1 if a cell failed."""
    options = _options(arguments)
    if options.what == "report":
        report(options.records, options.page)
        return 0
    data_folder()  # says at once if there is none
    experiments = make_experiments(options.data_set, options.split, options.seeds, options.learner, LEARNERS)
    outcomes = run_experiments(
        experiments,
        LEARNERS,
        options.records,
        on_begin=lambda experiment: print(experiment.name, flush=True),
        on_end=_tell,
    )
    return int(any(outcome.error for outcome in outcomes))


def report(records: Path, page: Path | None) -> None:
    """Write the report of all records that are there, and the table of a page."""
    found = [record for record in read_records(records) if record.learner in COMPARED]
    comparison = compare(found)
    path = records.with_suffix(".md")
    write_report(comparison, found, path, overwrite=True)
    sections = [_beside(found, own, peers) for own, peers in FIELDS.items()]
    path.write_text("\n".join([path.read_text(encoding="utf-8"), *sections]), encoding="utf-8")
    if page is not None:
        text = page.read_text(encoding="utf-8")
        replaced, n = _BLOCK.subn(lambda match: f"{match[1]}{summary_table(comparison)}{match[2]}", text)
        if n != 1:
            raise ValueError(f"{page} has {n} places for the table of accuracies; it must have one")
        page.write_text(replaced, encoding="utf-8")


def _beside(records: list[Record], own: str, peers: tuple[str, ...]) -> str:
    """A learner among peers alone: ranks, and where it is worse than one of them beyond chance."""
    field = [record for record in records if record.learner in (own, *peers)]
    if not any(record.learner == own for record in field):
        return ""
    comparison = compare(field)
    lost = ", ".join(f"{name} {split}" for name, split in comparison.lost(own))
    n_tested = sum(own in block.tested for block in comparison.blocks.values())
    worse = f"Worse than the best beyond Tukey's interval, of {n_tested} that could be tested: {lost or 'none'}."
    return "\n".join([f"### {own} beside its peers", "", *rank_lines(comparison), "", worse, ""])


def _tell(outcome: ExperimentOutcome) -> None:
    if outcome.error:
        print(f"  failed: {outcome.error}", file=sys.stderr, flush=True)
    elif outcome.record is not None and not outcome.was_there:
        record = outcome.record
        print(f"  {record.metric} {record.value:.4f}, {record.seconds:,.0f} s, {record.peak_mb:,.0f} MB", flush=True)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "report"))
    parser.add_argument("--data-set", nargs="+", default=SUITES["small"], help="default: the small suite")
    parser.add_argument("--split", nargs="+", choices=tuple(BENCHMARK_SPLITS), default=("random", "scaffold"))
    parser.add_argument("--seeds", nargs="+", type=int, default=(0, 1, 2))
    parser.add_argument("--learner", nargs="+", choices=tuple(LEARNERS), default=COMPARED)
    parser.add_argument("--records", type=Path, default=RESULTS / "moleculenet")
    parser.add_argument("--page", type=Path, help="also replace the table in this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
