"""Statistics of one stored cell of the uncertainty comparison: spreads, intervals, sets, selections."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from molgraph.config.uncertainty import CalibrationSettings
from molgraph.learners.member_rows import HELD_OUT
from molgraph.metrics.scores import average_precision, brier, log_loss, roc_auc
from molgraph.metrics.spread import (
    INTERVAL_LEVELS,
    class_calibration_error,
    coverage_and_width,
    ence,
    gaussian_crps,
    gaussian_nll,
    interval_miscalibration,
    miscalibration_area,
    spread_correlation,
    spread_correlation_reference,
)
from molgraph.rank.selection import benjamini_hochberg, calibrate_hits
from molgraph.results.labels import Labels
from molgraph.results.member_outputs import MemberOutputs
from molgraph.results.prediction import Prediction
from molgraph.results.tasks import TaskSpec
from molgraph.training.out_of_fold import calibration_data
from molgraph.uncertainty.calibration import Calibration, fit_calibration

Entry = dict[str, Any]

LEVELS = (0.5, 0.8, 0.9, 0.95)
RATES = (0.05, 0.1, 0.2)
RESPLITS = 50

#: With fewer test rows of a class its coverage says nothing.
LEAST_OF_CLASS = 20


@dataclass(frozen=True)
class Cell:
    """One trained ensemble: what its M members say of all B rows of a data set.

    Attributes:
        tasks: The T tasks.
        method: What gives its spread.
        outputs: `[M, B, T]`.
        labels: `[B, T]`.
        fold: `[B]` fold of training rows, -1 for others.
        parts: `[B]` of train, calibration or test.
    """

    tasks: tuple[TaskSpec, ...]
    method: str
    outputs: MemberOutputs
    labels: np.ndarray
    fold: np.ndarray
    parts: np.ndarray


def read_cell(arrays: Mapping[str, np.ndarray], tasks: tuple[TaskSpec, ...], method: str) -> Cell:
    """A cell as `uncertainty_cells.py` stored it."""
    mean = arrays["mean"].astype(np.float64)
    other = {
        name: arrays[name].astype(np.float64) if name in arrays else np.zeros_like(mean)
        for name in ("aleatoric_var", "epistemic_var")
    }
    quantiles = arrays["quantiles"].astype(np.float64) if "quantiles" in arrays else None
    is_complete = bool(arrays["epistemic_is_complete"][0]) if "epistemic_is_complete" in arrays else False
    outputs = MemberOutputs(mean, other["aleatoric_var"], other["epistemic_var"], quantiles, is_complete)
    return Cell(tasks, method, outputs, arrays["labels"], arrays["fold"], arrays["parts"])


def calibrated(cell: Cell, rows: str, **settings: Any) -> tuple[Calibration, Prediction]:
    """A calibration with `rows` (cross or split) and the predictions of the test rows."""
    fold = np.where(cell.parts == "calibration", HELD_OUT, cell.fold)
    data = calibration_data(cell.outputs, Labels(cell.labels), fold, split=rows == "split")
    n_models = len(cell.outputs.mean) if rows == "cross" else 1
    kinds = tuple(task.kind for task in cell.tasks)
    calibration = fit_calibration(kinds, data, CalibrationSettings(rows=rows, n_models=n_models, **settings))
    test = np.flatnonzero(cell.parts == "test")
    o = cell.outputs
    outputs = MemberOutputs(o.mean[:, test], o.aleatoric_var[:, test], o.epistemic_var[:, test],
                            None if o.quantiles is None else o.quantiles[:, test], o.epistemic_is_complete)  # fmt: skip
    mean, aleatoric, epistemic = calibration.apply(outputs)
    prediction = Prediction(cell.tasks, mean, epistemic, aleatoric, outputs.mean,
                            quantiles=outputs.pooled().quantiles, calibration=calibration)  # fmt: skip
    return calibration, prediction


def interval_entries(cell: Cell) -> Iterator[Entry]:
    """Coverage and width of each kind of interval, for regression."""
    truth = cell.labels[cell.parts == "test", 0]
    kinds = ["absolute", "normalised", *(["quantile"] if cell.outputs.quantiles is not None else [])]
    for rows in ("cross", "split"):
        for kind in kinds:
            _, prediction = calibrated(cell, rows, intervals=kind)
            ends = [prediction.interval(float(level)) for level in INTERVAL_LEVELS]
            holds = np.stack([(low[:, 0] <= truth) & (truth <= high[:, 0]) for low, high in ends])
            honesty = interval_miscalibration(holds)
            for level in LEVELS:
                lower, upper = (ends[:, 0] for ends in prediction.interval(level))
                coverage, width = coverage_and_width(truth, lower, upper)
                yield {"method": cell.method, "rows": rows, "kind": kind, "level": level,
                       "coverage": coverage, "width": width, "n": len(truth), "miscalibration": honesty}  # fmt: skip


def spread_entries(cell: Cell) -> Iterator[Entry]:
    """How honest the variances are after each scaling, for regression."""
    truth = cell.labels[cell.parts == "test", 0]
    for rows in ("cross", "split"):
        for scaling in ("none", "global", "local"):
            _, prediction = calibrated(cell, rows, variance=scaling)
            yield {"method": cell.method, "rows": rows, "kind": scaling,
                   **spread_statistics(truth - prediction.mean[:, 0], prediction.std[:, 0])}  # fmt: skip


def spread_statistics(error: np.ndarray, spread: np.ndarray) -> dict[str, float]:
    """The statistics of errors and standard deviations `[n]`."""
    spread = np.maximum(spread, 1e-6)
    return {
        "rmse": float(np.sqrt(np.mean(error**2))),
        "nll": gaussian_nll(error, spread),
        "crps": gaussian_crps(error, spread),
        "ence": ence(error, spread),
        "miscalibration_area": miscalibration_area(error, spread),
        "spearman": float(np.nan_to_num(spread_correlation(error, spread))),
        "spearman_reference": float(np.nan_to_num(spread_correlation_reference(spread))),
    }


def class_entries(cell: Cell) -> Iterator[Entry]:
    """Class-conditional coverage of calls, and how honest probabilities are, averaged over the tasks."""
    test = np.flatnonzero(cell.parts == "test")
    for rows in ("cross", "split"):
        for kind in ("none", "temperature", "platt", "isotonic", "venn-abers"):
            _, prediction = calibrated(cell, rows, classes=kind)
            yield {"method": cell.method, "rows": rows, "kind": kind,
                   **probability_statistics(cell.labels[test], prediction.mean)}  # fmt: skip
        _, prediction = calibrated(cell, rows)
        for level in LEVELS:
            calls = prediction.calls(level)
            own = np.where(cell.labels[test] == 1, "active", "inactive")
            holds = np.isfinite(cell.labels[test]) & ((calls == "uncertain") | (calls == own))
            size = np.where(calls == "uncertain", 2.0, np.where(calls == "atypical", 0.0, 1.0))
            yield {"method": cell.method, "rows": rows, "kind": "sets", "level": level,
                   **set_statistics(cell.labels[test], holds, size)}  # fmt: skip


def probability_statistics(labels: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Mean over the tasks of the statistics of probabilities `[n, T]`."""
    found = []
    for t in range(labels.shape[1]):
        known = np.isfinite(labels[:, t])
        y, p, ones = labels[known, t], probability[known, t], np.ones(known.sum())
        found.append([roc_auc(y, p, ones), average_precision(y, p, ones), brier(y, p, ones), log_loss(y, p, ones),
                      class_calibration_error(y, p)])  # fmt: skip
    means = np.nanmean(found, axis=0).tolist()
    return dict(zip(("roc_auc", "average_precision", "brier", "log_loss", "calibration_error"), means, strict=True))


