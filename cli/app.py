"""The `molgraph` command: its sub-commands, error messages and exit codes."""

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable
from typing import Annotated, NoReturn

import typer

from .command_table import Program
from .ending import EXIT_INTERRUPTED, EndedError, ended, listen
from .text import show_line, tell

#: Exit codes besides 0 (done) and 1 (done, but more rows were rejected than `--max-rejected` allows).
EXIT_BAD_INPUT = 2

EXAMPLE = """\b
Examples:
  molgraph demo
  molgraph train assay.csv -o model --target-columns pIC50
  molgraph screen model library.smi.gz -o hits --top 200
"""

app = typer.Typer(
    cls=Program,
    help="Train graph neural networks on assay tables, and screen compound libraries into ranked hits with "
    "calibrated uncertainties.",
    epilog=EXAMPLE,
    pretty_exceptions_enable=False,
    # Plain text: the same in a pipe, in a log and in a narrow window, and without the time to load rich.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        from molgraph import __version__

        show_line(f"molgraph {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train models on assay tables, predict, and screen compound libraries."""


def run() -> NoReturn:
    """Run the command line as a program, and end the process at once."""
    try:
        main(on_command=listen)
        code: object = 0
    except SystemExit as leaving:
        code = leaving.code
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # All files are closed and all workers ended; unloading torch module by module would take half a second.
    os._exit(code if isinstance(code, int) else 0)


def main(on_command: Callable[[], None] = lambda: None) -> None:
    """Run the command line: one line for each error, and an exit code for its kind.

    Args:
        on_command: Called when a command begins, before it does anything.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a character that the terminal cannot show must not raise
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8")  # files and pipes get UTF-8 in any locale
    try:
        code = app(prog_name="molgraph", standalone_mode=False, obj=on_command)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  (the outermost handler)
        _explain(error)
    sys.exit(code or 0)


def _explain(error: Exception | KeyboardInterrupt) -> NoReturn:
    cause = error if isinstance(error, KeyboardInterrupt) else error.__cause__
    if isinstance(cause, KeyboardInterrupt):
        _stop_ended(_first(cause), str(cause))
    if isinstance(error, BrokenPipeError) or isinstance(cause, BrokenPipeError):
        # The reader of the output has ended, as in `molgraph ... | head`.
        _forget_stdout()
        sys.exit(0)
    # Errors of usage come from Typer or, in its older versions, from click; only this method is common to them.
    if hasattr(error, "format_message"):
        _stop(_usage_message(error), EXIT_BAD_INPUT)
    if ended() is not None:
        _stop_ended(ended(), "")
    from molgraph.errors import MolgraphError

    if os.environ.get("MOLGRAPH_DEBUG"):
        raise error
    if isinstance(error, MolgraphError):
        _stop(str(error), EXIT_BAD_INPUT)
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        _forget_stdout()  # it may be what cannot be written
        _stop(f"{name}{error.strerror or error}", EXIT_BAD_INPUT)
    if _wants_memory(error):
        _stop("out of memory; use --processes 1, a smaller --batch-size or a machine with more memory", EXIT_BAD_INPUT)
    first_line = next(iter(str(error).strip().splitlines()), "")
    _stop(
        f"this is a bug in molgraph: {type(error).__name__}: {first_line} "
        "(set MOLGRAPH_DEBUG=1 to see where, and please report it)",
        EXIT_BAD_INPUT,
    )


#: Messages of the dynamic loader and of allocators when memory runs out.
_OUT_OF_MEMORY = re.compile(
    r"failed to map segment|can(?:not|'t) allocate memory|can't start new thread|not enough memory|bad_alloc|"
    r"memory allocation (?:\S+ )?failed",
    re.IGNORECASE,
)


def _wants_memory(error: Exception | KeyboardInterrupt) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # the latter is torch's
        return True
    return isinstance(error, ImportError | RuntimeError) and bool(_OUT_OF_MEMORY.search(str(error)))


def _stop_ended(error: EndedError | None, advice: str) -> NoReturn:
    what, code = ("interrupted", EXIT_INTERRUPTED) if error is None else (error.what, error.code)
    _stop(f"{what}; {advice or 'no incomplete output is left'}", code)


def _first(error: BaseException | None) -> EndedError | None:
    """The signal at the root of a chain of errors; advice on how to resume is raised from it."""
    while error is not None and not isinstance(error, EndedError):
        error = error.__cause__
    return error


#: Message of Typer for a value that is not one of the choices.
_CHOICE = re.compile(r"'(?P<given>[^']*)' is not one of (?P<choices>'.*)")


def _usage_message(error: BaseException) -> str:
    """Message for a wrong command line: the problem, the value that was given, and how to get help."""
    message = str(error.format_message()).replace("Value error, ", "").rstrip(".")  # type: ignore[attr-defined]
    problems = getattr(error.__cause__, "errors", None)
    if problems is not None:  # pydantic, which parses values for Typer
        given = repr(problems()[0]["input"])
        message += "" if given in message else f", got {given}"
    choice = _CHOICE.search(message)
    if choice is not None:
        from molgraph.spelling import did_you_mean

        near = did_you_mean(choice["given"], re.findall(r"'([^']+)'", choice["choices"]))
        message += f"; {near.rstrip()}" if near else ""
    context = getattr(error, "ctx", None)
    return f"{message} (help: {'molgraph' if context is None else context.command_path} --help)"


def _forget_stdout() -> None:
    """Redirect stdout to nowhere, so that flushing it at exit cannot fail."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stop(message: str, code: int) -> NoReturn:
    tell(f"molgraph: {message}")
    sys.exit(code)
