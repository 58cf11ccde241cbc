"""Kill a screen at random moments, go on, and compare what comes out with what an uninterrupted one writes.

    python benchmarks/soak.py MODEL LIBRARY [--kills 50] [--seed 0]

The library should take some seconds and have several shards of 16,384 rows. Every round begins anew, is killed once
with SIGKILL (the process and its helpers), and goes on with `--resume`. Prints where each was killed, and writes a
record under `benchmarks/results/`.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from records import RESULTS, machine, new_record, write_record


def main(arguments: list[str] | None = None) -> int:
    """Runs the rounds; 1 if one of them gave something else."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("library", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    rng = random.Random(options.seed)
    program = [Path(sys.executable).with_name("molgraph"), "screen", options.model.absolute()]
    program += [options.library.absolute(), "--top", "500", "--quiet"]
    rounds = []
    with tempfile.TemporaryDirectory(prefix="molgraph-soak-") as name:
        folder = Path(name)
        started = time.monotonic()
        subprocess.run([*map(str, program), "-o", "whole"], cwd=folder, check=True)
        whole, seconds = contents(folder / "whole"), time.monotonic() - started
        while len(rounds) < options.kills:
            found = run_round([*map(str, program), "-o", "hits"], folder, rng.uniform(0.0, 1.05 * seconds))
            if found is None:
                continue  # it was done before its time came
            same = contents(folder / "hits") == whole
            rounds.append({**found, "identical": same})
            print(f"{len(rounds)}: killed after {found['killed_after']:.2f} s, {found['shards']} shards: "
                  f"{'identical' if same else 'DIFFERENT'}", flush=True)  # fmt: skip
            remove(folder / "hits")
    n_same = sum(found["identical"] for found in rounds)
    print(f"{n_same} of {len(rounds)} identical")
    record = {
        **new_record("soak", {}, {options.library.name: file_hash(options.library)}),
        "machine": machine(),
        "seconds": seconds,
        "kills": len(rounds),
        "identical": n_same,
        "rounds": rounds,
    }
    write_record(record, RESULTS / "soak.json")
    return 0 if n_same == len(rounds) else 1


def run_round(command: list[str], folder: Path, moment: float) -> dict[str, float | int] | None:
    """Begin, kill at a moment, go on; None if there was nothing left to kill."""
    with subprocess.Popen(command, cwd=folder, start_new_session=True) as process:
        try:
            process.wait(timeout=moment)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    if process.returncode == 0:
        remove(folder / "hits")
        return None
    shards = folder / "hits.partial" / "chunks"
    n_shards = sum(1 for path in shards.glob("[0-9]*.json")) if shards.exists() else 0
    if (folder / "hits").exists() and not (folder / "hits.partial" / "run.json").exists():
        return {"killed_after": moment, "shards": n_shards}  # all was done but the last tidying up
    subprocess.run([*command, "--resume"], cwd=folder, check=True)
    return {"killed_after": moment, "shards": n_shards}


def contents(folder: Path) -> dict[str, str]:
    """Hash of each file, but of the times."""
    return {path.name: file_hash(path) for path in sorted(folder.iterdir()) if path.name != "timing.json"}


def file_hash(path: Path) -> str:
    """Hexadecimal SHA-256 of a file; of a packed library that of its index, which holds those of all shards."""
    with (path / "library.json" if path.is_dir() else path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove(folder: Path) -> None:
    """A folder of files, and what an unfinished screen left beside it."""
    shutil.rmtree(folder)
    shutil.rmtree(folder.with_name(f"{folder.name}.partial"), ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
