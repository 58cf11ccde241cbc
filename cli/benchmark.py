"""`molgraph benchmark`: learners compared on the sets of MoleculeNet."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from molgraph.config.benchmark import BENCHMARK_SETTINGS

from . import completion
from .commands import Commands
from .options import AsJson, OverwriteFile, Quiet, names
from .text import show_json, show_line, significant, tell

if TYPE_CHECKING:
    from molgraph.benchmark.protocol import Cell
    from molgraph.benchmark.run import CellOutcome

app = typer.Typer(cls=Commands, help="Compare learners on the data sets of MoleculeNet.")

RUN_EXAMPLE = """\b
Examples:
  molgraph benchmark run -o records --suite small --learner fast,random_forest
  molgraph benchmark run -o records --data-set esol --split random,scaffold --seeds 0,1,2
"""

Records = Annotated[Path, typer.Option("--output", "-o", help="Folder of the records: what is there is not run again.")]


@app.command(epilog=RUN_EXAMPLE, short_help="Run what has no record yet.")
def run(
    *,
    output: Records,
    suite: Annotated[Literal["small", "large"], typer.Option(help="Sets that are run.")] = "small",
    data_set: Annotated[
        str | None,
        typer.Option(help="These sets instead, joined by commas.", autocompletion=completion.several_data_sets),
    ] = None,
    split: Annotated[
        str, typer.Option(help="Of random, scaffold, scaffold_balanced and butina, joined by commas.")
    ] = "random,scaffold",
    seeds: Annotated[str, typer.Option(help="Seeds, joined by commas.")] = "0,1,2",
    learner: Annotated[
        str,
        typer.Option(
            help=f"Of {', '.join(BENCHMARK_SETTINGS)}, joined by commas. scratch is without the encoder, tuned and "
            "frozen say what becomes of it, single is one model."
        ),
    ] = "fast,accurate",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train each learner on each split of each set, and keep what it reaches on the test rows, one record each."""
    from molgraph.benchmark.learner import OWN_LEARNERS
    from molgraph.benchmark.protocol import SUITES, make_cells
    from molgraph.benchmark.run import run_cells

    cells = make_cells(
        names(data_set) if data_set else SUITES[suite], names(split), _numbers(seeds), names(learner), OWN_LEARNERS
    )
    outcomes = run_cells(
        cells,
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
        tell(f"{done} of {len(cells)} runs done, {len(cells) - done - len(failed)} were there, {len(failed)} failed")
        tell(f"molgraph benchmark report {output} compares them")
    for outcome in failed if quiet else ():
        tell(f"{outcome.cell.name}: {outcome.error}")
    if failed:
        raise typer.Exit(1)


@app.command(epilog="Example: molgraph benchmark report records -o report.md", short_help="Compare what was run.")
def report(
    records: Annotated[Path, typer.Argument(metavar="RECORDS", help="Folder of records.")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Markdown file to write, with a picture beside it.")
    ] = None,
    learner: Annotated[str | None, typer.Option(help="Only these learners, joined by commas.")] = None,
    overwrite: OverwriteFile = False,
    as_json: AsJson = False,
) -> None:
    """Compare all learners: intervals, mean ranks, and which cannot be told from the best."""
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
    """Say nothing."""


def _tell_begin(cell: "Cell") -> None:
    tell(f"{cell.name} ...")


def _tell_end(outcome: "CellOutcome") -> None:
    if outcome.error:
        tell(f"{outcome.cell.name} failed: {outcome.error}")
    elif outcome.record is not None and not outcome.was_there:
        record = outcome.record
        tell(f"{record.name}: {record.metric} {significant(record.value)} in {record.seconds:,.0f} s")
