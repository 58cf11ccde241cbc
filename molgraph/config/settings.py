"""Settings that people write: values that are checked against the fields of a dataclass."""

import types
import typing
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Literal, TypeVar

from molgraph.errors import InputError
from molgraph.spelling import did_you_mean
from molgraph.storage.decode import decode_toml, is_number, read_bounded

_Settings = TypeVar("_Settings")


def checks_names(kind: type[_Settings]) -> type[_Settings]:
    """The dataclass `kind`, whose constructor says which setting is meant where it does not know one.

    >>> from dataclasses import dataclass
    >>> @checks_names
    ... @dataclass(frozen=True)
    ... class Speed:
    ...     folds: int = 5
    >>> Speed(fold=3)
    Traceback (most recent call last):
    ...
    TypeError: Speed has no setting 'fold'; did you mean 'folds'?
    """
    dataclass: Any = kind
    init = dataclass.__init__
    known = [own.name for own in fields(dataclass) if own.init]

    @wraps(init)
    def checked(self: _Settings, *values: object, **settings: object) -> None:
        for name in settings:
            if name not in known:
                raise TypeError(f"{kind.__name__} has no setting {name!r}; {_hint(kind, name, known)}")
        init(self, *values, **settings)

    dataclass.__init__ = checked
    return kind


def _hint(kind: type, name: str, known: Collection[str]) -> str:
    for field, held in typing.get_type_hints(kind).items():
        if isinstance(held, type) and is_dataclass(held) and name in held.__dataclass_fields__:
            return f"it is one of {held.__name__}: {field}={held.__name__}({name}=...)"
    return did_you_mean(name, known).strip() or f"there are {', '.join(known)}"


#: Bytes of settings that are read.
_MOST_BYTES = 1_000_000


def require_range(config: object, name: str, value: float, low: float, high: float) -> None:
    """Raise an `InputError` if the field `name` of `config` has a value outside of these bounds."""
    if not low <= value <= high:
        raise InputError(f"{type(config).__name__}.{name} is {value}; it must lie between {low} and {high}")


def require_choices(config: object) -> None:
    """Raise an `InputError` if a field of a dataclass that has a few choices has none of them."""
    for name, expected in typing.get_type_hints(type(config)).items():
        value = getattr(config, name)
        if _texts(expected) and not _fits(value, expected):
            near = did_you_mean(str(value), _texts(expected))
            raise InputError(f"{type(config).__name__}.{name} is {value!r}; {near}it must be {_describe(expected)}")


def read_toml(path: str | Path) -> dict[str, Any]:
    """What a TOML file holds.

    Raises:
        InputError: The file cannot be read, or is not TOML.
    """
    try:
        content = read_bounded(path, _MOST_BYTES)
    except OSError as error:
        raise InputError(f"cannot read the settings in {path}: {error.strerror}") from error
    try:
        return decode_toml(content)
    except InputError as error:
        raise InputError(f"{path} is not a TOML file: {error}") from error


def check_settings(kind: type, values: Mapping[str, Any], source: str) -> None:
    """Raise an `InputError` if `values` has what is no field of the dataclass `kind`, or of another type.

    The field `model`, a table of its own, is left out.
    """
    types_by_name = typing.get_type_hints(kind)
    known = [name for name in types_by_name if name != "model"]
    for name, value in values.items():
        if name not in known:
            near = did_you_mean(name, known)
            raise InputError(f"{source}: there is no setting {name!r}; {near}allowed are {', '.join(known)}")
        expected = types_by_name[name]
        if not _fits(value, expected):
            near = did_you_mean(value, _texts(expected)) if isinstance(value, str) else ""
            raise InputError(f"{source}: {name} is {value!r}; {near}it must be {_describe(expected)}")


def _texts(expected: Any) -> list[str]:
    """The texts that a type has as choices, alone or beside None; empty if it has none."""
    if typing.get_origin(expected) in (types.UnionType, typing.Union):
        return [text for option in typing.get_args(expected) for text in _texts(option)]
    return [str(text) for text in typing.get_args(expected)] if typing.get_origin(expected) is Literal else []


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
        return is_number(value)
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
