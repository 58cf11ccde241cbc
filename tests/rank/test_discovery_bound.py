"""The bound on the false discoveries of one list: kept at all thresholds at once, and where something is selected."""

import numpy as np
import pytest

from molgraph.rank.discovery_bound import bound_false_discoveries
from molgraph.rank.selection import benjamini_hochberg, calibrate_hits


@pytest.mark.parametrize(("share", "n", "m"), [(0.16, 200, 500), (0.5, 100, 1000)])
def test_it_holds_whatever_rate_is_chosen_after_looking(share, n, m):
    rng = np.random.default_rng(0)
    held, held_where_selected = [], []
    for _ in range(100):
        is_hit = (rng.random(n + m) < share).astype(float)
        scores = rng.normal(size=n + m) + 1.5 * is_hit
        calibration = calibrate_hits(scores[:n], is_hit[:n], np.zeros(n, dtype=int), 1)
        bound = bound_false_discoveries(calibration.n_rows - calibration.n_hits, n, m)
        misses, new_misses = scores[:n][is_hit[:n] == 0], np.sort(scores[n:][is_hit[n:] == 0])
        thresholds = np.sort(scores[n:])
        most = [bound.at(int((misses >= t).sum())) for t in thresholds]
        real = len(new_misses) - np.searchsorted(new_misses, thresholds, side="left")
        held.append(bool((real <= most).all()))
        chosen = benjamini_hochberg(calibration.p_values(scores[None, n:]), 0.2)
        if chosen.any():
            limit = scores[n:][chosen].min()
            held_where_selected.append((is_hit[n:][chosen] == 0).sum() <= bound.at(int((misses >= limit).sum())))
    assert 0.86 < np.mean(held) <= 1.0
    assert len(held_where_selected) > 15
    assert np.mean(held_where_selected) > 0.88


def test_it_tells_something_where_there_are_many():
    bound = bound_false_discoveries(4000, 5000, 5000)
    assert 100 < bound.at(100) < 160
    assert 0 < bound.at(0) < 15
    assert (np.diff(bound.most) >= 0).all()
    assert 3900 < bound.total < 4200


@pytest.mark.parametrize(("non_hits", "rows", "new"), [(0, 10, 100), (10, 10, 5), (1, 2, 0)])
def test_at_the_edges(non_hits, rows, new):
    bound = bound_false_discoveries(non_hits, rows, new)
    assert 0 <= bound.at(0) <= new
    assert bound.at(non_hits + 1) == bound.total <= new


def test_the_same_comes_again():
    first, again = bound_false_discoveries(50, 80, 300), bound_false_discoveries(50, 80, 300)
    np.testing.assert_array_equal(first.most, again.most)
