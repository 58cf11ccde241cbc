"""Plain values, as JSON and TOML have them, as typed ones: tables become dataclasses, and lists tuples.

A field without a default is needed, any other may be left out, and what is no field is refused. An error is one line:
where, what came, and what is allowed or was perhaps meant.
"""

import reprlib
import types
import typing
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar

from molgraph.errors import InputError
from molgraph.spelling import did_you_mean
from molgraph.storage.decode import is_number

_Kind = TypeVar("_Kind")

#: What a value must be, in words.
_WORDS: Mapping[Any, str] = types.MappingProxyType(
    {float: "a number", int: "a whole number", bool: "true or false", str: "a text", types.NoneType: "left out"}
)

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 120


def decode(
    kind: type[_Kind],
    value: object,
    source: str,
    *,
    noun: str = "field",
    beside: Collection[str] = (),
    allows_nonfinite: bool = False,
) -> _Kind:
    """`value` as the type `kind`.

    Args:
        kind: A dataclass, perhaps with others in its fields, or any type that a field can have: `str`, `int`, `float`,
            `bool`, `Literal`, `tuple`, `dict` with texts as keys, `NDArray` (a list of numbers), a union of these.
        value: What `decode_json` or `decode_toml` gave.
        source: The file or what else it comes from, for messages; empty where the caller names it.
        noun: What a field is called in messages.
        beside: Keys of the outermost table that are read elsewhere.
        allows_nonfinite: Take NaN and infinity as numbers.

    Raises:
        InputError: A field is missing, unknown, or of another type, or the dataclass refuses its values.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Speed:
    ...     limits: tuple[int, ...]
    ...     mode: Literal["slow", "fast"] = "slow"
    >>> decode(Speed, {"limits": [1, 2]}, "speed.toml")
    Speed(limits=(1, 2), mode='slow')
    >>> decode(Speed, {"limits": [1], "mode": "Fast"}, "speed.toml")
    Traceback (most recent call last):
    ...
    molgraph.errors.InputError: speed.toml: mode is 'Fast'; did you mean 'fast'? it must be one of 'slow', 'fast'
    """
    if beside and isinstance(value, Mapping):
        value = {name: item for name, item in value.items() if name not in beside}
    decoded: _Kind = _Decoder(source, noun, allows_nonfinite).decode(kind, value, "")
    return decoded


def choices(kind: Any) -> list[str]:
    """The texts that a type has as choices, alone or beside None; empty if it has none.

    >>> choices(Literal["cpu", "cuda"] | None), choices(str)
    (['cpu', 'cuda'], [])
    """
    origin, arguments = _parts(kind)
    if _is_union(origin):
        return [text for option in arguments for text in choices(option)]
    return [str(text) for text in arguments] if origin is Literal else []


def describe(kind: Any, path: str = "") -> str:
    """What a value of a type must be, in words; `path` names the field that holds it.

    >>> describe(int | None), describe(tuple[str, ...])
    ('a whole number or left out', 'a list, each a text')
    """
    origin, arguments = _parts(kind)
    if origin is Literal:
        return "one of " + ", ".join(map(repr, arguments))
    if _is_union(origin):
        return " or ".join(describe(option, path) for option in arguments)
    heading = f" [{path}]" if path.isidentifier() else ""
    if _is_table(kind):
        return f"a table{heading} with {', '.join(_hints(kind))}"
    if origin is dict:
        return f"a table{heading}" + ("" if arguments[1] is Any else f", each value {describe(arguments[1])}")
    if _is_array(origin):
        return "a list of numbers"
    if origin is not tuple:
        return _WORDS[kind]
    if _is_table(arguments[0]):
        return "a list of tables" + (f" [{heading.strip()}]" if heading else "")
    if arguments[-1] is Ellipsis:
        return f"a list, each {describe(arguments[0])}"
    return f"a list of {len(arguments)} values"


