"""`molgraph demo`."""

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
    """Train on an assay and screen a library that RDKit ships, and compare with the known answers."""
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
    show_line(f"Library: {LIBRARY_TITLE}, and hidden among them")
    show_line(f"         {report.hidden} of the assay ({report.hidden_actives} active) kept out of the training")
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
    """What a chemist would ask, and the answers; the lines fit 80 columns."""
    wrong = "none" if report.false_discovery_rate is None else f"{report.false_discovery_rate:.0%}"
    return [
        (
            "Error on hidden compounds",
            f"RMSE {report.hidden_rmse:.2f} (cross-validation: {report.out_of_fold_rmse:.2f})",
        ),
        ("Hidden actives among the hits", f"{report.actives_found} of {report.hidden_actives}, in {report.top} hits"),
        ("Set aside as unlike the assay", _set_aside(report)),
        ("Better than random rows", f"{report.enrichment:.1f} times (at best {report.best_enrichment:.1f})"),
        (
            f"Actives among the first {report.hidden_actives}",
            f"{report.first_hits_active}; by chance, of the hidden alone, {report.first_hits_by_chance:.0f}",
        ),
        ("Hits called active but inactive", f"{report.picked_wrong} of {report.picked_known} that are known ({wrong})"),
        (
            f"Inside their {report.level:.0%} intervals",
            f"{report.coverage:.0%} of {report.hidden} measured values; mean width {report.mean_width:.1f}",
        ),
        (
            "Rows that could not be used",
            f"{report.library_rejected} of {report.library_rows:,}; hits/rejected.csv says why",
        ),
        ("Speed of the screen", f"{report.screened_per_second:,.0f} rows a second, start-up included"),
    ]


def _selection(report: "DemoReport", output: Path) -> list[str]:
    """What was selected, its rate, and what came true; the lines fit 80 columns."""
    asked = f"To buy at a false discovery rate of {report.fdr:.0%}:"
    if not report.selected:
        return [f"{asked} nothing; too few score well enough"]
    lines = [f"{asked} {report.selected} compounds,", f"  listed in {output / 'hits' / 'selected.csv'}"]
    if report.selected_fdr is not None:
        found = report.selected_known - report.selected_wrong
        wrong = f"{report.selected_wrong} of {report.selected_known} known ({report.selected_fdr:.0%})"
        lines += [f"  inactive: {wrong}; active: {found} of {report.hidden_actives} hidden"]
    check = "FIRES: do not trust this rate" if report.shift_fires else "no difference in structure found in the domain"
    return [*lines, f"  shift check {check}"]


def _show_safe(report: "DemoReport", output: Path) -> None:
    """The second ranking; the lines fit 80 columns."""
    from molgraph.demo import LEVEL, TOXICITY

    show_line("Potency up, toxicity down: the first of the second list")
    show_line(f"  ({output / 'safe' / 'hits.csv'})")
    rows = [("  compound", "pIC50", f"{LEVEL:.0%} interval", "known", *(f"{name} (%)" for name in TOXICITY))]
    for hit in report.potent_and_safe:
        measured = "" if hit.measured is None else f"{hit.measured:.1f}"
        risks = [
            f"{'?' if risk.domain == 'outside' else ''}{risk.probability:.2f} ({risk.percentile:.0f})"
            for risk in hit.risks
        ]
        interval = f"{hit.lower:.1f} to {hit.upper:.1f}"
        rows.append((f"  {hit.id}", f"{hit.value:.1f}", interval, measured, *risks))
    show_table(rows, right=range(1, 4 + len(TOXICITY)))
    show_line("  Probabilities, in brackets the approved drugs with a smaller one, in per cent;")
    show_line("  a ? marks compounds outside the applicability domain of that model: a guess.")


def _set_aside(report: "DemoReport") -> str:
    return f"{report.set_aside} that score as well; see hits/outside.csv" if report.set_aside else "none"
