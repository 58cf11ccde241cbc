"""`molgraph demo`."""

import dataclasses
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from molgraph_cli.options import AsJson, Device, Overwrite, Processes, Quiet

if TYPE_CHECKING:
    from molgraph.demo import DemoReport

EXAMPLE = "Example: molgraph demo -o molgraph-demo"


def demo(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")] = Path("molgraph-demo"),
    seed: Annotated[int, typer.Option(help="Seed of what is hidden, and of training.")] = 0,
    device: Device = "auto",
    processes: Processes = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train on an assay and screen a library that come with RDKit, and compare with the known answers."""
    from molgraph_cli.progress import stream_bar, training_bar

    from molgraph.demo import run_demo

    report = run_demo(
        output,
        seed=seed,
        device=device,
        processes=processes,
        overwrite=overwrite,
        tell=(lambda _line: None) if quiet else partial(typer.echo, err=True),
        training_bar=partial(training_bar, quiet=quiet),
        screening_bar=partial(stream_bar, "screen", quiet=quiet),
    )
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(report), indent=2))
    else:
        _print(report, output)


def _print(report: "DemoReport", output: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from molgraph.datasets.embedded import ASSAY_TITLE, LIBRARY_TITLE
    from molgraph.demo import ACTIVE_FROM

    wrong = "none is known" if report.false_discovery_rate is None else f"{report.false_discovery_rate:.0%}"
    table = Table("question", "answer", box=None, pad_edge=False)
    for question, answer in [
        ("How well on compounds it had not seen?", f"RMSE {report.hidden_rmse:.2f} (training promised {report.out_of_fold_rmse:.2f})"),
        ("How many hidden actives are in the hit list?", f"{report.actives_found} of {report.hidden_actives}, in {report.top} hits"),
        ("How much better than picking at random?", f"{report.enrichment:.1f} times (at best {report.best_enrichment:.1f})"),
        (f"How many picks are wrong (predicted {ACTIVE_FROM} or more)?", f"{report.picked_wrong} of {report.picked_known} with a known answer: {wrong}"),
        (f"Do the {report.level:.0%} intervals hold the truth?", f"{report.coverage:.0%} of {report.hidden}, mean width {report.mean_width:.1f}"),
        ("What was thrown out?", f"{report.library_rejected} of {report.library_rows:,} rows; hits/rejected.csv says why"),
        ("How fast?", f"{report.screened_per_second:,.0f} rows a second, start-up included"),
    ]:  # fmt: skip
        table.add_row(question, answer)
    console = Console(markup=False, highlight=False)
    console.print()
    console.print(f"Assay: {ASSAY_TITLE}; active means pIC50 of {ACTIVE_FROM} or more.")
    console.print(
        f"Library: {LIBRARY_TITLE}, and the {report.hidden} hidden compounds ({report.hidden_actives} active)."
    )
    console.print()
    console.print(table)
    console.print()
    console.print(f"The hit list is {output / 'hits' / 'hits.csv'}; the model is {output / 'model'}.", soft_wrap=True)
