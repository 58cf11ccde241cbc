"""Applicability domain in latent space: k-nearest-neighbour distance and leverage.

The space is that of the embeddings of the frozen encoder, or of counts of atom environments where there is none, which
training does not change. Each dimension is divided by its standard deviation over the training compounds, and the
principal components are kept. The distance is the mean over the three nearest training compounds. Of a dozen distances
(Tanimoto similarity, whitened and plain embeddings, environments unseen in training) this one separates small errors
from large ones best, out of fold by clusters on seventeen tables, and it needs no structures.

Each score is divided by its own limit, so that 1 is the end of the domain:

- `distance`: see above;
- `leverage`: Mahalanobis distance from the mean of all training compounds (Tropsha et al. 2003,
  doi:10.1002/qsar.200390007).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]

#: Principal components that are kept.
MOST_COMPONENTS = 32

#: Training compounds that a new one is compared with at most, so that a screen does not slow down with the table.
MOST_REFERENCES = 2000

#: Fraction of compounds drawn like those of the table that lie closer than the first limit, and than the second.
INSIDE_RATE, DOMAIN_RATE = 0.80, 0.95

#: Components with less than this fraction of the variance of the first are dropped.
_LEAST_SHARE = 1e-6

#: Standard deviations are at least this fraction of the largest: smaller ones would blow up what hardly ever varies.
_LEAST_DEVIATION = 1e-3

#: Neighbours of the distance: one alone depends on duplicates, many blur the distance into one from the mean.
_NEIGHBOURS = 3

#: Distance, in units of the limit, below which two compounds are the same: the rounding of float32.
_SAME = 0.02

#: Distances that are computed at once, in 4 bytes each.
_AT_ONCE = 2**20


@dataclass(frozen=True)
class LatentScores:
    """Where B compounds lie.

    Attributes:
        distance: `[B]` mean distance to the nearest training compounds, over the limit of the domain.
        leverage: `[B]` Mahalanobis distance from the mean, over its limit.
        is_same: `[B]` whether a training compound has the same embedding.
    """

    distance: Floats
    leverage: Floats
    is_same: NDArray[np.bool_]


@dataclass(frozen=True)
class LatentDomain:
    """The training compounds in latent space (H dimensions), of which C principal components are kept.

    Attributes:
        centre: `[H]` their mean.
        directions: `[H, C]` principal components, of dimensions divided by their standard deviations.
        deviations: `[C]` standard deviations along these.
        reference: `[R, C]` training compounds that a new one is compared with.
        inside_limit: Distance that `INSIDE_RATE` of the compounds drawn like the table do not exceed.
        edge_limit: Distance that `DOMAIN_RATE` of them do not exceed.
        leverage_limit: Leverage that `DOMAIN_RATE` of them do not exceed.
    """

    centre: Floats
    directions: Floats
    deviations: Floats
    reference: Vectors
    inside_limit: float
    edge_limit: float
    leverage_limit: float

    def scores(self, vectors: Vectors) -> LatentScores:
        """Distance and leverage of compounds with the embeddings `[B, H]`."""
        points = self.projected(vectors)
        mean, least = nearest_distances(points, self.reference)
        return LatentScores(
            distance=mean / self.edge_limit,
            leverage=_leverage(points, self.deviations) / self.leverage_limit,
            is_same=least <= _SAME * self.edge_limit,
        )

    def projected(self, vectors: Vectors) -> Vectors:
        """`[B, C]` embeddings `[B, H]` projected on the principal components, in which distances are measured."""
        # In float32, as the vectors are: less than half of the time, for some 1e-6 of a distance.
        centred = np.subtract(vectors, self.centre, dtype=np.float32, casting="same_kind")
        return centred @ self.directions.astype(np.float32)

    @property
    def inside_distance(self) -> float:
        """Where the edge of the domain begins, in units of its end."""
        return self.inside_limit / self.edge_limit

    def extended(self, vectors: Vectors, is_foreign: NDArray[np.bool_]) -> tuple["LatentDomain", Floats]:
        """The domain of the training compounds and others with embeddings `[B, H]`, and the distance of each of these.

        Each of the others is compared with the training compounds and with the rest of them. A limit grows where
        compounds drawn like the others would be outside more often than is stated, and never shrinks.

        Args:
            vectors: `[B, H]`, at least one.
            is_foreign: `[B]` compounds that are outside whatever their distance is.
        """
        points = self.projected(vectors)
        reference = np.concatenate([self.reference, points])
        distance = _left_out_distances(points, reference, first=len(self.reference))
        ranked = np.where(is_foreign, np.inf, distance)
        inside = max(self.inside_limit, upper_limit(ranked, INSIDE_RATE))
        edge = max(self.edge_limit, upper_limit(ranked, DOMAIN_RATE))
        leverage = upper_limit(_leverage(points, self.deviations), DOMAIN_RATE)
        grown = replace(
            self,
            reference=reference,
            inside_limit=inside,
            edge_limit=edge,
            leverage_limit=max(self.leverage_limit, leverage),
        )
        return grown, distance / edge

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """The arrays, as they are stored."""
        return {
            "centre": self.centre,
            "directions": self.directions,
            "deviations": self.deviations,
            "reference": self.reference,
            "limits": np.array([self.inside_limit, self.edge_limit, self.leverage_limit]),
        }


def fit_latent_domain(
    vectors: Vectors, fold: NDArray[np.int64], is_foreign: NDArray[np.bool_] | None = None
) -> tuple[LatentDomain, Floats]:
    """The domain of a model, and the out-of-fold distance `[B]` of each row, in units of the limit.

    A row of a fold is compared with those of all other folds, a row that all members were trained on with all others,
    and a row held out from all of them (fold below -1) with the training rows. The limits are quantiles of all these
    distances by (n + 1) ranks, so that compounds drawn like the table are inside at the stated rates.

    Args:
        vectors: `[B, H]` embeddings, independent of the training; at least one.
        fold: `[B]` out-of-fold member of the row; -1 for none, less for rows held out from all members.
        is_foreign: `[B]` rows that are outside whatever their distance is; none if left out.

    >>> rng = np.random.default_rng(0)
    >>> vectors = rng.normal(size=(200, 8)).astype(np.float32)
    >>> domain, distance = fit_latent_domain(vectors, np.arange(200) % 5)
    >>> float((distance <= 1).mean()), bool((domain.scores(np.full((1, 8), 9, np.float32)).distance > 1).all())
    (0.955, True)
    """
    is_trained_on = fold >= -1
    training = vectors[is_trained_on] if is_trained_on.any() else vectors
    centre = training.mean(axis=0, dtype=np.float64)
    deviation = training.std(axis=0, dtype=np.float64)
    scale = np.maximum(deviation, _LEAST_DEVIATION * max(float(deviation.max(initial=0.0)), 1e-9))
    _, sizes, axes = np.linalg.svd((training - centre) / scale, full_matrices=False)
    kept = (sizes > 0) & (sizes**2 >= _LEAST_SHARE * sizes[:1] ** 2)
    kept[MOST_COMPONENTS:] = False
    directions = np.ascontiguousarray(axes[kept].T / scale[:, None])
    projection = LatentDomain(
        centre=centre,
        directions=directions,
        deviations=sizes[kept] / np.sqrt(max(len(training) - 1, 1)),
        reference=np.zeros((0, int(kept.sum())), dtype=np.float32),
        inside_limit=1.0,
        edge_limit=1.0,
        leverage_limit=1.0,
    )
    points = projection.projected(vectors)
    distance = _out_of_fold_distances(points, fold)
    ranked = distance if is_foreign is None else np.where(is_foreign, np.inf, distance)
    edge = upper_limit(ranked, DOMAIN_RATE)
    domain = replace(
        projection,
        reference=_spaced(points[is_trained_on] if is_trained_on.any() else points),
        inside_limit=min(upper_limit(ranked, INSIDE_RATE), edge),
        edge_limit=edge,
        leverage_limit=upper_limit(_leverage(points, projection.deviations), DOMAIN_RATE),
    )
    return domain, distance / edge


def latent_domain_from_arrays(arrays: Mapping[str, NDArray[np.generic]]) -> LatentDomain:
    """The domain that `LatentDomain.to_arrays` took apart.

    Raises:
        KeyError: An array is missing.
        ValueError: An array has another type or shape, or values that are not finite.
    """
    names = ("centre", "directions", "deviations", "reference", "limits")
    centre, directions, deviations, reference, limits = (arrays[name] for name in names)
    n_components = directions.shape[-1] if directions.ndim == 2 else -1
    fits = directions.shape == (len(centre), n_components) and reference.shape == (len(reference), n_components)
    fits &= deviations.shape == (n_components,) and limits.shape == (3,)
    if not (fits and centre.ndim == 1 and len(reference)):
        raise ValueError("the arrays of the latent domain have shapes that do not belong together")
    kinds = {array.dtype for array in (centre, directions, deviations, limits)}
    if reference.dtype != np.float32 or kinds != {np.dtype(np.float64)}:
        raise ValueError("the arrays of the latent domain have other types than float32 and float64")
    if not all(np.isfinite(np.asarray(arrays[name], dtype=np.float64)).all() for name in names):
        raise ValueError("the arrays of the latent domain hold values that are not finite")
    inside_limit, edge_limit, leverage_limit = np.asarray(limits, dtype=np.float64).tolist()
    if not (0 < inside_limit <= edge_limit and leverage_limit > 0 and (np.asarray(deviations) > 0).all()):
        raise ValueError("the limits of the latent domain are not positive, or in another order")
    return LatentDomain(
        centre=np.asarray(centre, dtype=np.float64),
        directions=np.asarray(directions, dtype=np.float64),
        deviations=np.asarray(deviations, dtype=np.float64),
        reference=np.asarray(reference, dtype=np.float32),
        inside_limit=inside_limit,
        edge_limit=edge_limit,
        leverage_limit=leverage_limit,
    )


def nearest_distances(queries: Vectors, reference: Vectors) -> tuple[Floats, Floats]:
    """Mean distance of each query to its nearest references, `[B]`, and the least one, `[B]`."""
    k = min(_NEIGHBOURS, len(reference))
    # |q - r|² less |q|², which does not change the order, in one product: (q, 1) · (-2r, |r|²).
    squares = np.einsum("nc,nc->n", reference, reference)
    table = np.ascontiguousarray(np.column_stack([-2.0 * reference, squares]).T, dtype=np.float32)
    points = np.column_stack([queries, np.ones(len(queries))]).astype(np.float32)
    own_squares = np.einsum("bc,bc->b", queries, queries)
    mean, least = np.empty(len(queries)), np.empty(len(queries))
    chunk = max(1, _AT_ONCE // len(reference))
    for start in range(0, len(queries), chunk):
        part = slice(start, start + chunk)
        distance = points[part] @ table
        distance.partition(k - 1, axis=1)
        nearest = np.sqrt(np.maximum(distance[:, :k] + own_squares[part, None], 0.0))
        mean[part], least[part] = nearest.mean(axis=1), nearest.min(axis=1)
    return mean, least


def upper_limit(scores: Floats, rate: float) -> float:
    """The score that a new one of the same kind does not exceed with this probability; the largest where n is small.

    It is the ceil((n + 1) rate)-th smallest of n. Scores that are infinite count, and are no limit. Never 0, so that
    it can be divided by.

    >>> upper_limit(np.arange(1.0, 20.0), 0.95), upper_limit(np.array([1.0, 2.0, np.inf]), 0.95)
    (19.0, 2.0)
    """
    ordered = np.sort(scores)
    n_finite = int(np.isfinite(ordered).sum())
    if not n_finite:
        return 1.0
    rank = int(np.ceil((len(ordered) + 1) * rate - 1e-9))
    return max(float(ordered[min(rank, n_finite) - 1]), 1e-6)


def _out_of_fold_distances(points: Vectors, fold: NDArray[np.int64]) -> Floats:
    """`[B]` distance of each row to the training rows of its out-of-fold member; see `fit_latent_domain`."""
    distance = np.full(len(points), np.inf)
    for member in np.unique(fold).tolist():
        rows = np.flatnonzero(fold == member)
        others = np.flatnonzero((fold != member) & (fold >= -1))
        if member == -1 or not len(others):
            both = np.concatenate([points[others], points[rows]])
            distance[rows] = _left_out_distances(points[rows], both, len(others))
        else:
            distance[rows] = nearest_distances(points[rows], _spaced(points[others]))[0]
    return distance


def _left_out_distances(points: Vectors, reference: Vectors, first: int) -> Floats:
    """`[B]` distance of each of the references from `first` on to all others."""
    if len(reference) < 2:
        return np.full(len(points), np.inf)
    distance = np.empty(len(points))
    kept = np.arange(len(reference))
    if len(reference) > MOST_REFERENCES:
        kept = np.linspace(0, len(reference) - 1, MOST_REFERENCES).round().astype(np.int64)
    squares = np.einsum("nc,nc->n", reference[kept], reference[kept])
    k = min(_NEIGHBOURS, len(kept) - 1)
    chunk = max(1, _AT_ONCE // len(kept))
    for start in range(0, len(points), chunk):
        part = points[start : start + chunk]
        square = squares - 2.0 * (part @ reference[kept].T) + np.einsum("bc,bc->b", part, part)[:, None]
        square[kept == (first + start + np.arange(len(part)))[:, None]] = np.inf  # none is its own neighbour
        square.partition(k - 1, axis=1)
        distance[start : start + chunk] = np.sqrt(np.maximum(square[:, :k], 0.0)).mean(axis=1)
    return distance


def _spaced(points: Vectors) -> Vectors:
    """`MOST_REFERENCES` of the rows at most, evenly spaced."""
    rows = np.linspace(0, len(points) - 1, min(len(points), MOST_REFERENCES)).round().astype(np.int64)
    return np.asarray(points[np.unique(rows)], dtype=np.float32)


def _leverage(points: Vectors, deviations: Floats) -> Floats:
    return np.asarray(np.linalg.norm(points / deviations, axis=1), dtype=np.float64)
