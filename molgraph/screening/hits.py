"""The hit list: one row a structure, best first."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.alerts import alerts
from molgraph.chem.druglikeness import DrugLikeness, drug_likeness
from molgraph.chem.identity import canonical_smiles
from molgraph.config.screening import DomainRule, NeighbourSpace
from molgraph.files.records import RecordBatch
from molgraph.files.writer import open_table_writer
from molgraph.prediction.measured import bound_text
from molgraph.prediction.output_columns import (
    Columns,
    ShownTask,
    TaskValues,
    free_names,
    prediction_columns,
    prediction_values,
    shown_tasks,
    task_values,
)
from molgraph.rank.top_k import Ranked, TopK
from molgraph.results.prediction import Prediction
from molgraph.screening.filters import HardFilters

if TYPE_CHECKING:  # loading a model loads torch: helpers are started before that
    from molgraph.prediction.neighbours import Neighbours
    from molgraph.prediction.panel import Panel
    from molgraph.prediction.predictor import Predictor

#: Alerts and drug-likeness of some structures.
Quality = list[tuple[str, DrugLikeness]]

#: Lets other processes begin with some structures; what comes back waits for them.
Begin = Callable[[Callable[[list[str]], Quality], Sequence[str]], Callable[[], Quality]]


@dataclass(frozen=True)
class Hit:
    """One structure of the library with its prediction (T tasks).

    Attributes:
        row: Row in the library, counted from 0.
        id: Identifier in the library.
        smiles: Structure as the library has it.
        score: What it is ranked by, larger is better.
        mean: `[T]` values or probabilities.
        std: `[T]` spread, as `Prediction.std` has it.
        lower: `[T]` lower ends of the intervals; NaN for classes.
        upper: `[T]` upper ends.
        calls: `[T]` calls of classes; empty for regression.
        percentiles: `[T]` per cent of the reference compounds below; NaN without any.
        domain: `[T]` `inside`, `edge` or `outside` of the domain of the model of each task; empty where that was not
            asked for.
        kept: The library's columns that are carried along.
        hit_score: How clearly it is a hit; NaN where it was not said what a hit is.
        latent_distance: Distance to the training compounds in the model's own space, over its limit.
        leverage: Distance from the middle of them, likewise.
    """

    row: int
    id: str
    smiles: str
    score: float
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    calls: tuple[str, ...]
    percentiles: NDArray[np.float64]
    domain: tuple[str, ...]
    kept: tuple[str, ...]
    hit_score: float = math.nan
    latent_distance: float = math.nan
    leverage: float = math.nan

    @property
    def is_outside(self) -> bool:
        """Whether it is outside of the domain of the first model."""
        return self.domain[:1] == ("outside",)


@dataclass(frozen=True)
class HitColumns:
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


def hits_at(
    index: NDArray[np.int64],
    batch: RecordBatch,
    prediction: Prediction,
    scores: NDArray[np.float64],
    hit_scores: NDArray[np.float64] | None,
    *,
    level: float,
    keep: Sequence[str],
) -> list[Hit]:
    """The hits at these places of a batch; only for them intervals are made."""
    part = prediction.take(index)
    values = task_values(part, level)
    nothing = np.full(len(index), np.nan)
    hit_score = nothing if hit_scores is None else hit_scores[index]
    latent_distance = nothing if part.latent_distance is None else part.latent_distance
    leverage = nothing if part.leverage is None else part.leverage
    return [
        Hit(
            row=int(batch.rows[i]),
            id=batch.ids[i],
            smiles=batch.smiles[i],
            score=float(scores[i]),
            mean=values.pred[j].copy(),  # a view would keep the arrays of all of them
            std=values.std[j].copy(),
            lower=values.lower[j].copy(),
            upper=values.upper[j].copy(),
            calls=tuple(values.call[j]),
            percentiles=values.percentile[j].copy(),
            domain=tuple(values.domain[j].tolist()),
            kept=tuple(batch.columns[name][i] for name in keep),
            hit_score=float(hit_score[j]),
            latent_distance=float(latent_distance[j]),
            leverage=float(leverage[j]),
        )
        for j, i in enumerate(index.tolist())
    ]


def best_hits(predictor: Predictor, capacity: int, domain: DomainRule, filters: HardFilters | None = None) -> TopK[Hit]:
    """An empty ranking of structures: the main one has those in the domain of the model.

    It has all with the rule `ignore`. What does not pass the filters is in none.
    """

    def are_inside(hits: Sequence[Hit]) -> list[bool | None]:
        places: list[bool | None] = [domain == "ignore" or not hit.is_outside for hit in hits]
        if filters is not None:
            passes = filters.pass_through(predictor.standardized([hit.smiles for hit in hits]))
            places = [place if passed else None for place, passed in zip(places, passes, strict=True)]
        return places

    def key_of(hit: Hit) -> str:
        (structure,) = predictor.standardized([hit.smiles])
        key = canonical_smiles(structure)
        return key if isinstance(key, str) else structure

    return TopK(capacity, are_inside=are_inside, key_of=key_of)


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


def write_hits(path: Path, panel: Panel, ranking: Sequence[Ranked[Hit]], columns: HitColumns, facts: HitFacts) -> None:
    """Write a ranking as a table, best first.

    Columns: `rank, id, smiles, duplicate_ids`, the kept ones, the predictions, `ranked_by` in words, `score` (of a
    task the value itself, else larger is better), with a selection
    `hit_probability`, `p_value` and `selected`, then `latent_distance`, `leverage`, `in_training`, `domain` with
    `domain_reason`, the nearest training compounds with their measured values, which are empty if the model was saved
    without its training structures (`in_training` then goes by hashes if it has those), with a profile of several
    objectives `pareto_front`, and if they are asked for `alerts`, `qed`, `lipinski_violations` and `sa_score`. Of
    models after the first each task has its own `domain`.

    Args:
        path: Where to write.
        panel: The models.
        ranking: The hits.
        columns: What is shown.
        facts: What is known of the hits.
    """
    table = _columns(ranking, panel, columns, facts)
    with open_table_writer(path, list(table)) as writer:
        writer.write(table)


def _columns(ranking: Sequence[Ranked[Hit]], panel: Panel, shown: HitColumns, facts: HitFacts) -> Columns:
    hits, predictor = [entry.payload for entry in ranking], panel.first
    in_training = predictor.in_training([entry.key for entry in ranking])
    last: Columns = {
        "ranked_by": [shown.ranked_by] * len(hits),
        "score": [shown.sign * entry.score for entry in ranking],
    }
    if shown.has_selection:
        last["hit_probability"] = [facts.hit_probabilities.get(hit.row) for hit in hits]
        last["p_value"] = [facts.p_values.get(hit.row) for hit in hits]
        last["selected"] = [entry.key in facts.selected for entry in ranking]
    last["latent_distance"] = [hit.latent_distance for hit in hits]
    last["leverage"] = [hit.leverage for hit in hits]
    last["in_training"] = [None] * len(hits) if in_training is None else in_training
    texts = predictor.standardized([hit.smiles for hit in hits])
    neighbours = predictor.neighbours(texts, count=shown.nearest, by=shown.nearest_by)
    last["domain"] = [hit.domain[0] for hit in hits]
    last["domain_reason"] = _domain_reasons(predictor, texts, in_training)
    last |= _nearest_columns(shown, neighbours, len(hits))
    last |= {**facts.fronts, **facts.quality(ranking)}
    columns: Columns = {
        "rank": list(range(1, len(hits) + 1)),
        "id": [hit.id for hit in hits],
        "smiles": [hit.smiles for hit in hits],
        "duplicate_ids": [facts.duplicates.get(entry.key, "") for entry in ranking],
    }
    tasks = shown_tasks(panel, first_domain=False)
    own = [*columns, *prediction_columns(tasks), *last]
    for position, name in enumerate(free_names(shown.keep, own).values()):
        columns[name] = [hit.kept[position] for hit in hits]
    columns |= _prediction_columns_of(hits, tasks)
    return {**columns, **last}


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


def quality_columns(
    ranking: Sequence[Ranked[Hit]], panel: Panel, catalogues: Sequence[str], begin: Begin
) -> Callable[[Sequence[Ranked[Hit]]], Columns]:
    """Columns of what speaks against a compound, whatever a model says: alerts, drug-likeness, how hard it is to make.

    Args:
        ranking: All hits that will be asked for.
        panel: The models.
        catalogues: Of structural alerts; nothing is shown if empty.
        begin: Lets other processes begin.
    """
    if not catalogues:
        return lambda _hits: {}
    keys = [entry.key for entry in ranking]
    finish = begin(partial(_quality, catalogues), panel.first.standardized([entry.payload.smiles for entry in ranking]))

    @cache
    def found() -> Mapping[str, tuple[str, DrugLikeness]]:
        return dict(zip(keys, finish(), strict=True))

    def columns(hits: Sequence[Ranked[Hit]]) -> Columns:
        own = [found()[entry.key] for entry in hits]
        return {
            "alerts": [one[0] for one in own],
            "qed": [one[1].qed for one in own],
            "lipinski_violations": [one[1].lipinski_violations for one in own],
            "sa_score": [one[1].sa_score for one in own],
        }

    return columns


def _quality(catalogues: Sequence[str], texts: list[str]) -> Quality:
    return [*zip(alerts(texts, catalogues), drug_likeness(texts), strict=True)]


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


def _nearest_columns(shown: HitColumns, neighbours: Neighbours | None, n_hits: int) -> Columns:
    """The nearest training compounds."""
    columns: Columns = {}
    for place in range(shown.nearest):
        prefix = "nearest" if place == 0 else f"nearest_{place + 1}"
        if neighbours is None or place >= neighbours.similarity.shape[1]:
            columns[f"{prefix}_id"] = columns[f"{prefix}_smiles"] = [""] * n_hits
            columns[f"{prefix}_similarity"] = columns[f"{prefix}_value"] = [None] * n_hits
            continue
        columns[f"{prefix}_id"] = [ids[place] for ids in neighbours.ids]
        columns[f"{prefix}_smiles"] = [texts[place] for texts in neighbours.smiles]
        columns[f"{prefix}_similarity"] = neighbours.similarity[:, place]
        is_known = shown.task < neighbours.labels.shape[2]  # a task of another model was not measured for them
        columns[f"{prefix}_value"] = _measured(neighbours, place, shown.task) if is_known else [None] * n_hits
    return columns


def _measured(neighbours: Neighbours, place: int, task: int) -> Sequence[object] | NDArray[Any]:
    """What was measured of the neighbours at one place, or as `>10` the bound that is known of it, `[Q]`."""
    labels = neighbours.labels[:, place, task]
    if neighbours.bounds is None:
        return labels
    bounds = neighbours.bounds[:, :, place, task].T.tolist()
    rows = zip(labels.tolist(), bounds, strict=True)
    return [bound_text(*ends) if math.isnan(label) else label for label, ends in rows]
