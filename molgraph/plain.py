"""Plain values, as JSON has them, as frozen dataclasses; every value is checked for its type."""

import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import MappingProxyType, UnionType
from typing import Any, Literal, TypeGuard, Union, get_args, get_origin, get_type_hints

from molgraph.config import PretrainConfig, TrainConfig, config_from_dict, pretrain_config_from_dict
from molgraph.errors import InputError

#: Settings, of which each may be left out.
_SETTINGS: Mapping[type, Callable[..., Any]] = MappingProxyType(
    {TrainConfig: config_from_dict, PretrainConfig: pretrain_config_from_dict}
)


def parse_plain(expected: Any, value: object, whole: str, where: str) -> Any:
    """`value` as the type `expected`: objects become dataclasses, and arrays tuples.

    Args:
        expected: A type, of a field of a dataclass perhaps.
        value: What JSON gave.
        whole: What all of it is, e.g. `card of format 2`.
        where: What this part of it is.

    Raises:
        InputError: A field without a default is missing, or one is unknown or of the wrong type.

    >>> parse_plain(tuple[int, ...], [1, 2], "card", "numbers")
    (1, 2)
    """
    arguments = get_args(expected)
    if is_dataclass(expected) and is_table(value):
        return _parse_table(expected, value, whole, where)
    if get_origin(expected) is tuple and isinstance(value, list):
        return tuple(parse_plain(arguments[0], item, whole, f"{where}[{i}]") for i, item in enumerate(value))
    if get_origin(expected) is dict and is_table(value):
        return {key: parse_plain(arguments[1], item, whole, f"{where}[{key[:40]!r}]") for key, item in value.items()}
    if get_origin(expected) in (Union, UnionType):
        return None if value is None else parse_plain(arguments[0], value, whole, where)
    if get_origin(expected) is Literal and value in arguments:
        return value
    if isinstance(value, int | float) and expected is float and not isinstance(value, bool) and abs(value) < math.inf:
        return float(value)
    if expected in (str, int, bool) and type(value) is expected:
        return value
    raise InputError(f"{where} is {reprlib.repr(value)}; that does not belong into a {whole}")


def _parse_table(expected: Any, value: dict[str, Any], whole: str, where: str) -> Any:
    if expected in _SETTINGS:
        try:
            return _SETTINGS[expected](value, source="settings")
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
    types = get_type_hints(expected)
    needed = {own.name for own in fields(expected) if own.default is MISSING and own.default_factory is MISSING}
    odd = sorted((value.keys() - types.keys()) | (needed - value.keys()))
    if odd:
        raise InputError(f"{where}: missing or unknown fields {reprlib.repr(odd)}; not a {whole}")
    given = {name: parse_plain(types[name], value[name], whole, f"{where}: {name}") for name in types if name in value}
    try:
        return expected(**given)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def is_table(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value is a JSON object."""
    return isinstance(value, dict)
