"""The tables of the uncertainty comparison, from records alone."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

Entry = Mapping[str, Any]

LEVEL = 0.9


def report(records: Sequence[Mapping[str, Any]]) -> str:
    """Markdown tables: intervals, spreads, classes, selections, shift."""
    parts = ["# Uncertainty of the presets", "", _LEGEND]
    for split in ("random", "scaffold", "scaffold_deepchem"):
        own = [record for record in records if record["split"] == split]
        if own:
            parts += ["", f"## Split: {split}", *_sections(own)]
    return "\n".join(parts)


_LEGEND = (
    "Made by `benchmarks/uncertainty.py` from stored predictions. 64% of the rows train, 16% calibrate, 20% are "
    "judged.\n*cross* calibrates with the training rows, each judged by the member that never saw it; *split* with the "
    "16%. Values are\nmeans over the seeds ± their standard deviation. Sets of more than 2,000 rows are a sample of so "
    "many. By DeepChem's\nscaffolds 10% of the rows are judged, the same for all seeds."
)


def _sections(records: Sequence[Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    for title, make in (
        ("Intervals at 90%: coverage and mean width", _intervals),
        ("Intervals at 90%: means over the data sets", _overall),
        ("Honesty of spread and intervals beside chemprop's best option", _honesty),
        ("Spread: ENCE and miscalibration area", _spreads),
        ("Spread of each method after local scaling: likelihood, and correlation with the error", _methods),
        ("Classes: coverage of label sets at 90%", _sets),
        ("Classes: honesty of probabilities", _probabilities),
        ("Selection: realised false discovery rate and power", _selections),
        ("Shift check", _shifts),
    ):
        body = make(records)
        if body:
            lines += ["", f"### {title}", "", *body]
    return lines


def _intervals(records: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for record in records:
        entries = [e for e in record["intervals"] if e["level"] == LEVEL]
        for key, group in _grouped(entries, "learner", "method", "rows", "kind"):
            rows.append([record["data_set"], *key, len(group), _mean(group, "coverage", 3), _mean(group, "width", 3)])
    return _table(["data set", "learner", "method", "rows", "intervals", "seeds", "coverage", "width"], rows)


def _overall(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Means over data sets; widths relative to chemprop's single model with its conformal-regression, same seed."""
    found: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    for record in records:
        entries = [e for e in record["intervals"] if e["level"] == LEVEL]
        base = {e["seed"]: e["width"] for e in entries if (e["learner"], e["method"]) == ("chemprop", "single")}
        for e in entries:
            if e["seed"] in base:
                key = (e["learner"], e["method"], e["rows"], e["kind"])
                found.setdefault(key, []).append((e["coverage"], e["width"] / base[e["seed"]], record["data_set"]))
    rows = []
    for key, values in sorted(found.items()):
        sets = sorted({value[2] for value in values})
        coverage = np.mean([np.mean([v[0] for v in values if v[2] == name]) for name in sets])
        width = np.mean([np.mean([v[1] for v in values if v[2] == name]) for name in sets])
        rows.append([*key, f"{len(sets)} sets, {len(values)} splits", f"{coverage:.3f}", f"{width:.3f}"])
    header = ["learner", "method", "rows", "intervals", "over", "coverage", "width / chemprop single + conformal"]
    return _table(header, rows)


