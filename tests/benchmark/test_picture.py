"""The picture of mean ranks."""

import numpy as np
import pytest

from molgraph.benchmark.picture import draw_ranks
from molgraph.benchmark.statistics import rank_comparison


@pytest.mark.parametrize("n_learners", [2, 3, 9])
@pytest.mark.parametrize("n_blocks", [1, 2, 16])
def test_nothing_is_cut_off(tmp_path, margins, n_learners, n_blocks):
    values = np.arange(n_learners) + np.random.default_rng(0).normal(0, 0.5, (n_blocks, n_learners))
    ranking = rank_comparison(values)
    names = [f"a_learner_of_a_long_name_{n}" for n in range(n_learners)]
    draw_ranks(names, ranking, n_blocks, tmp_path / "ranks.png")
    assert margins(tmp_path / "ranks.png") == {"top", "bottom", "left", "right"}
