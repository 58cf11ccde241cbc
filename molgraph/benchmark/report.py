"""The report of a benchmark: every figure with its interval, ties called ties, and what is missing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molgraph.atomic import atomic_path
from molgraph.benchmark.picture import draw_ranks
from molgraph.benchmark.protocol import BENCHMARK_SPLITS
from molgraph.benchmark.record import Record
from molgraph.errors import InputError
from molgraph.metrics.comparison import RankComparison, mean_interval, rank_comparison, tukey_comparison
from molgraph.metrics.scores import METRICS

Block = tuple[str, str]  # data set and split


@dataclass(frozen=True)
class BlockComparison:
    """All learners on one data set and split.

    Attributes:
        metric: What was measured.
        values: `[S]` test values of each learner, by name, in the order of `seeds_of`.
        seeds_of: Seeds of these.
        tied: Learners that cannot be told from the best, by Tukey's test on the seeds that all of them have; the best
            first. Empty where fewer than two seeds are common to all.
    """

    metric: str
    values: Mapping[str, NDArray[np.float64]]
    seeds_of: Mapping[str, tuple[int, ...]]
    tied: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """What the records say together.

    Attributes:
        learners: All learners, the best mean rank first.
        blocks: By data set and split.
        ranking: Over the cells that all learners have; the ranks in the order of `learners`.
        n_cells: How many these are.
        missing: Cells that some learner has and another has not: learner and name of the cell.
    """

    learners: tuple[str, ...]
    blocks: Mapping[Block, BlockComparison]
    ranking: RankComparison
    n_cells: int
    missing: tuple[tuple[str, str], ...]


def compare(records: Sequence[Record]) -> Comparison:
    """Compare all learners of the records.

    Raises:
        InputError: There are none, or two learners got different rows under one name.
    """
    if not records:
        raise InputError("there are no records to compare; run 'molgraph benchmark run' first")
    cells: defaultdict[tuple[str, str, int], dict[str, Record]] = defaultdict(dict)
    for record in records:
        cells[record.data_set, record.split, record.seed][record.learner] = record
    for cell, own in cells.items():
        problems = {record.problem_sha256 for record in own.values()}
        if len(problems) > 1:
            raise InputError(f"{'-'.join(map(str, cell))}: the learners did not get the same rows; run its cells again")
    learners = sorted({record.learner for record in records})
    whole = sorted(cell for cell, own in cells.items() if len(own) == len(learners))
    losses = [[_loss(cells[cell][name]) for name in learners] for cell in whole]
    ranking = (
        rank_comparison(np.array(losses)) if whole else RankComparison(np.full(len(learners), np.nan), np.inf, 1.0)
    )
    order = np.argsort(ranking.ranks, kind="stable")
    missing = [
        (name, "-".join(map(str, cell))) for cell in sorted(cells) for name in learners if name not in cells[cell]
    ]
    return Comparison(
        learners=tuple(learners[i] for i in order),
        blocks={block: _compare_block(records, block) for block in sorted({cell[:2] for cell in cells})},
        ranking=RankComparison(ranking.ranks[order], ranking.critical_difference, ranking.p_value),
        n_cells=len(whole),
        missing=tuple(missing),
    )


def _compare_block(records: Sequence[Record], block: Block) -> BlockComparison:
    own: defaultdict[str, dict[int, Record]] = defaultdict(dict)
    for record in records:
        if (record.data_set, record.split) == block:
            own[record.learner][record.seed] = record
    seeds = sorted(set.intersection(*(set(by_seed) for by_seed in own.values())))
    metric = next(iter(next(iter(own.values())).values())).metric
    tied: tuple[str, ...] = ()
    if len(seeds) > 1 and len(own) > 1:
        names = [*own]
        comparison = tukey_comparison(np.array([[_loss(own[name][seed]) for name in names] for seed in seeds]))
        order = np.argsort(comparison.means, kind="stable")
        least = comparison.means[order[0]]
        tied = tuple(names[i] for i in order if comparison.means[i] <= least + comparison.margin)
    return BlockComparison(
        metric=metric,
        values={name: np.array([by_seed[seed].value for seed in sorted(by_seed)]) for name, by_seed in own.items()},
        seeds_of={name: tuple(sorted(by_seed)) for name, by_seed in own.items()},
        tied=tied,
    )


def _loss(record: Record) -> float:
    return record.value if METRICS[record.metric].direction == "minimize" else -record.value


def to_markdown(comparison: Comparison, records: Sequence[Record]) -> str:
    """The report as text."""
    lines: list[str] = []
    for split in (name for name in BENCHMARK_SPLITS if any(block[1] == name for block in comparison.blocks)):
        kind = BENCHMARK_SPLITS[split]
        seeds = "the seed draws rows and weights" if kind.is_drawn else "the seed draws weights, the rows are fixed"
        lines += [f"### Split {split}: {kind.description}", "", f"Mean over the seeds ± 95% interval; {seeds}.", ""]
        lines += _table(comparison, split)
        lines.append("")
    lines += ["### All together", "", *_ranks(comparison), "", *_costs(comparison, records)]
    if comparison.missing:
        by_learner: defaultdict[str, list[str]] = defaultdict(list)
        for learner, cell in comparison.missing:
            by_learner[learner].append(cell)
        lines += ["", "Not run: " + "; ".join(f"{name} on {len(own)} cells" for name, own in by_learner.items()) + "."]
    return "\n".join(lines) + "\n"


def readme_table(comparison: Comparison) -> str:
    """All sets and splits in one short table of means, with the mean ranks below."""
    head = ["set", "split", "metric", *comparison.learners]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for (data_set, split), block in comparison.blocks.items():
        cells = [f"{block.values[name].mean():.3f}" if name in block.values else "" for name in comparison.learners]
        lines.append(f"| {data_set} | {split} | {block.metric} | " + " | ".join(cells) + " |")
    ranks = [f"{rank:.2f}" if np.isfinite(rank) else "" for rank in comparison.ranking.ranks]
    lines.append(f"| mean rank | | {comparison.n_cells} cells | " + " | ".join(ranks) + " |")
    return "\n".join(lines) + "\n"


def write_report(comparison: Comparison, records: Sequence[Record], path: Path) -> list[Path]:
    """Write the report, and if learners can be ranked a picture of that beside it; gives what was written.

    Raises:
        InputError: A file cannot be written.
    """
    text = to_markdown(comparison, records)
    written = [path]
    if comparison.n_cells:
        picture = path.with_suffix(".png")
        draw_ranks(comparison.learners, comparison.ranking, comparison.n_cells, picture)
        text = text.replace("### All together\n", f"### All together\n\n![mean ranks]({picture.name})\n")
        written.append(picture)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return written


def _table(comparison: Comparison, split: str) -> list[str]:
    head = ["set", "metric", *comparison.learners, "cannot be told from the best"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for (data_set, own_split), block in comparison.blocks.items():
        if own_split == split:
            direction = "smaller" if METRICS[block.metric].direction == "minimize" else "larger"
            cells = [_cell(block.values.get(name)) for name in comparison.learners]
            tied = ", ".join(block.tied) if block.tied else "too few seeds"
            lines.append(f"| {data_set} | {block.metric}, {direction} is better | " + " | ".join([*cells, tied]) + " |")
    return lines


def _cell(values: NDArray[np.float64] | None) -> str:
    if values is None:
        return ""
    mean, half = mean_interval(values)
    return f"{mean:.3f}" + (f" ± {half:.3f}" if np.isfinite(half) else " (1 seed)")


def _ranks(comparison: Comparison) -> list[str]:
    if not comparison.n_cells:
        return ["No cell was run by all learners, so they cannot be ranked."]
    ranking = comparison.ranking
    what = (
        f"Mean rank over the {comparison.n_cells} cells that all learners have (1 is best). Ranks that differ by less "
        f"than {ranking.critical_difference:.2f} cannot be told apart (Nemenyi, 5%); that all are equal: "
        f"p = {ranking.p_value:.2g} (Friedman)."
    )
    lines = [
        what,
        "",
        "| learner | mean rank |",
        "|---|---|",
    ]
    lines += [f"| {name} | {rank:.2f} |" for name, rank in zip(comparison.learners, ranking.ranks, strict=True)]
    return lines


def _costs(comparison: Comparison, records: Sequence[Record]) -> list[str]:
    lines = ["| learner | seconds a cell, median | largest memory, MB |", "|---|---|---|"]
    for name in comparison.learners:
        own = [record for record in records if record.learner == name]
        seconds = float(np.median([record.seconds for record in own]))
        lines.append(f"| {name} | {seconds:,.0f} | {max(record.peak_mb for record in own):,.0f} |")
    return lines
