"""The applicability domain of a model: one decision for each compound, `inside`, `edge` or `outside`.

In this order:

1. a compound that was measured for the training, in whatever stereochemistry, is inside;
2. one that has what no training compound has, an element, a charge or a size, is outside;
3. else the distance to the nearest training compounds decides (`molgraph.applicability.latent`): four in five of the
   compounds drawn like the table are inside, and one in twenty is outside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from molgraph.applicability.chemistry import (
    TrainingChemistry,
    foreign_to_others,
    training_chemistry,
    training_chemistry_from_arrays,
)
from molgraph.applicability.latent import Floats, LatentDomain, Vectors, fit_latent_domain, latent_domain_from_arrays
from molgraph.features.environments import graph_hashes
from molgraph.graphs import PackedGraphs

Degree = Literal["inside", "edge", "outside"]

#: Degrees, by their codes.
DEGREES: tuple[Degree, ...] = ("inside", "edge", "outside")
INSIDE, EDGE, OUTSIDE = range(3)

Degrees = NDArray[np.int8]


@dataclass(frozen=True)
class Assessment:
    """Applicability domain of B compounds.

    Attributes:
        degree: `[B]` positions in `DEGREES`.
        distance: `[B]` distance to the nearest training compounds, 1 at the end of the domain.
        leverage: `[B]` Mahalanobis distance from their mean, likewise.
        is_measured: `[B]` whether a training compound has the same structure but for stereo.
    """

    degree: Degrees
    distance: Floats
    leverage: Floats
    is_measured: NDArray[np.bool_]


@dataclass(frozen=True)
class ApplicabilityDomain:
    """The applicability domain: what is kept of the training compounds to decide how near a new one is.

    Attributes:
        latent: Their positions in latent space.
        chemistry: Elements, charges and sizes that they have.
        calibration: `[n]` degree of each calibration row, out of fold.
        measured: Sorted hashes of their graphs, equal for stereoisomers; None where these must not be kept: a training
            compound is recognised by its embedding alone then.
    """

    latent: LatentDomain
    chemistry: TrainingChemistry
    calibration: Degrees
    measured: NDArray[np.uint64] | None

    def assess(self, graphs: PackedGraphs, vectors: Vectors) -> Assessment:
        """The domain of molecules.

        Args:
            graphs: B molecules.
            vectors: `[B, H]` their embeddings.
        """
        scores = self.latent.scores(vectors)
        degree = _degrees(scores.distance, self.latent.inside_distance)
        degree[self.chemistry.is_foreign(graphs)] = OUTSIDE
        known = self.are_measured(graphs)
        is_measured = np.zeros(len(graphs), dtype=np.bool_) if known is None else known
        degree[is_measured | scores.is_same] = INSIDE
        return Assessment(degree, scores.distance, scores.leverage, is_measured)

    def reasons(self, graphs: PackedGraphs, vectors: Vectors) -> list[str]:
        """Why each molecule is not inside, as a sentence, `[B]`; empty where it is."""
        degrees = self.assess(graphs, vectors).degree.tolist()
        by_distance = {
            INSIDE: "",
            EDGE: "further from the training compounds than four in five of the table are from each other",
            OUTSIDE: "further from the training compounds than nineteen in twenty of the table are from each other",
        }
        by_rule = self.chemistry.reasons(graphs)
        return [(degree and rule) or by_distance[degree] for degree, rule in zip(degrees, by_rule, strict=True)]

    def are_measured(self, graphs: PackedGraphs) -> NDArray[np.bool_] | None:
        """`[B]` whether a training compound has the structure of each molecule but for stereo; None if unknown."""
        return None if self.measured is None else np.isin(graph_hashes(graphs), self.measured)

    def recalibrated(self, graphs: PackedGraphs, vectors: Vectors) -> "ApplicabilityDomain":
        """The domain of the training compounds and of new calibration compounds together.

        Args:
            graphs: n molecules.
            vectors: `[n, H]` their embeddings.
        """
        alone = foreign_to_others(graphs, np.full(len(graphs), -1)) & self.chemistry.is_foreign(graphs)
        latent, distance = self.latent.extended(vectors, alone)
        degree = _degrees(distance, latent.inside_distance)
        degree[alone] = OUTSIDE
        measured = None if self.measured is None else np.union1d(self.measured, graph_hashes(graphs))
        return ApplicabilityDomain(latent, self.chemistry.extended(graphs), degree, measured)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """The arrays, as they are stored."""
        kept = {} if self.measured is None else {"measured": self.measured}
        return {**self.latent.to_arrays(), **self.chemistry.to_arrays(), "calibration": self.calibration, **kept}


def fit_applicability(
    graphs: PackedGraphs, vectors: Vectors, fold: NDArray[np.int64], calibrating: NDArray[np.int64]
) -> tuple[ApplicabilityDomain, Degrees]:
    """The domain of a model, and the out-of-fold degree `[B]` of each row.

    Args:
        graphs: B training and calibration compounds.
        vectors: `[B, H]` their embeddings, independent of the training.
        fold: `[B]` out-of-fold member of the row; -1 for none, -2 for rows held out from all members.
        calibrating: Rows that calibrate.
    """
    is_foreign = foreign_to_others(graphs, fold)
    latent, distance = fit_latent_domain(vectors, fold, is_foreign)
    degree = _degrees(distance, latent.inside_distance)
    degree[is_foreign] = OUTSIDE
    domain = ApplicabilityDomain(
        latent, training_chemistry(graphs), degree[calibrating], np.unique(graph_hashes(graphs))
    )
    return domain, degree


def applicability_from_arrays(arrays: Mapping[str, NDArray[np.generic]], n_calibration: int) -> ApplicabilityDomain:
    """The domain that `ApplicabilityDomain.to_arrays` took apart.

    Raises:
        KeyError: An array is missing.
        ValueError: An array has another type, shape or range.
    """
    calibration, measured = arrays["calibration"], arrays.get("measured")
    if calibration.dtype != np.int8 or calibration.shape != (n_calibration,):
        raise ValueError(f"the degrees of the calibration rows are {calibration.dtype} {calibration.shape}")
    degrees = np.asarray(calibration, dtype=np.int8)
    if len(degrees) and not (degrees.min() >= INSIDE and degrees.max() <= OUTSIDE):
        raise ValueError("the degrees of the calibration rows are none")
    if measured is not None and (measured.dtype != np.uint64 or measured.ndim != 1):
        raise ValueError(f"the hashes of measured compounds are {measured.dtype} {measured.shape}")
    return ApplicabilityDomain(
        latent=latent_domain_from_arrays(arrays),
        chemistry=training_chemistry_from_arrays(arrays),
        calibration=degrees,
        measured=None if measured is None else np.asarray(measured, dtype=np.uint64),
    )


def without_measured(domain: ApplicabilityDomain) -> ApplicabilityDomain:
    """The domain without the hashes of what was measured."""
    return replace(domain, measured=None)


def degree_names(degree: Degrees) -> NDArray[np.object_]:
    """Names of degrees, of the same shape.

    >>> degree_names(np.array([0, 2], dtype=np.int8)).tolist()
    ['inside', 'outside']
    """
    return np.array(DEGREES, dtype=np.object_)[degree]


def _degrees(distance: Floats, inside_distance: float) -> Degrees:
    # A rounding apart counts as equal: the row that sets a limit is on its near side.
    return ((distance > inside_distance * (1 + 1e-6)).astype(np.int8) + (distance > 1 + 1e-6)).astype(np.int8)
