"""One stage of a screen, alone, in one process on one thread: how long it takes for a part of a library.

    python benchmarks/screening_stage.py STAGE MODEL LIBRARY PART PARTS

The first line that it prints says that it is ready; then it waits for a line, works, and prints the seconds. So several
can be started at once. LIBRARY is a file of SMILES, or a packed library for `forward` and `batch`.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

BATCH = 512


def main(stage: str, model: str, library: str, part: str, parts: str) -> None:
    """Prepares a stage, waits, and runs it."""
    torch.set_num_threads(1)
    with threadpool_limits(1):
        run = STAGES[stage](Path(model), Path(library), int(part), int(parts))
        print("ready", flush=True)
        sys.stdin.readline()
        start = time.perf_counter()
        run()
        print(time.perf_counter() - start, flush=True)


def _texts(library: Path, part: int, parts: int) -> list[str]:
    lines = library.read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines[part::parts]]


def _pieces(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    return (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))


def _smiles(_model: Path, library: Path, part: int, parts: int) -> Callable[[], None]:
    """RDKit's parser alone: the floor."""
    from rdkit import Chem, rdBase

    texts = _texts(library, part, parts)

    def run() -> None:
        with rdBase.BlockLogs():
            for text in texts:
                Chem.MolFromSmiles(text)

    return run


def _parse(_model: Path, library: Path, part: int, parts: int) -> Callable[[], None]:
    """Texts to graphs."""
    from molgraph import featurize

    texts = _texts(library, part, parts)
    featurize(texts[:BATCH])

    def run() -> None:
        for piece in _pieces(texts):
            featurize(piece)

    return run


def _forward(model: Path, library: Path, part: int, parts: int) -> Callable[[], None]:
    """Graphs that lie in memory to predictions."""
    from molgraph import Predictor
    from molgraph.features.molecules import Molecules
    from molgraph.packed_library.open_library import open_library

    predictor = Predictor.load(model, device="cpu", precision="auto")
    with open_library(library, batch_size=BATCH) as reader:
        graphs = [Molecules(batch.graphs) for batch in islice(reader, part, None, parts)]
    predictor.predict_molecules(graphs[0], domain=True)

    def run() -> None:
        for piece in graphs:
            predictor.predict_molecules(piece, domain=True)

    return run


def _batch(_model: Path, library: Path, part: int, parts: int) -> Callable[[], None]:
    """From the disk to what a network takes in, without a network."""
    import numpy as np

    from molgraph.models.batch import ResidentGraphs
    from molgraph.models.inference import BATCH_LIMITS, cut_batches
    from molgraph.packed_library.open_library import open_library

    def run() -> None:
        with open_library(library, batch_size=BATCH) as reader:
            for batch in islice(reader, part, None, parts):
                resident = ResidentGraphs(batch.graphs, torch.device("cpu"))
                order = np.argsort(resident.atom_counts, kind="stable")
                for rows in cut_batches(order, resident.atom_counts, *BATCH_LIMITS["cpu"]):
                    resident.batch(rows[None])

    return run


STAGES = {"smiles": _smiles, "parse": _parse, "forward": _forward, "batch": _batch}

if __name__ == "__main__":
    main(*sys.argv[1:])