def set_statistics(labels: np.ndarray, holds: np.ndarray, size: np.ndarray) -> dict[str, float]:
    """Coverage of the minority class, of the other, and of all, and the mean size of the sets: means over tasks."""
    minority, majority, every, sizes, counts = [], [], [], [], []
    for t in range(labels.shape[1]):
        known = np.isfinite(labels[:, t])
        rare = float(np.nanmean(labels[:, t]) <= 0.5)
        is_rare = known & (labels[:, t] == rare)
        if is_rare.sum() < LEAST_OF_CLASS:
            continue
        minority.append(holds[is_rare, t].mean())
        majority.append(holds[known & (labels[:, t] != rare), t].mean())
        every.append(holds[known, t].mean())
        sizes.append(size[known, t].mean())
        counts.append(is_rare.sum())
    return {"minority": float(np.mean(minority)), "majority": float(np.mean(majority)), "all": float(np.mean(every)),
            "size": float(np.mean(sizes)), "n_minority": int(np.sum(counts)), "tasks": len(minority)}  # fmt: skip


def selection_entries(cell: Cell, limit: float, seed: int) -> Iterator[Entry]:
    """Realised false discovery rate and power over resplits of the rows that were not trained on."""
    is_class = cell.tasks[0].kind == "classification"
    members = cell.outputs.mean[:, :, 0]
    if is_class:
        p = np.clip(members, 1e-12, 1 - 1e-12)
        scores = np.log(p / (1 - p))
        cut = 0.0
    else:
        scores, cut = members - limit, 0.0
    pooled, is_hit = scores.mean(axis=0), (cell.labels[:, 0] > limit).astype(float)
    train = np.flatnonzero(cell.fold >= 0)
    own = scores[cell.fold[train], train]
    pool = np.flatnonzero(cell.parts != "train")
    n_test = int((cell.parts == "test").sum())
    nobody = np.zeros(len(cell.labels), dtype=np.int64)
    cross = calibrate_hits(own, is_hit[train], nobody[train], 1)
    judged = calibrate_hits(own, is_hit[train], cell.fold[train], len(members))
    found: dict[tuple[str, float], list[tuple[float, float, float]]] = {}
    rng = np.random.default_rng([seed, 7])
    for _ in range(RESPLITS):
        order = rng.permutation(pool)
        test, known = order[:n_test], order[n_test:]
        split = calibrate_hits(pooled[known], is_hit[known], nobody[known], 1)
        p_values = {
            "split": split.p_values(pooled[test][None]),
            "cross": cross.p_values(pooled[test][None]),
            "cross, by fold": judged.p_values(scores[:, test]),
        }
        for q in RATES:
            for name, p in p_values.items():
                found.setdefault((name, q), []).append(_rates(benjamini_hochberg(p, q), is_hit[test] == 1))
        found.setdefault(("naive", 0.5), []).append(_rates(pooled[test] > cut, is_hit[test] == 1))
    for (name, q), values in found.items():
        fdr, power, selected = np.mean(values, axis=0).tolist()
        error = float(np.std([value[0] for value in values], ddof=1) / np.sqrt(RESPLITS))
        yield {"method": cell.method, "kind": name, "q": q, "fdr": fdr, "fdr_error": error, "power": power,
               "selected": selected, "hits": float(is_hit[pool].mean()), **_where_selected(values)}  # fmt: skip


