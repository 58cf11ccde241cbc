"""Settings of a command from its options: each option has the name of the field that it sets."""

from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

import typer

_Config = TypeVar("_Config")


def with_options(config: _Config, ctx: typer.Context) -> _Config:
    """The settings, with the options of the command that were given in their place; also those of settings in them.

    Args:
        config: A dataclass, whose values hold where an option is not given (None).
        ctx: Holds what was typed, what the user's file of defaults has, and what callbacks made of these.

    Raises:
        InputError: A value is not allowed, or two do not go together.
    """
    changed = {}
    for field in fields(config):  # type: ignore[arg-type]  # it is a dataclass
        value = getattr(config, field.name)
        if is_dataclass(value):
            new = with_options(value, ctx)
        else:
            given = ctx.params.get(field.name)
            new = value if given is None else given
        if new is not value:
            changed[field.name] = new
    return replace(config, **changed) if changed else config  # type: ignore[type-var]
