"""`molgraph benchmark`: comparison of learners on the data sets of MoleculeNet."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molgraph.config.benchmark import (
    BENCHMARK_SETTINGS,
    DEFAULT_LEARNERS,
    DEFAULT_SEEDS,
    DEFAULT_SPLITS,
    DEFAULT_SUITE,
    Suite,
)

from . import completion
from .commands import Commands
from .options import AsJson, OverwriteFile, Quiet, names
from .text import show_json, show_line, significant, tell

if TYPE_CHECKING:
    from molgraph.benchmark.protocol import Experiment
    from molgraph.benchmark.run import ExperimentOutcome

app = typer.Typer(cls=Commands, help="Compare learners on the data sets of MoleculeNet.")

RUN_EXAMPLE = """\b
Examples:
  molgraph benchmark run -o records --suite small --learner fast,random_forest
  molgraph benchmark run -o records --data-set esol --split random,scaffold --seeds 0,1,2
"""

Records = Annotated[Path, typer.Option("--output", "-o", help="Folder of records; those it has are kept.")]


@app.command(epilog=RUN_EXAMPLE, short_help="Run the experiments without a record.")
def run(
    *,
    output: Records,
    suite: Annotated[Suite, typer.Option(help="Suite of data sets to run.")] = DEFAULT_SUITE,
    data_set: Annotated[
        str | None,
        typer.Option(
            help="Data sets instead of a suite, joined by commas.", autocompletion=completion.several_data_sets
        ),
    ] = None,
    split: Annotated[
        str, typer.Option(help="Splits: random, scaffold, scaffold_balanced, butina; joined by commas.")
    ] = ",".join(DEFAULT_SPLITS),
    seeds: Annotated[str, typer.Option(help="Seeds, joined by commas.")] = ",".join(map(str, DEFAULT_SEEDS)),
    learner: Annotated[
        str,
        typer.Option(
            help=f"Of {', '.join(BENCHMARK_SETTINGS)}, joined by commas. scratch is without the encoder, tuned "
            "fine-tunes it, frozen does not, single is one model."
        ),
    ] = ",".join(DEFAULT_LEARNERS),
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train each learner on each split of each data set, and write one record of its test metrics for each."""
    from molgraph.benchmark.learner import OWN_LEARNERS
    from molgraph.benchmark.protocol import SUITES, make_experiments
    from molgraph.benchmark.run import run_experiments

    experiments = make_experiments(
        names(data_set) if data_set else SUITES[suite], names(split), _numbers(seeds), names(learner), OWN_LEARNERS
    )
    outcomes = run_experiments(
        experiments,
        OWN_LEARNERS,
        output,
        on_begin=_ignore if quiet else _tell_begin,
        on_end=_ignore if quiet else _tell_end,
    )
    failed = [outcome for outcome in outcomes if outcome.error]
    if as_json:
        show_json([outcome.record for outcome in outcomes if outcome.record is not None])
    elif not quiet:
        done = sum(not outcome.was_there and not outcome.error for outcome in outcomes)
        skipped = len(experiments) - done - len(failed)
        tell(f"{done} of {len(experiments)} experiments run, {skipped} had a record already, {len(failed)} failed")
        tell(f"compare them with: molgraph benchmark report {output}")
    for outcome in failed if quiet else ():
        tell(f"{outcome.experiment.name}: {outcome.error}")
    if failed:
        raise typer.Exit(1)


@app.command(epilog="Example: molgraph benchmark report records -o report.md", short_help="Compare the learners.")
def report(
    records: Annotated[Path, typer.Argument(metavar="RECORDS", help="Folder of records.")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Markdown file to write, and a plot of the ranks beside it.")
    ] = None,
    learner: Annotated[str | None, typer.Option(help="Only these learners, joined by commas.")] = None,
    overwrite: OverwriteFile = False,
    as_json: AsJson = False,
) -> None:
    """Compare learners: confidence intervals, mean ranks, and which are not significantly worse than the best."""
    from molgraph.benchmark.record import read_records
    from molgraph.benchmark.report import compare, to_markdown
    from molgraph.errors import InputError

    found = read_records(records)
    if learner is not None:
        found = [record for record in found if record.learner in names(learner)]
        if not found:
            raise InputError(f"{records} has no record of {learner}")
    comparison = compare(found)
    if as_json:
        show_json(
            {
                "learners": comparison.learners,
                "mean_ranks": comparison.ranking.ranks.tolist(),
                "critical_difference": comparison.ranking.critical_difference,
                "p_value": comparison.ranking.p_value,
                "ranked_on": comparison.n_blocks,
                "records": found,
            }
        )
        return
    text = to_markdown(comparison, found)
    if output is None:
        for line in text.splitlines():
            show_line(line)
        return
    from molgraph.benchmark.report import write_report

    for path in write_report(comparison, found, output, overwrite=overwrite):
        tell(f"{path} written")


def _numbers(joined: str) -> list[int]:
    from molgraph.errors import InputError

    try:
        return [int(text) for text in names(joined)]
    except ValueError as error:
        raise InputError(f"--seeds is {joined!r}; it must be whole numbers joined by commas, e.g. 0,1,2") from error


def _ignore(_what: object) -> None:
    """Print nothing."""


def _tell_begin(experiment: "Experiment") -> None:
    tell(f"{experiment.name} ...")


def _tell_end(outcome: "ExperimentOutcome") -> None:
    if outcome.error:
        tell(f"{outcome.experiment.name} failed: {outcome.error}")
    elif outcome.record is not None and not outcome.was_there:
        record = outcome.record
        tell(f"{record.name}: {record.metric} {significant(record.value)} in {record.seconds:,.0f} s")
