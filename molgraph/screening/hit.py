"""A hit: a row of the library with its prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from molgraph.files.records import RecordBatch
from molgraph.prediction.output_columns import task_values
from molgraph.results.prediction import Prediction


@dataclass(eq=False)
class Hit:
    """One structure of the library with its prediction (T tasks).

    All but the last two fields are what the prediction gave, and are stored in a checkpoint. The last two are filled in
    by the first close look at it (`molgraph.screening.close_look`), which only a few of all hits ever get.

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
        hit_score: How clearly it is a hit; NaN where no hit is defined.
        latent_distance: Distance to the training compounds in the model's own space, over its limit.
        leverage: Distance from the middle of them, likewise.
        standard: The structure as the model reads it, as SMILES; empty before the first close look.
        key: Canonical SMILES of that, equal for two spellings of a compound; empty before it was asked for.
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
    standard: str = field(default="", init=False)
    key: str = field(default="", init=False)

    @property
    def is_outside(self) -> bool:
        """Whether it is outside of the domain of the first model."""
        return self.domain[:1] == ("outside",)


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
