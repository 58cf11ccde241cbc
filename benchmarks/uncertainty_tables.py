"""The tables on uncertainty on the page of benchmarks, from records alone."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from uncertainty_report import LEVEL, false_where_selected

Entry = Mapping[str, Any]

_BLOCK = re.compile(r"(<!-- uncertainty: .*? -->\n).*?(<!-- end of uncertainty -->)", re.DOTALL)
_TITLES = {"random": "random", "scaffold_deepchem": "DeepChem's scaffolds"}
_RATES = (0.1, 0.2)


def with_tables(text: str, records: Sequence[Mapping[str, Any]]) -> str:
    """The text with its block of tables made anew.

    Raises:
        ValueError: It has no such block, or several.
    """
    replaced, n = _BLOCK.subn(lambda match: f"{match[1]}{tables(records)}{match[2]}", text)
    if n != 1:
        raise ValueError(f"the text has {n} places for the tables on uncertainty; it must have one")
    return replaced


def tables(records: Sequence[Mapping[str, Any]]) -> str:
    """Coverage and width of intervals at 90%, and what selections hold, of the default preset."""
    lines = ["| set | split | splits x compounds | `cross` (default) held | mean width | `split` held | mean width |"]
    lines.append("|---|---|---|---|---|---|---|")
    for split, title in _TITLES.items():
        means = []
        for record in (own for own in records if own["split"] == split):
            cells = {rows: _intervals(record, rows) for rows in ("cross", "split")}
            if cells["cross"]:
                means.append([_mean(cells[rows], "coverage") for rows in ("cross", "split")])
                shown = [
                    f"{_mean(cells[rows], name):.{digits}f}"
                    for rows in ("cross", "split")
                    for name, digits in (("coverage", 3), ("width", 2))
                ]
                n = f"{len(cells['cross'])} x {cells['cross'][0]['n']}"
                lines.append(f"| {record['data_set']} | {title} | {n} | " + " | ".join(shown) + " |")
        if means:
            cross, held_out = np.mean(means, axis=0)
            lines.append(f"| mean | {title} | | {cross:.3f} | | {held_out:.3f} | |")
    return "\n".join([*lines, "", *_selection_table(records)]) + "\n"


def _intervals(record: Mapping[str, Any], rows: str) -> list[Entry]:
    wanted = {"learner": "molgraph", "method": "fast", "rows": rows, "kind": "normalised", "level": LEVEL}
    return [entry for entry in record["intervals"] if all(entry[key] == value for key, value in wanted.items())]


def _selection_table(records: Sequence[Mapping[str, Any]]) -> list[str]:
    head = [f"at {rate:.0%}: {what}" for rate in _RATES for what in ("lists that select", "of these no hits", "finds")]
    lines = ["| hits of | calibration | " + " | ".join(head) + " | predicted as hits: no hits |"]
    lines.append("|---|---|" + "---|" * (len(head) + 1))
    for record in records:
        own = [entry for entry in record["selections"] if entry["method"] == "fast"]
        if record["split"] != "random" or not own:
            continue
        naive = _mean([entry for entry in own if entry["kind"] == "naive"], "fdr")
        for kind in ("cross", "split"):
            cells = []
            for rate in _RATES:
                group = [entry for entry in own if entry["kind"] == kind and entry["q"] == rate]
                false = false_where_selected(group)
                cells += [f"{_mean(group, 'selects'):.0%}", "" if false is None else f"{false:.0%}"]
                cells.append(f"{_mean(group, 'power'):.0%}")
            lines.append(f"| {record['data_set']} | `{kind}` | " + " | ".join(cells) + f" | {naive:.0%} |")
    return lines


def _mean(entries: Sequence[Entry], name: str) -> float:
    return float(np.mean([entry[name] for entry in entries]))
