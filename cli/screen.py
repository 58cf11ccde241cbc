"""`molgraph screen`."""

import json
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from molgraph.config.compute import ComputeConfig, Engine
from molgraph.config.screening import (
    DEFAULT_FDR,
    AlertName,
    DiversityRule,
    DomainRule,
    FdrMethod,
    NeighbourSpace,
    ScreenConfig,
)

from . import completion
from .config_options import with_options
from .options import (
    AsJson,
    DeviceOption,
    Hit,
    IdColumn,
    Level,
    MaxRejected,
    Memory,
    Models,
    OutputFolder,
    Overwrite,
    PrecisionOption,
    Processes,
    Progress,
    Quiet,
    Resume,
    SmilesColumn,
    check_rejected,
    names,
    names_or_none,
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


def _alert_names(joined: str | None) -> tuple[str, ...]:
    return () if joined in (None, "none") else tuple(names(str(joined)))


#: Defaults of the options.
_CONFIG, _COMPUTE = ScreenConfig(), ComputeConfig(processes=None)  # a command may always start processes of its own


def screen(
    ctx: typer.Context,
    models: Models,
    library: Annotated[
        str, typer.Argument(metavar="LIBRARY", help="Library: file, folder, glob, address, or - for stdin.")
    ],
    *,
    output: OutputFolder,
    top: Annotated[int, typer.Option(help="Structures in the hit list.")] = _CONFIG.top,
    goal: Annotated[
        str | None,
        typer.Option(help="Task that ranks, alone or after maximize or minimize. [default: the hit, or the only task]"),
    ] = _CONFIG.goal,
    profile: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="TOML file of a multi-objective desirability profile."),
    ] = None,
    hit: Hit = _CONFIG.hit,
    fdr: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            help=f"False discovery rate of the selection, on average over many tables. [default: {DEFAULT_FDR}]",
        ),
    ] = _CONFIG.fdr,
    fdr_method: Annotated[
        FdrMethod,
        typer.Option(
            help="Selection: conformal (cfbh), weighted for covariate shift, or diverse (few, of many scaffolds)."
        ),
    ] = _CONFIG.fdr_method,
    level: Level = _CONFIG.level,
    domain: Annotated[
        DomainRule,
        typer.Option(help="Structures outside the applicability domain: in a file of their own, or among the hits."),
    ] = _CONFIG.domain,
    nearest: Annotated[int, typer.Option(help="Measured compounds that are shown beside each hit.")] = _CONFIG.nearest,
    nearest_by: Annotated[
        NeighbourSpace,
        typer.Option(help="By fingerprint similarity, or by distance in the model's latent space."),
    ] = _CONFIG.nearest_by,
    smiles_column: SmilesColumn = _CONFIG.smiles_column,
    id_column: IdColumn = _CONFIG.id_column,
    keep_columns: Annotated[
        str | None,
        typer.Option(
            callback=names_or_none,
            help="Columns of the library to carry into the hits, joined by commas.",
            autocompletion=completion.columns,
        ),
    ] = None,
    alerts: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            callback=_alert_names,
            autocompletion=completion.alerts,
            help="Catalogues of structural alerts shown beside the hits, of "
            f"{', '.join(get_args(AlertName))}; or none.",
        ),
    ] = ",".join(_CONFIG.alerts),
    diverse: Annotated[
        int | None, typer.Option(metavar="N", help="Pick a diverse subset of so many hits, into diverse.csv.")
    ] = _CONFIG.diverse,
    diverse_by: Annotated[
        DiversityRule,
        typer.Option(help="MaxMin picking, or the best of each scaffold or cluster."),
    ] = _CONFIG.diverse_by,
    precision: PrecisionOption = _COMPUTE.precision,
    device: DeviceOption = _COMPUTE.device,
    processes: Processes = _COMPUTE.processes,
    memory: Memory = _COMPUTE.memory,
    engine: Annotated[
        Engine, typer.Option(help="Worker processes of this machine, or a Ray cluster.")
    ] = _COMPUTE.engine,
    address: Annotated[
        str | None,
        typer.Option(help="Ray cluster, or auto for the one on this machine. [default: one of its own]"),
    ] = _COMPUTE.address,
    max_rejected: MaxRejected = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Rank a compound library of any size: the best structures, with intervals and their nearest measured compound."""
    from molgraph import screen as screen_library

    from .progress import stream_bar

    config = with_options(_CONFIG, ctx)
    with stream_bar("screen", quiet=quiet, style=progress) as listener:
        result = screen_library(
            models,
            library,
            output=output,
            config=config,
            compute=with_options(_COMPUTE, ctx),
            resume=resume,
            overwrite=overwrite,
            on_progress=listener,
        )
    if as_json:
        stored = [json.loads((output / name).read_text(encoding="utf-8")) for name in ("summary.json", "timing.json")]
        show_json(stored[0] | {"timing": stored[1]})
    elif not quiet and progress == "auto":
        _tell(result, config.top)
    check_rejected(max_rejected, result.rejected, result.rows_read)


def _why_empty(result: "ScreenResult") -> str:
    if len(result.outside):
        return (
            f"no hits: all of the {result.scored:,} candidates are outside the applicability domain of the model; "
            "--domain ignore ranks them all the same"
        )
    return f"no hits: none of the {result.scored:,} compounds meets the requirements of the profile"


def _tell(result: "ScreenResult", top: int) -> None:
    from molgraph.spelling import counted

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
        as_well = " with as good a score" if len(result.hits) == top else ""
        tell(
            f"not listed: {best}{counted(len(result.outside), 'compound')} outside the applicability domain of the "
            f"model{as_well}, in {result.output / 'outside.csv'}"
        )
    if result.selection is not None:
        for sentence in result.selection.sentences():
            tell(sentence)
        if result.selection.selected:
            tell(f"selected compounds written to {result.output / 'selected.csv'}")
    if result.shift is not None and (result.shift.was_checked or result.selection is not None):
        is_weighted = result.selection is not None and result.selection.method == "weighted"
        for sentence in result.shift.sentences(is_weighted=is_weighted):
            tell(sentence)
        if result.shift.fires and result.selection is None:
            tell("The shift check compared all rows; with --hit it compares those inside the domain only.")
