"""The table of the accuracy comparison, from records alone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

HIGHER_IS_BETTER = {"rmse": False, "roc_auc": True}
HEADER = (
    "| data set | metric | seeds | chemprop | molgraph | worse by (standard error) | allowed | verdict |\n"
    "|---|---|---|---|---|---|---|---|"
)
LEGEND = (
    "Mean ± standard deviation over the seeds. *Worse by*: mean over the seeds of how much molgraph is worse than\n"
    "chemprop on the same test rows (negative: better). *Allowed*: the larger of the two standard deviations."
)


def report(records: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table with a line for each data set.

    Raises:
        ValueError: Two learners did not see the same rows and split.
    """
    by_set: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for record in records:
        by_set[record["data_set"]].append(record)
    lines = [_line(name, found) for name, found in sorted(by_set.items())]
    return "\n".join(["# Accuracy: one model against one model", "", HEADER, *lines, "", LEGEND])


def _line(data_set: str, records: Sequence[Mapping[str, Any]]) -> str:
    _check_comparable(records)
    metric = records[0]["metric"]
    values = {
        learner: {record["seed"]: record["value"] for record in records if record["learner"] == learner}
        for learner in ("chemprop", "molgraph")
    }
    cells = [_mean_and_spread(list(values[learner].values())) for learner in ("chemprop", "molgraph")]
    seeds = sorted(values["chemprop"].keys() & values["molgraph"].keys())
    if len(seeds) < 2:
        return f"| {data_set} | {metric} | {len(seeds)} | {cells[0]} | {cells[1]} | | | not complete |"
    theirs, ours = (np.array([values[learner][seed] for seed in seeds]) for learner in ("chemprop", "molgraph"))
    worse = theirs - ours if HIGHER_IS_BETTER[metric] else ours - theirs
    error = np.std(worse, ddof=1) / np.sqrt(len(seeds))
    allowed = max(np.std(theirs, ddof=1), np.std(ours, ddof=1))
    verdict = "pass" if worse.mean() <= allowed else "miss"
    return (
        f"| {data_set} | {metric} | {len(seeds)} | {cells[0]} | {cells[1]} "
        f"| {worse.mean():+.3f} ({error:.3f}) | {allowed:.3f} | {verdict} |"
    )


def _check_comparable(records: Sequence[Mapping[str, Any]]) -> None:
    seen: dict[int, tuple[object, ...]] = {}
    for record in records:
        protocol = (record["split_sha256"], record["epochs"], record["batch_size"], record["metric"])
        if seen.setdefault(record["seed"], protocol) != protocol:
            raise ValueError(f"{record['data_set']}, seed {record['seed']}: the learners' rows or settings differ")


def _mean_and_spread(values: list[float]) -> str:
    if not values:
        return ""
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"
