"""`molgraph demo`: a retrospective virtual screen on built-in data."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from .options import SEED, AsJson, DeviceOption, OutputFolder, Overwrite, Processes, Quiet
from .text import show_json, show_line, show_table, tell

if TYPE_CHECKING:
    from molgraph.demo import DemoReport

EXAMPLE = "Example: molgraph demo -o molgraph-demo"


def demo(
    *,
    output: OutputFolder = Path("molgraph-demo"),
    seed: Annotated[int, SEED] = 0,
    device: DeviceOption = "auto",
    processes: Processes = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train on an assay, screen a library that hides held-out compounds, and evaluate the hits (data of RDKit)."""
    from molgraph.demo import run_demo

    from .progress import stream_bar, training_bar

    try:
        report = run_demo(
            output,
            seed=seed,
            device=device,
            processes=processes,
            overwrite=overwrite,
            tell=(lambda _line: None) if quiet else tell,
            training_bar=partial(training_bar, quiet=quiet),
            screening_bar=partial(stream_bar, "screen", quiet=quiet),
        )
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"{output} is not complete; start again with --overwrite") from error
    if as_json:
        show_json(report)
    elif not quiet:
        _show(report, output)


def _show(report: "DemoReport", output: Path) -> None:
    from molgraph.datasets.embedded import ASSAY_TITLE, LIBRARY_TITLE
    from molgraph.demo import ACTIVE_FROM

    show_line()
    show_line(f"Assay:   {ASSAY_TITLE};")
    show_line(f"         active means a pIC50 of {ACTIVE_FROM} or more")
    show_line(f"Library: {LIBRARY_TITLE}, and among them")
    show_line(f"         {report.hidden} compounds of the assay ({report.hidden_actives} active) held out of training")
    show_line()
    show_table(_answers(report))
    show_line()
    show_line(f"Hit list: {output / 'hits' / 'hits.csv'}")
    show_line(f"Model:    {output / 'model'}")
    show_line()
    for line in _selection(report, output):
        show_line(line)
    show_line()
    _show_safe(report, output)


def _answers(report: "DemoReport") -> list[tuple[str, str]]:
    """Results as pairs of description and value; the lines fit 80 columns."""
    wrong = "none" if report.false_discovery_rate is None else f"{report.false_discovery_rate:.0%}"
    return [
        (
            "Error on held-out compounds",
            f"RMSE {report.hidden_rmse:.2f} (cross-validation: {report.out_of_fold_rmse:.2f})",
        ),
        ("Held-out actives among hits", f"{report.actives_found} of {report.hidden_actives}, in {report.top} hits"),
        ("Outside applicability domain", _set_aside(report)),
        ("Enrichment over random rows", f"{report.enrichment:.1f} times (maximum {report.best_enrichment:.1f})"),
        (
            f"Actives among the first {report.hidden_actives}",
            f"{report.first_hits_active}; by chance within the series, {report.first_hits_by_chance:.0f}",
        ),
        ("Predicted active, but inactive", f"{report.picked_wrong} of {report.picked_known} measured hits ({wrong})"),
        (
            f"Coverage of {report.level:.0%} intervals",
            f"{report.coverage:.0%} of {report.hidden} measured values; mean width {report.mean_width:.1f}",
        ),
        (
            "Rejected rows",
            f"{report.library_rejected} of {report.library_rows:,}; reasons in hits/rejected.csv",
        ),
        ("Speed of the screen", f"{report.screened_per_second:,.0f} rows a second, start-up included"),
    ]


def _selection(report: "DemoReport", output: Path) -> list[str]:
    """The selection at a controlled false discovery rate, and its observed rate; the lines fit 80 columns."""
    title = f"Selected at a false discovery rate of {report.fdr:.0%}:"
    if not report.selected:
        return [f"{title} none; too few score well enough"]
    lines = [f"{title} {report.selected} compounds,", f"  listed in {output / 'hits' / 'selected.csv'}"]
    if report.selected_fdr is not None:
        active = report.selected_known - report.selected_wrong
        wrong = f"{report.selected_wrong} of {report.selected_known} measured ({report.selected_fdr:.0%})"
        lines += [f"  inactive: {wrong}; active: {active} of {report.hidden_actives} held out"]
    check = (
        "FIRES, the library differs from the assay: do not trust this rate"
        if report.shift_fires
        else "no difference in structure found inside the domain"
    )
    return [*lines, f"  shift check: {check}"]


def _show_safe(report: "DemoReport", output: Path) -> None:
    """The second ranking; the lines fit 80 columns."""
    from molgraph.demo import LEVEL, TOXICITY

    show_line("High potency, low toxicity: the first compounds of the second list")
    show_line(f"  ({output / 'safe' / 'hits.csv'})")
    rows = [("  compound", "pIC50", f"{LEVEL:.0%} interval", "meas.", *(f"{name} (%)" for name in TOXICITY))]
    for hit in report.potent_and_safe:
        measured = "" if hit.measured is None else f"{hit.measured:.1f}"
        risks = [
            f"{'?' if risk.domain == 'outside' else ''}{risk.probability:.2f} ({risk.percentile:.0f})"
            for risk in hit.risks
        ]
        interval = f"{hit.lower:.1f} to {hit.upper:.1f}"
        rows.append((f"  {hit.id}", f"{hit.value:.1f}", interval, measured, *risks))
    show_table(rows, right=range(1, 4 + len(TOXICITY)))
    show_line("  Probability of toxicity (percentile among approved drugs); a ? marks compounds")
    show_line("  outside the applicability domain of that model: unreliable.")


def _set_aside(report: "DemoReport") -> str:
    return f"{report.set_aside} that score as well; see hits/outside.csv" if report.set_aside else "none"
