"""Gaussian process with a Tanimoto kernel on counts of atom environments."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgraph.learners.base import FitLimits, TabularData, TabularLearner
from molgraph.learners.gaussian_process import (
    SHARED_ARRAYS,
    GaussianProcess,
    fit_process,
    join_processes,
    process_from_arrays,
)
from molgraph.learners.kernels import root_counts, tanimoto
from molgraph.learners.member_rows import MemberRows
from molgraph.results.tasks import TaskKind
from molgraph.storage.arrays import ArraySpec

#: What is stored: R references of F columns.
_ARRAYS = MappingProxyType({"references": ArraySpec(np.uint8, "RF"), **SHARED_ARRAYS})


def fit_gp_tanimoto(data: TabularData, plan: MemberRows, seed: int, limits: FitLimits) -> GaussianProcess:
    """The process of one member for each task, fitted to its training and inner rows.

    The marginal likelihood of a thousand rows at most chooses the noise (Rasmussen and Williams 2006, equation 2.30).
    Classes are fitted as the numbers 0 and 1. The noise of a row is divided by its weight, and rows without weight are
    left out.

    Args:
        data: Counts up to 255, and labels.
        plan: Rows of the member.
        seed: Seed of the rows that choose.
        limits: Where progress is reported; the linear algebra below has its own threads.
    """
    roots = root_counts(data.columns[plan.seen_rows])
    alike = tanimoto(roots, roots).astype(np.float64)
    fitted = fit_process(data, plan, seed, lambda places, _: alike[np.ix_(places, places)], (1.0,), limits)
    references = data.columns.astype(np.uint8)
    return GaussianProcess(references, fitted.coefficients, fitted.centre, None, fitted.spread, data.kinds)


def gp_tanimoto_from_arrays(
    arrays: Mapping[str, NDArray[Any]], kinds: tuple[TaskKind, ...], n_members: int
) -> GaussianProcess:
    """What `to_arrays` took apart.

    Raises:
        ValueError: An array is missing or does not fit.
    """
    return process_from_arrays(arrays, _ARRAYS, kinds, n_members)


LEARNER = TabularLearner(fit=fit_gp_tanimoto, from_arrays=gp_tanimoto_from_arrays, join=join_processes)
