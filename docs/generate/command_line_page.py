"""The page on the command line: every command, argument and option of the Typer app."""

import enum
import inspect
import re
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from markdown_table import cell, code, table
from typer.main import get_command

from molgraph_cli.app import app

_INTRODUCTION = """\
# Command line

This page is made from the code; `molgraph COMMAND --help` shows the same. An option that can be given several times is
marked with `...`. `molgraph --install-completion` lets the shell complete commands, models, data sets and columns, and
`molgraph help screen` is `molgraph screen --help`.

| exit code | means |
|---|---|
| 0 | done |
| 1 | done, but more rows were rejected than `--max-rejected` allows |
| 2 | the input cannot be used, or the command was wrong: one line says what came and what to do |
| 128 + n | ended by a signal n, e.g. 130 by Ctrl-C |
"""

_TYPES: Mapping[object, str] = {str: "text", Path: "path", int: "whole number", float: "number"}


def command_line_page() -> str:
    """All commands, in the order of the help."""
    return "\n".join([_INTRODUCTION, *(line for words, own in commands() for line in _section(words, own))])


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, with the words that call it."""
    pending = [("molgraph", get_command(app))]
    while pending:
        words, own = pending.pop(0)
        below = getattr(own, "commands", None)
        if below is None:
            yield words, own
        else:
            pending = [(f"{words} {name}", command) for name, command in below.items() if not command.hidden] + pending


def _section(words: str, own: Any) -> Iterator[str]:
    yield f"\n## {words}\n"
    yield f"{_text(own.help or '')}\n"
    arguments = [parameter for parameter in own.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in own.params if parameter.param_type_name == "option" and not parameter.hidden]
    if arguments:
        rows = [
            [code(_metavar(each)), "" if each.required else "may be left out", _meaning(each)] for each in arguments
        ]
        yield table(["argument", "", "meaning"], rows) + "\n"
    if options:
        rows = [[_names(each), _type(each), _default(each), _meaning(each)] for each in options]
        yield table(["option", "type or choices", "default", "meaning"], rows) + "\n"
    if own.epilog:
        yield f"```\n{inspect.cleandoc(own.epilog.replace(chr(8), ''))}\n```\n"


def _text(text: str) -> str:
    """Help as paragraphs; a mark of click keeps the lines of some as they are."""
    shown = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b"):
            shown.append("```\n" + paragraph.removeprefix("\b").strip("\n") + "\n```")
        else:
            shown.append(cell(paragraph).replace("\\|", "|"))
    return "\n\n".join(shown)


def _metavar(argument: Any) -> str:
    return (argument.metavar or argument.name.upper()).strip("[]")


#: How help says what is taken where there is no fixed default.
_STATED_DEFAULT = re.compile(r"\s*\[default: (.*)\]$")


def _meaning(parameter: Any) -> str:
    return cell(_STATED_DEFAULT.sub("", getattr(parameter, "help", None) or ""))


def _names(option: Any) -> str:
    names = sorted(option.opts, key=len, reverse=True) + sorted(option.secondary_opts, key=len, reverse=True)
    several = " `...`" if option.multiple else ""
    return ", ".join(code(name) for name in names) + several


def _type(option: Any) -> str:
    if option.is_flag:
        return "flag"
    kind = option.type_descriptor.annotation
    while typing.get_origin(kind) in (typing.Union, types.UnionType, list):
        kind = next(part for part in typing.get_args(kind) if part is not types.NoneType)
    if typing.get_origin(kind) is typing.Literal:
        return ", ".join(code(str(choice)) for choice in typing.get_args(kind))
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        return ", ".join(code(str(choice.value)) for choice in kind)
    return code(option.metavar) if option.metavar else _TYPES.get(kind, cell(getattr(kind, "__name__", str(kind))))


def _default(option: Any) -> str:
    stated = _STATED_DEFAULT.search(option.help or "")
    if stated:
        return cell(stated[1])
    value = option.default
    if option.required:
        return "must be given"
    if value is None or callable(value) or value in ((), [], "") or (option.is_flag and value is False):
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    return code(str(getattr(value, "value", value)))
