"""Markdown report of a benchmark: means with confidence intervals, significance tests, and missing experiments."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molgraph.benchmark.picture import draw_ranks
from molgraph.benchmark.protocol import BENCHMARK_SPLITS
from molgraph.benchmark.record import Record
from molgraph.benchmark.statistics import LEAST_SEEDS, RankComparison, mean_interval, rank_comparison, tukey_comparison
from molgraph.errors import InputError
from molgraph.metrics.scores import METRICS
from molgraph.storage.atomic import atomic_path, check_file

Block = tuple[str, str]  # data set and split


@dataclass(frozen=True)
class BlockComparison:
    """All learners on one data set and split.

    Attributes:
        metric: Name of the metric.
        values: `[S]` test values of each learner, by name, in the order of `seeds_of`.
        seeds_of: Seeds of these.
        means: Mean of each learner over the same test rows: over all of its seeds where the split is fixed, over the
            seeds common to all learners where the split is drawn. Empty where there is no such seed.
        tested: Learners with `LEAST_SEEDS` seeds or more, where so many are common to them and the split is drawn. With
            a fixed split seeds change the weights alone, and no inference about other rows is possible.
        tied: Those of them that do not differ significantly from the best, by Tukey's test on these seeds; the best
            first.
        is_drawn: Whether the split depends on the seed.
    """

    metric: str
    values: Mapping[str, NDArray[np.float64]]
    seeds_of: Mapping[str, tuple[int, ...]]
    means: Mapping[str, float]
    tested: tuple[str, ...]
    tied: tuple[str, ...]
    is_drawn: bool


@dataclass(frozen=True)
class Comparison:
    """Comparison of all learners over all data sets and splits.

    Attributes:
        learners: All learners, the best mean rank first, those of `apart` last.
        blocks: By data set and split.
        ranking: Over the blocks that all learners have; the ranks in the order of `learners`.
        n_blocks: Number of these blocks.
        apart: Learners with fewer experiments than two others or more. They are not ranked, and do not decide which
            seeds are common.
        missing: Experiments that some learner has and another has not: learner, and name of data set, split and seed.
    """

    learners: tuple[str, ...]
    blocks: Mapping[Block, BlockComparison]
    ranking: RankComparison
    n_blocks: int
    apart: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]

    def lost(self, learner: str) -> tuple[Block, ...]:
        """Blocks in which a learner is significantly worse than the best, by Tukey's test."""
        return tuple(
            block
            for block, compared in self.blocks.items()
            if learner in compared.tested and learner not in compared.tied
        )


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
    for cell, by_learner in cells.items():
        problems = {record.problem_sha256 for record in by_learner.values()}
        if len(problems) > 1:
            raise InputError(
                f"{'-'.join(map(str, cell))}: the learners did not get the same rows; run its experiments again"
            )
    learners = sorted({record.learner for record in records})
    apart = _apart(records, learners)
    blocks = {block: _compare_block(records, block, apart) for block in sorted({cell[:2] for cell in cells})}
    ranked = [name for name in learners if name not in apart]
    losses = [
        [_loss(block.metric, block.means[name]) for name in ranked]
        for block in blocks.values()
        if all(name in block.means for name in ranked)
    ]
    ranking = rank_comparison(np.array(losses)) if losses else RankComparison(np.full(len(ranked), np.nan), np.inf, 1.0)
    order = np.argsort(ranking.ranks, kind="stable")
    missing = [
        (name, "-".join(map(str, cell))) for cell in sorted(cells) for name in learners if name not in cells[cell]
    ]
    return Comparison(
        learners=(*(ranked[i] for i in order), *apart),
        blocks=blocks,
        ranking=RankComparison(ranking.ranks[order], ranking.critical_difference, ranking.p_value),
        n_blocks=len(losses),
        apart=apart,
        missing=tuple(missing),
    )


def _apart(records: Sequence[Record], learners: Sequence[str]) -> tuple[str, ...]:
    """Learners with fewer experiments than two others or more."""
    counts = {name: sum(record.learner == name for record in records) for name in learners}
    most = max(counts.values())
    is_full = [counts[name] == most for name in learners]
    return tuple(name for name in learners if counts[name] < most) if sum(is_full) > 1 else ()


