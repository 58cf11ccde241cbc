"""Rates of `molgraph.featurize` and `Chem.MolFromSmiles` in turns, on one core, in one process.

python benchmarks/featurize_rate.py LIBRARY.smi REPEATS OUT.json
"""

import json
import os
import sys
import time
from pathlib import Path

if hasattr(os, "sched_setaffinity"):  # before any library counts the cores to size its pools
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def main(library: str, repeats: str, output: str) -> None:
    """Writes molecules per second of each side, one value per repeat."""
    from rdkit import Chem

    from molgraph import featurize

    smiles = [line.split()[0] for line in Path(library).read_text(encoding="utf-8").splitlines()]
    sides = {
        "Chem.MolFromSmiles": lambda texts: [Chem.MolFromSmiles(text) for text in texts],
        "molgraph": featurize,
    }
    for side in sides.values():
        side(smiles[:1000])
    rates = {name: [] for name in sides}
    for repeat in range(int(repeats)):
        for name in list(sides) if repeat % 2 == 0 else reversed(list(sides)):
            start = time.perf_counter()
            kept = sides[name](smiles)
            rates[name].append(len(smiles) / (time.perf_counter() - start))
            del kept  # outside the timing, as both sides hold their results while they run
    Path(output).write_text(json.dumps(rates), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
