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
    SeenChemistry,
    foreign_to_others,
    seen_chemistry,
    seen_chemistry_from_arrays,
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
    """Where B compounds lie.

    Attributes:
        degree: `[B]` positions in `DEGREES`.
        distance: `[B]` distance to the nearest training compounds, 1 at the end of the domain.
        leverage: `[B]` distance from the middle of them, likewise.
        is_measured: `[B]` whether a training compound has the same structure but for stereo.
    """

    degree: Degrees
    distance: Floats
    leverage: Floats
    is_measured: NDArray[np.bool_]


@dataclass(frozen=True)
class ApplicabilityDomain:
    """What is known of the compounds that a model was trained on, for telling how near a new one is.

    Attributes:
        latent: Where they lie.
        chemistry: Elements, charges and sizes that they have.
        calibration: `[n]` degree of each calibration row, by what its own judges had seen.
        measured: Sorted hashes of their graphs, which tell no stereoisomers apart; None where nothing of them may stay.
            Then one that is compared with is recognised by its place alone.
    """

    latent: LatentDomain
    chemistry: SeenChemistry
    calibration: Degrees
    measured: NDArray[np.uint64] | None

    def assess(self, graphs: PackedGraphs, vectors: Vectors) -> Assessment:
        """Where molecules lie.

        Args:
            graphs: B molecules.
            vectors: `[B, H]` their vectors.
        """
        scores = self.latent.scores(vectors)
        degree = _degrees(scores.distance, self.latent.inside_distance)
        degree[self.chemistry.is_foreign(graphs)] = OUTSIDE
        known = self.are_measured(graphs)
        is_measured = np.zeros(len(graphs), dtype=np.bool_) if known is None else known
        degree[is_measured | scores.is_same] = INSIDE
        return Assessment(degree, scores.distance, scores.leverage, is_measured)

    def reasons(self, graphs: PackedGraphs, vectors: Vectors) -> list[str]:
        """Why each molecule is not inside, in words, `[B]`; empty where it is."""
        found = self.assess(graphs, vectors)
        told = {
            INSIDE: "",
            EDGE: "further from the training compounds than four in five of the table are from each other",
            OUTSIDE: "further from the training compounds than nineteen in twenty of the table are from each other",
        }
        by_rule = self.chemistry.reasons(graphs)
        return [(degree and rule) or told[degree] for degree, rule in zip(found.degree.tolist(), by_rule, strict=True)]

    def are_measured(self, graphs: PackedGraphs) -> NDArray[np.bool_] | None:
        """`[B]` whether a training compound has the structure of each molecule but for stereo; None if not known."""
        return None if self.measured is None else np.isin(graph_hashes(graphs), self.measured)

    def recalibrated(self, graphs: PackedGraphs, vectors: Vectors) -> "ApplicabilityDomain":
        """The domain of the training compounds and of new calibration compounds, which are known from then on.

        Args:
            graphs: n molecules.
            vectors: `[n, H]` their vectors.
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
    """The domain of a model, and the degree `[B]` of each row by what the members that judge it had seen.

    Args:
        graphs: B training and calibration compounds.
        vectors: `[B, H]` their vectors, which no training may have changed.
        fold: `[B]` member that never saw the row; -1 for none, -2 for rows that no member saw.
        calibrating: Rows that calibrate.
    """
    is_foreign = foreign_to_others(graphs, fold)
    latent, distance = fit_latent_domain(vectors, fold, is_foreign)
    degree = _degrees(distance, latent.inside_distance)
    degree[is_foreign] = OUTSIDE
    domain = ApplicabilityDomain(latent, seen_chemistry(graphs), degree[calibrating], np.unique(graph_hashes(graphs)))
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
        chemistry=seen_chemistry_from_arrays(arrays),
        calibration=degrees,
        measured=None if measured is None else np.asarray(measured, dtype=np.uint64),
    )


def without_measured(domain: ApplicabilityDomain) -> ApplicabilityDomain:
    """The domain without the hashes of what was measured."""
    return replace(domain, measured=None)


def degree_names(degree: Degrees) -> NDArray[np.object_]:
    """Degrees in words, of the same shape.

    >>> degree_names(np.array([0, 2], dtype=np.int8)).tolist()
    ['inside', 'outside']
    """
    return np.array(DEGREES, dtype=np.object_)[degree]


def _degrees(distance: Floats, inside_distance: float) -> Degrees:
    # A rounding apart counts as equal: the row that sets a limit is on its near side.
    return ((distance > inside_distance * (1 + 1e-6)).astype(np.int8) + (distance > 1 + 1e-6)).astype(np.int8)
