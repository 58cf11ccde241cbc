"""Gaussian processes with a Tanimoto kernel on counts: M members for T tasks share one set of references."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgraph.tasks import TaskKind

#: A probability is never closer to 0 or 1 than this.
_LEAST_PROBABILITY = 0.001

#: Entries of the kernel that are computed at once: some ten megabytes.
_ENTRIES_AT_ONCE = 2**21


@dataclass(frozen=True)
class TanimotoProcess:
    """Mean functions of Gaussian processes.

    Attributes:
        references: `[R, F]` uint8 counts of the training compounds.
        coefficients: `[M, T, R]` float32 weight of each; 0 for rows that a member did not learn from.
        centre: `[M, T]` what is predicted far from all of them.
        kinds: Kind of each task.
    """

    references: NDArray[np.uint8]
    coefficients: NDArray[np.float32]
    centre: NDArray[np.float64]
    kinds: tuple[TaskKind, ...]

    @property
    def n_members(self) -> int:
        """M."""
        return len(self.centre)

    @property
    def n_columns(self) -> int:
        """Columns that are read."""
        return int(self.references.shape[1])

    def predict(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Values, or probabilities of the class 1, `[M, B, T]`, of rows `columns [B, F]`."""
        n_members, n_tasks, n_references = self.coefficients.shape
        weights = self.coefficients.reshape(-1, n_references).T
        sums = np.empty((len(columns), n_members * n_tasks))
        step = max(1, _ENTRIES_AT_ONCE // max(n_references, 1))
        references = root_counts(self.references)
        for start in range(0, len(columns), step):
            sums[start : start + step] = tanimoto(root_counts(columns[start : start + step]), references) @ weights
        means = sums.reshape(-1, n_members, n_tasks).swapaxes(0, 1) + self.centre[:, None]
        is_class = np.array([kind == "classification" for kind in self.kinds])
        return np.where(is_class, np.clip(means, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY), means)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """As they are stored."""
        return {"references": self.references, "coefficients": self.coefficients, "centre": self.centre}


def tanimoto(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Tanimoto similarity of real vectors, `[B, R]`: the product over the squares less the product; 0 for two zeros.

    It is a positive definite kernel (Ralaivola et al. 2005, doi:10.1016/j.neunet.2005.07.009).

    >>> tanimoto(np.array([[1, 1, 0]], np.float32), np.array([[1, 0, 0], [1, 1, 0]], np.float32)).tolist()
    [[0.5, 1.0]]
    """
    product = one @ other.T
    squares = np.square(one).sum(axis=1)[:, None] + np.square(other).sum(axis=1)
    return np.asarray(np.divide(product, squares - product, out=np.zeros_like(product), where=squares > 0))


def root_counts(counts: NDArray[Any]) -> NDArray[np.float32]:
    """Square roots, which keep a chain of equal atoms from drowning all else."""
    return np.sqrt(counts.astype(np.float32))


def process_from_arrays(
    arrays: Mapping[str, NDArray[Any]], kinds: tuple[TaskKind, ...], n_members: int
) -> TanimotoProcess:
    """What `to_arrays` took apart.

    Raises:
        KeyError, ValueError: An array is missing or does not fit.
    """
    references, coefficients, centre = (arrays[name] for name in ("references", "coefficients", "centre"))
    shape = (n_members, len(kinds), len(references))
    if references.dtype != np.uint8 or references.ndim != 2 or coefficients.dtype != np.float32:
        raise ValueError(f"references are {references.dtype}, coefficients {coefficients.dtype}")
    if coefficients.shape != shape or centre.shape != shape[:2] or centre.dtype != np.float64:
        raise ValueError(f"coefficients have the shape {coefficients.shape}, not {shape}")
    return TanimotoProcess(references, coefficients, centre, kinds)


def join_processes(parts: Sequence[TanimotoProcess]) -> TanimotoProcess:
    """The members of all parts, which have the same references, as one model."""
    return TanimotoProcess(
        parts[0].references,
        np.concatenate([part.coefficients for part in parts]),
        np.concatenate([part.centre for part in parts]),
        parts[0].kinds,
    )
