"""How similar a compound must be to the training compounds for a model to know something about it."""

import numpy as np
from numpy.typing import NDArray

from molgraph.domain.neighbours import nearest

#: Training compounds that are asked for their nearest neighbour; keeps a table of 40,000 rows to seconds.
_MAX_ASKED = 1000


def domain_threshold(fingerprints: NDArray[np.uint8], fold: NDArray[np.int64]) -> float:
    """Similarity to the nearest training compound below which a compound is outside of the domain, 0 to 1.

    It is the first percentile of what the training compounds themselves have: for each the similarity to the nearest
    compound of another fold, i.e. of those that the member which judged it had seen. So about one in a hundred
    compounds like those of the table falls outside, and the errors known from training say little about the rest of
    what does. A compound that no member was blind to, or that has no other fold, is compared with all other compounds.

    At most 1,000 compounds are asked, evenly spaced, so the same table gives the same number. A single compound has
    nothing to be compared with, and gives 0.

    Args:
        fingerprints: `[B, W]` packed bits; W a multiple of 8.
        fold: `[B]` member that never saw the compound; -1 for none.

    >>> import numpy as np
    >>> bits = np.array([[1] * 8, [3] * 8, [3] * 8], dtype=np.uint8)
    >>> domain_threshold(bits, np.array([0, 0, 1])), domain_threshold(bits, np.array([0, 1, 1]))
    (0.5, 0.5)
    """
    n_rows = len(fingerprints)
    if n_rows < 2:
        return 0.0
    asked = np.unique(np.linspace(0, n_rows - 1, min(n_rows, _MAX_ASKED)).round().astype(np.int64))
    similarity = np.empty(len(asked))
    for member in np.unique(fold[asked]).tolist():
        is_here = fold[asked] == member
        seen = fingerprints[fold != member]
        if member >= 0 and len(seen):
            similarity[is_here] = nearest(fingerprints[asked[is_here]], seen)[1]
        else:
            similarity[is_here] = [_nearest_other(fingerprints, row) for row in asked[is_here].tolist()]
    return float(np.sort(similarity)[(len(asked) - 1) // 100])


def _nearest_other(fingerprints: NDArray[np.uint8], row: int) -> float:
    """Similarity of a row to the most similar of all others."""
    others = (fingerprints[:row], fingerprints[row + 1 :])
    return max(float(nearest(fingerprints[row : row + 1], part)[1][0]) for part in others if len(part))