def fixed_selection_entries(cell: Cell, limit: float) -> Iterator[Entry]:
    """The same on the test rows as they are, which is what a split by scaffold asks."""
    is_class = cell.tasks[0].kind == "classification"
    members = cell.outputs.mean[:, :, 0]
    p = np.clip(members, 1e-12, 1 - 1e-12)
    scores = np.log(p / (1 - p)) if is_class else members - limit
    pooled, is_hit = scores.mean(axis=0), (cell.labels[:, 0] > limit).astype(float)
    train, known = np.flatnonzero(cell.fold >= 0), np.flatnonzero(cell.parts == "calibration")
    test = np.flatnonzero(cell.parts == "test")
    nobody = np.zeros(len(cell.labels), dtype=np.int64)
    rules = {
        "cross": calibrate_hits(scores[cell.fold[train], train], is_hit[train], nobody[train], 1),
        "split": calibrate_hits(pooled[known], is_hit[known], nobody[known], 1),
    }
    for name, rule in rules.items():
        for q in RATES:
            fdr, power, selected = _rates(benjamini_hochberg(rule.p_values(pooled[test][None]), q), is_hit[test] == 1)
            yield {"method": cell.method, "kind": name, "q": q, "fdr": fdr, "fdr_error": 0.0, "power": power,
                   "selected": selected, "hits": float(is_hit[test].mean()),
                   **_where_selected([(fdr, power, selected)])}  # fmt: skip
    fdr, power, selected = _rates(pooled[test] > 0, is_hit[test] == 1)
    yield {"method": cell.method, "kind": "naive", "q": 0.5, "fdr": fdr, "fdr_error": 0.0, "power": power,
           "selected": selected, "hits": float(is_hit[test].mean()),
           **_where_selected([(fdr, power, selected)])}  # fmt: skip


def _where_selected(values: Sequence[tuple[float, float, float]]) -> dict[str, float]:
    """Share of lists that are not empty, and the mean false share of these; 0 without one."""
    false = [fdr for fdr, _, selected in values if selected > 0]
    return {"selects": len(false) / len(values), "false_where_selected": float(np.mean(false)) if false else 0.0}


def _rates(chosen: np.ndarray, is_hit: np.ndarray) -> tuple[float, float, float]:
    """False discovery proportion, power, and how many were chosen."""
    return (
        float(np.sum(chosen & ~is_hit) / max(1, chosen.sum())),
        float(np.sum(chosen & is_hit) / max(1, is_hit.sum())),
        float(chosen.sum()),
    )
