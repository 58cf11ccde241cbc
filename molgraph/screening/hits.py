"""The hit list: one row a structure, best first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.files.writer import open_table_writer
from molgraph.chem.identity import canonical_smiles
from molgraph.chem.parse import parse_smiles
from molgraph.chem.standardize import standardize_smiles
from molgraph.rank.goal import Goal
from molgraph.rank.top import Ranked, TopEntries
from molgraph.results import Rejected
from molgraph.screening.columns import Columns, free_names, prediction_columns

if TYPE_CHECKING:  # loading a model loads torch: helpers are started before that
    from molgraph.predictor import Neighbours, Predictor

#: What is done with structures that the model knows nothing about: a list of their own, or the same list as all.
DomainRule = Literal["separate", "ignore"]


@dataclass(frozen=True)
class Hit:
    """One structure of the library with its prediction (T tasks).

    Attributes:
        row: Row in the library, counted from 0.
        id: Identifier in the library.
        smiles: Structure as the library has it.
        mean: `[T]` values or probabilities.
        std: `[T]` spread.
        lower: `[T]` lower ends of the intervals; NaN for classes.
        upper: `[T]` upper ends.
        sets: `[T]` label sets; empty for regression.
        kept: The library's columns that are carried along.
    """

    row: int
    id: str
    smiles: str
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    sets: tuple[str, ...]
    kept: tuple[str, ...]


def best_hits(predictor: Predictor, capacity: int, domain: DomainRule) -> TopEntries[Hit]:
    """An empty ranking of structures: the main one has those in the domain of the model.

    It has all with the rule `ignore`, and with a model that was saved without its training structures.
    """

    def are_inside(hits: Sequence[Hit]) -> list[bool]:
        neighbours = predictor.neighbours(_structures(hits, predictor)) if domain == "separate" else None
        return [True] * len(hits) if neighbours is None else neighbours.in_domain.tolist()

    def key_of(hit: Hit) -> str:
        (structure,) = _structures([hit], predictor)
        key = canonical_smiles(structure)
        return key if isinstance(key, str) else structure

    return TopEntries(capacity, are_inside=are_inside, key_of=key_of)


def write_hits(
    path: Path, predictor: Predictor, goal: Goal, ranking: Sequence[Ranked[Hit]], keep_columns: tuple[str, ...]
) -> None:
    """Write a ranking as a table, best first.

    Columns: `rank, id, smiles`, the kept ones, the predictions, `score` (the goal's prediction, negative where less is
    better), `in_training`, `in_domain`, and the most similar training compound with its measured values. The last ones
    are empty if the model was saved without its training structures.
    """
    columns = _columns(ranking, predictor, goal, keep_columns)
    with open_table_writer(path, list(columns)) as writer:
        writer.write(columns)


def _structures(hits: Sequence[Hit], predictor: Predictor) -> list[str]:
    """Each hit's structure as the model sees it, i.e. standardized."""
    texts = []
    for hit in hits:
        text = standardize_smiles(hit.smiles, predictor.card.standardizer)
        if isinstance(text, Rejected) or (text != hit.smiles and isinstance(parse_smiles(text), Rejected)):
            # The hit was scored, so its own text can be read; that RDKit reads what RDKit wrote is not certain.
            text = hit.smiles
        texts.append(text)
    return texts


def _columns(
    ranking: Sequence[Ranked[Hit]], predictor: Predictor, goal: Goal, keep_columns: tuple[str, ...]
) -> Columns:
    hits = [entry.payload for entry in ranking]
    in_training = predictor.in_training([entry.key for entry in ranking])
    nearest = _nearest_columns(goal, predictor.neighbours(_structures(hits, predictor)), len(hits))
    own = ["rank", "id", "smiles", *prediction_columns(predictor.tasks), "score", "in_training", *nearest]
    columns: Columns = {
        "rank": list(range(1, len(hits) + 1)),
        "id": [hit.id for hit in hits],
        "smiles": [hit.smiles for hit in hits],
    }
    for position, name in enumerate(free_names(keep_columns, own).values()):
        columns[name] = [hit.kept[position] for hit in hits]
    for t, task in enumerate(predictor.tasks):
        columns[f"{task.name}_pred"] = [hit.mean[t] for hit in hits]
        columns[f"{task.name}_std"] = [hit.std[t] for hit in hits]
        if task.kind == "classification":
            columns[f"{task.name}_set"] = [hit.sets[t] for hit in hits]
        else:
            columns[f"{task.name}_lower"] = [hit.lower[t] for hit in hits]
            columns[f"{task.name}_upper"] = [hit.upper[t] for hit in hits]
    columns["score"] = [entry.score for entry in ranking]
    columns["in_training"] = [None] * len(hits) if in_training is None else in_training
    return {**columns, **nearest}


def _nearest_columns(goal: Goal, neighbours: Neighbours | None, n_hits: int) -> Columns:
    """The nearest training compound, and whether it is near enough; its value is that of the task that ranks."""
    if neighbours is None:
        empty = [""] * n_hits
        return {
            "in_domain": [None] * n_hits,
            "nearest_id": empty,
            "nearest_smiles": empty,
            "nearest_similarity": [None] * n_hits,
            "nearest_value": [None] * n_hits,
        }
    return {
        "in_domain": neighbours.in_domain.tolist(),
        "nearest_id": neighbours.ids,
        "nearest_smiles": neighbours.smiles,
        "nearest_similarity": neighbours.similarity,
        "nearest_value": neighbours.labels[:, goal.column],
    }
