"""How far a compound is from the training compounds in the model's own eyes: in the space of its encoder's vectors.

Cheap for a whole library, since the vectors come with the predictions. Two scores, larger = further out, both in units
of their own limit, so that 1 is the edge of the domain:

- `distance`: mean distance to the five nearest training compounds;
- `leverage`: Mahalanobis distance from the middle of all of them. Without the constant it is the leverage of a linear
  model on the vectors (Tropsha et al. 2003, doi:10.1002/qsar.200390007).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Directions of the space that are looked at: those in which training compounds differ most. The others hold noise.
MOST_COMPONENTS = 32

#: A direction with less than this share of the variance of the first is none.
_LEAST_SHARE = 1e-6

#: Training compounds that a new one is compared with at most, so that a screen does not slow down with the table.
MOST_REFERENCES = 2000

#: One neighbour alone is at the mercy of duplicates; more than a few say where the middle is.
_NEIGHBOURS = 5

#: Share of the compounds like those of the table that lie inside.
_INSIDE = 0.99

#: Distances that are computed at once, in 4 bytes each.
_AT_ONCE = 2**20


@dataclass(frozen=True)
class LatentDomain:
    """The training compounds in the space of an encoder (H dimensions), whitened to C of them.

    Attributes:
        centre: `[H]` their mean.
        directions: `[H, C]` the directions in which they differ most, each divided by their deviation along it.
        reference: `[R, C]` the compounds that the encoder was trained on, `MOST_REFERENCES` of them at most.
        distance_limit: What one in a hundred compounds like those of the table exceeds, see `distance`.
        leverage_limit: Likewise for the leverage.
    """

    centre: Floats
    directions: Floats
    reference: NDArray[np.float32]
    distance_limit: float
    leverage_limit: float

    def distance(self, latents: NDArray[np.float32]) -> Floats:
        """Mean distance to the nearest training compounds over its limit, `[B]`, from vectors `[B, H]`."""
        return _nearest(self.whitened(latents), self.reference) / self.distance_limit

    def leverage(self, latents: NDArray[np.float32]) -> Floats:
        """Mahalanobis distance from the middle over its limit, `[B]`, from vectors `[B, H]`."""
        return np.asarray(np.linalg.norm(self.whitened(latents), axis=1) / self.leverage_limit)

    def scores(self, latents: NDArray[np.float32]) -> tuple[Floats, Floats]:
        """`distance` and `leverage`, `[B]` each, for less than both apart."""
        whitened = self.whitened(latents)
        distance = _nearest(whitened, self.reference) / self.distance_limit
        return distance, np.linalg.norm(whitened, axis=1) / self.leverage_limit

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """The arrays, as they are stored."""
        return {
            "centre": self.centre,
            "directions": self.directions,
            "reference": self.reference,
            "limits": np.array([self.distance_limit, self.leverage_limit]),
        }

    def whitened(self, latents: NDArray[np.float32]) -> Floats:
        """`[B, C]` where vectors `[B, H]` lie in the space in which distances are measured."""
        # In float32, as the vectors are: less than half of the time, for some 1e-6 of a distance.
        moved = np.subtract(latents, self.centre, dtype=np.float32, casting="same_kind")
        return np.asarray(moved @ self.directions.astype(np.float32), dtype=np.float64)


def fit_latent_domain(seen: NDArray[np.float32], unseen: NDArray[np.float32]) -> LatentDomain:
    """The domain of an encoder.

    Args:
        seen: `[n, H]` vectors of the compounds that the encoder was trained on, at least one.
        unseen: `[k, H]` vectors of compounds of the same table that it never saw; they set the limits. An encoder knows
            what it was trained on better than anything else, so the compounds seen would set them too low. Without any,
            those seen do.

    >>> rng = np.random.default_rng(0)
    >>> domain = fit_latent_domain(rng.normal(size=(200, 8)), rng.normal(size=(100, 8)))
    >>> bool((domain.distance(np.full((1, 8), 9.0)) > 1).all()), bool((domain.distance(np.zeros((1, 8))) < 1).all())
    (True, True)
    """
    centre = seen.mean(axis=0, dtype=np.float64)
    _, sizes, axes = np.linalg.svd(seen - centre, full_matrices=False)
    kept = (sizes > 0) & (sizes**2 >= _LEAST_SHARE * sizes[:1] ** 2)
    kept[MOST_COMPONENTS:] = False
    deviation = sizes[kept] / np.sqrt(max(len(seen) - 1, 1))
    directions = np.ascontiguousarray(axes[kept].T / deviation)
    kept_rows = np.unique(np.linspace(0, len(seen) - 1, min(len(seen), MOST_REFERENCES)).round().astype(np.int64))
    reference = ((seen[kept_rows] - centre) @ directions).astype(np.float32)
    judged = ((unseen if len(unseen) else seen) - centre) @ directions
    return LatentDomain(
        centre=centre,
        directions=directions,
        reference=reference,
        distance_limit=_limit(_nearest(judged, reference)),
        leverage_limit=_limit(np.linalg.norm(judged, axis=1)),
    )


def latent_domain_from_arrays(arrays: Mapping[str, NDArray[np.generic]]) -> LatentDomain:
    """The domain that `LatentDomain.to_arrays` took apart.

    Raises:
        KeyError: An array is missing.
        ValueError: An array has another type or shape.
    """
    centre, directions, reference, limits = (arrays[k] for k in ("centre", "directions", "reference", "limits"))
    n_components = directions.shape[-1] if directions.ndim == 2 else -1
    fits = directions.shape == (len(centre), n_components) and reference.shape == (len(reference), n_components)
    if not (fits and centre.ndim == 1 and limits.shape == (2,) and len(reference)):
        raise ValueError("the arrays of the latent domain have shapes that do not belong together")
    if reference.dtype != np.float32 or {centre.dtype, directions.dtype, limits.dtype} != {np.dtype(np.float64)}:
        raise ValueError("the arrays of the latent domain have other types than float32 and float64")
    distance_limit, leverage_limit = np.asarray(limits, dtype=np.float64).tolist()
    if not (distance_limit > 0 and leverage_limit > 0):
        raise ValueError("the limits of the latent domain are not positive")
    return LatentDomain(
        centre=np.asarray(centre, dtype=np.float64),
        directions=np.asarray(directions, dtype=np.float64),
        reference=np.asarray(reference, dtype=np.float32),
        distance_limit=distance_limit,
        leverage_limit=leverage_limit,
    )


def _nearest(queries: Floats, reference: NDArray[np.float32]) -> Floats:
    """Mean distance of each query to its nearest references, `[B]`."""
    k = min(_NEIGHBOURS, len(reference))
    # |q - r|² less |q|², which does not change the order, in one product: (q, 1) · (-2r, |r|²).
    squares = np.einsum("nc,nc->n", reference, reference)
    table = np.ascontiguousarray(np.column_stack([-2.0 * reference, squares]).T, dtype=np.float32)
    one = np.ones(len(queries))
    points = np.column_stack([queries, one]).astype(np.float32)
    own_squares = np.einsum("bc,bc->b", points, points) - one
    found = np.empty(len(queries))
    chunk = max(1, _AT_ONCE // len(reference))
    for start in range(0, len(queries), chunk):
        part = slice(start, start + chunk)
        distance = points[part] @ table
        distance.partition(k - 1, axis=1)
        nearest = distance[:, :k] + own_squares[part, None]
        found[part] = np.sqrt(np.maximum(nearest, 0.0)).mean(axis=1)
    return found


def _limit(scores: Floats) -> float:
    """The score that one in a hundred exceeds; never 0, so that it can be divided by."""
    return max(float(np.quantile(scores, _INSIDE)), 1e-9)
