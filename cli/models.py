"""`molgraph models`: what a model folder says of itself."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .commands import Commands
from .options import AsJson, ModelFolder
from .text import show_json, show_table

if TYPE_CHECKING:
    from molgraph.card import ModelCard
    from molgraph.config import TrainConfig
    from molgraph.tasks import TaskSpec

app = typer.Typer(cls=Commands, help="Model folders: show what one is and where it comes from.")


@app.callback()
def root() -> None:
    """Keep `show` a sub-command while it is the only one."""


@app.command(epilog="Example: molgraph models show model", short_help="Show what a model is and how good it is.")
def show(model: ModelFolder, *, as_json: AsJson = False) -> None:
    """Show tasks, training data, out-of-fold metrics and settings of a model; or corpus and quality of an encoder."""
    from molgraph.card import card_to_dict
    from molgraph.sealed import sealed_noun
    from molgraph.store import load_card

    if sealed_noun(model) == "encoder":
        _show_encoder(model, as_json=as_json)
        return
    card = load_card(model)
    if as_json:
        show_json(card_to_dict(card))
    else:
        show_table(_lines(card))


def _show_encoder(folder: Path, *, as_json: bool) -> None:
    from molgraph.encoder_card import encoder_card_to_dict
    from molgraph.encoder_store import load_encoder_card

    card = load_encoder_card(folder)
    if as_json:
        show_json(encoder_card_to_dict(card))
        return
    model = card.config.model
    kept_out = f"; {card.kept_out:,} compounds of {len(card.keep_out_files)} files were kept out"
    show_table(
        [
            ("encoder", f"{model.architecture}, {model.hidden} wide, {model.depth} deep"),
            ("learned from", f"{card.n_train:,} molecules{kept_out if card.keep_out_files else ''}"),
            *((account.name, f"{account.used:,} of {account.rows:,} records") for account in card.corpus),
            *(
                (
                    f"R2 of {block}",
                    "does not vary" if value is None else f"{value:.3f} (median, {card.n_held_out:,} others)",
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
    lines = [("task", _task_line(task)) for task in card.tasks[:20]]
    if len(card.tasks) > 20:
        lines.append(("", f"... and {len(card.tasks) - 20} more (--json shows all)"))
    lines += [
        ("members", f"{card.n_members} of {', '.join(card.learners)}"),
        *([("network", _network_line(config))] if "network" in card.learners else []),
        ("trained on", f"{data.name}: {data.rows_used:,} compounds of {data.rows_read:,} rows"),
        ("left out", f"{data.rejected:,} rejected, {data.unlabelled:,} without a label, {data.merged_away:,} merged"),
        *([("bounds", f"{data.bounds:,} labels of which no more than a bound is known")] if data.bounds else []),
        ("conflicting", f"{data.conflicting_groups:,} of {data.merged_groups:,} merged structures"),
        *([("encoder", _encoder_line(card))] if card.encoder is not None else []),
        ("standardizer", f"{card.standardizer}, version {card.standardizer_version}"),
        ("uncertainty", config.uncertainty),
        ("calibration", _calibration_line(card)),
        ("structures", "in the folder" if card.has_structures else "left out"),
        ("domain", _domain_line(card.domain_similarity)),
        (
            "written by",
            ", ".join([f"molgraph {card.molgraph_version}", *(f"{k} {v}" for k, v in card.libraries.items())]),
        ),
    ]
    for record in card.metrics[:40]:
        mean = "undefined" if record.mean is None else f"{record.mean:.3f}"
        std = "" if record.std is None else f" ± {record.std:.3f}"
        lines.append(("out of fold", f"{record.task} {record.metric} {mean}{std} ({record.n_rows:,} compounds)"))
    return lines


def _encoder_line(card: "ModelCard") -> str:
    kept = "as it was pretrained" if card.config.encoder_tuning == "frozen" else "which the network's members tuned"
    return f"{(card.encoder or '')[:12]}, {kept}"


def _network_line(config: "TrainConfig") -> str:
    model = config.model
    if config.encoder_tuning == "frozen":
        beside = "" if model.molecule_features == "none" else f" and {model.molecule_features}"
        return f"a head on the encoder's vector{beside}"
    reads = "" if model.molecule_features == "none" else f"; its head reads {model.molecule_features} too"
    return f"{model.architecture}, {model.hidden} wide, {model.depth} deep{reads}"


def _calibration_line(card: "ModelCard") -> str:
    rows = f"{min(card.calibration_rows):,}" if card.calibration_rows else "no"
    how = "each judged by the member that never saw it" if card.calibration.rows == "cross" else "no member saw them"
    where = "" if card.recalibrated_on is None else f", of {card.recalibrated_on.name}"
    return f"{card.calibration.rows}: {rows} compounds a task or more{where}; {how}"


def _domain_line(similarity: float | None) -> str:
    if similarity is None:
        return "not known without structures"
    return f"compounds with a similarity of {similarity:.2f} or more to a training compound"


def _task_line(task: "TaskSpec") -> str:
    return ", ".join(part for part in (task.name, task.kind, task.unit, task.direction) if part)
