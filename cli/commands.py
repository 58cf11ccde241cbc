"""Base class of command groups: help without arguments, user defaults, and errors for signals."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup


class StoppedError(Exception):
    """A command was interrupted; the cause is a `KeyboardInterrupt` or a `BrokenPipeError`.

    Typer turns both into an exit code without a message, so they pass through it as this exception.
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
            if ctx.parent is None:
                ctx.default_map = _user_defaults(self, ctx)
            return super().invoke(ctx)
        except (KeyboardInterrupt, BrokenPipeError) as error:
            raise StoppedError from error


#: Commands that work even if the file of defaults is damaged.
_WITHOUT_DEFAULTS = ("init", "doctor", "help")

#: Options that a settings file (--config) sets itself.
_SETTINGS = ("device", "precision")


def _user_defaults(group: TyperGroup, ctx: Any) -> dict[str, Any]:
    """Values of the user's file of defaults for the options of the command."""
    from molgraph.config.user_defaults import load_defaults

    arguments = [*getattr(ctx, "_protected_args", ()), *ctx.args]
    if not arguments or arguments[0] in _WITHOUT_DEFAULTS:
        return {}
    given = load_defaults().given
    has_settings = any(text.partition("=")[0] == "--config" for text in arguments)
    command = group.commands.get(arguments[0])
    options = {parameter.name for parameter in getattr(command, "params", ())}
    return {
        arguments[0]: {
            name: value for name, value in given.items() if name in options and not (has_settings and name in _SETTINGS)
        }
    }


#: Example in the help of `help`.
EXAMPLE = "Example: molgraph help models show"


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
