"""Settings that messages of the library name, as the flags that set them here."""

import ast
import re
import shlex
from functools import cache
from typing import Any

import typer

#: A setting as the library writes it (`molgraph.errors.setting`): its name, behind that of its group if it has one, and
#: perhaps its value as Python has it.
_SETTING = re.compile(r"`(?:[a-z]+\.)?([a-z_]+)(?:=([^`]*))?`")

#: Settings whose option has another name, or that two options share.
_OTHER_NAMES = {"units": "unit"}
_DIRECTIONS = {"minimize": "--minimize", "maximize": "--maximize"}


def with_flags(text: str) -> str:
    """`text` with each setting that has a flag replaced by it.

    >>> with_flags("give another `output`, or `overwrite=True`; choose one with `where={'Type': 'IC50 mean'}`")
    "give another --output, or --overwrite; choose one with --where 'Type=IC50 mean'"
    >>> with_flags("leave them out with `missing=['-999']`, or say `units='nM'`")
    'leave them out with --missing=-999, or say --unit nM'
    >>> with_flags("choose `uncertainty.method='ensemble'`")
    'choose --uncertainty ensemble'
    >>> with_flags("the file `notes` stays as it is")
    'the file `notes` stays as it is'
    """
    return _SETTING.sub(_flag, text)


def _flag(found: re.Match[str]) -> str:
    name, written = found[1], found[2]
    try:
        value = None if written is None else ast.literal_eval(written)
    except (ValueError, SyntaxError):
        return found[0]
    if name == "directions":
        ways = value if isinstance(value, dict) else {}
        return " ".join(f"{_DIRECTIONS[way]} {shlex.quote(of)}" for of, way in ways.items()) or " or ".join(
            _DIRECTIONS.values()
        )
    flags = _flags().get(_OTHER_NAMES.get(name, name))
    if flags is None:
        return found[0]
    flag, negated = flags
    if value is None or value is True:
        return flag
    if value is False:
        return negated or found[0]
    if isinstance(value, dict):
        return " ".join(f"{flag} {shlex.quote(f'{key}={item}')}" for key, item in value.items())
    text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"{flag}={shlex.quote(text)}" if text.startswith("-") else f"{flag} {shlex.quote(text)}"


@cache
def _flags() -> dict[str, tuple[str, str]]:
    """The flag of each parameter of a command, and the one that negates it."""
    from .app import app

    flags: dict[str, tuple[str, str]] = {}
    groups: list[Any] = [typer.main.get_command(app)]
    for command in groups:
        groups += getattr(command, "commands", {}).values()
        for parameter in command.params:
            if parameter.param_type_name == "option":
                usual = f"--{parameter.name.replace('_', '-')}"
                long = [flag for flag in parameter.opts if flag.startswith("--")]
                negated = parameter.secondary_opts[0] if parameter.secondary_opts else ""
                flags.setdefault(parameter.name, (usual if usual in long else long[0], negated))
    return flags