@dataclass(frozen=True)
class _Decoder:
    source: str
    noun: str
    allows_nonfinite: bool

    def decode(self, kind: Any, value: Any, path: str, outer: Any = None) -> Any:
        """`value`, which stands at `path`, as `kind`; `outer` is the dataclass around it."""
        if type(value) is kind and (kind is not float or self.allows_nonfinite):
            return value  # most values by far: the hits of a screen are read thousands at a time
        origin, arguments = _parts(kind)
        if not self._fits(kind, value):
            near = did_you_mean(value, choices(kind)) if isinstance(value, str) else ""
            raise self._refusal(path or "it", f"is {_SHORT.repr(value)}; {near}it must be {describe(kind, path)}")
        if _is_union(origin):
            return self.decode(next(o for o in arguments if self._fits(o, value)), value, path, outer)
        if kind is float:
            return float(value)
        if origin is tuple:
            items = (arguments[0],) * len(value) if arguments[-1] is Ellipsis else arguments
            return tuple(self.decode(items[i], item, f"{path}[{i}]") for i, item in enumerate(value))
        if origin is dict:
            return {name: self.decode(arguments[1], item, f"{path}[{name[:40]!r}]") for name, item in value.items()}
        if _is_array(origin):
            import numpy as np

            return np.array(value, dtype=np.float64)
        return self._table(kind, value, path, outer) if _is_table(kind) else value

    def _fits(self, kind: Any, value: Any) -> bool:
        """Whether a value is of this type, whatever it holds itself."""
        if kind is float:
            return (self.allows_nonfinite and type(value) is float) or is_number(value)
        if kind in (str, int, bool, types.NoneType):
            return type(value) is kind
        origin, arguments = _parts(kind)
        if _is_union(origin):
            return any(self._fits(option, value) for option in arguments)
        if origin is Literal:
            return any(type(value) is type(option) and value == option for option in arguments)
        if origin is tuple:
            return isinstance(value, list | tuple) and (arguments[-1] is Ellipsis or len(value) == len(arguments))
        if origin is dict:
            return isinstance(value, Mapping) and all(type(name) is str for name in value)
        if _is_array(origin):
            return isinstance(value, list) and all(self._fits(float, item) for item in value)
        return kind is Any or (_is_table(kind) and isinstance(value, Mapping))

    def _table(self, kind: Any, values: Mapping[str, Any], path: str, outer: Any) -> Any:
        hints, below = _hints(kind), f"{path}." if path else ""
        for name in values:
            if name not in hints:
                subject = f"{path} has" if path else "there is"
                raise self._refusal(
                    "", f"{subject} no {self.noun} {_SHORT.repr(name)}; {_place(kind, name, path, outer)}"
                )
        missing = [name for name in _needed(kind) if name not in values]
        if missing:
            raise self._refusal(below + missing[0], f"is missing; it must be {describe(hints[missing[0]])}")
        given = {name: self.decode(hints[name], item, below + name, kind) for name, item in values.items()}
        try:
            return kind(**given)
        except InputError as error:
            raise self._refusal(f"{path}:" if path else "", str(error)) from error

    def _refusal(self, path: str, words: str) -> InputError:
        return InputError((f"{self.source}: " if self.source else "") + (f"{path} " if path else "") + words)


def _place(kind: Any, name: str, path: str, outer: Any) -> str:
    """Where a name belongs that is no field of `kind`, or what was meant."""
    hints = _hints(kind)
    for field, held in hints.items():
        if _is_table(held) and name in _hints(held):
            return f"it belongs below [{path}.{field}]" if path else f"it belongs below [{field}]"
    if outer is not None:
        beside = _hints(outer)
        if name in beside and not _is_table(beside[name]):
            return f"it belongs above [{path}]"
        parent = path.rpartition(".")[0] + "." if "." in path else ""
        for field, held in beside.items():
            if _is_table(held) and name in _hints(held):
                return f"it belongs below [{parent}{field}]"
    near = did_you_mean(name, hints)
    if not near:
        for field, held in hints.items():
            if _is_table(held) and (near := did_you_mean(name, _hints(held))):
                near += f"it belongs below [{path}.{field}]; " if path else f"it belongs below [{field}]; "
                break
    return f"{near}allowed are {', '.join(hints)}"


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    """Types of the fields that a dataclass takes."""
    hints = typing.get_type_hints(kind)
    return types.MappingProxyType({field.name: hints[field.name] for field in fields(kind) if field.init})


@cache
def _needed(kind: Any) -> tuple[str, ...]:
    own = fields(kind)
    return tuple(f.name for f in own if f.init and f.default is MISSING and f.default_factory is MISSING)


@cache
def _parts(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    return typing.get_origin(kind), typing.get_args(kind)


def _is_table(kind: Any) -> bool:
    return is_dataclass(kind)


def _is_union(origin: Any) -> bool:
    return origin is types.UnionType or origin is typing.Union


def _is_array(origin: Any) -> bool:
    return getattr(origin, "__name__", "") == "ndarray"  # numpy is not imported for settings
