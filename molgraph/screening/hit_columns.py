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
from molgraph.results.columns import ColumnSpec, markdown_table

_DISTANCES = (
    "how far from the training compounds the model itself sees it (distance to the nearest ones, and from their "
    "middle); above 1 is further than 99 in 100 of their kind"
)
_RANKED = (
    "what the list is sorted by, best first, and which way is better. Of a task the score is the predicted value "
    "itself; of a profile its desirability or probability; with `--hit` how clearly it is one: the distance from the "
    "limit in units of the model's usual error (of logarithms, where it learned these)"
)
_DOMAIN = (
    "`inside` the applicability domain: as near to the training compounds as these are to each other, or one of them; "
    "at its `edge`, where errors are larger; `outside`, and why: too far from all of them, or an element, charge or "
    "size that none of them has. How much larger errors are is told by `molgraph train` and `molgraph models show`"
)
_NEAREST = (
    "the most similar training compound (Tanimoto, Morgan radius 2) and what was measured for it, or the bound that is "
    "known of it (`>10`); with `--nearest-by model` the one that the model sees nearest, which may have another "
    "scaffold"
)
_DRUG_LIKE = "drug-likeness from 0 to 1, rules of five that are broken, and how hard it is to make, 1 (easy) to 10"

#: What a hit is.
_IDENTITY = (
    ColumnSpec("rank", "integer", "place in the list, 1 is the best", "screening"),
    *ROW_COLUMNS,
    ColumnSpec(
        "duplicate_ids", "text", "identifiers of up to ten other rows of the library with this structure", "screening"
    ),
)

#: Its place in the ranking.
_RANKING = (
    ColumnSpec("ranked_by", "text", _RANKED, "rank"),
    ColumnSpec("score", "number", _RANKED, "rank"),
)

#: With a hit that was named.
_SELECTION = (
    ColumnSpec(
        "hit_probability", "number", "with `--hit`: the calibrated probability that the compound is one", "rank"
    ),
    ColumnSpec(
        "p_value",
        "number",
        "with `--hit`: the share of all calibration compounds that are no hits and score as high as this (counting the "
        'compound itself). It is what the selection compares; small is good, and below 0.05 is *not* "95% sure"',
        "rank",
    ),
    ColumnSpec(
        "selected", "boolean", "with `--hit`: the compound is on the list that keeps the rate asked for", "screening"
    ),
)

#: How near it is to the training compounds.
_APPLICABILITY = (
    ColumnSpec("latent_distance", "number", _DISTANCES, "applicability"),
    ColumnSpec("leverage", "number", _DISTANCES, "applicability"),
    ColumnSpec("in_training", "boolean", "the compound is one that the model was trained on", "prediction"),
    ColumnSpec("domain", "text", _DOMAIN, "applicability"),
    ColumnSpec("domain_reason", "text", _DOMAIN, "applicability"),
)

#: Each of the training compounds beside it.
_NEAREST_COLUMNS = (
    ColumnSpec("nearest{place}_id", "text", _NEAREST, "prediction"),
    ColumnSpec("nearest{place}_smiles", "text", _NEAREST, "prediction"),
    ColumnSpec("nearest{place}_similarity", "number", _NEAREST, "applicability"),
    ColumnSpec("nearest{place}_value", "number or text", _NEAREST, "prediction", "{unit}"),
)

#: With a profile of several objectives.
_FRONTS = (
    ColumnSpec(
        "pareto_front",
        "integer",
        "with a profile of several objectives: 1 where no other hit is better in all of them, 2 where that holds "
        "without those of front 1, and so on",
        "rank",
    ),
)

#: What speaks against it, whatever a model says.
_QUALITY = (
    ColumnSpec(
        "alerts",
        "text",
        "substructures that interfere with assays (`pains`) or are unwanted in leads (`brenk`); `--alerts "
        "pains,brenk,nih,chembl` looks for more",
        "chem",
    ),
    ColumnSpec("qed", "number", _DRUG_LIKE, "chem"),
    ColumnSpec("lipinski_violations", "integer", _DRUG_LIKE, "chem"),
    ColumnSpec("sa_score", "number", _DRUG_LIKE, "chem"),
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