def _compare_block(records: Sequence[Record], block: Block, apart: tuple[str, ...]) -> BlockComparison:
    own: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for record in records:
        if (record.data_set, record.split) == block:
            own[record.learner][record.seed] = record.value
            metric = record.metric
    by_all = [set(by_seed) for name, by_seed in own.items() if name not in apart]
    common = set.intersection(*by_all) if by_all else set()
    is_drawn = any(kind.is_drawn for split, kind in BENCHMARK_SPLITS.items() if split == block[1])
    used = {name: common if is_drawn and name not in apart else set(by_seed) for name, by_seed in own.items()}
    tested = tuple(name for name, by_seed in own.items() if is_drawn and len(by_seed) >= LEAST_SEEDS)
    seeds = sorted(set.intersection(*(set(own[name]) for name in tested))) if tested else []
    tied: tuple[str, ...] = ()
    if len(seeds) >= LEAST_SEEDS and len(tested) > 1:
        comparison = tukey_comparison(np.array([[_loss(metric, own[name][seed]) for name in tested] for seed in seeds]))
        order = np.argsort(comparison.means, kind="stable")
        least = comparison.means[order[0]]
        tied = tuple(tested[i] for i in order if comparison.means[i] <= least + comparison.margin)
    return BlockComparison(
        metric=metric,
        values={name: np.array([by_seed[seed] for seed in sorted(by_seed)]) for name, by_seed in own.items()},
        seeds_of={name: tuple(sorted(by_seed)) for name, by_seed in own.items()},
        means={name: float(np.mean([own[name][seed] for seed in sorted(seen)])) for name, seen in used.items() if seen},
        tested=tested if tied else (),
        tied=tied,
        is_drawn=is_drawn,
    )


def _loss(metric: str, value: float) -> float:
    return value if METRICS[metric].direction == "minimize" else -value


def to_markdown(comparison: Comparison, records: Sequence[Record]) -> str:
    """The report as text."""
    lines: list[str] = []
    for split in (name for name in BENCHMARK_SPLITS if any(block[1] == name for block in comparison.blocks)):
        kind = BENCHMARK_SPLITS[split]
        seeds = "the seed draws rows and weights" if kind.is_drawn else "the seed draws weights, the rows are fixed"
        what = "Mean over the seeds ± 95% confidence interval (none for fewer than three seeds)"
        if not kind.is_drawn:
            seeds += ": intervals cover the weights alone, and differences on one test set are not tested"
        lines += [f"### Split {split}: {kind.description}", "", f"{what}; {seeds}.", ""]
        lines += _table(comparison, split)
        lines.append("")
    lines += ["### All together", "", *rank_lines(comparison), "", *_costs(comparison, records)]
    if comparison.missing:
        by_learner: defaultdict[str, list[str]] = defaultdict(list)
        for learner, cell in comparison.missing:
            by_learner[learner].append(cell)
        lines += [
            "",
            "Not run: " + "; ".join(f"{name}, {len(names)} experiments" for name, names in by_learner.items()) + ".",
        ]
    return "\n".join(lines) + "\n"


def summary_table(comparison: Comparison) -> str:
    """One short table of the means over the same rows, for all sets and splits, with the mean ranks and their test."""
    head = ["set", "split", "metric", *comparison.learners]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for (data_set, split), block in comparison.blocks.items():
        cells = [_short_cell(block, name, is_apart=name in comparison.apart) for name in comparison.learners]
        lines.append(f"| {data_set} | {split} | {block.metric} | " + " | ".join(cells) + " |")
    ranks = [f"{rank:.2f}" if np.isfinite(rank) else "" for rank in comparison.ranking.ranks]
    ranks += ["not ranked"] * len(comparison.apart)
    lines.append(f"| mean rank | | of {comparison.n_blocks} | " + " | ".join(ranks) + " |")
    return "\n".join([*lines, "", *rank_lines(comparison)[:1]]) + "\n"


