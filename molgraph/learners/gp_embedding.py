"""Gaussian process with an exponential kernel on the encoder's embedding."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgraph.learners.base import FitLimits, TabularData, TabularLearner
from molgraph.learners.gaussian_process import (
    SHARED_ARRAYS,
    Floats,
    GaussianProcess,
    fit_process,
    join_processes,
    process_from_arrays,
)
from molgraph.learners.kernels import distances, steps_of
from molgraph.learners.member_rows import MemberRows
from molgraph.results.tasks import TaskKind
from molgraph.storage.arrays import ArraySpec

#: Lengths of the exponential kernel that are tried, in the distance of two vectors with independent standard entries.
LENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0)

#: What is stored: R references of F columns, M members, T tasks.
_ARRAYS = MappingProxyType(
    {
        "references": ArraySpec(np.int8, "RF"),
        **SHARED_ARRAYS,
        "lengths": ArraySpec(np.float64, "MT", lowest=1e-6, highest=1e6),
    }
)


def fit_gp_embedding(data: TabularData, plan: MemberRows, seed: int, limits: FitLimits) -> GaussianProcess:
    """The process of one member for each task on an encoder's vectors, fitted to its training and inner rows.

    Its kernel falls exponentially with the distance (Matern 1/2; Rasmussen and Williams 2006, equation 4.18). The
    marginal likelihood chooses the length, too; all else as `molgraph.learners.gp_tanimoto` does it.

    Args:
        data: Vectors, of which each entry varies by 1 or so, and labels.
        plan: Rows of the member.
        seed: Seed of the rows that choose.
        limits: Where progress is reported; the linear algebra below has its own threads.
    """
    references = steps_of(data.columns)
    seen = references[plan.seen_rows]
    apart = distances(seen, seen).astype(np.float64)
    unit = float(np.sqrt(2.0 * data.columns.shape[1]))
    lengths = tuple(unit * length for length in LENGTHS)

    def kernel(places: NDArray[np.int64], length: float) -> Floats:
        return np.asarray(np.exp(-apart[np.ix_(places, places)] / length))

    fitted = fit_process(data, plan, seed, kernel, lengths, limits)
    return GaussianProcess(references, fitted.coefficients, fitted.centre, fitted.lengths, fitted.spread, data.kinds)


def gp_embedding_from_arrays(
    arrays: Mapping[str, NDArray[Any]], kinds: tuple[TaskKind, ...], n_members: int
) -> GaussianProcess:
    """What `to_arrays` took apart.

    Raises:
        ValueError: An array is missing or does not fit.
    """
    return process_from_arrays(arrays, _ARRAYS, kinds, n_members)


LEARNER = TabularLearner(fit=fit_gp_embedding, from_arrays=gp_embedding_from_arrays, join=join_processes)
