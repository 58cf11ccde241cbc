"""Screening at scale: rate, memory, stages, packed libraries, and chemprop 2.3.1 where it can finish.

    python benchmarks/screening.py [--quick] [--only GROUP] [--chemprop PATH]

The library is Mcule's. Prints each figure with the target that it must reach, and writes a record under
`benchmarks/results/` when all groups ran at full size. Quality plays no part: the models are trained for two epochs.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inputs import data_folder, sha256
from peers import Chemprop, Molgraph, install_chemprop, package_versions
from records import RESULTS, machine, new_record, write_record
from screening_cases import GROUPS, MCULE, Screening, Sizes
from speed import BUSY, PACKAGES, case_record, run_groups
from speed_cases import TABLE, Bench, Case, Settings
from speed_report import report

FULL, QUICK = Sizes(), Sizes(small=200, middle=1000, large=3000)


def main(arguments: list[str] | None = None) -> int:
    """Runs the groups and prints the report; 1 if a program failed."""
    options = _options(arguments)
    load = os.getloadavg()[0]
    if load > BUSY:
        print(f"the machine is busy (load {load:.1f}): the figures will be noisy", file=sys.stderr)
    chemprop = Chemprop(options.chemprop.absolute()) if options.chemprop else install_chemprop()
    where = machine()
    settings = Settings(repeats=1, epochs=3, train_rows=500 if options.quick else None, library_rows=100)
    with tempfile.TemporaryDirectory(prefix="molgraph-screening-") as folder:
        bench = Bench(Path(folder), chemprop, Molgraph(options.molgraph), settings, where["fast_bfloat16"])
        bench.prepare()
        job = Screening(bench, QUICK if options.quick else FULL)
        job.prepare()
        cases, failed = run_groups(GROUPS, job, options.only or list(GROUPS))
    print(report(cases))
    if failed:
        print(f"no figures for: {', '.join(failed)}", file=sys.stderr)
    complete = not options.only and not options.quick
    path = options.record or (RESULTS / f"screening-{where['system']}.json" if complete else None)
    if path is not None and cases:
        write_record(_record(job, cases, failed, {**where, "load_before": round(load, 2)}), path)
    return 1 if failed else 0


def _record(
    job: Screening, cases: Mapping[str, Case], failed: Sequence[str], where: Mapping[str, Any]
) -> dict[str, Any]:
    ours = package_versions(Path(sys.executable), ("molgraph-toolkit", *PACKAGES))
    theirs = package_versions(job.bench.chemprop.python, ("chemprop", *PACKAGES))
    files = {name: sha256(data_folder() / name) for name in (TABLE, MCULE)}
    return {
        **new_record("speed", {"molgraph": ours, "chemprop": theirs}, files),
        "machine": dict(where),
        "settings": asdict(job.sizes),
        "cases": {name: case_record(case) for name, case in cases.items()},
        "failed": list(failed),
    }


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny inputs: shows that everything runs")
    parser.add_argument("--only", action="append", choices=tuple(GROUPS), metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--chemprop", type=Path, help="an existing chemprop executable")
    parser.add_argument("--molgraph", type=Path, default=Path(sys.executable).parent / "molgraph", help="default: here")
    parser.add_argument("--record", type=Path, help="where to write the record, also with --only or --quick")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
