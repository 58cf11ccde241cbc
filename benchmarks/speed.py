"""molgraph and chemprop side by side: time, memory and start-up of whole programs, in one run.

    python benchmarks/speed.py [--quick] [--only GROUP] [--repeats 3] [--chemprop PATH]

Prints each figure with the target that it must reach, and writes a record under `benchmarks/results/`
when all groups ran at full size. A group in which a program failed is shown with the program's last
lines and has no figures.
"""

import argparse
import dataclasses
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from inputs import LIBRARY, data_folder, sha256
from peers import Chemprop, Molgraph, install_chemprop, package_versions
from programs import ProgramError
from records import RESULTS, machine, new_record, write_record
from speed_cases import FULL, GROUPS, QUICK, TABLE, Bench, Case
from speed_report import report

BUSY = 0.5
Job = TypeVar("Job")
PACKAGES = ("torch", "rdkit", "cuik_molmaker_pin", "numpy")


def main(arguments: list[str] | None = None) -> int:
    """Runs the groups and prints the report; 1 if a program failed."""
    options = _options(arguments)
    settings = QUICK if options.quick else FULL
    settings = dataclasses.replace(settings, repeats=options.repeats or settings.repeats)
    load = os.getloadavg()[0]
    if load > BUSY:
        print(f"the machine is busy (load {load:.1f}): the figures will be noisy", file=sys.stderr)
    chemprop = Chemprop(options.chemprop.absolute()) if options.chemprop else install_chemprop()
    where = machine()
    with tempfile.TemporaryDirectory(prefix="molgraph-speed-") as folder:
        bench = Bench(Path(folder), chemprop, Molgraph(options.molgraph), settings, where["fast_bfloat16"])
        bench.prepare()
        cases, failed = run_groups(GROUPS, bench, options.only or list(GROUPS))
    print(report(cases))
    if failed:
        print(f"no figures for: {', '.join(failed)}", file=sys.stderr)
    complete = not options.only and not options.quick
    path = options.record or (RESULTS / f"speed-{where['system']}.json" if complete else None)
    if path is not None and cases:
        write_record(speed_record(bench, cases, failed, {**where, "load_before": round(load, 2)}), path)
    return 1 if failed else 0


def run_groups(
    groups: Mapping[str, Callable[[Job], dict[str, Case]]], job: Job, names: Sequence[str]
) -> tuple[dict[str, Case], list[str]]:
    """The cases of the groups that ran to the end, which are shown at once, and the names of those that did not."""
    cases: dict[str, Case] = {}
    failed: list[str] = []
    for name in names:
        print(name, file=sys.stderr, flush=True)
        try:
            found = groups[name](job)
        except (ProgramError, OSError, LookupError, ValueError) as error:
            print(f"{name} failed: {error}", file=sys.stderr)
            failed.append(name)
            continue
        cases.update(found)
        print(report(found), file=sys.stderr, flush=True)
    return cases, failed


def speed_record(
    bench: Bench, cases: Mapping[str, Case], failed: Sequence[str], where: Mapping[str, Any]
) -> dict[str, Any]:
    """What `records.check_record` asks for."""
    ours = package_versions(Path(sys.executable), ("molgraph-toolkit", *PACKAGES))
    theirs = package_versions(bench.chemprop.python, ("chemprop", *PACKAGES))
    files = {name: sha256(data_folder() / name) for name in (TABLE, LIBRARY)}
    return {
        **new_record("speed", {"molgraph": ours, "chemprop": theirs}, files),
        "machine": dict(where),
        "settings": dataclasses.asdict(bench.settings),
        "cases": {name: case_record(case) for name, case in cases.items()},
        "failed": list(failed),
    }


def case_record(case: Case) -> dict[str, Any]:
    """A case as `records.check_record` asks for."""
    limits = {"at_least": case.at_least, "at_most": case.at_most}
    return {
        "title": case.title,
        "unit": case.unit,
        "values": {side: list(values) for side, values in case.values.items()},
        "commands": dict(case.commands),
        "figure": case.figure,
        "target": {name: limit for name, limit in limits.items() if limit is not None},
        "verdict": case.verdict,
    }


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny inputs, one repeat: shows that everything runs")
    parser.add_argument("--only", action="append", choices=tuple(GROUPS), metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--repeats", type=int, help="runs of each program (3)")
    parser.add_argument("--chemprop", type=Path, help="an existing chemprop executable")
    parser.add_argument("--molgraph", type=Path, default=Path(sys.executable).parent / "molgraph", help="default: here")
    parser.add_argument("--record", type=Path, help="where to write the record, also with --only or --quick")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
