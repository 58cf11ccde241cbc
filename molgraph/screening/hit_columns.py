"""The columns of a list of hits, declared once: headers, types and the documentation are read from here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from molgraph.prediction.output_columns import (
    KEPT_COLUMN,
    PREDICT_COLUMNS,
    ROW_COLUMNS,
    TASK_COLUMNS,
    ShownTask,
    free_names,
    prediction_columns,
)
from molgraph.results.column_spec import ColumnSpec, markdown_table

#: Identity of a hit.
_IDENTITY = (
    ColumnSpec("rank", "integer", "position in the list; 1 is the best", "screening"),
    *ROW_COLUMNS,
    ColumnSpec(
        "duplicate_ids",
        "text",
        "identifiers of up to ten other rows of the library with the same structure",
        "screening",
    ),
)

#: Its position in the ranking.
_RANKING = (
    ColumnSpec(
        "ranked_by",
        "text",
        "criterion that sorts the list, best first, with its direction",
        "rank",
    ),
    ColumnSpec(
        "score",
        "number",
        "value that sorts the list: the predicted value of a task, the desirability or probability of a "
        "profile, or with `hit` the distance from its limit in units of the model's root mean squared "
        "error (of logarithms, where the task was learned as logarithms)",
        "rank",
    ),
)

#: With the definition of a hit.
_SELECTION = (
    ColumnSpec(
        "hit_probability",
        "number",
        "with `hit`: calibrated probability that the compound is a hit",
        "rank",
    ),
    ColumnSpec(
        "p_value",
        "number",
        "with `hit`: conformal p-value, the fraction of calibration compounds that are no hits and "
        "score at least as high (the compound itself counted). The selection compares p-values; small "
        "is good, and below 0.05 does *not* mean 95% sure",
        "rank",
    ),
    ColumnSpec(
        "selected",
        "boolean",
        "with `hit`: selected at the false discovery rate asked for",
        "screening",
    ),
)

#: Its applicability domain.
_APPLICABILITY = (
    ColumnSpec(
        "latent_distance",
        "number",
        "mean distance to the nearest training compounds in latent space; above 1 is farther than 95% "
        "of compounds like those of the table",
        "applicability",
    ),
    ColumnSpec(
        "leverage",
        "number",
        "Mahalanobis distance from the mean of the training compounds in latent space, on the same scale",
        "applicability",
    ),
    ColumnSpec(
        "in_training",
        "boolean",
        "the compound is a training compound",
        "prediction",
    ),
    ColumnSpec(
        "domain",
        "text",
        "applicability domain: `inside`, as near to the training compounds as these are to each other, "
        "or one of them; `edge`, where errors are larger; `outside`. How much larger they are is "
        "printed by `molgraph train` and `molgraph models show`",
        "applicability",
    ),
    ColumnSpec(
        "domain_reason",
        "text",
        "why the compound is not inside: too far from all training compounds, or an element, charge or "
        "size that none of them has",
        "applicability",
    ),
)

#: Each of the nearest training compounds.
_NEAREST_COLUMNS = (
    ColumnSpec(
        "nearest{place}_id",
        "text",
        "identifier of the most similar training compound (Tanimoto, Morgan radius 2), or with "
        "`nearest_by='model'` of the nearest in latent space, which may have another scaffold",
        "prediction",
    ),
    ColumnSpec(
        "nearest{place}_smiles",
        "text",
        "its structure",
        "prediction",
    ),
    ColumnSpec(
        "nearest{place}_similarity",
        "number",
        "its Tanimoto similarity",
        "applicability",
    ),
    ColumnSpec(
        "nearest{place}_value",
        "number or text",
        "its measured value, or the bound that is known of it (`>10`)",
        "prediction",
        "{unit}",
    ),
)

#: With a profile of several objectives.
_FRONTS = (
    ColumnSpec(
        "pareto_front",
        "integer",
        "with a profile of several objectives: Pareto front among the hits. No hit is better in all "
        "objectives than one of front 1; front 2 is that of the rest, and so on",
        "rank",
    ),
)

#: Structural alerts and drug-likeness.
_QUALITY = (
    ColumnSpec(
        "alerts",
        "text",
        "structural alerts: assay interference (`pains`), unwanted in leads (`brenk`), or the catalogues of `alerts`",
        "chem",
    ),
    ColumnSpec(
        "qed",
        "number",
        "quantitative estimate of drug-likeness, 0 to 1 (Bickerton 2012)",
        "chem",
    ),
    ColumnSpec(
        "lipinski_violations",
        "integer",
        "violations of Lipinski's rule of five",
        "chem",
    ),
    ColumnSpec(
        "sa_score",
        "number",
        "synthetic accessibility, 1 (easy) to 10 (Ertl and Schuffenhauer 2009)",
        "chem",
    ),
)

#: All columns that a list of hits can have, in their order.
HIT_COLUMNS = (
    *_IDENTITY,
    KEPT_COLUMN,
    *(spec for ending, spec in TASK_COLUMNS.items() if ending != "measured"),
    *_RANKING,
    *_SELECTION,
    *_APPLICABILITY,
    *_NEAREST_COLUMNS,
    *_FRONTS,
    *_QUALITY,
)


def hit_columns(
    tasks: Sequence[ShownTask],
    *,
    keep: Sequence[str] = (),
    nearest: int = 1,
    nearest_unit: str | None = None,
    has_selection: bool = False,
    has_fronts: bool = False,
    has_quality: bool = False,
) -> Mapping[str, ColumnSpec]:
    """The columns of one list of hits, by name, in their order.

    Args:
        tasks: What is shown of the tasks.
        keep: Columns of the library that are carried along; their names here are those of `free_names`.
        nearest: Training compounds that are shown.
        nearest_unit: Unit of what was measured of these.
        has_selection: Whether a hit was named.
        has_fronts: Whether a profile has several objectives.
        has_quality: Whether alerts and drug-likeness are shown.

    >>> [*hit_columns([], nearest=2)][-8:]  # doctest: +NORMALIZE_WHITESPACE
    ['nearest_id', 'nearest_smiles', 'nearest_similarity', 'nearest_value',
     'nearest_2_id', 'nearest_2_smiles', 'nearest_2_similarity', 'nearest_2_value']
    """
    places = [place_name(place) for place in range(nearest)]
    predictions = prediction_columns(tasks)
    last = [
        *_RANKING,
        *(_SELECTION if has_selection else ()),
        *_APPLICABILITY,
        *(spec.of(place=place, unit=nearest_unit) for place in places for spec in _NEAREST_COLUMNS),
        *(_FRONTS if has_fronts else ()),
        *(_QUALITY if has_quality else ()),
    ]
    others = [spec.name for spec in (*_IDENTITY, *predictions.values(), *last)]
    kept = [KEPT_COLUMN.of(column=name) for name in free_names(keep, others).values()]
    return {spec.name: spec for spec in (*_IDENTITY, *kept, *predictions.values(), *last)}


def place_name(place: int) -> str:
    """What stands for the place of a training compound in the names of its columns, counted from 0.

    >>> [place_name(place) for place in range(3)]
    ['', '_2', '_3']
    """
    return "" if place == 0 else f"_{place + 1}"


def column_reference() -> str:
    """Every column of hits and predictions as a Markdown table, for the documentation.

    >>> print(column_reference().splitlines()[0])
    | column | type | unit | means |
    """
    return markdown_table(_in_reading_order(HIT_COLUMNS, PREDICT_COLUMNS))


def _in_reading_order(hits: Iterable[ColumnSpec], predictions: Iterable[ColumnSpec]) -> list[ColumnSpec]:
    """The columns of hits, with those that only predictions have behind the last one that both have."""
    result = [*hits]
    place = 0
    for spec in predictions:
        if spec in result:
            place = result.index(spec) + 1
        else:
            result.insert(place, spec)
            place += 1
    return result
