"""The columns that RDKit computes of structures, before training: by several processes, kept for a resumed one."""

from collections.abc import Collection, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from molgraph.chem.descriptors import DESCRIPTORS
from molgraph.features.blocks import structure_blocks
from molgraph.parallel.ordered_map import map_in_order
from molgraph.training.checkpoint import Checkpoint
from molgraph.training.training_progress import ProgressListener, TrainProgress

#: Name of their file in a checkpoint.
_STORED = "descriptors"

#: Structures that a process takes at a time: a second of work, or some seconds where they are large.
_ROWS_AT_ONCE = 64

#: With fewer structures, worker processes would start longer than they work.
_LEAST_ROWS = 500


def compute_structure_columns(
    blocks: Collection[str],
    smiles: Sequence[str],
    *,
    processes: int,
    checkpoint: Checkpoint | None,
    on_progress: ProgressListener,
) -> dict[str, NDArray[np.float32]]:
    """Those of the blocks that are computed of structures, `[B, F]` each, and no others.

    Args:
        blocks: Keys of `molgraph.features.blocks.BLOCKS`, or the encoder's.
        smiles: B standardized structures.
        processes: Processes that share the work.
        checkpoint: Where they are kept; None to keep nothing.
        on_progress: Called after each part.

    Raises:
        InputError: A structure cannot be parsed.
        TrainingError: The checkpoint does not fit.
        WorkerError: A worker process died.
    """
    names = tuple(name for name in DESCRIPTORS if name in blocks)
    if not names:
        return {}
    stored = None if checkpoint is None else checkpoint.load(_STORED)
    if stored is not None:
        return {name: tensor.numpy() for name, tensor in stored[0].items()}
    parts = [smiles[start : start + _ROWS_AT_ONCE] for start in range(0, len(smiles), _ROWS_AT_ONCE)]
    found: list[dict[str, NDArray[np.float32]]] = []
    on_progress(_progress(0, len(smiles)))
    for part in map_in_order(partial(structure_blocks, names), parts, processes if len(smiles) >= _LEAST_ROWS else 1):
        found.append(part)
        on_progress(_progress(min(len(found) * _ROWS_AT_ONCE, len(smiles)), len(smiles)))
    computed = {name: np.concatenate([part[name] for part in found]) for name in names}
    if checkpoint is not None:
        checkpoint.save(_STORED, {name: torch.from_numpy(block) for name, block in computed.items()}, {})
    return computed


def _progress(done: int, total: int) -> TrainProgress:
    return TrainProgress((), 0, 1, done, total, None, learner="descriptors")
