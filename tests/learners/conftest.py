"""Small columns and labels that every tabular learner can learn from."""

from collections.abc import Callable

import numpy as np
import pytest

from molgraph.learners.base import TabularData
from molgraph.learners.member_rows import MemberRows, rows_of_members

N_ROWS, N_COLUMNS = 120, 15


@pytest.fixture(scope="session")
def make_data() -> Callable[[], TabularData]:
    """Counts `[120, 15]`, a value and a class of each row, a tenth of them not measured, and weights."""

    def make() -> TabularData:
        rng = np.random.default_rng(0)
        columns = rng.poisson(1.5, size=(N_ROWS, N_COLUMNS)).astype(np.float32)
        value = columns[:, 0] - 2 * columns[:, 1] + 0.1 * rng.normal(size=N_ROWS)
        labels = np.stack([value, (value > np.median(value)).astype(float)], axis=1)
        labels[rng.random(labels.shape) < 0.1] = np.nan
        return TabularData(columns, labels, rng.uniform(0.5, 2.0, N_ROWS), ("regression", "classification"))

    return make


@pytest.fixture(scope="session")
def plans() -> list[MemberRows]:
    """Rows of three members."""
    return rows_of_members(np.arange(N_ROWS) % 3, inner_fraction=0.1, seed=0)
