"""The commands of `molgraph`, each imported when it is run: the help of the program lists them without."""

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

import typer

from .commands import Commands


@dataclass(frozen=True)
class CommandSpec:
    """One command, or one group of commands.

    Attributes:
        name: Name on the command line.
        summary: What it does, in a few words.
        module: Module of this package that holds it, as a function (with its examples as `EXAMPLE`) or a group `app`;
            that of its name if left out.
        function: Name of the function; that of the command if left out.
    """

    name: str
    summary: str
    module: str = ""
    function: str = ""

    def load(self) -> Any:
        """The command."""
        module = import_module(f".{self.module or self.name}", __package__)
        # Help as plain text, as that of the program.
        holder = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
        if hasattr(module, "app"):
            holder.add_typer(module.app, name=self.name)
            return typer.main.get_group(holder).commands[self.name]
        function = getattr(module, self.function or self.name)
        holder.command(self.name, epilog=module.EXAMPLE, short_help=self.summary)(function)
        return typer.main.get_command(holder)


#: All commands, in the order of the help.
COMMANDS: Mapping[str, CommandSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            CommandSpec("demo", "Train, screen and evaluate on built-in data."),
            CommandSpec("train", "Train an ensemble on an assay table."),
            CommandSpec("tune", "Optimise settings for a table."),
            CommandSpec("pretrain", "Pretrain an encoder on compound libraries."),
            CommandSpec("predict", "Predict every row of a table."),
            CommandSpec("screen", "Rank a compound library of any size."),
            CommandSpec("featurize", "Featurize a library for repeated screens."),
            CommandSpec("embed", "Compute embeddings of structures."),
            CommandSpec("evaluate", "Evaluate a model on measured compounds."),
            CommandSpec("models", "Models: list the built-in ones, describe one."),
            CommandSpec("datasets", "Benchmark data sets: list, show, fetch."),
            CommandSpec("benchmark", "Compare learners on the data sets of MoleculeNet."),
            CommandSpec("doctor", "Show versions and devices."),
            CommandSpec("init", "Set defaults of all commands."),
            CommandSpec("help", "Show the help of a command.", module="commands", function="show_help"),
        )
    }
)


class _Loaded(MutableMapping[str, Any]):
    """The commands by name, those of the table loaded when they are first asked for."""

    def __init__(self, others: Mapping[str, Any]) -> None:
        self._loaded = dict(others)

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = COMMANDS[name].load()
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS or name in self._loaded

    def __iter__(self) -> Iterator[str]:
        return iter({**COMMANDS, **self._loaded})

    def __len__(self) -> int:
        return len({**COMMANDS, **self._loaded})


class Program(Commands):
    """The program, whose commands are those of the table."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Loaded(self.commands)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  (Typer passes it)
        """The names of the commands."""
        return [*self.commands]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """List the commands in the help, without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(spec.name, spec.summary) for spec in COMMANDS.values()])
