"""What all commands have in common: help without arguments, and an end from outside that is not silent."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup


class StoppedError(Exception):
    """A command was ended from outside; the cause is a `KeyboardInterrupt` or a `BrokenPipeError`.

    Typer turns both into an exit code without a word, so they go past it under this name.
    """


class Commands(TyperGroup):
    """A group of commands that shows its help where none is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Show the help and end with exit code 2 if there is nothing to parse."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help(), err=True)
            raise typer.Exit(2)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            if callable(ctx.obj):
                ctx.obj()
            return super().invoke(ctx)
        except (KeyboardInterrupt, BrokenPipeError) as error:
            raise StoppedError from error


def show_help(
    ctx: typer.Context,
    command: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="A command, e.g. screen, or models show.")
    ] = None,
) -> None:
    """Show the help of molgraph, or of a command; `molgraph COMMAND --help` is the same."""
    shown: Any = ctx.find_root()
    for word in command or []:
        if not isinstance(shown.command, TyperGroup):
            shown.fail(f"{shown.command_path} has no command {word!r}")
        name, found, _ = shown.command.resolve_command(shown, [word])
        shown = found.context_class(found, info_name=name, parent=shown)
    typer.echo(shown.get_help())
