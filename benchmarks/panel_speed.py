"""Speed of the panel: all models that come along, against ADMET-AI 2.0.1 on the same molecules.

    python benchmarks/panel_speed.py [--quick] [--repeats 2]

Whole programs in turns, from process start to exit, on 20,000 molecules of ZINC; some ten minutes. Prints each figure
with its target, and writes a record under `benchmarks/results/` unless it was `--quick`.
"""

import argparse
import csv
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from inputs import LIBRARY, data_folder, library_smiles, sha256, write_library
from peers import AdmetAi, install_admet_ai, package_versions
from programs import Measurement, ProgramError, run_program
from records import RESULTS, machine, new_record, write_record
from speed import BUSY, PACKAGES, case_record
from speed_cases import Case, Command, command_lines, median_seconds, seconds_of
from speed_report import report

ROWS = 20_000


def main(arguments: list[str] | None = None) -> int:
    """Runs both programs and prints the report."""
    options = _options(arguments)
    load = os.getloadavg()[0]
    if load > BUSY:
        print(f"the machine is busy (load {load:.1f}): the figures will be noisy", file=sys.stderr)
    rows = 50 if options.quick else ROWS
    peer = install_admet_ai()
    with tempfile.TemporaryDirectory(prefix="molgraph-panel-") as folder:
        cases = _cases(Path(folder), options.molgraph, peer, rows, options.repeats)
    print(report(cases))
    if not options.quick:
        where = {**machine(), "load_before": round(load, 2)}
        record = {
            **new_record("speed", _versions(peer), {LIBRARY: sha256(data_folder() / LIBRARY)}),
            "machine": where,
            "settings": {"rows": rows, "repeats": options.repeats},
            "cases": {name: case_record(case) for name, case in cases.items()},
            "failed": [],
        }
        write_record(record, RESULTS / f"panel-{where['system']}.json")
    return 0


def _versions(peer: AdmetAi) -> dict[str, Any]:
    ours = package_versions(Path(sys.executable), ("molgraph-toolkit", *PACKAGES))
    return {"molgraph": ours, "admet-ai": package_versions(peer.python, ("admet-ai", "torch", "rdkit"))}


def _cases(folder: Path, molgraph: Path, peer: AdmetAi, rows: int, repeats: int) -> dict[str, Case]:
    write_library(library_smiles(data_folder(), rows), folder, "library")
    library = Path("library.csv")
    commands: dict[str, Command] = {
        "ADMET-AI": peer.predict(library, Path("theirs.csv")),
        "molgraph": [molgraph, "predict", "panel", library, "-o", Path("ours.csv"), "--device", "cpu"],
    }
    found: dict[str, list[Measurement]] = {name: [] for name in commands}
    for _ in range(repeats):
        for (name, command), output in zip(commands.items(), ("theirs.csv", "ours.csv"), strict=True):
            found[name].append(run_program(command, cwd=folder))
            _check_rows(folder / output, rows)
    lines = command_lines(commands)
    theirs, ours = median_seconds(found["ADMET-AI"]), median_seconds(found["molgraph"])
    return {
        "panel": Case(
            f"time of ADMET-AI / time of molgraph predict panel, {rows:,} molecules",
            "s",
            seconds_of(found),
            lines,
            theirs / ours,
            at_least=10.0,
        ),
        "panel-rate": Case(
            "molecules a second of molgraph predict panel, the whole program",
            "s",
            {"molgraph": seconds_of(found)["molgraph"]},
            {"molgraph": lines["molgraph"]},
            rows / ours,
            at_least=1000.0,
        ),
    }


def _check_rows(path: Path, n_rows: int) -> None:
    with path.open(newline="", encoding="utf-8") as file:
        n_found = sum(1 for _ in csv.DictReader(file))
    if n_found != n_rows:
        raise ProgramError(f"{path.name} has {n_found} rows, not {n_rows}")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny inputs: shows that everything runs")
    parser.add_argument("--repeats", type=int, default=2, help="runs of each program (2)")
    parser.add_argument("--molgraph", type=Path, default=Path(sys.executable).parent / "molgraph", help="default: here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
