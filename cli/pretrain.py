"""`molgraph pretrain`: self-supervised pretraining of an encoder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molgraph.config.training import Device, PretrainConfig

from .config_options import with_options
from .options import (
    DEVICE,
    SEED,
    AsJson,
    ConfigFile,
    OutputFolder,
    Overwrite,
    Processes,
    Quiet,
    Resume,
    default_text,
    with_default,
)
from .text import show_json, show_table, tell

if TYPE_CHECKING:
    from molgraph.model_folder.encoder_card import EncoderCard

EXAMPLE = """\b
Examples:
  molgraph pretrain library.smi.gz vendor.sdf.gz -o encoder
  molgraph pretrain library.smi.gz -o encoder --keep-out test.csv --epochs 20
  molgraph train assay.csv -o model --encoder encoder
"""


#: Defaults of the options.
_PRETRAIN = PretrainConfig()


def pretrain(
    ctx: typer.Context,
    libraries: Annotated[
        list[str], typer.Argument(metavar="LIBRARY...", help="Structures: files, folders, globs or addresses.")
    ],
    *,
    output: OutputFolder,
    keep_out: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Compounds to hold out, e.g. a test set; may be repeated."),
    ] = None,
    per_library: Annotated[
        int | None, typer.Option(min=1, help="Records to sample from each library. [default: all]")
    ] = None,
    hidden: Annotated[
        int | None, typer.Option(help=f"Width of the encoder. {default_text(_PRETRAIN.model.hidden)}")
    ] = None,
    depth: Annotated[
        int | None, typer.Option(help=f"Message-passing steps. {default_text(_PRETRAIN.model.depth)}")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help=f"Passes over the molecules. {default_text(_PRETRAIN.epochs)}")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help=f"Molecules a step. {default_text(_PRETRAIN.batch_size)}")
    ] = None,
    seed: Annotated[int | None, with_default(SEED, _PRETRAIN.seed)] = None,
    config: ConfigFile = None,
    targets: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Store the computed targets here, and reuse them if they exist, e.g. to try another width. "
            "[default: deleted at the end]",
        ),
    ] = None,
    device: Annotated[Device | None, with_default(DEVICE, _PRETRAIN.device)] = None,
    processes: Processes = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Pretrain an encoder on computed properties of compound libraries; no labels are needed."""
    from molgraph import pretrain as run
    from molgraph.config.training import pretrain_config_from_toml
    from molgraph.parallel.cpu import default_processes

    from .progress import pretraining_bar

    settings = with_options(_PRETRAIN if config is None else pretrain_config_from_toml(config), ctx)
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