def _honesty(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """The default of molgraph beside that option of chemprop which turned out best on the test rows, same seeds.

    By chance: what a model whose every level is exactly right has on n rows, √(2/π)·∫√(t(1 - t))dt / √n = 0.313/√n.
    """
    rows = []
    for record in records:
        n_rows = [entry["n"] for entry in record["intervals"]]
        for title, section, name, kind in _HONESTY:
            entries = [e for e in record[section] if name in e and e.get("level", LEVEL) == LEVEL]
            own = [e for e in entries if (e["learner"], e["method"], e["kind"]) == ("molgraph", "ensemble", kind)]
            options = _grouped([e for e in entries if e["learner"] == "chemprop"], "method", "kind")
            if not own or not options:
                continue
            (option, best) = min(options, key=lambda item: float(np.mean([e[name] for e in item[1]])))
            seeds = {e["seed"] for e in best}
            ours = {
                part: [e[name] for e in own if e["rows"] == part and e["seed"] in seeds] for part in ("cross", "split")
            }
            theirs = float(np.mean([e[name] for e in best]))
            verdicts = [part for part, values in ours.items() if np.mean(values) < theirs]
            chance = "" if name == "ence" else f"{0.313 / np.sqrt(np.mean(n_rows)):.3f}"
            rows.append([record["data_set"], title, len(seeds), *(f"{np.mean(v):.3f}" for v in ours.values()),
                         f"{theirs:.3f}", ", ".join(option), chance, " and ".join(verdicts) or "no"])  # fmt: skip
    header = ["data set", "figure", "seeds", "molgraph cross", "molgraph split", "chemprop", "its option", "by chance",
              "lower"]  # fmt: skip
    return _table(header, rows)


#: Title, section of the record, figure, and the kind of molgraph's entries.
_HONESTY = (
    ("ENCE", "spreads", "ence", "local"),
    ("miscalibration area, Gaussian", "spreads", "miscalibration_area", "local"),
    ("miscalibration of intervals", "intervals", "miscalibration", "normalised"),
)


def _spreads(records: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for record in records:
        for key, group in _grouped(record["spreads"], "learner", "method", "rows", "kind"):
            if key[0] == "molgraph" and key[3] != "local":
                continue
            values = [_mean(group, name, 3) for name in ("rmse", "ence", "miscalibration_area", "nll")]
            rows.append([record["data_set"], *key, len(group), *values])
    header = ["data set", "learner", "method", "rows", "scaling", "seeds", "RMSE", "ENCE", "miscalibration", "NLL"]
    return _table(header, rows)


def _methods(records: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for record in records:
        entries = [e for e in record["spreads"] if e["learner"] == "molgraph" and e["kind"] == "local"]
        shared = _shared_seeds(entries)
        for key, group in _grouped([e for e in entries if e["seed"] in shared], "method", "rows"):
            values = [
                _mean(group, name, 3) for name in ("rmse", "nll", "crps", "ence", "spearman", "spearman_reference")
            ]
            rows.append([record["data_set"], *key, len(group), *values])
    header = ["data set", "method", "rows", "seeds", "RMSE", "NLL", "CRPS", "ENCE", "Spearman", "if exactly right"]
    return _table(header, rows)


def _shared_seeds(entries: Sequence[Entry]) -> set[int]:
    """Seeds for which all methods were run."""
    seeds = [{e["seed"] for e in entries if e["method"] == method} for method in {e["method"] for e in entries}]
    return set.intersection(*seeds) if seeds else set()


def _sets(records: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for record in records:
        entries = [e for e in record["classes"] if e["kind"] == "sets" and e["level"] == LEVEL]
        for key, group in _grouped(entries, "learner", "method", "rows"):
            values = [_mean(group, name, 3) for name in ("minority", "majority", "all", "size")]
            rows.append([record["data_set"], *key[1:], len(group), group[0]["tasks"], group[0]["n_minority"], *values])
    header = [
        "data set",
        "method",
        "rows",
        "seeds",
        "tasks",
        "of the minority",
        "minority",
        "majority",
        "all",
        "labels",
    ]
    return _table(header, rows)


def _probabilities(records: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for record in records:
        entries = [e for e in record["classes"] if e["kind"] != "sets"]
        for key, group in _grouped(entries, "learner", "method", "rows", "kind"):
            values = [_mean(group, name, 3) for name in ("roc_auc", "brier", "log_loss", "calibration_error")]
            rows.append([record["data_set"], *key, len(group), *values])
    header = [
        "data set",
        "learner",
        "method",
        "rows",
        "map",
        "seeds",
        "ROC AUC",
        "Brier",
        "log loss",
        "calibration error",
    ]
    return _table(header, rows)


def _selections(records: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for record in records:
        for key, group in _grouped(record["selections"], "method", "kind", "q"):
            spread = np.std([e["fdr"] for e in group], ddof=1) / np.sqrt(len(group)) if len(group) > 1 else 0.0
            fdr, within = np.mean([e["fdr"] for e in group]), np.mean([e["fdr_error"] for e in group])
            error = max(spread, within)
            verdict = "" if key[1] == "naive" else "holds" if fdr <= key[2] + 2 * error else "above"
            shown = f"{fdr:.3f} ({error:.3f})"
            rows.append([record["data_set"], *key[:2], f"{key[2]:g}", len(group), shown, verdict,
                         f"{np.mean([e.get('selects', np.nan) for e in group]):.2f}", _false_share(group),
                         _mean(group, "power", 2), _mean(group, "selected", 0)])  # fmt: skip
    header = ["data set", "method", "rule", "q", "seeds", "FDR (standard error)", "", "selects anything",
              "no hits where it does", "power", "selected"]  # fmt: skip
    return _table(header, rows)


def false_where_selected(group: Sequence[Entry]) -> float | None:
    """Mean false share over all lists of a group that are not empty; None without one."""
    weights = [e["selects"] for e in group]
    return float(np.average([e["false_where_selected"] for e in group], weights=weights)) if sum(weights) else None


def _false_share(group: Sequence[Entry]) -> str:
    share = false_where_selected(group)
    return "" if share is None else f"{share:.3f}"


def _shifts(records: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for record in records:
        found = record["shifts"]
        fired = sum(e["fires"] for e in found)
        rows.append([record["data_set"], len(found), f"{fired} of {len(found)}", _mean(found, "auc", 2)])
    return _table(["data set", "seeds", "fires", "area under the ROC curve"], rows)


def _grouped(entries: Iterable[Entry], *names: str) -> list[tuple[tuple[Any, ...], list[Entry]]]:
    groups: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in entries:
        groups.setdefault(tuple(entry[name] for name in names), []).append(entry)
    key: Callable[[tuple[tuple[Any, ...], list[Entry]]], str] = lambda item: str(item[0])  # noqa: E731
    return sorted(groups.items(), key=key)


def _mean(entries: Sequence[Entry], name: str, digits: int) -> str:
    values = [entry[name] for entry in entries]
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    if not rows:
        return []
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    return lines + [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
