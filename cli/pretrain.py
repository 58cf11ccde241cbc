"""`molgraph pretrain`: self-supervised pretraining of an encoder."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import AsJson, DeviceOption, Overwrite, Processes, Quiet
from .text import show_json, show_table, tell

if TYPE_CHECKING:
    from molgraph.config.training import PretrainConfig
    from molgraph.model_folder.encoder_card import EncoderCard

EXAMPLE = """\b
Examples:
  molgraph pretrain library.smi.gz vendor.sdf.gz -o encoder
  molgraph pretrain library.smi.gz -o encoder --keep-out test.csv --epochs 20
  molgraph train assay.csv -o model --encoder encoder
"""


def pretrain(
    libraries: Annotated[
        list[str], typer.Argument(metavar="LIBRARY...", help="Structures: files, folders, globs or addresses.")
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write: the encoder.")],
    keep_out: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Compounds to hold out, e.g. a test set; may be repeated."),
    ] = None,
    per_library: Annotated[
        int | None, typer.Option(min=1, help="Records to sample from each library. [default: all]")
    ] = None,
    hidden: Annotated[int | None, typer.Option(min=1, help="Width of the encoder. [default: 300]")] = None,
    depth: Annotated[int | None, typer.Option(min=1, help="Message-passing steps. [default: 3]")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the molecules. [default: 4]")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Molecules a step. [default: 128]")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of sample, order and weights. [default: 0]")] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Settings; options given here come first.")
    ] = None,
    targets: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Store the computed targets here, and reuse them if they exist, e.g. to try another width. "
            "[default: deleted at the end]",
        ),
    ] = None,
    device: DeviceOption = "auto",
    processes: Processes = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a run stopped.")] = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Pretrain an encoder on computed properties of compound libraries; no labels are needed."""
    from molgraph import pretrain as run
    from molgraph.config.training import pretrain_config_from_toml
    from molgraph.parallel.cpu import default_processes

    from .progress import pretraining_bar

    settings = _with_options(
        None if config is None else pretrain_config_from_toml(config),
        {"per_library": per_library, "epochs": epochs, "batch_size": batch_size, "seed": seed},
        {"hidden": hidden, "depth": depth},
    )
    if device != "auto":
        settings = replace(settings, device=device)
    with pretraining_bar(quiet=quiet) as listener:
        card = run(
            libraries,
            output=output,
            keep_out=keep_out or [],
            config=settings,
            targets=targets,
            processes=processes or default_processes(),
            resume=resume,
            overwrite=overwrite,
            on_progress=listener,
        )
    if as_json:
        from molgraph.model_folder.encoder_card import encoder_card_to_dict

        show_json(encoder_card_to_dict(card))
        return
    if not quiet:
        _tell_corpus(card)
    show_table([("target", "R2 on held-out molecules"), *_r2_lines(card)])
    if not quiet:
        tell(f"Encoder written to {output}; use it with molgraph train --encoder {output}")


def _with_options(config: "PretrainConfig | None", given: dict[str, Any], shape: dict[str, Any]) -> "PretrainConfig":
    from molgraph.config.training import PretrainConfig

    config = config or PretrainConfig()
    model = replace(config.model, **{name: value for name, value in shape.items() if value is not None})
    return replace(config, model=model, **{name: value for name, value in given.items() if value is not None})


def _tell_corpus(card: "EncoderCard") -> None:
    for account in card.corpus:
        left_out = {
            "not sampled": account.not_sampled,
            "unusable": account.unusable,
            "duplicates": account.repeated,
            "held out": account.kept_out,
        }
        why = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items() if count)
        tell(f"{account.name}: {account.used:,} of {account.rows:,} records" + (f" ({why})" if why else ""))
    tell(f"trained on {card.n_train:,} molecules, evaluated on {card.n_held_out:,} others")


def _r2_lines(card: "EncoderCard") -> list[tuple[str, str]]:
    """The median of each block, then each named target, the least accurate first."""
    medians = [(f"{block} (median)", _shown(value)) for block, value in card.median_r2.items()]
    named = [(name, value) for name, value in card.r2.items() if not name.rpartition(".")[2].isdigit()]
    named.sort(key=lambda pair: (pair[1] is None, pair[1]))
    return [*medians, *((name, _shown(value)) for name, value in named)]


def _shown(value: float | None) -> str:
    return "does not vary" if value is None else f"{value:.3f}"
