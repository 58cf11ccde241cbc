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
            if ctx.parent is None:
                ctx.default_map = _user_defaults(self, ctx)
            return super().invoke(ctx)
        except (KeyboardInterrupt, BrokenPipeError) as error:
            raise StoppedError from error


#: Commands that mend the defaults, or do without: they work where the file of defaults is broken.
_WITHOUT_DEFAULTS = ("init", "doctor", "help")

#: What a file of settings, given by --config, says for itself.
_SETTINGS = ("device", "precision")


def _user_defaults(group: TyperGroup, ctx: Any) -> dict[str, Any]:
    """What the user's file of defaults says of the options of each command."""
    from molgraph.config.user_defaults import load_defaults

    words = [*getattr(ctx, "_protected_args", ()), *ctx.args]
    if not words or words[0] in _WITHOUT_DEFAULTS:
        return {}
    given = load_defaults().given
    has_settings = any(word.partition("=")[0] == "--config" for word in words)
    command = group.commands.get(words[0])
    own = {parameter.name for parameter in getattr(command, "params", ())}
    return {
        words[0]: {
            name: value for name, value in given.items() if name in own and not (has_settings and name in _SETTINGS)
        }
    }


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
