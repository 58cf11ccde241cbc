"""Plain values, as JSON has them, as frozen dataclasses; every value is checked for its type."""

import reprlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import MappingProxyType, UnionType
from typing import Any, Literal, TypeGuard, Union, get_args, get_origin, get_type_hints

from molgraph.config.training import PretrainConfig, TrainConfig, config_from_dict, pretrain_config_from_dict
from molgraph.errors import InputError
from molgraph.storage.decode import is_number

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
    arguments, origin = get_args(expected), get_origin(expected)
    if is_dataclass(expected) and is_table(value):
        return _parse_table(expected, value, whole, where)
    if origin is tuple and isinstance(value, list):
        return _parse_list(arguments, value, whole, where)
    if origin is dict and is_table(value):
        return {key: parse_plain(arguments[1], item, whole, f"{where}[{key[:40]!r}]") for key, item in value.items()}
    if origin in (Union, UnionType):
        return None if value is None else parse_plain(arguments[0], value, whole, where)
    if (origin is Literal and value in arguments) or expected is Any:
        return value
    if expected is float and is_number(value):
        return float(value)  # type: ignore[arg-type]  # it is one
    if expected in (str, int, bool) and type(value) is expected:
        return value
    raise InputError(f"{where} is {reprlib.repr(value)}; that does not belong into a {whole}")


def _parse_list(kinds: tuple[Any, ...], values: list[Any], whole: str, where: str) -> tuple[Any, ...]:
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(values)
    if len(values) != len(kinds):
        raise InputError(f"{where} has {len(values)} values, and a {whole} has {len(kinds)} there")
    own = enumerate(zip(kinds, values, strict=True))
    return tuple(parse_plain(kind, value, whole, f"{where}[{i}]") for i, (kind, value) in own)


def _parse_table(expected: Any, value: dict[str, Any], whole: str, where: str) -> Any:
    if expected in _SETTINGS:
        try:
            return _SETTINGS[expected](value, source="settings")
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
    types = _types(expected)
    needed = {own.name for own in fields(expected) if own.default is MISSING and own.default_factory is MISSING}
    odd = sorted((value.keys() - types.keys()) | (needed - value.keys()))
    if odd:
        raise InputError(f"{where}: missing or unknown fields {reprlib.repr(odd)}; not a {whole}")
    given = {name: parse_plain(types[name], value[name], whole, f"{where}: {name}") for name in types if name in value}
    try:
        return expected(**given)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


@cache
def _types(expected: type) -> dict[str, Any]:
    return get_type_hints(expected)


def is_table(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value is a JSON object."""
    return isinstance(value, dict)
