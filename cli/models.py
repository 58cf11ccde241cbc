"""`molgraph models`: lists built-in models, describes model and encoder folders, and builds the built-in models."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .commands import Commands
from .domain_text import domain_lines
from .new_series import new_series_lines
from .options import AsJson, Model, Quiet
from .text import show_json, show_line, show_table, significant, tell

if TYPE_CHECKING:
    from molgraph.config.training import TrainConfig
    from molgraph.model_folder.card import MetricRecord, ModelCard
    from molgraph.results.tasks import TaskSpec

app = typer.Typer(cls=Commands, help="Models: list the built-in ones, describe one.")


@app.command("list", epilog="Example: molgraph models list", short_help="List the built-in models.")
def list_models(*, as_json: AsJson = False) -> None:
    """List the built-in models; a name can be given instead of a model folder, and `panel` for all of them."""
    from molgraph.model_folder.card import card_to_dict
    from molgraph.model_folder.folder import load_card
    from molgraph.prediction.builtin_models import builtin_models

    cards = {name: load_card(folder) for name, folder in builtin_models().items()}
    if as_json:
        show_json({name: card_to_dict(card) for name, card in cards.items()})
        return
    if not cards:
        show_line("this installation has no built-in models")
        return
    rows = [("name", "compounds", "cross-validated", "prediction")]
    group = None
    for name, card in cards.items():
        about = card.about
        if about is not None and about.group != group:
            group = about.group
            rows += [("", "", "", ""), (group, "", "", "")]
        rows.append((f"  {name}", f"{card.data.rows_used:,}", _leading(card), _title(card)))
    show_table(rows, right=[1])
    show_line()
    show_line("Predict with all of them: molgraph predict panel FILE -o OUT; with some: panel:herg,ames.")
    show_line("Training data, accuracy and limits of one: molgraph models show NAME.")
    show_line("factor: median fold error; half of the predictions are within this factor of the measured value.")


def _leading(card: "ModelCard") -> str:
    """The main metric, averaged over the tasks; the median fold error where logarithms were learned."""
    names = [record.metric for record in card.metrics]
    metric = "median_factor" if "median_factor" in names else names[0]
    means = [record.mean for record in card.metrics if record.metric == metric and record.mean is not None]
    return f"{metric.removeprefix('median_')} {significant(sum(means) / len(means) if means else None)}"


def _title(card: "ModelCard") -> str:
    unit = card.tasks[0].unit
    title = "" if card.about is None else card.about.title
    return f"{title}, {unit}" if unit is not None else title


@app.command(epilog="Example: molgraph models show herg", short_help="Describe a model and its accuracy.")
def show(model: Model, *, as_json: AsJson = False) -> None:
    """Describe a model: tasks, training data, out-of-fold metrics, settings; or an encoder: corpus and accuracy."""
    from molgraph.model_folder.card import card_to_dict
    from molgraph.model_folder.folder import load_card
    from molgraph.prediction.builtin_models import model_folder
    from molgraph.storage.checked_folder import sealed_noun

    if sealed_noun(model) == "encoder":
        _show_encoder(Path(model), as_json=as_json)
        return
    card = load_card(model_folder(model))
    if as_json:
        show_json(card_to_dict(card))
    else:
        show_table(_lines(card))


@app.command(epilog="Example: molgraph models build data/models", short_help="Train the built-in models again.")
def build(
    output: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of models; those it has are kept.")],
    *,
    data: Annotated[
        Path,
        typer.Option(envvar="MOLGRAPH_DATA", help="Folder with the data sets moleculenet and tdc_admet."),
    ],
    quiet: Quiet = False,
) -> None:
    """Train the built-in models again, on their original tables."""
    from molgraph.training.build_panel import build_panel

    folders = build_panel(data, output, tell=(lambda _line: None) if quiet else tell)
    if not quiet:
        tell(f"{len(folders)} models in {output}")


def _show_encoder(folder: Path, *, as_json: bool) -> None:
    from molgraph.model_folder.encoder_card import encoder_card_to_dict
    from molgraph.model_folder.encoder_folder import load_encoder_card

    card = load_encoder_card(folder)
    if as_json:
        show_json(encoder_card_to_dict(card))
        return
    model = card.config.model
    held_out = f"; {card.kept_out:,} compounds of {len(card.keep_out_files)} files were held out"
    show_table(
        [
            ("encoder", f"{model.architecture}, {model.hidden} wide, {model.depth} deep"),
            ("trained on", f"{card.n_train:,} molecules{held_out if card.keep_out_files else ''}"),
            *((account.name, f"{account.used:,} of {account.rows:,} records") for account in card.corpus),
            *(
                (
                    f"R2 of {block}",
                    "does not vary"
                    if value is None
                    else f"{significant(value)} (median, {card.n_held_out:,} held out)",
                )
                for block, value in card.median_r2.items()
            ),
            ("standardizer", f"{card.standardizer}, version {card.standardizer_version}"),
            ("licence", card.licence),
            (
                "written by",
                ", ".join([f"molgraph {card.molgraph_version}", *(f"{k} {v}" for k, v in card.libraries.items())]),
            ),
        ]
    )


def _lines(card: "ModelCard") -> list[tuple[str, str]]:
    data, config = card.data, card.config
    about = card.about
    lines = [] if about is None else [("predicts", about.title), ("kind", about.group), ("data source", about.source)]
    lines += [("task", _task_line(task)) for task in card.tasks[:20]]
    if len(card.tasks) > 20:
        lines.append(("", f"... and {len(card.tasks) - 20} more (--json shows all)"))
    lines += [("validation", _metric_line(record)) for record in card.metrics[:40]]
    lines += [
        ("models", _models_line(card)),
        *([("network", _network_line(config))] if "network" in card.learners else []),
        ("trained on", f"{data.name}: {data.rows_used:,} compounds of {data.rows_read:,} rows"),
        ("left out", f"{data.rejected:,} rejected, {data.unlabelled:,} without a label, {data.merged_away:,} merged"),
        *([("censored", f"{data.bounds:,} labels (> or <)")] if data.bounds else []),
        ("conflicting", f"{data.conflicting_groups:,} of {data.merged_groups:,} merged structures"),
        *([("encoder", _encoder_line(card))] if card.encoder is not None else []),
        ("standardizer", f"{card.standardizer}, version {card.standardizer_version}"),
        ("uncertainty", config.uncertainty.method),
        ("calibration", _calibration_line(card)),
        ("structures", _structures_line(card)),
        *(("domain", line) for line in domain_lines(card.domain[:60])),
        *([("percentiles", f"relative to {card.reference}")] if card.reference is not None else []),
        *([] if about is None else [("licence", about.licence), ("not for", about.not_for)]),
        *([] if about is None else [("defects", defect) for defect in about.defects]),
        (
            "written by",
            ", ".join([f"molgraph {card.molgraph_version}", *(f"{k} {v}" for k, v in card.libraries.items())]),
        ),
    ]
    lines += [("new series", line) for line in new_series_lines(card)]
    return lines


def _models_line(card: "ModelCard") -> str:
    from molgraph.config.learners import LEARNERS

    return f"{card.n_members} of {', '.join(LEARNERS[name].title for name in card.learners)}"


def _metric_line(record: "MetricRecord") -> str:
    interval = record.interval
    shown = "" if interval is None else f", 95%: {significant(interval[0])} to {significant(interval[1])}"
    return f"{record.task} {record.metric} {significant(record.mean)}{shown} ({record.n_rows:,} compounds)"


def _encoder_line(card: "ModelCard") -> str:
    tuning = "frozen" if card.config.encoder.tuning == "frozen" else "fine-tuned by each member of the network"
    return f"{(card.encoder or '')[:12]}, {tuning}"


def _network_line(config: "TrainConfig") -> str:
    model = config.model
    if config.encoder.tuning == "frozen":
        features = "" if model.molecule_features == "none" else f" and {model.molecule_features}"
        return f"a head on the encoder's embedding{features}"
    reads = "" if model.molecule_features == "none" else f"; its head also reads {model.molecule_features}"
    return f"{model.architecture}, {model.hidden} wide, {model.depth} deep{reads}"


def _calibration_line(card: "ModelCard") -> str:
    from molgraph.uncertainty.coverage import interval_line

    rows = f"{min(card.calibration_rows):,}" if card.calibration_rows else "no"
    how = "out-of-fold predictions" if card.calibration.rows == "cross" else "held out from training"
    where = "" if card.recalibrated_on is None else f", of {card.recalibrated_on.name}"
    kinds = {task.kind for task in card.tasks}
    shares = f"; {interval_line(min(card.calibration_rows))}" if kinds == {"regression"} else ""
    return f"{card.calibration.rows}: at least {rows} compounds per task{where}; {how}{shares}"


def _structures_line(card: "ModelCard") -> str:
    from molgraph.model_folder.parts import TRAINING_HASHES

    if card.has_structures:
        return "stored in the folder"
    return "not stored; training compounds are recognised by hashes" if TRAINING_HASHES in card.files else "not stored"


def _task_line(task: "TaskSpec") -> str:
    direction = "more is better" if task.direction == "maximize" else "less is better"
    better = direction if task.direction is not None else "no preferred direction"
    return ", ".join(part for part in (task.name, task.kind, task.unit, better) if part)