def _short_cell(block: BlockComparison, name: str, *, is_apart: bool) -> str:
    if name not in block.means:
        return ""
    seeds = f" (seed {', '.join(map(str, block.seeds_of[name]))})" if is_apart and block.is_drawn else ""
    return f"{block.means[name]:.3f}{seeds}"


def write_report(
    comparison: Comparison, records: Sequence[Record], path: Path, *, overwrite: bool = False
) -> list[Path]:
    """Write the report, and a plot of the mean ranks if learners can be ranked; returns the paths.

    Raises:
        InputError: A file cannot be written, or exists and may not be replaced.
    """
    check_file(path, overwrite=overwrite)
    text = to_markdown(comparison, records)
    written = [path]
    if comparison.n_blocks:
        picture = path.with_suffix(".png")
        check_file(picture, overwrite=overwrite)
        ranked = comparison.learners[: len(comparison.ranking.ranks)]
        draw_ranks(ranked, comparison.ranking, comparison.n_blocks, picture)
        text = text.replace("### All together\n", f"### All together\n\n![mean ranks]({picture.name})\n")
        written.append(picture)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return written


def _table(comparison: Comparison, split: str) -> list[str]:
    head = ["set", "metric", *comparison.learners, "not significantly worse than the best"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for (data_set, own_split), block in comparison.blocks.items():
        if own_split == split:
            direction = "smaller" if METRICS[block.metric].direction == "minimize" else "larger"
            most = max(len(values) for values in block.values.values())
            cells = [_cell(block.values.get(name), most) for name in comparison.learners]
            cells.append(_tied(block))
            lines.append(f"| {data_set} | {block.metric}, {direction} is better | " + " | ".join(cells) + " |")
    return lines


def _cell(values: NDArray[np.float64] | None, most_seeds: int) -> str:
    if values is None:
        return ""
    mean, half = mean_interval(values)
    shown = f"{mean:.3f} ± {half:.3f}" if np.isfinite(half) else f"{mean:.3f}"
    fewer = f" ({len(values)} seed{'s' if len(values) > 1 else ''})"
    return shown + (fewer if len(values) < max(most_seeds, LEAST_SEEDS) else "")


def _tied(block: BlockComparison) -> str:
    if not block.is_drawn:
        return "one test set: not tested"
    if not block.tied:
        return "too few seeds"
    left_out = [name for name in block.values if name not in block.tested]
    return ", ".join(block.tied) + (f" (too few seeds: {', '.join(left_out)})" if left_out else "")


def rank_lines(comparison: Comparison) -> list[str]:
    """Lines of Markdown: the mean ranks, and their significance."""
    if not comparison.n_blocks:
        return ["No data set and split was run by all learners, so they cannot be ranked."]
    ranking = comparison.ranking
    what = (
        f"Mean rank over the {comparison.n_blocks} pairs of data set and split that all learners have (1 is best). "
        f"Ranks that differ by less than {ranking.critical_difference:.2f} are not significantly different "
        "(Nemenyi, 5%); that "
        f"all are equal: p = {ranking.p_value:.2g} (Friedman). Two splits of one set "
        "count as two, though they are not independent."
    )
    if comparison.apart:
        what += f" Not ranked, since others have more seeds: {', '.join(comparison.apart)}."
    lines = [what, "", "| learner | mean rank |", "|---|---|"]
    ranked = comparison.learners[: len(ranking.ranks)]
    lines += [f"| {name} | {rank:.2f} |" for name, rank in zip(ranked, ranking.ranks, strict=True)]
    return lines


def _costs(comparison: Comparison, records: Sequence[Record]) -> list[str]:
    lines = ["| learner | median seconds per experiment | peak memory, MB |", "|---|---|---|"]
    for name in comparison.learners:
        of_learner = [record for record in records if record.learner == name]
        seconds = float(np.median([record.seconds for record in of_learner]))
        lines.append(f"| {name} | {seconds:,.0f} | {max(record.peak_mb for record in of_learner):,.0f} |")
    return lines
