"""`molgraph screen`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molgraph.config.screening import DiversityRule, DomainRule, Engine, FdrMethod, NeighbourSpace
from molgraph.config.training import Precision

from . import completion
from .options import (
    AsJson,
    DeviceOption,
    IdColumn,
    Level,
    MaxRejected,
    Memory,
    Models,
    Overwrite,
    Processes,
    Progress,
    Quiet,
    SmilesColumn,
    check_rejected,
    names,
    tell_no_better_than_chance,
    tell_notes,
    tell_rejected,
)
from .text import show_json, tell

if TYPE_CHECKING:
    from molgraph.screening.summary import ScreenResult

EXAMPLE = """\b
Examples:
  molgraph screen model library.smi.gz -o hits --top 200
  molgraph screen model library.smi.gz -o hits --hit 'pIC50 >= 7' --fdr 0.1
  molgraph screen model 'vendor/*.parquet' -o hits --goal 'minimize clearance'
  molgraph screen potency panel:herg,ames library.smi.gz -o hits --profile good.toml
"""


def screen(
    models: Models,
    library: Annotated[
        str, typer.Argument(metavar="LIBRARY", help="Library: file, folder, glob, address, or - for stdin.")
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    top: Annotated[int, typer.Option(help="Structures in the hit list.")] = 500,
    goal: Annotated[
        str | None,
        typer.Option(help="Task that ranks, alone or after maximize or minimize. [default: the hit, or the only task]"),
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML file that says what a good compound is in several respects."),
    ] = None,
    hit: Annotated[
        str | None,
        typer.Option(
            metavar="CONDITION",
            help="What a hit is, e.g. 'pIC50 >= 7' or 'active and not hERG'; hits are then selected.",
        ),
    ] = None,
    fdr: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            help="Share of the selected that may be no hits, on average over many tables. [default: 0.1]",
        ),
    ] = None,
    fdr_method: Annotated[
        FdrMethod,
        typer.Option(
            help="Select all that can be, with weights for a library unlike the table, or few of many scaffolds."
        ),
    ] = "cfbh",
    level: Level = 0.9,
    domain: Annotated[
        DomainRule,
        typer.Option(help="Structures outside the applicability domain: in a file of their own, or among the hits."),
    ] = "separate",
    nearest: Annotated[int, typer.Option(help="Measured compounds that are shown beside each hit.")] = 1,
    nearest_by: Annotated[
        NeighbourSpace,
        typer.Option(help="Those of the most similar structure, or the nearest in the model's own space."),
    ] = "structure",
    smiles_column: SmilesColumn = None,
    id_column: IdColumn = None,
    keep_columns: Annotated[
        str | None,
        typer.Option(
            help="Columns of the library to carry into the hits, joined by commas.", autocompletion=completion.columns
        ),
    ] = None,
    alerts: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            autocompletion=completion.alerts,
            help="Catalogues of structural alerts shown beside the hits, of pains, brenk, nih, chembl; or none.",
        ),
    ] = "pains,brenk",
    diverse: Annotated[
        int | None, typer.Option(metavar="N", help="Pick so many of the hits that differ, into diverse.csv.")
    ] = None,
    diverse_by: Annotated[
        DiversityRule,
        typer.Option(help="Pick what is most unlike those before, or the best of each scaffold or cluster."),
    ] = "maxmin",
    precision: Annotated[
        Precision, typer.Option(help="Number format; auto takes bfloat16 where the processor is fast at it.")
    ] = "auto",
    device: DeviceOption = "auto",
    processes: Processes = None,
    memory: Memory = None,
    engine: Annotated[Engine, typer.Option(help="Processes of this machine, or the cores of a Ray cluster.")] = "local",
    address: Annotated[
        str | None,
        typer.Option(help="Ray cluster, or auto for the one on this machine. [default: one of its own]"),
    ] = None,
    max_rejected: MaxRejected = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a screen that was stopped; from the start if there is none.")
    ] = False,
    overwrite: Overwrite = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Rank a compound library of any size: the best structures, with intervals and their nearest measured compound."""
    from molgraph import screen as screen_library

    from .progress import stream_bar

    with stream_bar("screen", quiet=quiet, style=progress) as listener:
        result = screen_library(
            models,
            library,
            output=output,
            top=top,
            goal=goal,
            profile=profile,
            hit=hit,
            fdr=fdr,
            fdr_method=fdr_method,
            level=level,
            domain=domain,
            nearest=nearest,
            nearest_by=nearest_by,
            smiles_column=smiles_column,
            id_column=id_column,
            keep_columns=names(keep_columns or ""),
            alerts=[] if alerts == "none" else names(alerts),
            diverse=diverse,
            diverse_by=diverse_by,
            device=device,
            precision=precision,
            processes=processes,
            memory=memory,
            engine=engine,
            address=address,
            resume=resume,
            overwrite=overwrite,
            on_progress=listener,
        )
    if as_json:
        stored = [json.loads((output / name).read_text(encoding="utf-8")) for name in ("summary.json", "timing.json")]
        show_json(stored[0] | {"timing": stored[1]})
    elif not quiet and progress == "auto":
        _tell(result, top)
    check_rejected(max_rejected, result.rejected, result.rows_read)


def _why_empty(result: "ScreenResult") -> str:
    if len(result.outside):
        return (
            f"the list is empty because all of the {result.scored:,} compounds that could be listed are outside of "
            "what the model knows: --domain ignore ranks them all the same"
        )
    return f"the list is empty because none of the {result.scored:,} compounds is what the profile requires"


def _tell(result: "ScreenResult", top: int) -> None:
    duplicates = f", {result.duplicates:,} duplicates" if result.duplicates else ""
    rate = result.molecules_per_second
    speed = f"; {rate:,.0f} a second" if rate >= 1 else ""  # of a few rows, only the start shows
    before = f" (of these {result.rows_before:,} in an earlier run)" if result.rows_before else ""
    tell(
        f"{result.rows_read:,} rows: {result.scored:,} scored, {result.rejected:,} rejected{duplicates}{speed}{before}"
    )
    tell_notes(result.notes)
    tell_rejected(result.first_rejected, result.rejected, f"{result.output / 'rejected.csv'} lists all")
    tell(f"{len(result.hits):,} hits ({result.goal}) written to {result.output / 'hits.csv'}")
    tell_no_better_than_chance(result.no_better_than_chance, "calibration compounds")
    if not len(result.hits):
        tell(_why_empty(result))
    if result.diversity is not None:
        tell(f"{result.diversity.sentence()}, in {result.output / 'diverse.csv'}")
    if len(result.outside):
        best = "the best " if len(result.outside) == top else ""
        tell(
            f"{'scored as well, but ' if len(result.hits) == top else ''}outside the applicability domain of the model "
            f"(not in the list): {best}{len(result.outside):,} in {result.output / 'outside.csv'}"
        )
    if result.selection is not None:
        for sentence in result.selection.sentences():
            tell(sentence)
        if result.selection.selected:
            tell(f"they are in {result.output / 'selected.csv'}")
    if result.shift is not None and (result.shift.was_checked or result.selection is not None):
        is_weighted = result.selection is not None and result.selection.method == "weighted"
        for sentence in result.shift.sentences(is_weighted=is_weighted):
            tell(sentence)
        if result.shift.fires and result.selection is None:
            tell("All rows were compared; with --hit only those in the domain of the model are.")
