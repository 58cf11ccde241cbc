"""Settings that people write: values that are checked against the fields of a dataclass."""

import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from molgraph.errors import InputError


def require_range(config: object, name: str, value: float, low: float, high: float) -> None:
    """Raise an `InputError` if the field `name` of `config` has a value outside of these bounds."""
    if not low <= value <= high:
        raise InputError(f"{type(config).__name__}.{name} is {value}; it must lie between {low} and {high}")


def require_choices(config: object) -> None:
    """Raise an `InputError` if a field of a dataclass that has a few choices has none of them."""
    for name, expected in typing.get_type_hints(type(config)).items():
        value = getattr(config, name)
        if typing.get_origin(expected) is Literal and not _fits(value, expected):
            raise InputError(f"{type(config).__name__}.{name} is {value!r}; it must be {_describe(expected)}")


def read_toml(path: str | Path) -> dict[str, Any]:
    """What a TOML file holds.

    Raises:
        InputError: The file cannot be read, or is not TOML.
    """
    try:
        with Path(path).open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise InputError(f"cannot read the settings in {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a TOML file: {error}") from error


def check_settings(kind: type, values: Mapping[str, Any], source: str) -> None:
    """Raise an `InputError` if `values` has what is no field of the dataclass `kind`, or of another type.

    The field `model`, a table of its own, is left out.
    """
    types_by_name = typing.get_type_hints(kind)
    for name, value in values.items():
        if name not in types_by_name or name == "model":
            allowed = ", ".join(n for n in types_by_name if n != "model")
            raise InputError(f"{source}: there is no setting {name!r}; allowed are {allowed}")
        if not _fits(value, types_by_name[name]):
            raise InputError(f"{source}: {name} is {value!r}; it must be {_describe(types_by_name[name])}")


def _fits(value: object, expected: Any) -> bool:
    origin = typing.get_origin(expected)
    if origin is Literal:
        return value in typing.get_args(expected)
    if origin in (types.UnionType, typing.Union):
        return any(_fits(value, option) for option in typing.get_args(expected))
    if origin is dict:
        key, item = typing.get_args(expected)
        return isinstance(value, dict) and all(_fits(k, key) and _fits(v, item) for k, v in value.items())
    if expected is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if expected is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, expected)


def _describe(expected: Any) -> str:
    origin = typing.get_origin(expected)
    if origin is Literal:
        return "one of " + ", ".join(repr(option) for option in typing.get_args(expected))
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_describe(option) for option in typing.get_args(expected))
    if origin is dict:
        return "a table of numbers"
    named = {float: "a number", int: "a whole number", bool: "true or false", str: "a text", type(None): "left out"}
    return named[expected]
