"""Fills a table of hits: all that is known of them, a row each, best first."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgraph.config.screening import NeighbourSpace
from molgraph.prediction.measured_compounds import bound_text
from molgraph.prediction.output_columns import (
    KEPT_COLUMN,
    Columns,
    ShownTask,
    TaskValues,
    prediction_values,
    shown_tasks,
)
from molgraph.prediction.panel import Panel
from molgraph.prediction.predictor import Predictor
from molgraph.prediction.training_neighbours import Neighbours
from molgraph.rank.top_k import Ranked
from molgraph.results.column_spec import ColumnSpec
from molgraph.screening.close_look import look_closely
from molgraph.screening.hit import Hit
from molgraph.screening.hit_columns import hit_columns, place_name
from molgraph.screening.hit_table import HitTable


@dataclass(frozen=True)
class ShownFacts:
    """What a table of hits shows beside the predictions.

    Attributes:
        keep: Columns of the library that are carried along.
        task: Position of the task whose measured values are shown.
        nearest: Training compounds that are shown.
        nearest_by: What makes them near.
        has_selection: Whether p-values are shown.
        ranked_by: What ranks, and which way is better, in words.
        sign: -1 where less of a value is better, so that its scores are negative.
    """

    keep: tuple[str, ...] = ()
    task: int = 0
    nearest: int = 1
    nearest_by: NeighbourSpace = "structure"
    has_selection: bool = False
    ranked_by: str = ""
    sign: float = 1.0


@dataclass(frozen=True)
class HitFacts:
    """What is known of the hits of a table besides their predictions.

    Attributes:
        duplicates: By key, the identifiers of other rows with that structure.
        p_values: By row of the library; nothing is shown for a row without one.
        hit_probabilities: Likewise the probability of being a hit.
        selected: Keys of the structures that were selected.
        fronts: Column of the Pareto fronts, or none.
        quality: Gives the last columns, a value for each hit; asked last, because it may have to wait.
    """

    duplicates: Mapping[str, str] = field(default_factory=dict)
    p_values: Mapping[int, float] = field(default_factory=dict)
    hit_probabilities: Mapping[int, float] = field(default_factory=dict)
    selected: frozenset[str] = frozenset()
    fronts: Columns = field(default_factory=dict)
    quality: Callable[[Sequence[Ranked[Hit]]], Columns] = lambda _ranking: {}


def hit_table(panel: Panel, ranking: Sequence[Ranked[Hit]], shown: ShownFacts, facts: HitFacts) -> HitTable:
    """A ranking as a table, best first.

    The nearest training compounds are empty if the model was saved without its training structures; `in_training` then
    goes by hashes if it has those. Of models after the first each task has its own `domain`.

    Args:
        panel: The models.
        ranking: The hits.
        shown: What is shown.
        facts: What is known of the hits.
    """
    hits, predictor = [entry.payload for entry in ranking], panel.first
    tasks, quality = shown_tasks(panel, first_domain=False), facts.quality(ranking)
    specs = hit_columns(
        tasks,
        keep=shown.keep,
        nearest=shown.nearest,
        nearest_unit=panel.tasks[shown.task].unit,
        has_selection=shown.has_selection,
        has_fronts=bool(facts.fronts),
        has_quality=bool(quality),
    )
    structures = look_closely(predictor, hits)
    neighbours = predictor.neighbours(structures, count=shown.nearest, by=shown.nearest_by)
    columns: Columns = {
        "rank": list(range(1, len(hits) + 1)),
        "id": [hit.id for hit in hits],
        "smiles": [hit.smiles for hit in hits],
        "duplicate_ids": [facts.duplicates.get(entry.key, "") for entry in ranking],
        **_kept_columns(hits, specs),
        **_prediction_columns_of(hits, tasks),
        "ranked_by": [shown.ranked_by] * len(hits),
        "score": [shown.sign * entry.score for entry in ranking],
        **(_selection_columns(ranking, facts) if shown.has_selection else {}),
        **_applicability_columns(predictor, ranking, structures),
        **_nearest_columns(shown, neighbours, len(hits)),
        **facts.fronts,
        **quality,
    }
    return HitTable(columns, specs)


def _kept_columns(hits: Sequence[Hit], specs: Mapping[str, ColumnSpec]) -> Columns:
    names = [name for name, spec in specs.items() if spec.meaning == KEPT_COLUMN.meaning]
    return {name: [hit.kept[position] for hit in hits] for position, name in enumerate(names)}


def _selection_columns(ranking: Sequence[Ranked[Hit]], facts: HitFacts) -> Columns:
    return {
        "hit_probability": [facts.hit_probabilities.get(entry.row) for entry in ranking],
        "p_value": [facts.p_values.get(entry.row) for entry in ranking],
        "selected": [entry.key in facts.selected for entry in ranking],
    }


def _applicability_columns(predictor: Predictor, ranking: Sequence[Ranked[Hit]], structures: Sequence[str]) -> Columns:
    hits = [entry.payload for entry in ranking]
    in_training = predictor.in_training([entry.key for entry in ranking])
    return {
        "latent_distance": [hit.latent_distance for hit in hits],
        "leverage": [hit.leverage for hit in hits],
        "in_training": [None] * len(hits) if in_training is None else in_training,
        "domain": [hit.domain[0] for hit in hits],
        "domain_reason": _domain_reasons(predictor, structures, in_training),
    }


def _prediction_columns_of(hits: Sequence[Hit], tasks: Sequence[ShownTask]) -> dict[str, NDArray[Any]]:
    shape = (len(hits), len(tasks))

    def rows(values: Sequence[object], dtype: type) -> NDArray[Any]:
        return np.array(values, dtype=dtype).reshape(shape)

    values = TaskValues(
        pred=rows([hit.mean for hit in hits], np.float64),
        std=rows([hit.std for hit in hits], np.float64),
        lower=rows([hit.lower for hit in hits], np.float64),
        upper=rows([hit.upper for hit in hits], np.float64),
        call=rows([hit.calls for hit in hits], np.object_),
        percentile=rows([hit.percentiles for hit in hits], np.float64),
        domain=rows([hit.domain for hit in hits], np.object_),
        measured=np.full(shape, "", dtype=np.object_),
    )
    return prediction_values(values, tasks)


def _domain_reasons(predictor: Predictor, texts: Sequence[str], in_training: Sequence[bool] | None) -> list[str]:
    """Why each hit is inside though it would not be by its distance, or is not inside."""
    reasons = predictor.domain_reasons(texts)
    measured = predictor.are_measured(texts) or [False] * len(texts)
    is_known = in_training or [False] * len(texts)
    same = "same structure as a measured compound"
    return [
        f"{same}{'' if known else ', other stereochemistry'}" if own else reason
        for reason, own, known in zip(reasons, measured, is_known, strict=True)
    ]


def _nearest_columns(shown: ShownFacts, neighbours: Neighbours | None, n_hits: int) -> Columns:
    """The nearest training compounds."""
    columns: Columns = {}
    for place in range(shown.nearest):
        prefix = f"nearest{place_name(place)}"
        if neighbours is None or place >= neighbours.similarity.shape[1]:
            columns[f"{prefix}_id"] = columns[f"{prefix}_smiles"] = [""] * n_hits
            columns[f"{prefix}_similarity"] = columns[f"{prefix}_value"] = [None] * n_hits
            continue
        columns[f"{prefix}_id"] = [ids[place] for ids in neighbours.ids]
        columns[f"{prefix}_smiles"] = [texts[place] for texts in neighbours.smiles]
        columns[f"{prefix}_similarity"] = neighbours.similarity[:, place]
        is_known = shown.task < neighbours.labels.n_tasks  # a task of another model was not measured for them
        columns[f"{prefix}_value"] = _measured(neighbours, place, shown.task) if is_known else [None] * n_hits
    return columns


def _measured(neighbours: Neighbours, place: int, task: int) -> Sequence[object] | NDArray[Any]:
    """What was measured of the neighbours at one place, or as `>10` the bound that is known of it, `[Q]`."""
    labels = neighbours.labels.map(lambda array: array[:, place, task])
    if labels.lower is None:
        return labels.values
    rows = zip(labels.values.tolist(), *(side.tolist() for side in labels.bounds), strict=True)
    return [bound_text(lower, upper) if math.isnan(value) else value for value, lower, upper in rows]
