"""Settings that people write: values that are checked against the fields of a dataclass."""

import typing
from collections.abc import Collection
from dataclasses import fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

from molgraph.errors import InputError
from molgraph.spelling import did_you_mean, near_names
from molgraph.storage.decode import decode_toml, read_bounded
from molgraph.storage.decode_typed import choices, describe

_Settings = TypeVar("_Settings")


def checked_settings(kind: type[_Settings]) -> type[_Settings]:
    """The dataclass `kind`, whose constructor suggests the setting that is meant where it does not know one.

    A whole number given for a decimal becomes one, so that settings are the same however they were written.

    >>> from dataclasses import dataclass
    >>> @checked_settings
    ... @dataclass(frozen=True)
    ... class Speed:
    ...     folds: int = 5
    ...     rate: float = 0.1
    >>> Speed(rate=1)
    Speed(folds=5, rate=1.0)
    >>> Speed(fold=3)
    Traceback (most recent call last):
    ...
    TypeError: Speed has no setting 'fold'; did you mean 'folds'?
    """
    dataclass: Any = kind
    init = dataclass.__init__
    known = [own.name for own in fields(dataclass) if own.init]
    decimals = [own.name for own in fields(dataclass) if own.type in (float, "float")]

    @wraps(init)
    def checked(self: _Settings, *values: object, **settings: object) -> None:
        for name in settings:
            if name not in known:
                raise TypeError(f"{kind.__name__} has no setting {name!r}; {_hint(kind, name, known)}")
        init(self, *values, **settings)
        for name in decimals:
            if type(getattr(self, name)) is int:
                object.__setattr__(self, name, float(getattr(self, name)))

    dataclass.__init__ = checked
    return kind


def _hint(kind: type, name: str, known: Collection[str]) -> str:
    groups = _groups(kind)
    for field, held in groups.items():
        if name in held.__dataclass_fields__:
            return f"it is one of {held.__name__}: {field}={held.__name__}({name}=...)"
    if near := did_you_mean(name, known):
        return near.strip()
    for field, held in groups.items():
        for meant in near_names(name, held.__dataclass_fields__)[:1]:
            return f"did you mean {meant!r}? it is one of {held.__name__}: {field}={held.__name__}({meant}=...)"
    return f"there are {', '.join(known)}"


def _groups(kind: type) -> dict[str, Any]:
    """The fields of a dataclass that hold groups of settings, with the dataclasses of these."""
    hints = typing.get_type_hints(kind)
    return {name: held for name, held in hints.items() if isinstance(held, type) and is_dataclass(held)}


#: Bytes of settings that are read.
_MOST_BYTES = 1_000_000


def require_range(config: object, name: str, value: float, low: float, high: float) -> None:
    """Raise an `InputError` if the field `name` of `config` has a value outside of these bounds."""
    if not low <= value <= high:
        raise InputError(f"{type(config).__name__}.{name} is {value}; it must lie between {low} and {high}")


def require_groups(config: object) -> None:
    """Raise an `InputError` if a field of a dataclass that holds a group of settings has another value."""
    for name, held in _groups(type(config)).items():
        value = getattr(config, name)
        if not isinstance(value, held):
            inner = next(iter(held.__dataclass_fields__))
            raise InputError(
                f"{type(config).__name__}.{name} is {value!r}; it must be settings, "
                f"as in {name}={held.__name__}({inner}=...)"
            )


def require_choices(config: object) -> None:
    """Raise an `InputError` if a field of a dataclass that has a few choices has none of them."""
    for name, expected in typing.get_type_hints(type(config)).items():
        value, allowed = getattr(config, name), choices(expected)
        if allowed and value not in allowed and not (value is None and type(None) in typing.get_args(expected)):
            near = did_you_mean(str(value), allowed)
            raise InputError(f"{type(config).__name__}.{name} is {value!r}; {near}it must be {describe(expected)}")


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
