"""The hit list: one row a structure, best first."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.files.writer import open_table_writer
from molgraph.predictor import Neighbours, Predictor
from molgraph.rank.goal import Goal
from molgraph.rank.top import Ranked, TopEntries
from molgraph.screening.columns import Columns, free_names, prediction_columns


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


def write_hits(
    path: Path, predictor: Predictor, goal: Goal, top: TopEntries[Hit], keep_columns: tuple[str, ...]
) -> list[Hit]:
    """Write the ranking as a table; returns the hits, best first.

    Columns: `rank, id, smiles`, the kept ones, the predictions, `score` (the goal's prediction, negative where less is
    better), `in_training`, and the most similar training compound with its measured values. The last ones are empty if
    the model was saved without its training structures.
    """
    ranking = top.ranking()
    hits = [entry.payload for entry in ranking]
    neighbours = predictor.neighbours([entry.key for entry in ranking]) if ranking else None
    columns = _columns(hits, ranking, predictor, goal, neighbours, keep_columns)
    with open_table_writer(path, list(columns)) as writer:
        writer.write(columns)
    return hits


def _columns(  # noqa: PLR0917
    hits: list[Hit],
    ranking: list[Ranked[Hit]],
    predictor: Predictor,
    goal: Goal,
    neighbours: Neighbours | None,
    keep_columns: tuple[str, ...],
) -> Columns:
    in_training = predictor.in_training([entry.key for entry in ranking])
    nearest = _nearest_columns(goal, neighbours, len(hits))
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
    """The nearest training compound; its value is that of the task that ranks."""
    if neighbours is None:
        empty = [""] * n_hits
        return {
            "nearest_id": empty,
            "nearest_smiles": empty,
            "nearest_similarity": [None] * n_hits,
            "nearest_value": [None] * n_hits,
        }
    return {
        "nearest_id": neighbours.ids,
        "nearest_smiles": neighbours.smiles,
        "nearest_similarity": neighbours.similarity,
        "nearest_value": neighbours.labels[:, goal.column],
    }
