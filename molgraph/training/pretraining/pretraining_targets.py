"""Targets of pretraining: descriptors that RDKit computes, scaled, clipped and stored in a byte each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.descriptors import DESCRIPTORS
from molgraph.features.blocks import MoleculeFeatures
from molgraph.features.molecules import Molecules
from molgraph.graphs import PackedGraphs

#: Blocks of `molgraph.features.blocks.BLOCKS` that are learned. Fragment counts (`fr_*`) are among the descriptors.
TARGET_BLOCKS = ("descriptors", "properties", "ecfp_counts", "reduced_graph")

#: Those of counts, of which most are 0: they are learned as log(1 + count).
COUNT_BLOCKS = frozenset({"ecfp_counts", "reduced_graph"})

#: Scaled values are cut at so many deviations.
FARTHEST = 6.0

#: A byte holds -127 to 127 for -6 to 6 deviations, and this where there is no number.
_STEPS, UNKNOWN = 127, -128

#: Distance between the quartiles of a normal distribution, in deviations.
_NORMAL_QUARTILES = 1.349


def target_names() -> tuple[str, ...]:
    """Name of each column, with its block in front."""
    return tuple(f"{block}.{name}" for block in TARGET_BLOCKS for name in DESCRIPTORS[block].names)


def block_slices() -> dict[str, slice]:
    """The columns of each block."""
    slices, start = {}, 0
    for block in TARGET_BLOCKS:
        stop = start + len(DESCRIPTORS[block].names)
        slices[block] = slice(start, stop)
        start = stop
    return slices


def raw_targets(graphs: PackedGraphs, smiles: Sequence[str]) -> NDArray[np.float32]:
    """The columns of all blocks as RDKit computes them, `[B, F]`, counts as logarithms; NaN where none is known."""
    columns = MoleculeFeatures(Molecules(graphs, tuple(smiles))).of(TARGET_BLOCKS)
    for block, own in block_slices().items():
        if block in COUNT_BLOCKS:
            columns[:, own] = np.log1p(columns[:, own])
    return columns


@dataclass(frozen=True)
class TargetScaling:
    """How columns are brought to one size.

    Attributes:
        centre: `[F]` median of each column over a sample of the corpus.
        scale: `[F]` quartile distance in deviations of a normal distribution; where most values are alike the standard
            deviation; 0 for a column that is the same everywhere, from which nothing can be learned.
    """

    centre: NDArray[np.float32]
    scale: NDArray[np.float32]

    def stored(self, raw: NDArray[np.float32]) -> NDArray[np.int8]:
        """Scaled, cut and rounded values of `raw [B, F]`; `UNKNOWN` where there is no number or nothing to learn."""
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = (raw.astype(np.float64) - self.centre) / self.scale
        steps = np.rint(np.clip(scaled, -FARTHEST, FARTHEST) * (_STEPS / FARTHEST))
        is_known = np.isfinite(raw) & (self.scale > 0)
        return np.where(is_known, steps, UNKNOWN).astype(np.int8)


def fit_scaling(raw: NDArray[np.float32]) -> TargetScaling:
    """The scaling of columns, from a sample of the corpus `[B, F]`.

    >>> scaling = fit_scaling(np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [400.0, 5.0]], dtype=np.float32))
    >>> scaling.stored(np.array([[2.5, 5.0], [1e30, 5.0], [np.nan, 5.0]], dtype=np.float32)).tolist()
    [[0, -128], [127, -128], [-128, -128]]
    """
    values = np.where(np.isfinite(raw), raw, np.nan).astype(np.float64)
    is_empty = np.isnan(values).all(axis=0)
    values[:, is_empty] = 0.0
    low, centre, high = np.nanpercentile(values, [25, 50, 75], axis=0)
    quartiles = (high - low) / _NORMAL_QUARTILES
    spread = np.nanstd(values, axis=0)
    scale = np.where(quartiles > 0, quartiles, spread)
    return TargetScaling(centre.astype(np.float32), np.where(is_empty, 0.0, scale).astype(np.float32))
