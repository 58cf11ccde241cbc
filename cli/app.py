"""The `molgraph` command: the sub-commands, and what an error looks like."""

import os
import sys
from typing import Annotated, NoReturn

import typer
from molgraph_cli import datasets, demo, doctor, models, predict, screen, train

#: Exit codes: done; done, but more rows were rejected than `--max-rejected` allows; bad input or usage.
EXIT_TOO_MANY_REJECTED = 1
EXIT_BAD_INPUT = 2

app = typer.Typer(
    help="Train graph neural networks on assay tables, and screen compound libraries into ranked hits with honest "
    "uncertainties.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=demo.EXAMPLE)(demo.demo)
app.command(epilog=train.EXAMPLE)(train.train)
app.command(epilog=predict.EXAMPLE)(predict.predict)
app.command(epilog=screen.EXAMPLE)(screen.screen)
app.add_typer(models.app, name="models")
app.add_typer(datasets.app, name="datasets")
app.command(epilog=doctor.EXAMPLE)(doctor.doctor)


def _show_version(asked: bool) -> None:
    if asked:
        from molgraph import __version__

        typer.echo(f"molgraph {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hold the options that come before a command."""


def main() -> None:
    """Run the command line: one line for each error, and an exit code that says which kind it was."""
    try:
        app()
    except KeyboardInterrupt:
        _stop("interrupted; nothing half-written is left behind", 130)
    except BrokenPipeError:
        # Whoever read our output has gone, as in `molgraph ... | head`; say nothing when Python flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001  (the last place where an error can become one line)
        _explain(error)


def _explain(error: Exception) -> NoReturn:
    from molgraph.errors import MolgraphError

    if os.environ.get("MOLGRAPH_DEBUG"):
        raise error
    if isinstance(error, MolgraphError):
        _stop(str(error), EXIT_BAD_INPUT)
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        _stop(f"{name}{error.strerror or error}", EXIT_BAD_INPUT)
    if isinstance(error, MemoryError):
        _stop("out of memory; use --processes 1, a smaller --batch-size or a machine with more memory", EXIT_BAD_INPUT)
    first_line = next(iter(str(error).strip().splitlines()), "")
    _stop(
        f"this is a bug in molgraph: {type(error).__name__}: {first_line} "
        "(set MOLGRAPH_DEBUG=1 to see where, and please report it)",
        EXIT_BAD_INPUT,
    )


def _stop(message: str, code: int) -> NoReturn:
    # Text from a file may be in the message; control characters must not reach the terminal.
    shown = "".join(c if c.isprintable() else "?" for c in " ".join(message.splitlines()))
    typer.echo(f"molgraph: {shown}", err=True)
    sys.exit(code)
