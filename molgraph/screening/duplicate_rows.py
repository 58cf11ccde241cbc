"""Rows of a library that hold the structure of another row: left out of the ranking, and named beside it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from molgraph.packed_library.open_library import open_library
from molgraph.rank.top_k import MOST_REPEATS, Ranked
from molgraph.screening.hit import Hit


def duplicate_ids_of(rankings: Sequence[Sequence[Ranked[Hit]]], duplicates: Path) -> Mapping[str, str]:
    """By the key of a structure the identifiers of its other rows, `MOST_REPEATS` at most, in the order of the rows.

    Args:
        rankings: The rankings; in one of them an entry may know rows that are spelled differently.
        duplicates: Table of the rows that are spelled as an earlier one, if there are any.
    """
    rows: defaultdict[str, dict[int, str]] = defaultdict(dict)
    keys_of_text: defaultdict[str, set[str]] = defaultdict(set)
    for entry in (entry for ranking in rankings for entry in ranking):
        rows[entry.key] |= {hit.row: hit.id for hit in entry.repeats}
        for hit in (entry.payload, *entry.repeats):
            keys_of_text[hit.smiles].add(entry.key)
    if duplicates.exists() and keys_of_text:
        with open_library(duplicates, smiles_column="smiles", id_column="id", keep_columns=["row"]) as reader:
            for batch in reader:
                for row, name, text in zip(batch.columns["row"], batch.ids, batch.smiles, strict=True):
                    for key in keys_of_text.get(text, ()):
                        if len(rows[key]) < 2 * MOST_REPEATS:  # those that come later in the file come later in the end
                            rows[key][int(row)] = name
    return {key: "; ".join(name for _, name in sorted(own.items())[:MOST_REPEATS]) for key, own in rows.items() if own}
